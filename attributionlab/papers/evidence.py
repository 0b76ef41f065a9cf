"""Evidence: measured numbers, averaged over networks, with intervals over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attributionlab.judging.statistics import N_RESAMPLES, draw_units, percentile_interval
from attributionlab.seeding import generator

Values = npt.NDArray[np.float64]

SEED = 0
"""Seed of the images that are drawn anew for intervals."""


@dataclass(frozen=True)
class Evidence:
    """A measured number.

    Args:
        value: Mean over networks.
        by_seed: Value with each network.
        low: Lower end of the 95 percent interval, images drawn anew; None where nothing is drawn.
        high: Upper end.
    """

    value: float
    by_seed: tuple[float, ...]
    low: float | None = None
    high: float | None = None


def average_networks(by_seed: Sequence[float], resampled: Values | None = None) -> Evidence:
    """The mean over networks, with the interval of resampled means.

    Args:
        by_seed: A value per network, at least one.
        resampled: (n,), the mean over networks for images drawn anew, NaN where undefined; None where nothing is drawn.
    """
    values = np.asarray(by_seed, dtype=np.float64)
    low, high = percentile_interval(np.empty(0) if resampled is None else resampled)
    return Evidence(float(values.mean()), tuple(float(value) for value in values), low, high)


def average_images(scores: Values) -> Evidence:
    """The mean of scores (networks, images), NaN left out, with its interval; NaN where a network has no score."""
    if np.isnan(scores).all(axis=1).any():
        return Evidence(np.nan, (np.nan,) * len(scores))
    draws = draw_units(generator(SEED, "images drawn anew"), scores.shape[1], N_RESAMPLES)
    return average_networks(np.nanmean(scores, axis=1).tolist(), defined_mean(scores[:, draws]).mean(axis=0))


def defined_mean(scores: Values) -> Values:
    """The mean over the last axis, NaN left out; NaN where no score is defined."""
    n_defined = np.isfinite(scores).sum(axis=-1)
    means: Values = np.divide(
        np.nansum(scores, axis=-1), n_defined, out=np.full(n_defined.shape, np.nan), where=n_defined > 0
    )
    return means
