"""SIGTERM as an exception, so that a command that is terminated keeps what it has as after Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from attributionlab.errors import Terminated


@contextmanager
def termination_raises() -> Iterator[None]:
    """Raise `Terminated` in the main thread at the first SIGTERM; a second one ends the process at once.

    No-op in other threads, and where something else handles or ignores the signal.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Terminated
