"""Do two scores rank methods alike? Tie-aware rank correlations, with intervals over images (section 5)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import ConstantInputWarning, kendalltau, spearmanr

from attributionlab.seeding import generator

Scores = npt.NDArray[np.float64]

N_RESAMPLES = 500
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class RankCorrelation:
    """How alike two scores rank methods; None where one of them ranks nothing.

    Args:
        spearman: Spearman's rho of the means, ties sharing their average rank.
        low: Lower end of its 95 percent interval, images drawn anew (percentile bootstrap).
        high: Upper end.
        kendall: Kendall's tau-b of the means.
    """

    spearman: float | None
    low: float | None
    high: float | None
    kendall: float | None


def rank_correlation(first: Scores, second: Scores, *, seed: int = 0) -> RankCorrelation:
    """Compare two scores of the same methods on the same images.

    Args:
        first: (methods, images); NaN where a score is undefined, left out of means.
        second: (methods, images).
        seed: Seed of the bootstrap.
    """
    n_images = first.shape[1]
    random = generator(seed, "images drawn anew")
    draws = [random.integers(0, n_images, n_images) for _ in range(N_RESAMPLES)]
    resampled = [_spearman(_means(first[:, draw]), _means(second[:, draw])) for draw in draws]
    known = [value for value in resampled if value is not None]
    low, high = (float(end) for end in np.percentile(known, INTERVAL)) if known else (None, None)
    means = _means(first), _means(second)
    return RankCorrelation(_spearman(*means), low, high, _kendall(*means))


def _means(scores: Scores) -> Scores:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a method whose score is undefined everywhere has none
        means: Scores = np.nanmean(scores, axis=1)
    return means


def _spearman(first: Scores, second: Scores) -> float | None:
    known = ~(np.isnan(first) | np.isnan(second))
    if known.sum() < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        return _number(spearmanr(first[known], second[known]).statistic)


def _kendall(first: Scores, second: Scores) -> float | None:
    known = ~(np.isnan(first) | np.isnan(second))
    if known.sum() < 2:
        return None
    return _number(kendalltau(first[known], second[known]).statistic)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
