"""`single-color-modulo`: the number of white pixels modulo N (appendices D and F)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import nn

from attributionlab.environments.base import Logits
from attributionlab.environments.claims import Case, Claim
from attributionlab.environments.single_color import PAPER_MAX_COUNT, SingleColor
from attributionlab.errors import bad_option
from attributionlab.networks import build_modulo
from attributionlab.networks.modulo import count_steps
from attributionlab.scenes import Scene

PAPER_MODULUS = 30


@dataclass(frozen=True, kw_only=True)
class SingleColorModulo(SingleColor):
    """Count the white pixels modulo N: every pixel affects the output, but the local slope does not tell how much.

    Images whose count is a multiple of N are not drawn, because the network returns 0 there and most methods then give
    zero maps.

    Args:
        modulus: N, at least 2.
    """

    name: ClassVar[str] = "single-color-modulo"
    summary: ClassVar[str] = "the number of white pixels modulo N (regression)"

    symmetric_path: ClassVar[bool] = True
    """All white pixels have one gray value on the path from black."""

    modulus: int = PAPER_MODULUS

    def __post_init__(self) -> None:
        if self.modulus < 2:
            raise bad_option("modulus", "be at least 2", self.modulus)
        super().__post_init__()
        if self.max_count != "auto" and self.max_count < self.modulus:
            raise bad_option("max_count", f"be at least the modulus ({self.modulus})", self.max_count)

    @property
    def largest_count(self) -> int:
        """`max_count`, by default 164 N at 224x224 (at least 4920) scaled with the area; rounded up to a multiple of N."""
        count: float = self.max_count if self.max_count != "auto" else self._default_count
        return math.ceil(count / self.modulus) * self.modulus

    @property
    def _default_count(self) -> float:
        """Default of `max_count`, before rounding."""
        return max(PAPER_MAX_COUNT // PAPER_MODULUS * self.modulus, PAPER_MAX_COUNT) * self.area_scale

    @property
    def avoid_multiples_of(self) -> int:
        """N."""
        return self.modulus

    @property
    def ranking(self) -> Literal["magnitude"]:
        """Ranking by magnitude: whether a pixel raises or lowers a remainder depends on the count."""
        return "magnitude"

    def label(self, scene: Scene) -> int:
        """The number of white pixels modulo N."""
        return sum(scene.n_pixels) % self.modulus

    def logits_of_counts(self, counts: Logits) -> Logits:
        """The count modulo N."""
        return counts % self.modulus

    def claims(self, case: Case) -> Iterator[Claim]:
        """Claims about counts, and about the head for every possible count."""
        yield from super().claims(case)
        yield self._modulo_claim()

    def _modulo_claim(self) -> Claim:
        """The head is correct for every possible count."""
        claim = Claim("modulo", f"the head computes x mod {self.modulus} for every x in 0..{self.largest_count}")
        numbers = torch.arange(self.largest_count + 1, dtype=torch.float32)[:, None]
        remainders = torch.cat([self.model.head(part) for part in numbers.split(256)])
        claim.test(remainders == numbers % self.modulus)
        return claim

    def prove(self) -> None:
        """Refuse options for which the accumulator or the modulo network would not be exact, or too large.

        Raises:
            BadOption: If `n_kernels` does not fit the design, or `max_count` is too large for the modulus.
            Inexact: If no grid of weights makes every layer exact.
        """
        super().prove()
        count_steps(self.modulus, self.largest_count)

    def build_head(self) -> nn.Sequential:
        """The modulo network."""
        return build_modulo(self.modulus, self.largest_count)
