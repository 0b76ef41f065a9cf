"""Effective regions: what a manipulation has changed, and what any of several manipulations may change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from attributionlab.errors import BadOption, bad_option
from attributionlab.modification.manipulation import Manipulation, Mask, require_manipulation
from attributionlab.specs.arguments import require_list


def effective_region(original: npt.NDArray[np.generic], modified: npt.NDArray[np.generic]) -> Mask:
    """The features of an input that a manipulation has changed.

    Args:
        original: (h, w, c), or of any other shape whose last axis is that of the channels.
        modified: The same shape.

    Returns:
        bool, (h, w): where any channel differs.

    Raises:
        BadOption: If the shapes differ.

    References:
        Zhou et al. 2022, section 4.

    Example:
        >>> effective_region(np.zeros((1, 2, 3)), np.array([[[0, 0, 0], [0, 9, 0]]])).tolist()
        [[False, True]]
    """
    before, after = np.asarray(original), np.asarray(modified)
    if before.shape != after.shape or before.ndim < 2:
        raise BadOption(f"`modified` must have the shape of `original` {before.shape}, got {after.shape}")
    region: Mask = (before != after).any(axis=-1)
    return region


def joint_region(manipulations: Sequence[Manipulation], height: int, width: int) -> Mask:
    """The joint effective region: the union of the declared regions of all manipulations.

    A model can also use that a manipulation is absent, so attribution to any of them is right, whichever the image has.

    Raises:
        BadOption: If `manipulations` is not a list of manipulations.

    References:
        Zhou et al. 2022, section 4, Remark.
    """
    region = np.zeros((height, width), dtype=np.bool_)
    for manipulation in require_list("manipulations", manipulations, "manipulations", 1):
        region |= require_manipulation("manipulations", manipulation).region(height, width)
    return region


def region_warnings(manipulations: Iterable[Manipulation], region: Mask) -> list[str]:
    """Reasons why a joint region decides nothing: it is empty, or the whole picture."""
    specs = ", ".join(manipulation.spec for manipulation in manipulations)
    if not region.any():
        return [f"the region of {specs} is empty: no attribution can lie in it"]
    if region.all():
        return [f"the region of {specs} is the whole picture: any attribution lies in it"]
    return []


def require_apart(region: Mask, noninformative: Manipulation) -> Mask:
    """The region of a manipulation without information, which must not overlap with that of the others.

    Raises:
        BadOption: If it does, or is empty.
    """
    own = noninformative.region(*region.shape)
    overlap = int((own & region).sum())
    if overlap:
        hint = f"{overlap} pixels are in both; border and spot have options for their places"
        raise bad_option("noninformative", "lie outside of the effective region", noninformative.spec, hint)
    if not own.any():
        raise bad_option("noninformative", "change some pixels", noninformative.spec)
    return own
