"""Workers that end when the process that started them ends, however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

from attributionlab.files import process_runs

_PR_SET_PDEATHSIG = 1
_WATCH_SECONDS = 0.5

END_CODE = 70
"""Exit code of a worker whose parent has ended; nobody reads it."""


def end_with_parent(parent: int, by_kernel: bool) -> None:
    """Let this process end as soon as its parent has ended, even by `kill -9`.

    A thread looks whether the parent is still the same, on every POSIX system. It cannot look while native code keeps Python from
    running; on Linux the kernel ends the process then.

    Args:
        parent: Id of the process that started this one.
        by_kernel: Whether to ask the kernel, too. It goes by the thread that started this process, so that thread must live as
            long as the parent: the main thread does.
    """
    if by_kernel:
        ask_kernel()
    if os.name != "posix":
        return
    if not process_runs(parent):  # it ended before we could ask
        os._exit(END_CODE)
    arguments = (os.getppid(), _WATCH_SECONDS)
    threading.Thread(target=watch_parent, args=arguments, daemon=True, name="attributionlab parent watch").start()


def ask_kernel() -> None:
    """Ask Linux to kill this process when the thread that started it ends; no-op elsewhere."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def watch_parent(parent: int, seconds: float) -> None:
    """End this process once its parent has changed; look every `seconds`."""
    while os.getppid() == parent:
        time.sleep(seconds)
    os._exit(END_CODE)
