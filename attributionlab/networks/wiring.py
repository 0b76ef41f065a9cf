"""Layers wired from named channels, never from bare indices.

A layer is a mapping from the name of each output channel to a `Neuron`, which names the channels that it reads. Two
neurons of the same name are one neuron; this is how equal thresholds are shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)

CHANNEL_NAMES = "channel_names"
"""Attribute of a layer with the names of its inputs and outputs."""


@dataclass(frozen=True)
class Neuron:
    """One output channel: a weighted sum of named input channels, and a bias."""

    weights: Mapping[str, float]
    bias: float = 0.0


@dataclass
class Wiring:
    """The neurons of one layer, in the order in which they were added.

    Args:
        inputs: Names of the channels that the layer can read, in order.
    """

    inputs: Sequence[str]
    neurons: dict[str, Neuron] = field(default_factory=dict)

    def add(self, name: str, weights: Mapping[str, float], bias: float = 0.0) -> str:
        """Add the neuron `name` unless it exists; returns its name."""
        neuron = Neuron(dict(weights), bias)
        assert self.neurons.setdefault(name, neuron) == neuron, f"two different neurons are called {name!r}"
        return name

    @property
    def outputs(self) -> list[str]:
        """Names of the output channels, in order."""
        return list(self.neurons)

    def parameters(self) -> tuple[Tensor, Tensor]:
        """Weight (outputs, inputs) and bias (outputs,), float32."""
        column = {name: index for index, name in enumerate(self.inputs)}
        weight = np.zeros((len(self.neurons), len(self.inputs)), dtype=np.float32)
        for row, neuron in enumerate(self.neurons.values()):
            for name, value in neuron.weights.items():
                weight[row, column[name]] = value
        bias = np.array([neuron.bias for neuron in self.neurons.values()], dtype=np.float32)
        return torch.from_numpy(weight), torch.from_numpy(bias)

    def linear(self) -> nn.Linear:
        """The layer as a fully connected layer."""
        weight, bias = self.parameters()
        layer = unwritten(nn.Linear, weight.shape[1], weight.shape[0])
        return self._named(assigned(layer, weight, bias))

    def pointwise(self) -> nn.Conv2d:
        """The layer as a 1x1 convolution."""
        weight, bias = self.parameters()
        layer = unwritten(nn.Conv2d, weight.shape[1], weight.shape[0], kernel_size=1)
        return self._named(assigned(layer, weight[:, :, None, None], bias))

    def _named(self, layer: Layer) -> Layer:
        """The layer, which keeps the names of its channels."""
        vars(layer)[CHANNEL_NAMES] = (tuple(self.inputs), tuple(self.neurons))
        return layer


def channel_names(layer: nn.Linear | nn.Conv2d) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the channels that a layer reads and writes; numbers if it was not wired from names."""
    named: tuple[tuple[str, ...], tuple[str, ...]] | None = vars(layer).get(CHANNEL_NAMES)
    n_outputs, n_inputs = layer.weight.shape[:2]
    return named or (
        tuple(f"input {index}" for index in range(n_inputs)),
        tuple(f"output {index}" for index in range(n_outputs)),
    )


_WITHOUT_WEIGHTS: dict[type[nn.Module], type[nn.Module]] = {
    kind: type(kind.__name__, (kind,), {"reset_parameters": lambda _layer: None}) for kind in (nn.Linear, nn.Conv2d)
}


def unwritten(kind: type[Layer], *sizes: int, **options: Any) -> Layer:
    """A layer whose constructor draws no random weights, which would move the global generator.

    `nn.utils.skip_init` would do the same, but imports sympy, which takes a third of a second; and on the device "meta",
    which it uses, the weights that are not drawn take three times as long as the layer.
    """
    layer: Any = _WITHOUT_WEIGHTS[kind](*sizes, **options)
    layer.__class__ = kind
    unwritten_layer: Layer = layer
    return unwritten_layer


def assigned(layer: Layer, weight: Tensor, bias: Tensor) -> Layer:
    """The layer, `unwritten` so far, with its weights written by hand."""
    assert layer.weight.shape == weight.shape, f"{tuple(weight.shape)} does not fit {tuple(layer.weight.shape)}"
    layer.weight = nn.Parameter(weight)
    layer.bias = nn.Parameter(bias)
    return layer


def activated(layers: Sequence[nn.Module]) -> nn.Sequential:
    """The layers, each followed by a `nn.ReLU` module of its own (hooks need one module per activation)."""
    return nn.Sequential(*(module for layer in layers for module in (layer, nn.ReLU())))
