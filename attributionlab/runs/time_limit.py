"""An end to jobs that hang."""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attributionlab.errors import TookTooLong, bad_option


class _Alarm(BaseException):
    """Not an Exception: a method that catches every one of those would go on for ever."""


LONGEST_TIMEOUT = 10_000_000
"""Seconds that a job may have, at most, about four months: alarms of some systems end there."""


def check_time_limit(seconds: object) -> None:
    """Refuse what is no time, or cannot be kept here.

    Raises:
        BadOption: If it is not a positive number, or the system has no alarms (Windows).
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= LONGEST_TIMEOUT:
        raise bad_option("timeout", f"be a positive number of seconds, at most {LONGEST_TIMEOUT:,}", seconds)
    if not hasattr(signal, "setitimer"):
        raise bad_option("timeout", "be left out on a system without alarms", seconds)


GRACE_SECONDS = 2.0
"""Time that a method may go on after the first alarm."""

_REPEAT_SECONDS = 0.1

TIMEOUT_CODE = 75
"""Exit code of a worker in which a method ignored all alarms."""

_ends_process = False


def end_process_when_ignored() -> None:
    """Let `at_most` end this process where all alarms are ignored: for workers, which can be lost."""
    global _ends_process  # noqa: PLW0603  # a fact about this process
    _ends_process = True


@contextmanager
def at_most(seconds: float | None, what: str) -> Iterator[None]:
    """Interrupt what takes longer; main thread only.

    Python is interrupted wherever it is; native code, and what Python is called from there, when it comes back. The alarm rings again
    every tenth of a second. Whoever still goes on after two seconds is ended with the process, if that is a worker, even within
    native code.

    Args:
        seconds: How long it may take; None for ever.
        what: How the message begins.

    Raises:
        TookTooLong: If it did, also where it went on after the alarm and came to an end.
    """
    if seconds is None:
        yield
        return
    armed, rang, others = True, False, (0.0, 0.0)
    end = time.monotonic() + seconds + GRACE_SECONDS

    def ring(*_: object) -> None:
        nonlocal rang
        if armed:
            rang = True
            if _ends_process and time.monotonic() > end:
                os._exit(TIMEOUT_CODE)
            raise _Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        others = signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT_SECONDS)
        try:
            with _ended_by_faulthandler(seconds + 2 * GRACE_SECONDS):
                yield
        finally:
            armed = False  # from here on nothing is interrupted, so that the alarm leaves no other way than below
    except BaseException:
        if not rang:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, *others)  # a test runner may have set one
        signal.signal(signal.SIGALRM, before)
    if rang:
        raise TookTooLong(f"{what} took longer than {seconds:g} s")


@contextmanager
def _ended_by_faulthandler(seconds: float) -> Iterator[None]:
    """End a worker after so many seconds from a thread of C, which no native code can hold up; no-op in other processes."""
    if not _ends_process:
        yield
        return
    with Path(os.devnull).open("w", encoding="ascii") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
