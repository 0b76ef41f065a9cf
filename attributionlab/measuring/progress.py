"""Progress callbacks."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int], None]


def no_progress(n_done: int) -> None:
    """No-op progress callback."""
