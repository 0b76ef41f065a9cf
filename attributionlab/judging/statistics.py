"""Means over images with bootstrap intervals."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import bootstrap

if TYPE_CHECKING:
    from attributionlab.metrics import SoftScores

N_RESAMPLES = 2_000


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
        """As in the documented JSON."""
        return dataclasses.asdict(self)


def summarize(scores: SoftScores, gamma: float, *, seed: int) -> Summary | None:
    """Average over the images to which the truth applies; None if there are none.

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


def bootstrap_interval(values: np.ndarray[tuple[int], np.dtype[np.float64]], *, seed: int) -> tuple[float, float]:
    """The 95 percent interval of the mean of `values`."""
    if len(values) == 1 or (values == values[0]).all():
        return float(values[0]), float(values[0])
    interval = bootstrap(
        (values,), np.mean, n_resamples=N_RESAMPLES, method="percentile", rng=np.random.default_rng(seed)
    ).confidence_interval
    return float(interval.low), float(interval.high)
