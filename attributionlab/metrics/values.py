"""Agreement of a map with the exact values of a game: how close, how much in the right order, with which signs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attributionlab.specs.arguments import require_instance
from attributionlab.truth.explained import FloatArray
from attributionlab.truth.maps import attribution_maps
from attributionlab.truth.values import ExactValues


@dataclass(frozen=True, eq=False)
class ValueAgreement:
    """Comparisons of maps a with exact values v, each (b,) float64; all NaN where every value is 0.

    Args:
        cosine: Cosine of a and v, in [-1, 1], higher is better; 0 for an all-zero map.
        rank: Spearman's rank correlation, in [-1, 1], higher is better; 0 for a constant map, NaN if all values are equal.
        sign: Share of sum |v| on which a has the sign of v, in [0, 1], higher is better; 0 for an all-zero map.
        l1: sum |a - v| / sum |v|, from 0, lower is better; 1 for an all-zero map.
        l1_rescaled: The smallest `l1` of c a with a factor c >= 0, in [0, 1], lower is better.
        dummy: Share of sum |a| on features whose value is exactly 0, in [0, 1], lower is better; 0 for an all-zero map, NaN if
            the values are estimated.
        completeness: |sum a - total| / sum |v|, from 0, lower is better; NaN if the values have no fixed sum.
    """

    cosine: Tensor
    rank: Tensor
    sign: Tensor
    l1: Tensor
    l1_rescaled: Tensor
    dummy: Tensor
    completeness: Tensor


def score_values(attribution: Tensor, exact: ExactValues) -> ValueAgreement:
    """Compare maps with exact values of the same samples.

    Args:
        attribution: (b, *shape), or (b, c, *shape), which is summed over channels with signs.
        exact: The values.

    Returns:
        Seven scores of shape (b,), float64.

    Raises:
        BadOption: If `exact` are not exact values.
        WrongShape: If the shapes do not match.
        NotFinite: If a value of the attribution is NaN or infinite.

    Example:
        >>> import attributionlab as al
        >>> environment = al.make_environment("single-color-sum", size=16)
        >>> batch = environment.sample(1)
        >>> exact = al.exact_values(environment, batch, "shapley")
        >>> al.score_values(2 * batch.ground_truth.signed, exact).l1.tolist()
        [1.0]
    """
    require_instance("exact", exact, ExactValues, "be the result of exact_values")
    n_samples, *shape = exact.values.shape
    maps = attribution_maps(attribution, (n_samples, None, *shape)).double().flatten(1).cpu().numpy()
    values = exact.values.flatten(1).cpu().numpy()
    totals = np.full(n_samples, np.nan) if exact.total is None else exact.total.cpu().numpy()
    samples = zip(maps, values, totals, strict=True)
    rows = [
        _compared(sample_map, of_sample, total, estimated=exact.is_estimated)
        for sample_map, of_sample, total in samples
    ]
    names = [entry.name for entry in dataclasses.fields(ValueAgreement)]
    return ValueAgreement(*(torch.tensor([row[name] for row in rows], dtype=torch.float64) for name in names))


def _compared(a: FloatArray, v: FloatArray, total: float, *, estimated: bool) -> dict[str, float]:
    """The scores of one sample, in the notation of `ValueAgreement`."""
    size, credit = np.abs(v).sum(), np.abs(a).sum()
    if size == 0:
        return {entry.name: np.nan for entry in dataclasses.fields(ValueAgreement)}
    return {
        "cosine": _cosine(a, v) if credit > 0 else 0.0,
        "rank": _rank_correlation(a, v),
        "sign": np.abs(v[np.sign(a) == np.sign(v)]).sum() / size,
        "l1": np.abs(a - v).sum() / size,
        "l1_rescaled": np.abs(_best_factor(a, v) * a - v).sum() / size,
        "dummy": np.nan if estimated else np.abs(a[v == 0]).sum() / (credit or 1.0),
        "completeness": abs(a.sum() - total) / size,
    }


def _cosine(a: FloatArray, v: FloatArray) -> float:
    """Cosine of the angle between two vectors that are not 0; squares of values below 1e-162 would be 0."""
    a, v = a / np.abs(a).max(), v / np.abs(v).max()
    return float(a @ v / (np.linalg.norm(a) * np.linalg.norm(v)))


def _rank_correlation(a: FloatArray, v: FloatArray) -> float:
    """Spearman's correlation with average ranks of ties."""
    if np.ptp(v) == 0:
        return np.nan
    if np.ptp(a) == 0:
        return 0.0
    return float(np.corrcoef(_ranks(a), _ranks(v))[0, 1])


def _ranks(values: FloatArray) -> FloatArray:
    """Average ranks, as of `scipy.stats.rankdata`, whose import takes as long as a whole check."""
    _, places, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatArray = (sizes.cumsum() - (sizes - 1) / 2)[places]
    return ranks


def _best_factor(a: FloatArray, v: FloatArray) -> float:
    """The factor c >= 0 that minimizes sum |c a - v|: the median of v / a, weighted by |a|, or 0."""
    used = a != 0
    if not used.any():
        return 0.0
    ratios, weights = v[used] / a[used], np.abs(a[used])
    order = np.argsort(ratios)
    middle = np.searchsorted(weights[order].cumsum(), weights.sum() / 2)
    return max(0.0, float(ratios[order][min(middle, len(order) - 1)]))
