"""SIGTERM as an exception, so that a command that is terminated keeps what it has as after Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from attributionlab.errors import Terminated

REPEAT_SECONDS = 1.0
"""Time within which the same signal may come twice: to all processes of a group, and passed on by the parent."""


@contextmanager
def termination_raises() -> Iterator[Callable[[], bool]]:
    """Raise `Terminated` in the main thread at the first SIGTERM; a later one ends the process at once.

    No-op in other threads, where something else handles or ignores the signal, and within another block of this kind.

    Yields:
        A function that tells whether SIGTERM came: Ray raises a plain KeyboardInterrupt in place of `Terminated`.
    """
    outer = signal.getsignal(signal.SIGTERM)
    if isinstance(outer, _Terminate):
        yield lambda: outer.first is not None
        return
    handler = _Terminate()
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or outer is not signal.SIG_DFL:
        yield lambda: False
        return
    signal.signal(signal.SIGTERM, handler)
    try:
        yield lambda: handler.first is not None
    finally:
        if handler.first is None:  # else the process ends; the same signal may still come from the parent
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Terminate:
    """Raises `Terminated` once; signals that come together count as one, a later one ends the process at once."""

    def __init__(self) -> None:
        self.first: float | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self.first is None:
            self.first = time.monotonic()
            raise Terminated
        if time.monotonic() - self.first > REPEAT_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
