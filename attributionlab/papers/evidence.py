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
"""Seed of the images, and of the methods, that are drawn anew for intervals."""

N_DIGITS = 4
"""Networks whose figures are the same to so many digits count once."""


@dataclass(frozen=True)
class Evidence:
    """A measured number.

    Args:
        value: Mean over networks.
        by_seed: Value with each network.
        low: Lower end of the 95 percent interval, images drawn anew; None where nothing is drawn.
        high: Upper end.
        first_alike: For each network, the first whose figures are the same to four digits; empty where all count.
    """

    value: float
    by_seed: tuple[float, ...]
    low: float | None = None
    high: float | None = None
    first_alike: tuple[int, ...] = ()

    @property
    def different(self) -> tuple[float, ...]:
        """The values of networks that differ; those that are alike count once."""
        firsts = self.first_alike or range(len(self.by_seed))
        return tuple(self.by_seed[index] for index in sorted(set(firsts)))


def first_alike(figures: Values) -> tuple[int, ...]:
    """For each network, the first that has the same figures to four digits.

    Args:
        figures: (networks, ...), the figures of each network.
    """
    digits = [tuple(f"{value:.{N_DIGITS}g}" for value in row) for row in figures.reshape(len(figures), -1).tolist()]
    return tuple(map(digits.index, digits))


def average_networks(
    by_seed: Sequence[float], resampled: Values | None = None, figures: Values | None = None
) -> Evidence:
    """The mean over networks, with the interval of resampled means.

    Args:
        by_seed: A value per network, at least one.
        resampled: (n,), the mean over networks for images drawn anew, NaN where undefined; None where nothing is drawn.
        figures: (networks, ...), by which networks are alike; None where all networks count, for example because each is trained.
    """
    values = np.asarray(by_seed, dtype=np.float64)
    low, high = percentile_interval(np.empty(0) if resampled is None else resampled)
    alike = () if figures is None else first_alike(figures)
    return Evidence(float(values.mean()), tuple(float(value) for value in values), low, high, alike)


def average_images(scores: Values) -> Evidence:
    """The mean of scores (networks, images), NaN left out, with its interval; NaN where a network has no score."""
    if np.isnan(scores).all(axis=1).any():
        return Evidence(np.nan, (np.nan,) * len(scores))
    draws = draw_units(generator(SEED, "images drawn anew"), scores.shape[1], N_RESAMPLES)
    means: Values = np.nanmean(scores, axis=1)
    return average_networks(means.tolist(), defined_mean(scores[:, draws]).mean(axis=0), means)


def defined_mean(scores: Values) -> Values:
    """The mean over the last axis, NaN left out; NaN where no score is defined."""
    n_defined = np.isfinite(scores).sum(axis=-1)
    means: Values = np.divide(
        np.nansum(scores, axis=-1), n_defined, out=np.full(n_defined.shape, np.nan), where=n_defined > 0
    )
    return means
