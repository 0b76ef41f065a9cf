"""Outputs of any network while pixels are switched, by one forward pass per step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.perturbation.order import check_images, check_indices, check_orders, explained
from attributionlab.truth.maps import check_targets


@dataclass(frozen=True, eq=False)
class DensePixels:
    """Outputs of any network while the pixels of images are switched to those of others.

    Args:
        model: (b, c, *shape) to (b, k); a network or a function.
        start: (b, c, *shape), the inputs before the first step.
        end: (b, c, *shape), the inputs after the last step.
        batch_size: Images per forward pass.

    Raises:
        BadOption: If the images differ in shape.
    """

    model: Callable[[Tensor], Tensor]
    start: Tensor
    end: Tensor
    batch_size: int = 4

    def __post_init__(self) -> None:
        check_images(self.start, self.end)

    @property
    def n_pixels(self) -> int:
        """P, the number of pixels."""
        return self.start[0, 0].numel()

    def outputs(self, orders: Tensor, targets: Tensor, steps: Tensor | None = None) -> Tensor:
        """The explained output after the given steps.

        Args:
            orders: (b, n, P) int64, permutations of the pixels, n for each image.
            targets: (b,) int64, index of the explained output.
            steps: (s,) int64, numbers of switched pixels; all from 0 to P if omitted.

        Returns:
            (b, n, s).

        Raises:
            BadOption: If an order is not a permutation, a target not an index of an output, or a step not in 0..P.
        """
        check_targets(targets, len(self.start))
        outputs = self.all_outputs(orders, steps)
        check_indices(targets, outputs.shape[3])
        return explained(outputs, targets)

    @torch.no_grad()
    def all_outputs(self, orders: Tensor, steps: Tensor | None = None) -> Tensor:
        """All outputs, (b, n, s, k); see `outputs`."""
        orders = check_orders(orders.to(self.start.device), len(self.start), self.n_pixels)
        steps = torch.arange(self.n_pixels + 1) if steps is None else steps
        if bool((steps < 0).any() or (steps > self.n_pixels).any()):
            raise bad_option("steps", f"lie between 0 and {self.n_pixels}", f"{int(steps.min())} to {int(steps.max())}")
        steps, numbers = steps.to(orders.device), torch.arange(self.n_pixels, device=orders.device)
        ranks = torch.empty_like(orders).scatter_(2, orders.long(), numbers.to(orders).expand_as(orders))
        ranks = ranks.unflatten(2, self.start.shape[2:])
        images = zip(self.start, self.end, ranks, strict=True)
        curves = [
            torch.stack([self._curve(start, end, rank, steps) for rank in image_ranks])
            for start, end, image_ranks in images
        ]
        return torch.stack(curves)

    @torch.no_grad()
    def outputs_of_single(self) -> Tensor:
        """All outputs after one pixel is switched and no other, (b, P, k)."""
        parts = [self._single(start, end) for start, end in zip(self.start, self.end, strict=True)]
        return torch.stack(parts)

    def _single(self, start: Tensor, end: Tensor) -> Tensor:
        """Outputs with each pixel of one input switched alone, (P, k); pixels that are equal in both inputs change nothing."""
        pixels = torch.arange(self.n_pixels, device=start.device)
        differing = (start != end).any(dim=0).flatten().nonzero()[:, 0]
        outputs: Tensor = self.model(start[None]).repeat(self.n_pixels, 1)
        for part in differing.split(self.batch_size):
            switched = (pixels == part[:, None]).unflatten(1, start.shape[1:])
            outputs[part] = self.model(torch.where(switched[:, None], end, start))
        return outputs

    def _curve(self, start: Tensor, end: Tensor, rank: Tensor, steps: Tensor) -> Tensor:
        """Outputs after each step of one order, (s, k)."""
        parts: list[Tensor] = []
        for part in steps.split(self.batch_size):
            switched = rank < part.reshape(-1, *[1] * rank.ndim)
            parts.append(self.model(torch.where(switched[:, None], end, start)))
        return torch.cat(parts)
