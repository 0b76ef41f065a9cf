"""Time limit for jobs that hang."""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attributionlab.errors import TookTooLong, bad_option
from attributionlab.runs.parent import end_process


class _Alarm(BaseException):
    """Interrupts a job. It is not an Exception, because a method may catch every Exception."""


LONGEST_TIMEOUT = 10_000_000
"""Longest time limit of a job in seconds, about four months: alarms of some systems end there."""


def check_time_limit(seconds: object) -> None:
    """Refuse a time limit that is not a time, or that this system cannot enforce.

    Raises:
        BadOption: If `seconds` is not a positive number, or the system has no alarms (Windows).
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= LONGEST_TIMEOUT:
        raise bad_option("timeout", f"be a positive number of seconds, at most {LONGEST_TIMEOUT:,}", seconds)
    if not hasattr(signal, "setitimer"):
        raise bad_option("timeout", "be left out on a system without alarms", seconds)


GRACE_SECONDS = 2.0
"""Seconds that a method may continue after the first alarm."""

_REPEAT_SECONDS = 0.1

TIMEOUT_CODE = 75
"""Exit code of a worker in which a method ignored all alarms."""

_ends_process = False


def end_process_when_ignored() -> None:
    """Let `at_most` end this process if a method ignores all alarms; for worker processes, which are replaced."""
    global _ends_process  # noqa: PLW0603  # a fact about this process
    _ends_process = True


@contextmanager
def at_most(seconds: float | None, subject: str) -> Iterator[None]:
    """Interrupt a block that takes longer; main thread only.

    Python code is interrupted at once; native code, and Python code called from it, when it returns. The alarm repeats every tenth of
    a second. A worker process whose block still runs after two more seconds is ended, even within native code.

    Args:
        seconds: Time limit; None for no limit.
        subject: First words of the message.

    Raises:
        TookTooLong: If the block took longer, even if it ignored the alarm and then ended by itself.
    """
    if seconds is None:
        yield
        return
    armed, rang, earlier_timer = True, False, (0.0, 0.0)
    end = time.monotonic() + seconds + GRACE_SECONDS

    def ring(*_: object) -> None:
        nonlocal rang
        if armed:
            rang = True
            if _ends_process and time.monotonic() > end:
                end_process(TIMEOUT_CODE)
            raise _Alarm

    earlier_handler = signal.signal(signal.SIGALRM, ring)
    try:
        earlier_timer = signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT_SECONDS)
        try:
            with _ended_by_faulthandler(seconds + 2 * GRACE_SECONDS):
                yield
        finally:
            armed = False  # from here on nothing is interrupted, so that the alarm leaves no other way than below
    except BaseException:
        if not rang:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, *earlier_timer)  # a test runner may have set one
        signal.signal(signal.SIGALRM, earlier_handler)
    if rang:
        raise TookTooLong(f"{subject} took longer than {seconds:g} s")


@contextmanager
def _ended_by_faulthandler(seconds: float) -> Iterator[None]:
    """End a worker after some seconds from a thread in C, which native code cannot block; no-op in other processes."""
    if not _ends_process:
        yield
        return
    with Path(os.devnull).open("w", encoding="ascii") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
