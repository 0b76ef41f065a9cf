"""Do two scores rank methods alike? Tie-aware rank correlations, with intervals over images (section 5)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, rankdata

from attributionlab.judging.statistics import draw_images, percentile_interval
from attributionlab.seeding import generator

Scores = npt.NDArray[np.float64]

N_RESAMPLES = 500

TIE = 1e-6
"""Scores that differ by less, in parts of the largest magnitude, are equal: maps are float32, which rounds at 6e-8.

Without it, methods that are all perfect but for rounding would be ranked by their rounding.
"""


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
    means = _means(first[:, None])[0], _means(second[:, None])[0]
    interval = percentile_interval(resampled_spearman(first, second, seed=seed))
    return RankCorrelation(_number(_spearman(*(mean[None] for mean in means))[0]), *interval, _kendall(*means))


@dataclass(frozen=True)
class PairedDifference:
    """By how much a rank correlation changes between two settings that share their images, over several pairs.

    Args:
        first: Mean of Spearman's rho in the first setting, over the pairs where both have one; None without any.
        second: The same in the second.
        difference: First less second.
        low: Lower end of the difference's 95 percent interval, images drawn anew, the same ones in both (percentile bootstrap).
        high: Upper end.
        share_lower: Part of the pairs in which the first is lower.
        n_pairs: Pairs where both have one.
    """

    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    share_lower: float | None
    n_pairs: int


def paired_difference(
    pairs: Sequence[tuple[tuple[Scores, Scores], tuple[Scores, Scores]]], *, seed: int = 0
) -> PairedDifference:
    """Compare how two settings rank, pair by pair.

    Args:
        pairs: Of each pair (one network seed, say) the two scores in the first setting and in the second, each
            (methods, images) as for `rank_correlation`.
        seed: Seed of the bootstrap.
    """
    found = [tuple(_spearman(*(_means(score[:, None]) for score in scores))[0] for scores in pair) for pair in pairs]
    known = [index for index, pair in enumerate(found) if np.isfinite(pair).all()]
    if not known:
        return PairedDifference(None, None, None, None, None, None, 0)
    first, second = (np.array([found[index][side] for index in known]) for side in (0, 1))
    resampled = [
        resampled_spearman(*pairs[index][0], seed=seed) - resampled_spearman(*pairs[index][1], seed=seed)
        for index in known
    ]
    low, high = percentile_interval(np.mean(resampled, axis=0))
    lower = float((first < second).mean())
    means = float(first.mean()), float(second.mean())
    return PairedDifference(*means, means[0] - means[1], low, high, lower, len(known))


def resampled_spearman(first: Scores, second: Scores, *, seed: int) -> Scores:
    """Spearman's rho with images drawn anew, (N_RESAMPLES,); NaN where undefined. The same seed draws the same images."""
    n_images = first.shape[1]
    draws = draw_images(generator(seed, "images drawn anew"), n_images, N_RESAMPLES)
    return _spearman(_means(first[:, draws]), _means(second[:, draws]))


def ranks(scores: Scores) -> Scores:
    """Ranks along the last axis, from 1 for the least, (..., methods) to (..., methods); ties share their average rank.

    A score ties with the next lower one if they differ by less than `TIE`.
    """
    order = scores.argsort(axis=-1)
    rising = np.take_along_axis(scores, order, axis=-1)
    apart = np.diff(rising, axis=-1) > TIE * np.abs(scores).max(axis=-1, keepdims=True, initial=0.0)
    levels = np.zeros(scores.shape)
    np.put_along_axis(levels, order[..., 1:], apart.cumsum(axis=-1).astype(float), axis=-1)
    found: Scores = rankdata(levels, axis=-1)
    return found


def _means(scores: Scores) -> Scores:
    """(methods, resamples, images) to (resamples, methods)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a method whose score is undefined everywhere has none
        means: Scores = np.nanmean(scores, axis=-1).T
    return means


def _spearman(first: Scores, second: Scores) -> Scores:
    """Spearman's rho row by row, (rows, methods) to (rows,), over methods with both scores; NaN where it is undefined."""
    known = ~(np.isnan(first) | np.isnan(second))
    found = np.full(len(first), np.nan)
    for pattern in np.unique(known, axis=0):  # rows that know the same methods are ranked together
        if pattern.sum() < 2:
            continue
        rows = (known == pattern).all(axis=1)
        both = [ranks(scores[np.ix_(rows, pattern)]) for scores in (first, second)]
        centered = [rank - rank.mean(axis=1, keepdims=True) for rank in both]
        lengths = np.sqrt(np.prod([(one**2).sum(axis=1) for one in centered], axis=0))
        products = (centered[0] * centered[1]).sum(axis=1)
        found[rows] = np.divide(products, lengths, out=np.full(len(lengths), np.nan), where=lengths > 0)
    return found


def _kendall(first: Scores, second: Scores) -> float | None:
    known = ~(np.isnan(first) | np.isnan(second))
    if known.sum() < 2:
        return None
    return _number(kendalltau(*(ranks(scores[known]) for scores in (first, second))).statistic)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
