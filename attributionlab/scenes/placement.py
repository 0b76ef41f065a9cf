"""Placing patches without overlap, and thinning them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attributionlab.scenes.shapes import SHAPES, Mask

N_TRIES_PER_PATCH = 50


@dataclass(frozen=True)
class Outline:
    """A shape that has been drawn but not placed."""

    shape: str
    radius: float
    support: Mask

    @property
    def area(self) -> int:
        """Pixels of the support."""
        return int(np.count_nonzero(self.support))


def draw_outline(shapes: Sequence[str], radii: tuple[float, float], generator: np.random.Generator) -> Outline:
    """A random shape of a random radius, cut out of its grid."""
    shape = shapes[int(generator.random() * len(shapes))]
    radius = radii[0] + (radii[1] - radii[0]) * generator.random()
    mask = SHAPES[shape](radius, generator)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Outline(shape, radius, mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy())


def place(
    outlines: Sequence[Outline], size: tuple[int, int], generator: np.random.Generator
) -> list[tuple[int, int]] | None:
    """Top left corners at which no two outlines share a pixel, or None if none were found.

    Large outlines are placed first, because they are hardest to place.
    """
    taken = np.zeros(size, dtype=np.bool_)
    corners = [(0, 0)] * len(outlines)
    for index in sorted(range(len(outlines)), key=lambda index: -outlines[index].area):
        support = outlines[index].support
        n_rows, n_columns = support.shape
        room = (size[0] - n_rows + 1, size[1] - n_columns + 1)
        for draw in generator.random((N_TRIES_PER_PATCH, 2)):
            row, column = int(draw[0] * room[0]), int(draw[1] * room[1])
            window = taken[row : row + n_rows, column : column + n_columns]
            if not (window & support).any():
                window |= support
                corners[index] = (row, column)
                break
        else:
            return None
    return corners


def thin(outlines: Sequence[Outline], generator: np.random.Generator) -> list[Mask]:
    """Keep each pixel with probability 1/2."""
    return [outline.support & (generator.random(outline.support.shape) < 0.5) for outline in outlines]
