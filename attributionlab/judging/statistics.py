"""Statistics over images: the bootstrap of this package, and means with their intervals."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from attributionlab.metrics import SoftScores

Values = npt.NDArray[np.float64]

N_RESAMPLES = 2_000
"""Resamples for the interval of a mean."""

INTERVAL = (2.5, 97.5)
"""Percentiles of resampled values that bound a 95 percent interval."""


def draw_images(random: np.random.Generator, n_images: int, n_resamples: int) -> npt.NDArray[np.int64]:
    """(n_resamples, n_images): resamples of the images, drawn with replacement."""
    return random.integers(0, n_images, (n_resamples, n_images))


def percentile_interval(resampled: Values) -> tuple[float | None, float | None]:
    """The 95 percent interval of a statistic from its resampled values (n,), ignoring NaN; None if no value is defined."""
    defined = resampled[np.isfinite(resampled)]
    if len(defined) == 0:
        return None, None
    low, high = np.percentile(defined, INTERVAL)
    return float(low), float(high)


@dataclass(frozen=True)
class Summary:
    """Scores of a method averaged over images.

    Args:
        precision: Mean soft precision.
        recall: Mean soft recall.
        f1: Mean F1.
        f1_low: Lower end of its 95 percent interval.
        f1_high: Upper end.
        passed: Whether the mean F1 reaches gamma.
    """

    precision: float
    recall: float
    f1: float
    f1_low: float
    f1_high: float
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return dataclasses.asdict(self)


def summarize(scores: SoftScores, gamma: float, *, seed: int) -> Summary | None:
    """Average over the images to which the truth applies; None if there are no such images.

    The interval is the percentile bootstrap over images; a single image has an interval of length 0.
    """
    f1 = scores.f1[~scores.f1.isnan()].numpy()
    if len(f1) == 0:
        return None
    low, high = bootstrap_interval(f1, seed=seed)
    mean = float(f1.mean())
    return Summary(
        precision=float(scores.precision.nanmean()),
        recall=float(scores.recall.nanmean()),
        f1=mean,
        f1_low=low,
        f1_high=high,
        passed=mean >= gamma,
    )


def bootstrap_interval(values: Values, *, seed: int) -> tuple[float, float]:
    """The 95 percent interval of the mean of `values` (n,), by the percentile bootstrap."""
    if len(values) == 1 or (values == values[0]).all():
        return float(values[0]), float(values[0])
    draws = draw_images(np.random.default_rng(seed), len(values), N_RESAMPLES)
    low, high = percentile_interval(values[draws].mean(axis=1))
    assert low is not None and high is not None, "means of finite values are finite"
    return low, high
