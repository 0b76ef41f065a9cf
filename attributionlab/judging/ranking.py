"""Agreement of two scores on the ranks of methods: tie-aware rank correlations, with intervals (section 5).

The units of a rank correlation are methods, and each of their scores is a mean over images. So intervals come from a bootstrap over
both: with few methods they are wide, however many images there are.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, rankdata

from attributionlab.judging.statistics import N_RESAMPLES, draw_units, percentile_interval
from attributionlab.seeding import generator

Scores = npt.NDArray[np.float64]

TIE = 1e-6
"""Relative difference, to the largest magnitude, below which scores tie: maps are float32, with rounding errors of 6e-8.

Otherwise methods that are perfect up to rounding would be ranked by their rounding errors.
"""


@dataclass(frozen=True)
class RankCorrelation:
    """Rank correlations of two scores of methods; None if one of the scores is constant.

    Args:
        spearman: Spearman's rho of the means; ties share their average rank.
        low: Lower end of its 95 percent interval (percentile bootstrap over methods and images).
        high: Upper end.
        kendall: Kendall's tau-b of the means.
        n_methods: Number of methods with both scores.
        n_images: Number of images.
    """

    spearman: float | None
    low: float | None
    high: float | None
    kendall: float | None
    n_methods: int = 0
    n_images: int = 0


def rank_correlation(first: Scores, second: Scores, *, seed: int = 0) -> RankCorrelation:
    """Compare two scores of the same methods on the same images.

    Args:
        first: (methods, images); NaN where a score is undefined; means ignore it.
        second: (methods, images).
        seed: Seed of the bootstrap.
    """
    means = _means(first[:, None])[0], _means(second[:, None])[0]
    low, high = percentile_interval(resampled_spearman(first, second, seed=seed))
    spearman = _number(_spearman(*(mean[None] for mean in means))[0])
    n_methods = int((~np.isnan(means).any(axis=0)).sum())
    return RankCorrelation(spearman, low, high, _kendall(*means), n_methods, first.shape[1])


def spearman(first: Scores, second: Scores) -> float:
    """Spearman's rho of the means of two scores (methods, images), without an interval; NaN where it is undefined."""
    return float(_spearman(*(_means(scores[:, None]) for scores in (first, second)))[0])


@dataclass(frozen=True)
class PairedDifference:
    """Difference of a rank correlation between two settings that share their images, over several pairs.

    Args:
        first: Mean of Spearman's rho in the first setting, over the defined pairs; None if there are none.
        second: Mean of Spearman's rho in the second setting.
        difference: First minus second.
        low: Lower end of the difference's 95 percent interval (percentile bootstrap, the same methods and images in both settings).
        high: Upper end.
        share_lower: Fraction of the defined pairs in which the first is lower.
        n_pairs: Number of defined pairs: those with a rho in both settings.
    """

    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    share_lower: float | None
    n_pairs: int


def paired_difference(
    pairs: Sequence[tuple[tuple[Scores, Scores], tuple[Scores, Scores]]], *, seed: int = 0, over_methods: bool = True
) -> PairedDifference:
    """Compare the rank correlations of two settings, pair by pair.

    Args:
        pairs: For each pair (for example a network seed) the two scores in the first setting and in the second, each
            (methods, images) as for `rank_correlation`.
        seed: Seed of the bootstrap.
        over_methods: Whether methods are resampled, too, as in `resampled_spearman`.
    """
    rhos = [tuple(_spearman(*(_means(score[:, None]) for score in scores))[0] for scores in pair) for pair in pairs]
    defined = [index for index, pair in enumerate(rhos) if np.isfinite(pair).all()]
    if not defined:
        return PairedDifference(None, None, None, None, None, None, 0)
    first, second = (np.array([rhos[index][side] for index in defined]) for side in (0, 1))
    resampled = [
        resampled_spearman(*pairs[index][0], seed=seed, over_methods=over_methods)
        - resampled_spearman(*pairs[index][1], seed=seed, over_methods=over_methods)
        for index in defined
    ]
    low, high = percentile_interval(np.mean(resampled, axis=0))
    lower = float((first < second).mean())
    means = float(first.mean()), float(second.mean())
    return PairedDifference(*means, means[0] - means[1], low, high, lower, len(defined))


def resampled_spearman(first: Scores, second: Scores, *, seed: int, over_methods: bool = True) -> Scores:
    """Spearman's rho of resampled methods and images, (N_RESAMPLES,); NaN where undefined, as when one method is drawn only.

    Equal seeds draw equal methods and images.

    Args:
        first: (methods, images).
        second: (methods, images).
        seed: Seed of the draws.
        over_methods: Whether methods are resampled, too. Otherwise the interval is about this list of methods only, as the claims of
            a paper about its own list are.
    """
    n_methods, n_images = first.shape
    images = draw_units(generator(seed, "images drawn anew"), n_images, N_RESAMPLES)
    means = [_means(scores[:, images]) for scores in (first, second)]
    if over_methods:
        methods = draw_units(generator(seed, "methods drawn anew"), n_methods, N_RESAMPLES)
        means = [np.take_along_axis(mean, methods, axis=1) for mean in means]
    return _spearman(*means)


def ranks(scores: Scores) -> Scores:
    """Ranks along the last axis, from 1 for the lowest, (..., methods) to (..., methods); ties share their average rank.

    A score ties with the next lower one if they differ by less than `TIE`.
    """
    order = scores.argsort(axis=-1)
    rising = np.take_along_axis(scores, order, axis=-1)
    apart = np.diff(rising, axis=-1) > TIE * np.abs(scores).max(axis=-1, keepdims=True, initial=0.0)
    levels = np.zeros(scores.shape)
    np.put_along_axis(levels, order[..., 1:], apart.cumsum(axis=-1).astype(float), axis=-1)
    ranked: Scores = rankdata(levels, axis=-1)
    return ranked


def _means(scores: Scores) -> Scores:
    """Average over images: (methods, resamples, images) to (resamples, methods)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of undefined scores is undefined
        means: Scores = np.nanmean(scores, axis=-1).T
    return means


def _spearman(first: Scores, second: Scores) -> Scores:
    """Spearman's rho row by row, (rows, methods) to (rows,), over methods with both scores; NaN where it is undefined."""
    defined = ~(np.isnan(first) | np.isnan(second))
    rhos = np.full(len(first), np.nan)
    for pattern in np.unique(defined, axis=0):  # rows with the same defined methods are ranked together
        if pattern.sum() < 2:
            continue
        rows = (defined == pattern).all(axis=1)
        row_ranks = [ranks(scores[np.ix_(rows, pattern)]) for scores in (first, second)]
        centered = [rank - rank.mean(axis=1, keepdims=True) for rank in row_ranks]
        lengths = np.sqrt(np.prod([(rank**2).sum(axis=1) for rank in centered], axis=0))
        products = (centered[0] * centered[1]).sum(axis=1)
        rhos[rows] = np.divide(products, lengths, out=np.full(len(lengths), np.nan), where=lengths > 0)
    return rhos


def _kendall(first: Scores, second: Scores) -> float | None:
    """Kendall's tau-b over methods with both scores, or None."""
    defined = ~(np.isnan(first) | np.isnan(second))
    if defined.sum() < 2:
        return None
    return _number(kendalltau(*(ranks(scores[defined]) for scores in (first, second))).statistic)


def _number(value: float) -> float | None:
    """A finite value, or None."""
    return float(value) if np.isfinite(value) else None
