"""Workers that end when the process that started them ends, however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_WATCH_SECONDS = 0.5

end_process = os._exit
"""Python's own, also while a function of others runs, which may not use it (`machine.contained`)."""

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
    if os.getppid() != parent:  # it ended before we could ask; it may be a zombie still, whose id is in use
        end_process(END_CODE)
    arguments = (parent, _WATCH_SECONDS)
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
    end_process(END_CODE)


_REAPER = """
import os, signal, sys
from pathlib import Path

noted = set()
for line in sys.stdin:
    if line == "done\\n":
        sys.exit()
    noted.add(tuple(line.split()))
for process, began in noted:
    try:
        if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19] == began:
            os.kill(int(process), signal.SIGKILL)
    except OSError:
        pass
"""
"""Program that reads ids of processes with the times at which they began, and kills them where its input ends without `done`."""


@contextmanager
def reaped() -> Iterator[Callable[[], None]]:
    """A second process that kills those below this one when this one is killed; Linux only, elsewhere a no-op.

    It is for what other programs start, which cannot be asked to end with us: Ray leaves two of its processes behind.

    Yields:
        A function that notes the processes that are there now.
    """
    if sys.platform != "linux":
        yield lambda: None
        return
    command = [sys.executable, "-I", "-c", _REAPER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True) as reaper:  # noqa: S603  # our own program
        assert reaper.stdin is not None, "it was asked for"
        stream = reaper.stdin

        def note() -> None:
            for process in _below(os.getpid()):
                began = _began(process)
                if began is not None and process != reaper.pid:
                    stream.write(f"{process} {began}\n")
            stream.flush()

        try:
            yield note
        finally:
            with contextlib.suppress(OSError):  # it may have been killed
                stream.write("done\n")
                stream.flush()


def _below(process: int) -> Iterator[int]:
    """Ids of all processes below one, on Linux."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            for child in map(int, children.read_text(encoding="ascii").split()):
                yield child
                yield from _below(child)


def _began(process: int) -> str | None:
    """The time at which a process began, which tells it from a later one with the same id; None if it has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]
