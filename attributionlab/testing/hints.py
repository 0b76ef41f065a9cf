"""Hints on wrong maps: changes that would make them agree with the truth."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attributionlab.metrics import score
from attributionlab.truth import Batch

GAIN = 0.15
"""Smallest increase of F1 by a change that makes it the likely reason."""

_CHANGES: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "with the opposite sign": (torch.neg, "look for a subtraction the wrong way round"),
    "with rows and columns swapped": (lambda maps: maps.transpose(1, 2), "look for (w, h) where (h, w) is meant"),
    "upside down": (lambda maps: maps.flip(1), "look at the order of the rows"),
    "mirrored": (lambda maps: maps.flip(2), "look at the order of the columns"),
    **{
        f"moved by {rows} rows and {columns} columns": (
            lambda maps, rows=rows, columns=columns: maps.roll((rows, columns), (1, 2)),  # type: ignore[misc]  # bound at once
            "look at padding, strides and how the map is enlarged",
        )
        for rows in (-1, 0, 1)
        for columns in (-1, 0, 1)
        if (rows, columns) != (0, 0)
    },
}


def suggested_fix(maps: Tensor, batch: Batch, truth: str) -> str | None:
    """The change of the maps (b, h, w) that improves their agreement with the truth most, as a hint; None if no change helps much."""
    usual = _f1(maps, batch, truth)
    changes = {
        name: _f1(change(maps), batch, truth)
        for name, (change, _) in _CHANGES.items()
        if maps.shape[1] == maps.shape[2] or "swapped" not in name
    }
    best = max(changes, key=lambda name: changes[name])
    if changes[best] < usual + GAIN:
        return None
    return f"{best} its F1 on {truth} truth would be {changes[best]:.2f} instead of {usual:.2f}: {_CHANGES[best][1]}"


def _f1(maps: Tensor, batch: Batch, truth: str) -> float:
    """Mean F1 of the maps."""
    return float(score(maps, batch.ground_truth).against(truth).f1.nanmean())
