"""Segmentation priors: which pixels a surrogate treats as one feature.

A segmenter maps an image to an integer feature mask (h, w) whose ids count from 0; it sees what a person would see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.specs.catalog import Catalog, Registered
from attributionlab.specs.rules import Rules

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


def slic(picture: Picture) -> FeatureMask:
    """scikit-image's SLIC with ids from 0; its own count from 1."""
    from skimage.segmentation import slic as slic_from_one  # noqa: PLC0415  # a second, which other priors need not wait

    ids: FeatureMask = slic_from_one(picture, start_label=0)
    return ids


PRIORS_WITH_NEEDS = ("oracle", "sam")
"""Priors that need more than the picture: the scene's patches, and weights."""

SEGMENTERS: Catalog[Segmenter] = Catalog(
    kind="segmenter",
    built_in={
        "quickshift": "skimage.segmentation:quickshift",
        "felzenszwalb": "skimage.segmentation:felzenszwalb",
        "slic": "attributionlab.methods.segments:slic",
        "grid": "attributionlab.methods.segments:grid",
    },
    rules=Rules(signature="(picture: (h, w, 3) uint8) -> (h, w) integers from 0"),
    reserved=PRIORS_WITH_NEEDS,
)
"""Segmenters that need nothing but the picture."""


@overload
def register_segmenter(name: str, /) -> Callable[[Registered], Registered]: ...
@overload
def register_segmenter(name: str, segmenter: Registered, /) -> Registered: ...
@overload
def register_segmenter(segmenter: Registered, /) -> Registered: ...
def register_segmenter(name: Any, segmenter: Any = None, /) -> Any:
    """Make a segmenter known by a name, in this process, so that `lime[segments=<name>]` and `kernel-shap[...]` take it.

    A segmenter is a function from a picture (h, w, 3) uint8, as a person would see it, to a feature mask (h, w) of integers
    from 0. An installed package uses an entry point of the group `attributionlab.segmenters` instead, which works in every
    process.

    Args:
        name: The name in specs; left out, it is a class's own `name`, or a function's with dashes.
        segmenter: The class or function; left out where `register_segmenter` decorates it.

    Returns:
        The class or function itself.

    Raises:
        BadOption: If the name is taken or cannot stand in a spec, or what is registered lacks something, which the message names.

    Example:
        >>> @register_segmenter("halves")  # doctest: +SKIP
        ... def halves(picture):
        ...     return (np.arange(picture.shape[1]) * 2 // picture.shape[1])[None].repeat(picture.shape[0], axis=0)
        >>> halves(np.zeros((1, 4, 3), np.uint8))  # doctest: +SKIP
        array([[0, 0, 1, 1]])
    """
    return SEGMENTERS.register(name, segmenter)


def prior_names() -> list[str]:
    """The names of all segmentation priors."""
    registered = [name for name in SEGMENTERS.names if name not in SEGMENTERS.built_in]
    return [*SEGMENTERS.built_in, *PRIORS_WITH_NEEDS, *registered]


def segment(image: Tensor, segments: str, patch_ids: Tensor | None, sam: Segmenter | None = None) -> Tensor:
    """The feature mask of an image.

    Args:
        image: (c, h, w), colors 0..255 or gray 0 and 1.
        segments: The name of the prior.
        patch_ids: (h, w), the scene's own patches, for the `oracle`: what a perfect prior would give.
        sam: The segmenter for `sam`, with its weights.

    Returns:
        (h, w) int64, ids from 0 without gaps.

    Raises:
        UnknownName: If there is no such prior.
        BadOption: If the oracle is asked for without its batch, or a segmenter does not cover the image.
    """
    if segments == "oracle":
        if patch_ids is None:
            raise bad_option("segments", "be another prior where there is no batch to ask", segments)
        ids = patch_ids.cpu().numpy()
    else:
        segmenter = sam if segments == "sam" else SEGMENTERS.get(segments)
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
