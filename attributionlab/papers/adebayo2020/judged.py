"""Claims about printed numbers: one finding for each scaling in front of SSIM, and for each kind of ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attributionlab.papers.claims import (
    Direction,
    Finding,
    JudgedClaim,
    PublishedClaim,
    judge_evidence,
    unmeasured,
    within,
)
from attributionlab.papers.evidence import Values, average_images
from attributionlab.papers.studies import Cell

SSIM = {
    "ssim_magnitude": "magnitudes, scaled to [0, 1]",
    "ssim_minmax": "values, scaled to [0, 1] by their range",
    "ssim_signed": "values, scaled to [-1, 1]",
}
"""Readings of appendix B: the scaling of maps in front of SSIM."""

RANKS = {"rank": "ranks of values", "rank_magnitude": "ranks of magnitudes"}
"""Readings of rank correlations, as in Figure 26."""

NEAR = 0.1
"""Largest difference to a printed similarity that counts as reproduced; ours, because our data and networks differ from the paper's."""

ByReading = Callable[[str, str], Values | str]
"""`(method, name of a similarity) -> scores (networks, images)`, or why there are none."""


@dataclass(frozen=True)
class PrintedRow:
    """A printed row of similarities, one number per method.

    Args:
        key: Name, unique in the report.
        source: Table and section.
        statement: One line about a method, in which `{method}` is replaced.
        values: Printed means by method.
        errors: Printed standard errors by method; empty where they cannot be assigned.
        readings: The similarities that may be meant, `SSIM` or `RANKS`.
        direction: Condition for "direction only", in words.
    """

    key: str
    source: str
    statement: str
    values: Mapping[str, float]
    errors: Mapping[str, float]
    readings: Mapping[str, str]
    direction: str

    def claims(self, measured: ByReading, direction: Callable[[str, str], Direction | None]) -> list[JudgedClaim]:
        """A claim for each method, with a finding for each reading."""
        return [
            JudgedClaim(
                self._claim(method),
                tuple(
                    self._finding(method, reading, measured(method, name), direction(method, name))
                    for name, reading in self.readings.items()
                ),
            )
            for method in self.values
        ]

    def _claim(self, method: str) -> PublishedClaim:
        error = self.errors.get(method)
        return PublishedClaim(
            key=f"{self.key}.{method}",
            source=self.source,
            statement=self.statement.format(method=method),
            published=f"{self.values[method]:g}" + ("" if error is None else f" (standard error {error:g})"),
            test=f"within {NEAR} of the printed value",
            direction=self.direction,
        )

    def _finding(self, method: str, reading: str, scores: Values | str, direction: Direction | None) -> Finding:
        if isinstance(scores, str):
            return unmeasured(scores, reading=reading)
        if not np.isfinite(scores).any():
            return unmeasured("no image has two maps for which it is defined", reading=reading)
        return judge_evidence(average_images(scores), within(self.values[method], NEAR), direction, reading=reading)


def above(first: Values | str, second: Values | str) -> Direction | None:
    """Direction: the first scores exceed the second. None if one of them is missing."""
    if isinstance(first, str) or isinstance(second, str):
        return None
    return Direction(average_images(first - second), lambda difference: difference > 0)


def mean_cell(scores: Values | str) -> Cell:
    """The mean of scores (networks, images) for a table; None without any."""
    return None if isinstance(scores, str) or not np.isfinite(scores).any() else float(np.nanmean(scores))


def error_cell(scores: Values | str) -> Cell:
    """The standard error of the mean over images, averaged over networks; None for fewer than two images."""
    if isinstance(scores, str) or not (np.isfinite(scores).sum(axis=1) > 1).all():
        return None
    counts = np.isfinite(scores).sum(axis=1)
    return float((np.nanstd(scores, axis=1, ddof=1) / np.sqrt(counts)).mean())


def by_method(methods: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    """Printed numbers by method."""
    return dict(zip(methods, values, strict=True))
