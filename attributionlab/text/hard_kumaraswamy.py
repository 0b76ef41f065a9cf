"""The HardKuma distribution: a Kumaraswamy variable that is stretched beyond [0, 1] and clipped, so that it is exactly 0 or 1 with positive probability."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LOW, HIGH = -0.1, 1.1
"""The interval to which samples are stretched."""

LARGEST = 100.0
"""Largest shape parameter; beyond it powers overflow."""

TINY = 1e-6
"""Smallest shape parameter, and smallest distance of a uniform number from 0 and 1, where gradients are infinite."""


@dataclass(frozen=True, eq=False)
class HardKumaraswamy:
    """HardKuma(a, b) for each word.

    A Kumaraswamy variable has F(k) = 1 - (1 - k^a)^b on [0, 1]; it is stretched to (-0.1, 1.1) and clipped to [0, 1].

    Args:
        a: First shape parameter (b, l), positive.
        b: Second shape parameter (b, l), positive.

    References:
        Bastings, Aziz and Titov 2019, section 4.
    """

    a: Tensor
    b: Tensor

    @classmethod
    def of(cls, raw: Tensor) -> HardKumaraswamy:
        """The distributions of raw outputs (b, l, 2) of a network."""
        a, b = torch.nn.functional.softplus(raw).clamp(TINY, LARGEST).unbind(dim=-1)
        return cls(a, b)

    def from_uniform(self, uniform: Tensor) -> Tensor:
        """Samples (b, l) in [0, 1] from uniform numbers in (0, 1), by the inverse of F; differentiable in a and b."""
        inside = (1 - (1 - uniform.clamp(TINY, 1 - TINY)) ** (1 / self.b)).clamp(TINY, 1 - TINY) ** (1 / self.a)
        return (LOW + (HIGH - LOW) * inside).clamp(0, 1)

    @property
    def probability_of_zero(self) -> Tensor:
        """Probability (b, l) that a sample is exactly 0."""
        return self._cumulative(-LOW / (HIGH - LOW))

    @property
    def probability_of_one(self) -> Tensor:
        """Probability (b, l) that a sample is exactly 1."""
        return 1 - self._cumulative((1 - LOW) / (HIGH - LOW))

    @property
    def probability_of_selection(self) -> Tensor:
        """Probability (b, l) that a sample is not 0."""
        return 1 - self.probability_of_zero

    def _cumulative(self, inside: float) -> Tensor:
        """F before stretching."""
        return 1 - (1 - inside**self.a) ** self.b
