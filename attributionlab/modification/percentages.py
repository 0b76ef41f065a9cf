"""How much of an attribution lies in a region: Attr%, %ER, and precision and recall of selected features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attributionlab.errors import BadOption, bad_option
from attributionlab.specs.arguments import whole_number
from attributionlab.truth.maps import attribution_maps, require_tensor


def attribution_percentage(attribution: Tensor, region: Tensor) -> Tensor:
    """Attr%(F) = sum of |s_i| over the region, divided by the sum over all features.

    Summed in float64, so that a constant map of float32 values has exactly the share of the region (%ER).

    Args:
        attribution: Maps (b, *shape) or (b, c, *shape), whose channels are summed with their signs first.
        region: bool, (b, *shape) or (*shape) for all maps.

    Returns:
        (b,) float64 in [0, 1]; 0 for a map that is zero everywhere, 1 for a map that is zero outside of the region.

    Raises:
        BadOption: If shapes or types do not fit.
        MethodError: If a map has another shape, or values that are not finite.

    References:
        Zhou et al. 2022, section 3.

    Example:
        >>> region = torch.tensor([[True, False], [False, False]])
        >>> attribution_percentage(torch.tensor([[[-1.0, 0.0], [0.0, 1.0]]]), region).tolist()
        [0.5]
    """
    mask = require_region(region)
    maps = attribution_maps(attribution, (len(attribution), None, *_feature_shape(attribution, mask)))
    magnitudes = maps.double().abs()
    inside = torch.where(mask, magnitudes, 0.0).flatten(1).sum(dim=1)
    total = magnitudes.flatten(1).sum(dim=1)
    return torch.where(total > 0, inside / torch.where(total > 0, total, 1.0), 0.0)


def _feature_shape(attribution: object, region: Tensor) -> tuple[int, ...]:
    """The shape of one map: that of the region, or of the region of each map.

    Raises:
        BadOption: If the region fits neither.
    """
    axes = tuple(attribution.shape) if isinstance(attribution, (Tensor, np.ndarray)) else ()
    shape = tuple(region.shape)
    for features in (shape, shape[1:] if shape[:1] == axes[:1] else ()):
        if features and features in (axes[1:], axes[2:]):
            return features
    raise BadOption(f"`region` must have the features of the attribution {axes}, got shape {shape}")


def region_share(region: Tensor) -> float:
    """%ER: the share of all features that lie in a region, in [0, 1].

    Raises:
        BadOption: If `region` is not bool or has no features.
    """
    mask = require_region(region)
    return int(mask.sum()) / mask.numel()


def require_region(region: Tensor) -> Tensor:
    """`region`, which must be a mask with at least one feature.

    Raises:
        BadOption: If it is not.
    """
    mask = require_tensor("region", region, "*shape", "booleans")
    if mask.numel() == 0:
        raise bad_option("region", "have features", tuple(mask.shape))
    return mask


def select_top(attribution: Tensor, k: int) -> Tensor:
    """Select the k features with the largest magnitudes; of equal ones those that come first.

    Args:
        attribution: Maps (b, *shape).
        k: Number of features, 1 to all.

    Returns:
        bool, (b, *shape).

    Raises:
        BadOption: If `attribution` is not a tensor of maps, or `k` is outside its range.
        MethodError: If a map has values that are not finite.
    """
    tensor = require_tensor("attribution", attribution, "b *shape")
    maps = attribution_maps(tensor, (len(tensor), None, *tensor.shape[1:]))
    flat = maps.double().abs().flatten(1)
    k = whole_number("k", k, 1, flat.shape[1])
    order = flat.argsort(dim=1, descending=True, stable=True)
    selected = torch.zeros_like(flat, dtype=torch.bool)
    return selected.scatter(1, order[:, :k], value=True).reshape(maps.shape)


@dataclass(frozen=True, eq=False)
class SelectionScores:
    """Precision and recall of selected features against those that a model must use.

    Args:
        precision: (b,) float64, |F and F_C| / |F|; NaN where nothing is selected.
        recall: (b,) float64, |F and F_C| / |F_C|; NaN where the region is empty.
    """

    precision: Tensor
    recall: Tensor


def score_selection(selected: Tensor, region: Tensor) -> SelectionScores:
    """Precision and recall of selections (b, *shape), bool, against a region (b, *shape) or (*shape).

    Raises:
        BadOption: If shapes or types do not fit.

    References:
        Zhou et al. 2022, section 3.

    Example:
        >>> scores = score_selection(torch.tensor([[True, True, False]]), torch.tensor([True, False, False]))
        >>> scores.precision.tolist(), scores.recall.tolist()
        ([0.5], [1.0])
    """
    chosen = require_tensor("selected", selected, "b *shape", "booleans")
    mask = require_region(region)
    if tuple(mask.shape) not in (tuple(chosen.shape), tuple(chosen.shape[1:])):
        shapes = f"{tuple(chosen.shape)} and {tuple(mask.shape)}"
        raise BadOption(f"`selected` and `region` must have the same features, got shapes {shapes}")
    both = (chosen & mask).flatten(1).sum(dim=1).double()
    n_selected = chosen.flatten(1).sum(dim=1).double()
    n_region = mask.expand_as(chosen).flatten(1).sum(dim=1).double()
    return SelectionScores(both / n_selected, both / n_region)
