"""Segmentation priors: the groups of pixels that a surrogate treats as one feature.

A segmenter maps an RGB picture to an integer feature mask (h, w) whose ids count from 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.methods.segmenters import SEGMENTERS

Picture = npt.NDArray[np.uint8]
FeatureMask = npt.NDArray[np.int64]
Segmenter = Callable[[Picture], npt.NDArray[np.integer]]

GRID_SIDE = 8
"""Cells per side of the grid."""


def grid(picture: Picture) -> FeatureMask:
    """A grid of 8 x 8 cells: a prior that does not depend on the picture."""
    height, width = picture.shape[:2]
    rows, columns = np.arange(height) * GRID_SIDE // height, np.arange(width) * GRID_SIDE // width
    cells: FeatureMask = (rows[:, None] * GRID_SIDE + columns).astype(np.int64)
    return cells


def slic(picture: Picture) -> FeatureMask:
    """scikit-image's SLIC with ids from 0 instead of 1."""
    from skimage.segmentation import slic as slic_from_one  # noqa: PLC0415  # takes a second, so other priors do not import it

    ids: FeatureMask = slic_from_one(picture, start_label=0)
    return ids


def segment(image: Tensor, segments: str, patch_ids: Tensor | None, sam: Segmenter | None = None) -> Tensor:
    """The feature mask of an image.

    Args:
        image: (c, h, w), colors 0..255 or gray 0 and 1.
        segments: The name of the prior.
        patch_ids: (h, w), the scene's own patches, for the perfect prior `oracle`.
        sam: The segmenter for `sam`, with its weights.

    Returns:
        (h, w) int64, ids from 0 without gaps.

    Raises:
        UnknownName: If there is no such prior.
        BadOption: If `oracle` is used without a batch, or a segmenter does not cover the image.
    """
    if segments == "oracle":
        if patch_ids is None:
            raise bad_option("segments", "be another prior where there is no batch to ask", segments)
        ids = patch_ids.cpu().numpy()
    else:
        segmenter = sam if segments == "sam" else SEGMENTERS.get(segments)
        assert segmenter is not None, "methods pass the segmenter of SAM"
        ids = segmenter(_picture(image))
    height, width = image.shape[1:]
    if ids.shape != (height, width) or not np.issubdtype(ids.dtype, np.integer) or ids.min() < 0:
        returned = f"it returned {ids.dtype} of shape {ids.shape}, from {ids.min()} on"
        raise bad_option("segments", f"cover the image ({height}, {width}) with integers from 0 on", segments, returned)
    _, without_gaps = np.unique(ids, return_inverse=True)
    return torch.from_numpy(without_gaps.reshape(ids.shape).astype(np.int64))


def _picture(image: Tensor) -> Picture:
    """The image as an RGB picture, (h, w, 3) uint8.

    Values are colors of 0..255, or brightnesses of 0..1; others, such as normalized ones, are stretched from the smallest to the largest.
    """
    pixels = image.detach().double().cpu().permute(1, 2, 0).numpy()
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 255:
        pixels = (pixels - low) * (255 / max(high - low, np.finfo(float).tiny))
    elif high <= 1:
        pixels = pixels * 255
    return np.repeat(pixels, 3 if pixels.shape[2] == 1 else 1, axis=2).round().astype(np.uint8)
