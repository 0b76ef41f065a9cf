"""Outputs while pixels are switched: after every pixel by events, or after selected steps by forward passes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attributionlab.networks import DesignedNetwork
from attributionlab.perturbation.dense import DensePixels
from attributionlab.perturbation.tree import SwitchedPixels
from attributionlab.specs.arguments import whole_number

FEW_FEATURES = 1024
"""Largest number of features that are switched one by one if each step takes a forward pass."""


def switch_steps(n_pixels: int, n_steps: int | None) -> Tensor:
    """Numbers of switched pixels at which outputs are computed: (s,) int64, evenly spaced from 0 to P.

    With `n_steps` None, or above the number of pixels, every number from 0 to P.

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
    """Outputs of a network while the features of inputs are switched to those of others.

    Args:
        model: A designed network; or any network, with `n_steps` or with few features.
        start: (b, c, *shape), the inputs before the first step.
        end: (b, c, *shape), the inputs after the last step.
        orders: (b, n, P) int64, permutations of the features, n for each input.
        targets: (b,) int64, index of the explained output.
        n_steps: Number of steps, with one forward pass each; None for the outputs after every feature.
        max_memory: Bytes that the exact evaluation may use at once.

    Returns:
        (b, n, s), at the steps of `switch_steps`.

    Raises:
        BadOption: If `n_steps` is None although the model is not a designed network and inputs have more than 1,024 features,
            or if shapes, orders or targets do not match.
    """
    n_features = start[0, 0].numel()
    if n_steps is None and (
        n_features > FEW_FEATURES or (isinstance(model, DesignedNetwork) and model.accumulator.intact)
    ):
        return SwitchedPixels(model, start, end, max_memory).outputs(orders, targets)
    steps = switch_steps(n_features, n_steps)
    return DensePixels(model, start, end).outputs(orders, targets, steps)
