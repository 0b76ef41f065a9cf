"""A piecewise linear network on a straight line: its kinks, and the mean gradient of a softmax between two of them.

The line is x(a) = start + a (end - start) for a from 0 to 1. Between two kinks all pre-activations are linear in a and keep
their signs, so values in between are interpolated, and gradients are constant.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import nn

from attributionlab.networks.variants import FunctionalReLU
from attributionlab.truth.explained import FloatArray

SHORTEST = 1e-13
"""Shortest distance of two kinks; closer ones differ by rounding."""

ROUNDING = 1e-10
"""Largest pre-activation that counts as 0; those of designed networks are sums of a few numbers up to 255."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
"""The Gauss-Legendre rule on each panel."""

Values = Callable[[FloatArray], FloatArray]
"""Values (n, ...) of a function at the places (n,) on the line."""


def add_kinks(places: FloatArray, pre_activations: FloatArray) -> FloatArray:
    """Add the places at which a pre-activation crosses 0.

    Args:
        places: (n,) float64, ascending; pre-activations are linear in between.
        pre_activations: (n, ...) float64, at the places.

    Returns:
        (n',) float64, ascending.
    """
    values = np.where(np.abs(pre_activations) > ROUNDING, pre_activations, 0).reshape(len(places), -1)
    before, after = values[:-1], values[1:]
    segment, index = np.nonzero(before * after < 0)
    low, high = before[segment, index], after[segment, index]
    starts, ends = places[segment], places[segment + 1]
    crossings = starts + (ends - starts) * (low / (low - high))
    merged = np.unique(np.concatenate([places, crossings]))
    keep = np.append(np.diff(merged) > SHORTEST, True)
    keep[0] = True
    kinks: FloatArray = merged[keep]
    return kinks


def kinks_of_layers(layers: Iterable[nn.Module], places: FloatArray, values: Values) -> FloatArray:
    """The places, and those at which a ReLU of the layers switches.

    Args:
        layers: Layers in sequence, in float64.
        places: (n,) float64, ascending: the kinks of `values`.
        values: Input (n, ..., channels) of the layers, as the last axis of a linear layer.
    """
    layers = list(layers)
    for n_before, layer in enumerate(layers):
        if isinstance(layer, (nn.ReLU, FunctionalReLU)):
            places = add_kinks(places, apply_layers(layers[:n_before], values(places)))
    return places


@torch.no_grad()
def apply_layers(layers: Iterable[nn.Module], values: FloatArray) -> FloatArray:
    """Outputs (..., k) of layers for inputs (..., c); 1x1 convolutions and linear layers."""
    tensor = torch.from_numpy(values)
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is not None, "the builder gives every layer a bias"
            tensor = nn.functional.linear(tensor, layer.weight[:, :, 0, 0], layer.bias)
        else:
            tensor = layer(tensor.clone())  # a ReLU may write in place
    output: FloatArray = tensor.numpy()
    return output


def mean_softmax_gradient(before: FloatArray, after: FloatArray, target: int) -> FloatArray:
    """Mean of the gradient of p_t with respect to the logits, over a segment along which the logits are linear.

    The integrand changes only near the places where two logits cross, by exponentials of the distance. A segment is
    therefore cut at all crossings, and each part into panels that double in length with the distance from its ends.
    On every panel the Gauss-Legendre rule is exact up to rounding: the nearest pole is pi/2 panels away.

    Args:
        before: (k,) float64, logits at the start.
        after: (k,) float64, logits at the end.
        target: t.

    Returns:
        (k,) float64.
    """
    slopes, pairs = after - before, list(itertools.combinations(range(len(before)), 2))
    differences = np.array([(before[one] - before[two], after[one] - after[two]) for one, two in pairs])
    crossings = add_kinks(np.array([0.0, 1.0]), differences.T.reshape(2, -1))
    steepest = np.abs(differences[:, 1] - differences[:, 0]).max()
    cuts = [
        start + (end - start) * _panels((end - start) * steepest)[:-1] for start, end in itertools.pairwise(crossings)
    ]
    edges = np.append(np.concatenate(cuts), 1.0)
    lengths = np.diff(edges)
    places = edges[:-1, None] + lengths[:, None] * (NODES + 1) / 2
    logits = before + places[..., None] * slopes
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = powers / powers.sum(axis=-1, keepdims=True)
    gradient = probabilities[..., target, None] * (np.eye(len(before))[target] - probabilities)
    mean: FloatArray = np.einsum("s,n,snk->k", lengths, WEIGHTS / 2, gradient)
    return mean


def _panels(steepness: float) -> FloatArray:
    """Ends of panels on [0, 1]: 1/steepness long at both ends, doubling towards the middle."""
    if steepness <= 2:
        return np.array([0.0, 1.0])
    near = 2.0 ** np.arange(np.ceil(np.log2(steepness / 2))) / steepness
    return np.concatenate([[0.0], near, [0.5], 1 - near[::-1], [1.0]])
