"""State shared by assertions and the pytest plugin: the folder for pictures, the baseline, and rows of the final table. Imports no torch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ARTIFACTS: ContextVar[Callable[[], Path] | None] = ContextVar("attributionlab_artifacts", default=None)
"""Function that returns the folder for pictures of the running test; None without the plugin."""

DETAILS = "details"
"""Key of a row's line below it: states of all kinds of truth, answers, and what to do next."""

TABLE_ROWS: ContextVar[list[dict[str, str]] | None] = ContextVar("attributionlab_table_rows", default=None)
"""Rows of the running test for the table at the end of the test session; None without the plugin."""


@dataclass(frozen=True)
class BaselineFile:
    """File of maps that are compared with those of the running test.

    Args:
        path: The file, a .npz.
        test: Identifier of the running test.
        counts: Numbers of maps that were `stored` and `compared` so far in the session.
    """

    path: Path
    test: str
    counts: dict[str, int]


BASELINE: ContextVar[BaselineFile | None] = ContextVar("attributionlab_baseline", default=None)
"""The file of `--attributionlab-baseline`; None without it."""


def artifacts_folder() -> Path:
    """The folder for pictures of the running test; without the plugin, a temporary folder for the whole process."""
    folder_of_test = ARTIFACTS.get()
    return _temporary_folder() if folder_of_test is None else folder_of_test()


@cache
def _temporary_folder() -> Path:
    """A temporary folder, created once per process."""
    return Path(tempfile.mkdtemp(prefix="attributionlab-"))


def add_row(row: dict[str, str]) -> None:
    """Add a row to the table at the end of the session, if the plugin runs."""
    rows = TABLE_ROWS.get()
    if rows is not None:
        rows.append(row)
