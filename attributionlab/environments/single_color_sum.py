"""`single-color-sum`: the number of white pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import nn

from attributionlab.environments.base import Logits
from attributionlab.environments.single_color import PAPER_MAX_COUNT, SingleColor
from attributionlab.networks import build_identity_head
from attributionlab.scenes import Scene
from attributionlab.truth.set_functions import LinearSetFunction, SetFunction


@dataclass(frozen=True, kw_only=True)
class SingleColorSum(SingleColor):
    """Count the white pixels: the simplest regression, linear on its images."""

    name: ClassVar[str] = "single-color-sum"
    summary: ClassVar[str] = "how many pixels are white? (regression)"

    @property
    def largest_count(self) -> int:
        """`max_count`, by default 4920 at 224x224, scaled with the area."""
        return math.ceil(PAPER_MAX_COUNT * self.area_scale) if self.max_count == "auto" else self.max_count

    @property
    def output_per_feature(self) -> float:
        """1: the output is the count."""
        return 1.0

    def label(self, scene: Scene) -> int:
        """The number of white pixels."""
        return sum(scene.n_pixels)

    def set_function(self, scene: Scene, target: int, baseline: tuple[float, ...]) -> SetFunction | None:
        """v(S) from black or white: a shown pixel adds the difference of its value and the baseline's."""
        del target
        if sum(baseline) not in (0, 1):
            return None
        kinds = np.where(self.kinds(scene) == 0, 2, 1)
        return LinearSetFunction(kinds, 2, np.array([1.0, 0.0]) - baseline[0], additive=True)

    def logits_of_counts(self, counts: Logits) -> Logits:
        """The count itself."""
        return counts

    def build_head(self) -> nn.Sequential:
        """The identity."""
        return build_identity_head(1)
