"""Moves of maps by one pixel, which mistakes in geometry cause."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def moved(rows: int, columns: int) -> Callable[[Tensor], Tensor]:
    """A function that moves maps (b, h, w) down and to the right; what leaves at one edge enters at the other."""
    return lambda maps: maps.roll((rows, columns), (1, 2))


MOVES: dict[str, Callable[[Tensor], Tensor]] = {
    f"moved by {rows} rows and {columns} columns": moved(rows, columns)
    for rows in (-1, 0, 1)
    for columns in (-1, 0, 1)
    if (rows, columns) != (0, 0)
}
"""Moves to the eight neighbors, by their descriptions."""
