"""Metric `keep-top`: the explained output if only the features with the largest values are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

import attributionlab as al
from attributionlab.metrics import Measurement


@dataclass(frozen=True, kw_only=True)
class KeepTop(al.Metric):
    """Explained output if only the features with the largest values are kept.

    Args:
        share: Share of the features that are kept; the others are set to the true baseline.
    """

    name: ClassVar[str] = "keep-top"
    higher_is_better: ClassVar[bool] = True
    source: ClassVar[str] = "an example"

    share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"`share` must be above 0 and at most 1, got {self.share}")

    def evaluate(
        self, environment: al.Environment, batch: al.Batch, attributions: Sequence[Tensor], prepared: object = None
    ) -> list[Measurement]:
        """Scores (b,) for the maps (b, *shape) of each method."""
        del prepared
        return [Measurement(self._kept_output(environment, batch, maps)) for maps in attributions]

    @torch.no_grad()
    def _kept_output(self, environment: al.Environment, batch: al.Batch, maps: Tensor) -> Tensor:
        values = maps.flatten(1)
        order = torch.randperm(
            values.shape[1], generator=torch.Generator().manual_seed(0)
        )  # equal values: by lot, not by place
        best = values[:, order.to(values.device)].argsort(dim=1, descending=True, stable=True)
        kept = order.to(values.device)[best[:, : max(1, round(self.share * values.shape[1]))]]
        present = torch.zeros_like(values, dtype=torch.bool).scatter(1, kept, value=True).view_as(maps)
        outputs = environment.model(environment.shown(batch.inputs, present))
        return outputs.gather(1, batch.targets[:, None])[:, 0]
