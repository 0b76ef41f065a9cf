"""Statistics over units: means with their intervals, and the bootstrap of this package for what is no mean."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from attributionlab.judging.student import student_quantile
from attributionlab.seeding import generator

Values = npt.NDArray[np.float64]

INTERVAL = (2.5, 97.5)
"""Percentiles of resampled values that bound a 95 percent interval."""


N_RESAMPLES = 500
"""Resamples of a bootstrap."""


def draw_units(random: np.random.Generator, n_units: int, n_resamples: int) -> npt.NDArray[np.int64]:
    """(n_resamples, n_units): resamples of images or of methods, drawn with replacement."""
    return random.integers(0, n_units, (n_resamples, n_units))


def percentile_interval(resampled: Values) -> tuple[float | None, float | None]:
    """The 95 percent interval of a statistic from its resampled values (n,), ignoring NaN; None if no value is defined."""
    defined = resampled[np.isfinite(resampled)]
    if len(defined) == 0:
        return None, None
    low, high = np.percentile(defined, INTERVAL)
    return float(low), float(high)


@dataclass(frozen=True)
class ResampledMean:
    """A mean over units with its 95 percent interval by the bootstrap.

    Args:
        mean: Mean of the defined scores.
        low: Lower end of the interval.
        high: Upper end.
    """

    mean: float
    low: float
    high: float


def resampled_mean(scores: Values, *, seed: int = 0) -> ResampledMean | None:
    """Mean of the defined scores (n,) of n units, which are drawn anew; None if no score is defined. One unit has no spread.

    Args:
        scores: (n,), NaN where undefined.
        seed: Seed of the draws; equal seeds draw equal units.
    """
    draws = draw_units(generator(seed, "images drawn anew"), len(scores), N_RESAMPLES)
    drawn = scores[draws]
    is_defined = ~np.isnan(drawn)
    totals, counts = np.where(is_defined, drawn, 0.0).sum(axis=1), is_defined.sum(axis=1)
    low, high = percentile_interval(totals[counts > 0] / counts[counts > 0])
    return None if low is None or high is None else ResampledMean(float(np.nanmean(scores)), low, high)


State = Literal["reached", "below", "open"]
"""Whether the mean F1 on a truth reaches gamma, stays below it, or cannot be told yet."""

Rule = Literal["interval", "point"]
"""Whether the interval of the mean decides, or the mean alone, as in the paper."""


def mean_interval(n: int, total: float, squares: float) -> tuple[float, float]:
    """The 95 percent interval of the mean of n scores in [0, 1], from their sum and their sum of squares; see `mean_intervals`."""
    low, high = mean_intervals(n, np.float64(total), np.float64(squares))
    return float(low), float(high)


def mean_intervals(n: int, total: Values | np.float64, squares: Values | np.float64) -> tuple[Values, Values]:
    """The 95 percent intervals of the means of samples of n scores in [0, 1].

    One score 0 and one score 1 are appended, then it is the mean of the n scores +- t(.975, n + 1) sd / sqrt(n + 2), clipped to [0, 1].
    The two extra scores keep the interval from being short by chance where scores are few, or all equal (docs/verdict.md).

    Args:
        n: Scores in each sample.
        total: Sum of each sample's scores.
        squares: Sum of their squares.
    """
    n_all, mean = n + 2, total / n
    variance = np.maximum(squares + 1 - (total + 1) ** 2 / n_all, 0.0) / (n_all - 1)
    reach = student_quantile(n_all - 1) * (variance / n_all) ** 0.5
    return np.maximum(mean - reach, 0.0), np.minimum(mean + reach, 1.0)


@dataclass(frozen=True)
class Summary:
    """Scores of a method averaged over units: images, each under its own network or all under one.

    Args:
        precision: Mean soft precision.
        recall: Mean soft recall.
        f1: Mean F1.
        f1_low: Lower end of its 95 percent interval.
        f1_high: Upper end.
        state: `reached`, `below` or `open`, against gamma.
    """

    precision: float
    recall: float
    f1: float
    f1_low: float
    f1_high: float
    state: State

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return dataclasses.asdict(self)


def state_of(mean: float, interval: tuple[float, float], gamma: float, rule: Rule) -> State:
    """State of a mean F1 with this interval."""
    low, high = (mean, mean) if rule == "point" else interval
    if low >= gamma:
        return "reached"
    return "below" if high < gamma else "open"


def summarize(precision: Values, recall: Values, f1: Values, gamma: float, rule: Rule) -> Summary | None:
    """Average scores (n,) over the units to which the truth applies (not NaN); None if there are no such units."""
    applies = ~np.isnan(f1)
    if not applies.any():
        return None
    values = f1[applies]
    mean = float(values.mean())
    interval = mean_interval(len(values), float(values.sum()), float((values**2).sum()))
    state = state_of(mean, interval, gamma, rule)
    return Summary(float(precision[applies].mean()), float(recall[applies].mean()), mean, *interval, state)
