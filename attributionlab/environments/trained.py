"""Trained networks as substitutes for environments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.specs.arguments import require_choice
from attributionlab.truth.maps import require_model, require_tensor


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Any network as a substitute for an environment, so that metrics run on users' own models.

    Args:
        model: (b, c, h, w) to (b, k), in evaluation mode.
        true_baseline: (c,), the color of the canvas `background`.
        ranking: Order of the pixels: by value (`signed`) or by `magnitude`.
    """

    model: nn.Module
    true_baseline: Tensor
    ranking: Literal["signed", "magnitude"] = "signed"
    output_per_feature: None = None

    def __post_init__(self) -> None:
        require_model("model", self.model)
        if len(require_tensor("true_baseline", self.true_baseline, "c")) == 0:
            raise bad_option("true_baseline", "have a value for each channel", "none")
        require_choice("ranking", self.ranking, ("signed", "magnitude"))
        if self.output_per_feature is not None:
            raise bad_option(
                "output_per_feature", "be none: a trained network has no such number", self.output_per_feature
            )
