"""`single-color-modulo`: the number of white pixels modulo N (appendices D and F)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from attributionlab.environments.single_color import PAPER_MAX_COUNT, SingleColor
from attributionlab.errors import bad_option
from attributionlab.networks import build_modulo
from attributionlab.scenes import Scene

PAPER_MODULUS = 30


@dataclass(frozen=True, kw_only=True)
class SingleColorModulo(SingleColor):
    """Count the white pixels modulo N: every pixel matters, while the local slope says nothing about how much.

    Images whose count is a multiple of N are not drawn, because the network answers 0 there and most methods then have
    nothing to explain.

    Args:
        modulus: N, at least 2.
    """

    name: ClassVar[str] = "single-color-modulo"
    summary: ClassVar[str] = "the number of white pixels modulo N (regression)"

    modulus: int = PAPER_MODULUS

    def __post_init__(self) -> None:
        if self.modulus < 2:
            raise bad_option("modulus", "be at least 2", self.modulus)
        super().__post_init__()
        if self.largest_count < self.modulus:
            raise bad_option("max_count", f"be at least the modulus ({self.modulus})", self.max_count)

    @property
    def largest_count(self) -> int:
        """As given, or 164 N at 224x224 (never below 4920) scaled with the area; rounded up to a multiple of N."""
        count: float = self.max_count if self.max_count != "auto" else self._default_count
        return math.ceil(count / self.modulus) * self.modulus

    @property
    def _default_count(self) -> float:
        return max(PAPER_MAX_COUNT // PAPER_MODULUS * self.modulus, PAPER_MAX_COUNT) * self.area_scale

    @property
    def avoid_multiples_of(self) -> int:
        """N."""
        return self.modulus

    @property
    def ranking(self) -> Literal["magnitude"]:
        """By magnitude: whether a pixel raises or lowers a remainder depends on how many there are."""
        return "magnitude"

    def label(self, scene: Scene) -> int:
        """The number of white pixels modulo N."""
        return sum(scene.n_pixels) % self.modulus

    def build_head(self) -> nn.Sequential:
        """The modulo network."""
        return build_modulo(self.modulus, self.largest_count)
