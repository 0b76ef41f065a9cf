"""One way to ask for outputs while pixels are switched: at every pixel by events, or at chosen steps by forward passes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attributionlab.perturbation.dense import DensePixels
from attributionlab.perturbation.tree import SwitchedPixels
from attributionlab.specs.arguments import whole_number


def switch_steps(n_pixels: int, n_steps: int | None) -> Tensor:
    """After how many switched pixels outputs are known: (s,) int64 from 0 to P, evenly spread; all of them if None.

    There are no more steps than pixels, however many are asked for.

    Raises:
        BadOption: If `n_steps` is below 1.
    """
    if n_steps is None:
        return torch.arange(n_pixels + 1)
    n_points = min(whole_number("steps", n_steps, 1), n_pixels) + 1
    return torch.linspace(0, n_pixels, n_points, dtype=torch.float64).round().long()


def switch_pixels(
    model: nn.Module, start: Tensor, end: Tensor, orders: Tensor, targets: Tensor, n_steps: int | None, max_memory: int
) -> Tensor:
    """Outputs of a network while the pixels of images are switched to those of others.

    Args:
        model: A designed network, or with `n_steps` any network.
        start: (b, c, h, w), what is shown at first.
        end: (b, c, h, w), what is shown at last.
        orders: (b, n, P) int64, permutations of the pixels, n for each image.
        targets: (b,) int64, index of the explained output.
        n_steps: None for the exact outputs after every pixel, else that many steps by one forward pass each.
        max_memory: Bytes that the exact evaluation may take at once.

    Returns:
        (b, n, s), at `switch_steps`.

    Raises:
        BadOption: If the model is no designed network and `n_steps` is None, or something does not fit.
    """
    if n_steps is None:
        return SwitchedPixels(model, start, end, max_memory).outputs(orders, targets)
    steps = switch_steps(start[0, 0].numel(), n_steps)
    return DensePixels(model, start, end).outputs(orders, targets, steps)
