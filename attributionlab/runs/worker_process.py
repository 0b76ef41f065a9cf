"""Worker processes: how one is set up."""

from __future__ import annotations

import contextlib
import faulthandler
import sys
import warnings
from typing import Any

from attributionlab.printable import error_text
from attributionlab.runs.parent import end_with_parent
from attributionlab.runs.time_limit import end_process_when_ignored


def start_worker(parent: int, by_kernel: bool) -> None:
    """Set up a worker process.

    It ends with its parent, and ends itself if a method ignores the time limit. Its warnings are one line each, and a crash of native
    code, which the parent records, prints nothing.
    """
    faulthandler.disable()
    warnings.showwarning = _print_warning
    end_process_when_ignored()
    end_with_parent(parent, by_kernel)


def _print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as one line of limited length, whatever it holds."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a method may have closed or replaced stderr
        sys.stderr.write(f"warning: {error_text(message)}\n")
