"""Agreement of maps with the exact values of a game, as verdicts hold and print it. Reading a run needs this without torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SCORES = ("cosine", "rank", "sign", "l1", "l1_rescaled", "dummy", "completeness")
"""The scores of `attributionlab.metrics.values.ValueAgreement`, in its order."""

ANSWERED_BELOW = 0.05
"""Largest l1 of all images below which a game with exact values is answered."""

MOST_NOISE = 0.5
"""l1 that standard errors may explain; an estimate that is as noisy as this tells nothing."""


def is_near(largest_l1: float | None) -> bool:
    """Whether maps answer a game with exact values, from the largest l1 of an image; None where all values are 0."""
    return largest_l1 is not None and largest_l1 < ANSWERED_BELOW


@dataclass(frozen=True)
class GameAgreement:
    """Agreement of maps with the values of a game.

    Args:
        scores: Mean over images of each score of `ValueAgreement`; None where it applies to no image.
        largest_l1: The largest l1 of an image; None where every value of all images is 0.
        noise: Mean l1 that the standard errors of estimated values explain, at most sum SE / sum |v|; None for exact values.
    """

    scores: dict[str, float | None]
    largest_l1: float | None
    noise: float | None = None

    @property
    def distance(self) -> float:
        """The mean l1; infinite where there is none."""
        l1 = self.scores["l1"]
        return math.inf if l1 is None else l1

    @property
    def is_answered(self) -> bool:
        """Whether the largest l1 is below 0.05, or the mean l1 is not larger than what the standard errors explain."""
        if self.largest_l1 is None:
            return False
        explained = self.noise is not None and self.distance <= self.noise <= MOST_NOISE
        return is_near(self.largest_l1) or explained

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]]) -> GameAgreement:
        """The agreement over images, from the scores of each, and its `noise` if values are estimated."""
        l1 = [row["l1"] for row in rows if not math.isnan(row["l1"])]
        noise = [row["noise"] for row in rows if "noise" in row]
        means = {name: _mean([row[name] for row in rows]) for name in SCORES}
        return cls(means, max(l1, default=None), _mean(noise) if noise else None)


def _mean(values: Sequence[float]) -> float | None:
    """Mean of all values that are not NaN; None if there are none, or it is not finite."""
    defined = [value for value in values if not math.isnan(value)]
    mean = sum(defined) / len(defined) if defined else math.nan
    return mean if math.isfinite(mean) else None


def answered(agreements: Mapping[str, GameAgreement]) -> list[str]:
    """Names of the games that are answered, nearest first."""
    return [name for name, agreement in agreements.items() if agreement.is_answered]


def games_dict(agreements: Mapping[str, GameAgreement]) -> dict[str, dict[str, Any]]:
    """The agreements in the documented JSON."""
    return {name: dict(agreement.scores) for name, agreement in agreements.items()}
