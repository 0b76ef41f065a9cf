"""Shapes as boolean masks.

A shape of radius r is drawn around the center of the middle pixel of a square grid with an odd number of rows; a pixel
belongs to the shape if its center does. The middle pixel belongs to it for every radius.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
ShapeFunction = Callable[[float, np.random.Generator], Mask]

N_ANCHORS = 8
"""Anchor points of a Bezier blob."""

BLOB_REACH = 1.3
"""Largest distance of a blob's anchors from its center, in radii."""

N_POINTS = 6
"""Points of each of its Bezier arcs."""


def square(radius: float, generator: np.random.Generator) -> Mask:
    """An upright square with side 2r."""
    del generator  # a square has no random parameters
    rows, columns = _grid(radius)
    return np.maximum(np.abs(rows), np.abs(columns)) <= radius


def circle(radius: float, generator: np.random.Generator) -> Mask:
    """A disk of radius r."""
    del generator
    rows, columns = _grid(radius)
    return rows**2 + columns**2 <= radius**2


def triangle(radius: float, generator: np.random.Generator) -> Mask:
    """A triangle with base and height 2r, its tip up, down, left or right."""
    rows, columns = _grid(radius)
    upright = (rows <= radius) & (np.abs(columns) <= (rows + radius) / 2)
    return np.rot90(upright, int(generator.random() * 4)).copy()


def bezier_blob(radius: float, generator: np.random.Generator) -> Mask:
    """A smooth closed curve: quadratic Bezier arcs between the midpoints of anchors at about radius r.

    The anchors stand at even angles, between 0.8 r and 1.3 r away from the center; the arcs cut the corners, so that the
    blob covers about 3 r^2 pixels.
    """
    from skimage.measure import grid_points_in_poly  # noqa: PLC0415  # the other shapes do without it

    angles = 2 * np.pi * (np.arange(N_ANCHORS) + generator.random()) / N_ANCHORS
    distances = radius * (0.8 + 0.5 * generator.random(N_ANCHORS))
    anchors = np.stack([distances * np.sin(angles), distances * np.cos(angles)], axis=1)
    starts = (anchors + np.roll(anchors, 1, axis=0)) / 2
    ends = np.roll(starts, -1, axis=0)
    time = np.linspace(0, 1, N_POINTS, endpoint=False)[None, :, None]
    arcs = (1 - time) ** 2 * starts[:, None] + 2 * time * (1 - time) * anchors[:, None] + time**2 * ends[:, None]
    half = int(np.ceil(BLOB_REACH * radius))
    mask: Mask = grid_points_in_poly((2 * half + 1, 2 * half + 1), arcs.reshape(-1, 2) + half)
    mask[half, half] = True
    return mask


SHAPES: dict[str, ShapeFunction] = {
    "triangle": triangle,
    "square": square,
    "circle": circle,
    "bezier-blob": bezier_blob,
}


def _grid(radius: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Row and column coordinates of the pixel centers, relative to the middle pixel."""
    half = np.ceil(radius)
    rows, columns = np.meshgrid(np.arange(-half, half + 1), np.arange(-half, half + 1), indexing="ij", sparse=True)
    return rows, columns
