"""Facts about maps that explain their scores, and that can be added up over batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.methods import Declaration
from attributionlab.metrics import score
from attributionlab.truth import Batch

DUST = 1e-6
"""Values of one sign below this share of the other's are taken for rounding: maps are float32."""


@dataclass(frozen=True)
class MapFacts:
    """Counts over maps; `+` joins those of several batches.

    Args:
        n_maps: Maps.
        n_zero: Maps that are zero everywhere.
        n_saturated: Of these, maps of an image whose softmax is saturated, where the probability is explained.
        n_zero_output: Of these, maps of an input on which a regression's output is 0.
        n_dusty: Maps whose values of one sign are below a millionth of the other's, as rounding is.
        n_negative: Maps with negative values of a method that gives both signs.
        perfect_f1: Sum over maps of the F1 that a perfect map of the logit has on overall truth; None where the method does
            not explain the logit of a probability.
        zero_reason: Why the method's maps can be zero everywhere, where it declares that.
    """

    n_maps: int = 0
    n_zero: int = 0
    n_saturated: int = 0
    n_zero_output: int = 0
    n_dusty: int = 0
    n_negative: int = 0
    perfect_f1: float | None = None
    zero_reason: str | None = None

    @classmethod
    def of(cls, environment: Environment, batch: Batch, declaration: Declaration, maps: Tensor) -> Self:
        """Facts about the maps (b, *shape) of a batch on the CPU."""
        is_zero = (maps == 0).flatten(1).all(dim=1)
        n_saturated, n_zero_output = _zero_causes(environment, batch, declaration, is_zero)
        is_logit = declaration.explains == "logit" and environment.explains == "probability"
        perfect = score(batch.ground_truth.positive_mask, batch.ground_truth).overall.f1 if is_logit else None
        return cls(
            n_maps=len(maps),
            n_zero=int(is_zero.sum()),
            n_saturated=n_saturated,
            n_zero_output=n_zero_output,
            n_dusty=_n_dusty(maps),
            n_negative=int((maps < 0).flatten(1).any(dim=1).sum()) if declaration.sign == "signed" else 0,
            perfect_f1=None if perfect is None else float(perfect.sum()),
            zero_reason=declaration.zero_maps,
        )

    def __add__(self, other: MapFacts) -> MapFacts:
        counts = ("n_maps", "n_zero", "n_saturated", "n_zero_output", "n_dusty", "n_negative")
        perfect = [facts.perfect_f1 for facts in (self, other) if facts.perfect_f1 is not None]
        return MapFacts(
            **{name: getattr(self, name) + getattr(other, name) for name in counts},
            perfect_f1=sum(perfect) if perfect else None,
            zero_reason=self.zero_reason or other.zero_reason,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without what is at its default: records by the million hold it."""
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The facts that `to_dict` gave."""
        return cls(**stored)


def _zero_causes(environment: Environment, batch: Batch, declaration: Declaration, is_zero: Tensor) -> tuple[int, int]:
    """Of the maps that are zero: how many have a saturated softmax, and how many an output of 0."""
    if not is_zero.any():
        return 0, 0
    inputs, targets = batch.inputs[is_zero], batch.targets[is_zero]
    outputs = torch.cat([environment.model(single).detach() for single in inputs.split(1)])
    if environment.explains == "probability" and declaration.explains == "output":
        return int((_own_slope(outputs, targets) == 0).sum()), 0
    if environment.explains == "value":
        return 0, int((outputs == 0).all(dim=1).sum())
    return 0, 0


def _own_slope(probabilities: Tensor, targets: Tensor) -> Tensor:
    """The float32 slope of the target's probability along its own logit, as autograd computes it: p (1 - p)."""
    of_target = probabilities.gather(1, targets[:, None])
    return of_target * (1 - of_target)


def _n_dusty(maps: Tensor) -> int:
    """Maps on which values of one sign are next to nothing beside the other's."""
    values = maps.double().flatten(1)
    raising, lowering = values.amax(dim=1).clamp(min=0), -values.amin(dim=1).clamp(max=0)
    smaller, larger = torch.minimum(raising, lowering), torch.maximum(raising, lowering)
    return int(((smaller > 0) & (smaller < DUST * larger)).sum())
