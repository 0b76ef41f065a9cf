"""Worker processes: how one is set up."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import stat
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from attributionlab.printable import LONGEST_MESSAGE, error_text, shortened
from attributionlab.runs.parent import end_with_parent
from attributionlab.runs.time_limit import end_process_when_ignored
from attributionlab.runs.work import Result, Work, do_units

HIGHEST_DESCRIPTOR = 256
"""Descriptors are looked for below this number; a worker starts with a dozen."""

_pipes: list[int] = []
"""Descriptors of the pipes and sockets that a worker starts with, through which it answers."""


def start_worker(parent: int, by_kernel: bool) -> None:
    """Set up a worker process.

    It ends with its parent, and ends itself if a method ignores the time limit. Its warnings are one line each, and a crash of native
    code, which the parent records, prints nothing.
    """
    faulthandler.disable()
    os.environ["PYTHONFAULTHANDLER"] = ""  # loky would enable it again after this
    _pipes[:] = [descriptor for descriptor in range(3, HIGHEST_DESCRIPTOR) if _is_pipe(descriptor)]
    warnings.showwarning = _print_warning
    end_process_when_ignored()
    end_with_parent(parent, by_kernel)


def do_in_worker(units: Sequence[Work], device: str, turn: int, timeout: float | None) -> tuple[Result, ...]:
    """Do units in a worker process, which ends without a word if a method closed the pipes through which it would answer."""
    results = do_units(units, device, turn, timeout)
    if not all(map(_is_pipe, _pipes)):
        os._exit(1)
    return results


def _is_pipe(descriptor: int) -> bool:
    """Whether a descriptor is an open pipe or socket."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as one line of limited length, whatever it holds."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a method may have closed or replaced stderr
        sys.stderr.write(shortened(f"warning: {error_text(message)}", LONGEST_MESSAGE) + "\n")
