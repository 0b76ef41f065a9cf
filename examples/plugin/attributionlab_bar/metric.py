"""Metric `keep-top`: does the output stay the same if only the features with the largest values are kept?"""

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
    """Change of the explained output if only the features with the largest magnitudes are kept; 0 is best.

    Args:
        share: Share of the features that are kept; the others are set to the true baseline.
    """

    name: ClassVar[str] = "keep-top"
    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, None)
    source: ClassVar[str] = "an example"

    share: float = 0.1

    def evaluate(
        self, environment: al.Environment, batch: al.Batch, attributions: Sequence[Tensor], prepared: object = None
    ) -> list[Measurement]:
        """Scores (b,) for the maps (b, *shape) of each method."""
        del prepared
        return [Measurement(self._change(environment, batch, maps)) for maps in attributions]

    @torch.no_grad()
    def _change(self, environment: al.Environment, batch: al.Batch, maps: Tensor) -> Tensor:
        magnitude = maps.abs().flatten(1)
        kept = magnitude.topk(max(1, round(self.share * magnitude.shape[1])), dim=1).indices
        present = torch.zeros_like(magnitude, dtype=torch.bool).scatter(1, kept, value=True).view_as(maps)
        before, after = (
            environment.model(inputs).gather(1, batch.targets[:, None])[:, 0]
            for inputs in (batch.inputs, environment.shown(batch.inputs, present))
        )
        return (after - before).abs().double()
