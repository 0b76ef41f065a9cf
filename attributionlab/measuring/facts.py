"""Facts about maps that explain their scores and can be summed over batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class MapFacts:
    """Counts over maps; `+` joins those of several batches.

    Args:
        n_maps: Number of maps.
        n_zero: Maps that are zero everywhere.
        n_saturated: Zero maps of an image with a saturated softmax, if the probability is explained.
        n_zero_output: Zero maps of an input on which a regression's output is 0.
        n_dusty: Maps whose values of one sign are below a millionth of the other's, like rounding errors.
        n_negative: Maps with negative values, of a method that gives both signs.
        n_same_for_winner: Maps of another output than the winner's that are the winner's although the truth differs, in the first job.
        zero_reason: The method's declared reason for maps that are zero everywhere, if any.
    """

    n_maps: int = 0
    n_zero: int = 0
    n_saturated: int = 0
    n_zero_output: int = 0
    n_dusty: int = 0
    n_negative: int = 0
    n_same_for_winner: int = 0
    zero_reason: str | None = None

    def __add__(self, addend: MapFacts) -> MapFacts:
        counts = [entry.name for entry in dataclasses.fields(self) if entry.name != "zero_reason"]
        return MapFacts(
            **{name: getattr(self, name) + getattr(addend, name) for name in counts},
            zero_reason=self.zero_reason or addend.zero_reason,
        )

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON, without default values, because a run can have millions of records."""
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read the result of `to_dict`, also of earlier versions, which had more facts."""
        names = {entry.name for entry in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in names})
