"""Method `trapezoid-gradients`: Integrated Gradients by the trapezoid rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

import attributionlab as al


@dataclass(frozen=True, kw_only=True)
class TrapezoidGradients(al.Method):
    """Integrated Gradients from the true baseline, by the trapezoid rule.

    Args:
        n_steps: Parts of the path from the baseline to the input.
    """

    name: ClassVar[str] = "trapezoid-gradients"
    declaration: ClassVar[al.Declaration] = al.Declaration(
        family="gradients", needs=frozenset({"gradients", "baseline"}), completeness="up to quadrature"
    )

    n_steps: int = 8

    def __post_init__(self) -> None:
        if self.n_steps < 1:
            raise ValueError(f"`n_steps` must be at least 1, got {self.n_steps}")

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """(b, c, *shape): the mean gradient along the path times the difference from the baseline."""
        baseline = self.baseline_like(inputs, "true")
        total = torch.zeros_like(inputs)
        for step in range(self.n_steps + 1):
            point = (baseline + (inputs - baseline) * step / self.n_steps).requires_grad_()
            outputs = model(point).gather(1, targets[:, None]).sum()
            (gradient,) = torch.autograd.grad(outputs, point)
            total += gradient * (0.5 if step in (0, self.n_steps) else 1.0)
        return total / self.n_steps * (inputs - baseline)
