"""Targets: whether a method looks at the output that it is asked to explain."""

from __future__ import annotations

import dataclasses

import torch

from attributionlab.judging.units import Source
from attributionlab.measuring.explain import explain
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.target_use import visible_truth

N_UNITS = 4
"""Scenes that are explained for another target."""


def ignores_target(source: Source) -> bool | None:
    """Whether the maps are the same for the losing class as for the winner, although their truth differs.

    Returns:
        None if there is no other output with a known truth, or what the method can show of it is the same.
    """
    if not source.environment.has_targets:
        return None
    winner, loser = (dataclasses.replace(source, target=target, batch_size=1) for target in ("winner", "loser"))
    n_compared = 0
    for own, other in zip(winner.units(0, N_UNITS), loser.units(0, N_UNITS), strict=True):
        if torch.equal(*(visible_truth(unit.method.declaration, unit.truth) for unit in (own, other))):
            continue
        n_compared += 1
        first, second = (explain(unit.method, unit.network, unit.batch, device=source.device) for unit in (own, other))
        if isinstance(first, Failure) or isinstance(second, Failure) or not torch.equal(first.values, second.values):
            return False
    return True if n_compared else None
