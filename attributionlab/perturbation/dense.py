"""Outputs of any network while pixels are switched, by one forward pass per step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.perturbation.order import check_orders


@dataclass(frozen=True, eq=False)
class DensePixels:
    """Outputs of any network while the pixels of one image are switched to those of another.

    Args:
        model: (b, c, h, w) to (b, k).
        start: (c, h, w), what is shown at first.
        end: (c, h, w), what is shown at last.
        batch_size: Images per forward pass.
    """

    model: nn.Module
    start: Tensor
    end: Tensor
    batch_size: int = 4

    @property
    def n_pixels(self) -> int:
        """P."""
        return self.start[0].numel()

    def outputs(self, orders: Tensor, target: int, steps: Tensor | None = None) -> Tensor:
        """The explained output after some steps.

        Args:
            orders: (n, P) int64, permutations of the pixels.
            target: Index of the explained output.
            steps: (s,) int64, after how many switched pixels; after every one if left out.

        Returns:
            (n, s).

        Raises:
            BadOption: If an order is no permutation, or a step lies outside 0 to P.
        """
        return self.all_outputs(orders, steps)[..., target]

    @torch.no_grad()
    def all_outputs(self, orders: Tensor, steps: Tensor | None = None) -> Tensor:
        """All outputs, (n, s, k); see `outputs`."""
        orders = check_orders(orders.to(self.start.device), self.n_pixels)
        steps = (torch.arange(self.n_pixels + 1) if steps is None else steps).to(self.start.device)
        if bool((steps < 0).any() or (steps > self.n_pixels).any()):
            raise bad_option("steps", f"lie between 0 and {self.n_pixels}", f"{int(steps.min())} to {int(steps.max())}")
        ranks = orders.argsort(dim=1).view(-1, *self.start.shape[1:])
        return torch.stack([self._curve(rank, steps) for rank in ranks])

    def _curve(self, rank: Tensor, steps: Tensor) -> Tensor:
        """(s, k)."""
        parts: list[Tensor] = []
        for part in steps.split(self.batch_size):
            switched = rank < part[:, None, None]
            parts.append(self.model(torch.where(switched[:, None], self.end, self.start)))
        return torch.cat(parts)
