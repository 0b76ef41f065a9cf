"""Similarity of two maps of the same image, as Adebayo et al. 2020 compare those of a healthy and a contaminated network.

A map that is zero or constant is no map: it has no structure and no ranks, so every number is NaN and `has_maps` is False.
(SSIM would call two zero maps equal.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.seeding import content_key, generator
from attributionlab.truth.explained import FloatArray
from attributionlab.truth.maps import attribution_maps, require_tensor

WINDOW = 7
"""Side of the window of SSIM, in pixels."""

SCALINGS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "ssim_magnitude": lambda values: np.abs(values) / np.abs(values).max(),
    "ssim_minmax": lambda values: (values - values.min()) / np.ptp(values),
    "ssim_signed": lambda values: values / np.abs(values).max(),
}
"""Scalings of a map (h, w) in front of SSIM: to [0, 1] by absolute value and by its range, and to [-1, 1]."""


@dataclass(frozen=True, eq=False)
class MapSimilarity:
    """Comparisons of maps a with maps b, each (b,) float64; NaN where one of them is zero or constant.

    Args:
        ssim_magnitude: SSIM of magnitudes, scaled to [0, 1] by the largest one; at most 1, higher is more similar.
        ssim_minmax: SSIM of values, scaled to [0, 1] by the smallest and the largest one.
        ssim_signed: SSIM of values, scaled to [-1, 1] by the largest magnitude; NaN where neither map has a negative value. It
            hardly tells a map from its negative: both factors of SSIM, that of means and that of covariance, then change their sign.
        rank: Spearman's rank correlation of values, in [-1, 1].
        rank_magnitude: Spearman's rank correlation of magnitudes; as `ssim_magnitude`, NaN where all magnitudes are equal.
        norm_difference: ||a - b|| / ||a||, from 0, lower is more similar.
    """

    ssim_magnitude: Tensor
    ssim_minmax: Tensor
    ssim_signed: Tensor
    rank: Tensor
    rank_magnitude: Tensor
    norm_difference: Tensor

    @property
    def has_maps(self) -> Tensor:
        """(b,) bool: whether both maps vary."""
        return ~self.rank.isnan()


SIMILARITIES = tuple(entry.name for entry in fields(MapSimilarity))
"""Names of the comparisons."""


def map_similarity(first: Tensor, second: Tensor) -> MapSimilarity:
    """Compare two maps of each image.

    Args:
        first: (b, h, w), or (b, c, h, w), which is summed over channels with signs; sides of at least 7 pixels.
        second: Maps of the same shape.

    Returns:
        Six comparisons of shape (b,), float64.

    Raises:
        BadOption: If maps have other axes, or a side below 7 pixels.
        WrongShape: If the shapes do not match.
        NotFinite: If a value is NaN or infinite.

    References:
        Wang et al. 2004 (SSIM, by scikit-image with a uniform window of 7 and a data range of 1); Adebayo et al. 2020,
        appendix B and Figure 26.

    Example:
        >>> ramp = torch.arange(64.0).view(1, 8, 8)
        >>> similarity = map_similarity(ramp, 2 * ramp)
        >>> similarity.ssim_minmax.tolist(), similarity.norm_difference.tolist()
        ([1.0], [1.0])
    """
    axes = "b c h w" if isinstance(first, Tensor) and first.ndim == 4 else "b h w"
    n, height, width = (require_tensor("first", first, axes).shape[index] for index in (0, -2, -1))
    if min(height, width) < WINDOW:
        raise bad_option("first", f"have sides of at least {WINDOW} pixels, the window of SSIM", tuple(first.shape))
    maps = (
        attribution_maps(values, (n, None, height, width), f"`{name}` must be").double().cpu().numpy()
        for name, values in (("first", first), ("second", second))
    )
    rows = [_compared(a, b) for a, b in zip(*maps, strict=True)]
    return MapSimilarity(*(torch.tensor([row[name] for row in rows], dtype=torch.float64) for name in SIMILARITIES))


def gaussian_maps(maps: Tensor, seed: int = 0) -> Tensor:
    """Maps of independent standard normal values, (b, *shape) float64, as the floor of a similarity.

    Args:
        maps: (b, *shape); the values of each are a function of the seed and of that map.
        seed: Seed of the values.
    """
    drawn = [generator(seed, "gaussian map", content_key(values)).standard_normal(values.shape) for values in maps]
    return torch.from_numpy(np.stack(drawn))


def region_mass(attribution: Tensor, region: Tensor) -> Tensor:
    """Share of the magnitudes of maps that lie in a region.

    Args:
        attribution: (b, *shape), or (b, c, *shape), which is summed over channels with signs.
        region: (b, *shape) bool.

    Returns:
        (b,) float64 in [0, 1]; NaN for an all-zero map.

    Raises:
        BadOption: If `region` is not a tensor of booleans.
        WrongShape: If the shapes do not match.
        NotFinite: If a value of the attribution is NaN or infinite.
    """
    n, *shape = require_tensor("region", region, "b *shape", "booleans").shape
    magnitudes = attribution_maps(attribution, (n, None, *shape)).double().abs().flatten(1)
    return (magnitudes * region.to(magnitudes.device).flatten(1)).sum(dim=1) / magnitudes.sum(dim=1)


def is_map(maps: Tensor) -> Tensor:
    """(b,) bool: whether maps (b, *shape) have different values; zero and constant maps are no maps."""
    values = maps.flatten(1)
    return values.amax(dim=1) > values.amin(dim=1)


def _compared(a: FloatArray, b: FloatArray) -> dict[str, float]:
    """The comparisons of one image."""
    row = dict.fromkeys(SIMILARITIES, np.nan)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return row
    magnitudes_vary = np.ptp(np.abs(a)) > 0 and np.ptp(np.abs(b)) > 0
    applies = {"ssim_magnitude": magnitudes_vary, "ssim_signed": min(a.min(), b.min()) < 0}
    for name, scale in SCALINGS.items():
        if applies.get(name, True):
            row[name] = _ssim(scale(a), scale(b))
    row["rank"] = _spearman(a, b)
    if magnitudes_vary:
        row["rank_magnitude"] = _spearman(np.abs(a), np.abs(b))
    row["norm_difference"] = float(np.linalg.norm(a - b) / np.linalg.norm(a))
    return row


def _ssim(a: FloatArray, b: FloatArray) -> float:
    from skimage.metrics import structural_similarity  # noqa: PLC0415  # it imports scipy.ndimage, which takes a third of a second

    return float(structural_similarity(a, b, win_size=WINDOW, data_range=1.0))


def _spearman(a: FloatArray, b: FloatArray) -> float:
    """Spearman's correlation with average ranks of ties."""
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])
