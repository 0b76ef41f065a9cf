"""Set functions of designed networks in which pixels only add to the counts, read off the network itself.

If no pixel has an unknown color, in the input or in the baseline, the counts are sums over pixels. Showing a pixel
replaces its baseline color by its own, and adds the difference of the detector's outputs for the two. This holds for
any detector, such as that of a counterpart.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from attributionlab.games.switching import is_designed
from attributionlab.networks import DesignedNetwork, Residual
from attributionlab.networks.variants import FunctionalReLU
from attributionlab.truth.explained import Explained, FloatArray, output_difference
from attributionlab.truth.set_functions import (
    CountedSetFunction,
    IntArray,
    LinearSetFunction,
    SetFunction,
    SoftmaxSetFunction,
)


@torch.no_grad()
def network_set_function(
    model: nn.Module, explains: Explained, start: Tensor, end: Tensor, target: int
) -> SetFunction | None:
    """v(S) of a designed network between two inputs.

    Args:
        model: The network.
        explains: How the explained output follows from the network's logits.
        start: (1, c, h, w), the baseline.
        end: (1, c, h, w), the input.
        target: Index of the explained output.

    Returns:
        The set function; None if the network is not a designed one, or a pixel has an unknown color that affects the counts.
    """
    if not is_designed(model):
        return None
    channels = torch.cat([model.detect(start), model.detect(end)]).double().cpu()
    n_classes = len(model.classes)
    wakes_redundant = model.accumulator.blocks[0].redundant.any() and bool(channels[:, n_classes:].any())
    if wakes_redundant or not ((channels == 0) | (channels == 1)).all():
        return None
    changes = rearrange((channels[1] - channels[0])[:n_classes], "k h w -> (h w) k").numpy()
    distinct, of_pixels = np.unique(changes, axis=0, return_inverse=True)
    kinds = of_pixels.reshape(tuple(start.shape[2:]))
    return _of_counts(model, explains, model.counts(start)[0].double().cpu().numpy(), (distinct, kinds), target)


def _of_counts(
    model: DesignedNetwork,
    explains: Explained,
    counts: FloatArray,
    changes: tuple[FloatArray, IntArray],
    target: int,
) -> SetFunction:
    """v(S) from the counts at the baseline (k,), and the distinct changes of them (m, k) with that of each pixel (h, w)."""
    distinct, kinds = changes
    temperature = identity_temperature(model.head)
    if temperature is not None and explains != "probability":
        additive = not model.accumulator.blocks[0].redundant.any()
        return LinearSetFunction(kinds + 1, len(distinct), distinct[:, target] / temperature, additive)
    matters = distinct.any(axis=1)
    are_units = (np.isin(distinct, (0, 1)) & (distinct.sum(axis=1, keepdims=True) <= 1)).all()
    if temperature is not None and are_units and not counts.any():
        classes = np.where(matters, distinct.argmax(axis=1) + 1, 0)
        return SoftmaxSetFunction(classes[kinds], len(counts), target, temperature)
    numbers = np.where(matters, matters.cumsum(), 0)
    head = copy.deepcopy(model.head).cpu().double()

    @torch.no_grad()
    def logits(shown: FloatArray) -> FloatArray:
        values: FloatArray = head(torch.from_numpy(counts + shown @ distinct[matters])[None])[0].numpy()
        return values

    return CountedSetFunction(
        numbers[kinds],
        int(matters.sum()),
        logits,
        lambda before, after: output_difference(before, after, target, explains),
    )


def identity_temperature(head: nn.Sequential) -> float | None:
    """T of a head that divides every count by T; None for any other head."""
    scale = 1.0
    for layer in head:
        if isinstance(layer, nn.Linear):
            factor = float(layer.weight.detach()[0, 0])
            identity = factor * torch.eye(layer.in_features, layer.out_features).to(layer.weight)
            if factor <= 0 or not torch.equal(layer.weight, identity) or bool(layer.bias.any()):
                return None
            scale *= factor
        elif not isinstance(layer, (nn.ReLU, FunctionalReLU, Residual)):
            return None
    return 1 / scale
