"""The perturbation metrics by name, each with the direction in which it is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from attributionlab._registry import Registry
from attributionlab.metrics.insertion import Images, Network, deletion, insertion
from attributionlab.metrics.sensitivity import sensitivity_n


@dataclass(frozen=True)
class Metric:
    """A score per image of how well an attribution goes with what the network does.

    Args:
        name: Its registry name.
        higher_is_better: The direction.
        score: `(environment, batch, attribution) -> (b,)`; NaN where it is undefined.
    """

    name: str
    higher_is_better: bool
    score: Callable[[Network, Images, Tensor], Tensor]


METRICS: Registry[Metric] = Registry("metric", "attributionlab.metrics")
for _metric in (
    Metric("insertion", True, lambda environment, batch, maps: insertion(environment, batch, maps).auc),
    Metric("deletion", False, lambda environment, batch, maps: deletion(environment, batch, maps).auc),
    Metric("sensitivity-n", True, lambda environment, batch, maps: sensitivity_n(environment, batch, maps).mean),
):
    METRICS.register(_metric.name, _metric)
