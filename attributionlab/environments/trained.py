"""Trained networks in the place of environments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Any network in the place of an environment, so that the metrics run on users' own models.

    Args:
        model: (b, c, h, w) to (b, k), in evaluation mode.
        true_baseline: (c,), the color of the canvas `background`.
        ranking: Order of the pixels: by value (`signed`) or by `magnitude`.
    """

    model: nn.Module
    true_baseline: Tensor
    ranking: Literal["signed", "magnitude"] = "signed"
    output_per_feature: None = None
