"""Segmentation priors: which pixels a surrogate treats as one feature.

A segmenter maps an image to an integer feature mask (h, w) whose ids count from 0; it sees what a person would see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from skimage.segmentation import felzenszwalb, quickshift, slic
from torch import Tensor

from attributionlab.errors import bad_option

Segments = Literal["quickshift", "felzenszwalb", "slic", "grid", "oracle", "sam"]
Picture = npt.NDArray[np.uint8]
FeatureMask = npt.NDArray[np.int64]
Segmenter = Callable[[Picture], npt.NDArray[np.integer]]

GRID_SIDE = 8
"""Cells per side of the grid."""


def grid(picture: Picture) -> FeatureMask:
    """Squares, 8 to a side: a prior that knows nothing."""
    height, width = picture.shape[:2]
    rows, columns = np.arange(height) * GRID_SIDE // height, np.arange(width) * GRID_SIDE // width
    cells: FeatureMask = (rows[:, None] * GRID_SIDE + columns).astype(np.int64)
    return cells


SEGMENTERS: dict[str, Segmenter] = {
    "quickshift": quickshift,
    "felzenszwalb": felzenszwalb,
    "slic": lambda picture: slic(picture, start_label=0),
    "grid": grid,
}


def segment(image: Tensor, segments: Segments, patch_ids: Tensor | None, sam: Segmenter | None = None) -> Tensor:
    """The feature mask of an image.

    Args:
        image: (c, h, w), colors 0..255 or gray 0 and 1.
        segments: Which prior.
        patch_ids: (h, w), the scene's own patches, for the `oracle`: what a perfect prior would give.
        sam: The segmenter for `sam`, with its weights.

    Returns:
        (h, w) int64, ids from 0 without gaps.

    Raises:
        BadOption: If the oracle is asked for without its batch, or a segmenter does not cover the image.
    """
    if segments == "oracle":
        if patch_ids is None:
            raise bad_option("segments", "be another prior where there is no batch to ask", segments)
        ids = patch_ids.cpu().numpy()
    else:
        segmenter = sam if segments == "sam" else SEGMENTERS[segments]
        assert segmenter is not None, "the methods bring SAM with them"
        ids = segmenter(_picture(image))
    height, width = image.shape[1:]
    if ids.shape != (height, width) or not np.issubdtype(ids.dtype, np.integer) or ids.min() < 0:
        returned = f"it returned {ids.dtype} of shape {ids.shape}, from {ids.min()} on"
        raise bad_option("segments", f"cover the image ({height}, {width}) with integers from 0 on", segments, returned)
    _, without_gaps = np.unique(ids, return_inverse=True)
    return torch.from_numpy(without_gaps.reshape(ids.shape).astype(np.int64))


def _picture(image: Tensor) -> Picture:
    """(h, w, 3) uint8, as a person would see it."""
    pixels = image.detach().cpu().permute(1, 2, 0).numpy()
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels * 255, 3, axis=2)
    return pixels.clip(0, 255).round().astype(np.uint8)
