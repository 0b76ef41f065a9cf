"""An end to jobs that hang."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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


def check_main_thread(seconds: float) -> None:
    """Refuse a thread in which no alarm rings.

    Raises:
        BadOption: If this is not the main thread of the process.
    """
    if threading.current_thread() is not threading.main_thread():
        hint = "alarms ring in the main thread only; with `workers` above 1 each process has its own"
        raise bad_option("timeout", "be kept from the main thread", seconds, hint)


@contextmanager
def at_most(seconds: float | None, what: str) -> Iterator[None]:
    """Interrupt what takes longer; main thread only.

    Python is interrupted wherever it is; native code, and what Python is called from there, when it comes back.

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

    def ring(*_: object) -> None:
        nonlocal rang
        if armed:
            rang = True
            raise _Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        others = signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
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
