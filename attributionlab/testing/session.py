"""What assertions and the pytest plugin share: where pictures go, and what was found. Imports nothing heavy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from pathlib import Path

ARTIFACTS: ContextVar[Callable[[], Path] | None] = ContextVar("attributionlab_artifacts", default=None)
"""Gives the folder for the pictures of the running test; None where no plugin runs."""

FOUND: ContextVar[list[dict[str, str]] | None] = ContextVar("attributionlab_found", default=None)
"""Rows for the table at the end of the test session, as the running test finds them; None where nobody collects."""


def artifacts_folder() -> Path:
    """The folder for pictures: that of the running test, or else a temporary one for the whole process."""
    folder_of_test = ARTIFACTS.get()
    return _temporary_folder() if folder_of_test is None else folder_of_test()


@cache
def _temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="attributionlab-"))


def found(row: dict[str, str]) -> None:
    """Keep a row for the end of the session, where somebody collects."""
    rows = FOUND.get()
    if rows is not None:
        rows.append(row)
