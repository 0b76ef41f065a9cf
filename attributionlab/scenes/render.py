"""Rendering of scenes as pixels and masks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from attributionlab.scenes.scene import Scene


def render(scene: Scene) -> npt.NDArray[np.uint8]:
    """The image, (h, w, c) uint8."""
    image = np.empty((scene.height, scene.width, len(scene.background)), dtype=np.uint8)
    image[:] = scene.background
    for patch in scene.patches:
        image[patch.window][patch.colored] = patch.color
    return image


def patch_ids(scene: Scene) -> npt.NDArray[np.int16]:
    """Id of the patch that contains each pixel, before thinning: (h, w) int16, 0 for the background."""
    ids = np.zeros((scene.height, scene.width), dtype=np.int16)
    for index, patch in enumerate(scene.patches, start=1):
        ids[patch.window][patch.support] = index
    return ids


def colored_ids(scene: Scene) -> npt.NDArray[np.int16]:
    """Id of the patch that colors each pixel: (h, w) int16, 0 where the background shows."""
    ids = np.zeros((scene.height, scene.width), dtype=np.int16)
    for index, patch in enumerate(scene.patches, start=1):
        ids[patch.window][patch.colored] = index
    return ids
