"""Scenes of a few pixels, whose coalitions can all be tried."""

from __future__ import annotations

import numpy as np

from attributionlab.scenes import Patch, Scene


def tiny_scene(environment, sizes):
    """A row of pixels of each color: `sizes` numbers of pixels, rows 2, 5, 8, ... from column 1."""
    patches = []
    for index, size in enumerate(sizes):
        filled = np.ones((1, size), dtype=bool)
        color = environment.palette[index % len(environment.palette)]
        patches.append(Patch("square", 1.0, color, 2 + 3 * index, 1, filled, filled))
    return Scene(environment.height, environment.width, environment.background_color, tuple(patches))
