"""Inspection: counts over maps that explain their scores."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.measuring.facts import MapFacts
from attributionlab.methods import Declaration
from attributionlab.truth import Batch

DUST = 1e-6
"""Values of one sign below this fraction of the other's are considered rounding errors, because maps are float32."""


def inspect_maps(environment: Environment, batch: Batch, declaration: Declaration, maps: Tensor) -> MapFacts:
    """Facts about the maps (b, *shape) of a batch on the CPU."""
    is_zero = (maps == 0).flatten(1).all(dim=1)
    n_saturated, n_zero_output = _zero_causes(environment, batch, declaration, is_zero)
    return MapFacts(
        n_maps=len(maps),
        n_zero=int(is_zero.sum()),
        n_saturated=n_saturated,
        n_zero_output=n_zero_output,
        n_dusty=_n_dusty(maps),
        n_negative=int((maps < 0).flatten(1).any(dim=1).sum()) if declaration.sign == "signed" else 0,
        zero_reason=declaration.zero_maps,
    )


def _zero_causes(environment: Environment, batch: Batch, declaration: Declaration, is_zero: Tensor) -> tuple[int, int]:
    """Numbers of zero maps with a saturated softmax, and of zero maps with an output of 0."""
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
    """Number of maps whose values of one sign are negligible relative to the other's."""
    values = maps.double().flatten(1)
    raising, lowering = values.amax(dim=1).clamp(min=0), -values.amin(dim=1).clamp(max=0)
    smaller, larger = torch.minimum(raising, lowering), torch.maximum(raising, lowering)
    return int(((smaller > 0) & (smaller < DUST * larger)).sum())
