"""Segmentation priors: the groups of pixels that a surrogate treats as one feature.

A segmenter maps an RGB picture to an integer feature mask (h, w) whose ids count from 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import distance_transform_edt
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


def misdrawn(patch_ids: npt.NDArray[np.integer], segment_error: float) -> FeatureMask:
    """The patches with wrong borders: of each patch's n pixels round(n x error) go to the background, which gives as many in return.

    A patch loses the pixels that are nearest to its border, and takes the pixels of the background that are nearest to it, while there are
    any. So each segment keeps its size, and both its precision and its recall against its patch are 1 - error.

    Args:
        patch_ids: (h, w), 0 for the background.
        segment_error: Share of each patch's pixels, in [0, 1].

    Returns:
        (h, w) int64, ids as in `patch_ids`.
    """
    ids: FeatureMask = patch_ids.astype(np.int64)
    for patch in np.unique(patch_ids[patch_ids > 0]):
        is_inside = patch_ids == patch
        n_wrong = round(segment_error * np.count_nonzero(is_inside))
        gained = _nearest((ids == 0) & (patch_ids == 0), distance_transform_edt(~is_inside), n_wrong)
        ids.ravel()[_nearest(is_inside, distance_transform_edt(is_inside), n_wrong)] = 0
        ids.ravel()[gained] = patch
    return ids


def _nearest(mask: npt.NDArray[np.bool_], distances: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.int64]:
    """Flat indices of the n pixels of a mask (h, w) with the smallest distance; the upper ones first where distances are equal."""
    pixels = np.flatnonzero(mask)
    nearest: npt.NDArray[np.int64] = pixels[distances.ravel()[pixels].argsort(kind="stable")[:n]]
    return nearest


def segment(
    image: Tensor,
    segments: str,
    patch_ids: Tensor | None,
    sam: Segmenter | None = None,
    *,
    segment_error: float = 0.0,
) -> Tensor:
    """The feature mask of an image.

    Args:
        image: (c, h, w), colors 0..255 or gray 0 and 1.
        segments: The name of the prior.
        patch_ids: (h, w), the scene's own patches, for the perfect prior `oracle`.
        sam: The segmenter for `sam`, with its weights.
        segment_error: Share of the pixels of each patch that `oracle` draws wrongly, as in `misdrawn`.

    Returns:
        (h, w) int64, ids from 0 without gaps.

    Raises:
        UnknownName: If there is no such prior.
        BadOption: If `oracle` is used without a batch, or a segmenter does not cover the image.
    """
    if segments == "oracle":
        if patch_ids is None:
            raise bad_option("segments", "be another prior where there is no batch to ask", segments)
        ids: npt.NDArray[np.integer] = misdrawn(patch_ids.cpu().numpy(), segment_error)
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
