"""What every neuron on one path through a network computes: the numbers that it reads, their weights, and its output.

Values are computed in float64 from the layers' own weights. Weights and values of designed networks are multiples of powers of two, so
nothing is rounded, and the values are those of the network, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from einops import rearrange
from torch import Tensor, nn

from attributionlab.networks.wiring import channel_names

Array = npt.NDArray[np.float64]

Affine = nn.Linear | nn.Conv2d

ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "center", "right")


@dataclass(frozen=True)
class Term:
    """One input of a neuron.

    Args:
        source: Name of the input.
        weight: Its weight.
        value: Its value.
    """

    source: str
    weight: float
    value: float


@dataclass(frozen=True)
class NeuronValue:
    """A neuron with the numbers that it computes.

    Args:
        name: Name of the neuron.
        terms: Inputs whose weight is not 0.
        bias: Number that is added to their weighted sum.
        value: Its output, after the ReLU if it has one.
        has_relu: Whether a ReLU follows.
    """

    name: str
    terms: tuple[Term, ...]
    bias: float
    value: float
    has_relu: bool = True


@dataclass(frozen=True)
class LayerValues:
    """The neurons of a layer that lie on a path.

    Args:
        name: Name of the layer.
        summary: What the layer does, in a sentence.
        neurons: Neurons of the path.
        n_others: Neurons that are left out.
        window: Cells (3, 3) that the layer reads, if it reads a window of an image.
    """

    name: str
    summary: str
    neurons: tuple[NeuronValue, ...]
    n_others: int = 0
    window: tuple[tuple[float, ...], ...] | None = None


def wired_layers(
    layers: Iterable[nn.Module], values: Sequence[float], name: str, summaries: Sequence[str] = ()
) -> list[LayerValues]:
    """The values of fully connected layers or 1x1 convolutions, each possibly followed by a ReLU.

    Args:
        layers: Linear layers, 1x1 convolutions and ReLUs, in sequence.
        values: Input of the first layer (k,).
        name: Name of this part of the network; layers are numbered.
        summaries: What each layer does.
    """
    walked: list[LayerValues] = []
    current = list(values)
    for affine, has_relu in _with_relus(layers):
        neurons = _neurons(affine, current, has_relu=has_relu)
        summary = summaries[len(walked)] if len(walked) < len(summaries) else ""
        walked.append(LayerValues(f"{name}, layer {len(walked) + 1}", summary, neurons))
        current = [neuron.value for neuron in neurons]
    return walked


def on_path(layers: Sequence[LayerValues], last: Iterable[str]) -> list[LayerValues]:
    """The same layers with only those neurons that the neurons named `last` read, directly or through others."""
    kept: list[LayerValues] = []
    names = set(last)
    for layer in reversed(layers):
        neurons = tuple(neuron for neuron in layer.neurons if neuron.name in names)
        kept.insert(0, replace(layer, neurons=neurons, n_others=len(layer.neurons) - len(neurons)))
        names = {term.source for neuron in neurons for term in neuron.terms}
    return kept


def active(layers: Sequence[LayerValues], most: int = 12) -> list[LayerValues]:
    """The same layers; those of more than `most` neurons keep the ones that are not 0, or read a number that is not 0."""
    kept = []
    for layer in layers:
        neurons = tuple(neuron for neuron in layer.neurons if len(layer.neurons) <= most or _is_active(neuron))
        kept.append(replace(layer, neurons=neurons, n_others=layer.n_others + len(layer.neurons) - len(neurons)))
    return kept


def _is_active(neuron: NeuronValue) -> bool:
    """Whether a neuron is not 0, or takes away all of what it carries on."""
    return neuron.value != 0 or len({term.value for term in neuron.terms if term.value != 0}) > 1


def block_layers(
    layers: Sequence[nn.Module],
    inputs: Tensor,
    cell: tuple[int, int],
    output: int,
    names: Mapping[int, str],
    number: int,
) -> list[LayerValues]:
    """One output cell of an accumulator block: the kernels that read its window, and their mixture.

    Args:
        layers: The 3x3 convolution, ReLU, the 1x1 convolution, ReLU.
        inputs: (k, h, w) float64.
        cell: Row and column of the output cell.
        output: Index of the output channel.
        names: Names of the channels by index.
        number: Number of the block, from 1.

    Returns:
        The layer of kernels, with the window of the channel that is counted, and the layer that mixes them.
    """
    kernels, _, mixing, _ = layers
    assert isinstance(kernels, nn.Conv2d)
    assert isinstance(mixing, nn.Conv2d)
    window = _window(inputs, kernels, cell)
    per_group = mixing.in_channels // mixing.groups
    weights = _matrix(mixing)[output]
    first = (output * mixing.groups // mixing.out_channels) * per_group
    read = [first + int(index) for index in np.flatnonzero(weights)]
    sums = tuple(
        _kernel(kernels, window, index, names, f"kernel {position + 1}") for position, index in enumerate(read)
    )
    terms = tuple(
        Term(neuron.name, float(weights[index - first]), neuron.value) for neuron, index in zip(sums, read, strict=True)
    )
    bias = _bias(mixing)[output]
    total = max(0.0, sum(term.weight * term.value for term in terms) + bias)
    pixels = tuple(tuple(map(float, row)) for row in window[output].tolist())
    n_others = kernels.out_channels - len(sums)
    row, column = cell
    mixed = NeuronValue(f"cell ({row}, {column}) of {names.get(output, f'channel {output}')}", terms, bias, total)
    return [
        LayerValues(
            f"block {number}, 3x3 kernels", "each kernel weighs the nine cells of one window", sums, n_others, pixels
        ),
        LayerValues(
            f"block {number}, mixing",
            f"the kernels put together are the sum of the window: the pixels of this color under {3**number}x{3**number} pixels",
            (mixed,),
            mixing.out_channels - 1,
        ),
    ]


def _window(inputs: Tensor, kernels: nn.Conv2d, cell: tuple[int, int]) -> Array:
    """(k, 3, 3): what the kernels read for one cell, zeros outside of the image."""
    rows, columns = (int(side) for side in kernels.padding)
    padded = nn.functional.pad(inputs, (columns, columns + 3, rows, rows + 3))
    top, left = cell[0] * 3, cell[1] * 3
    window: Array = padded[:, top : top + 3, left : left + 3].numpy()
    return window


def _kernel(kernels: nn.Conv2d, window: Array, index: int, names: Mapping[int, str], name: str) -> NeuronValue:
    """One kernel at one window; of the cells it reads, those that are not 0."""
    per_group = kernels.in_channels // kernels.groups
    first = (index * kernels.groups // kernels.out_channels) * per_group
    weights = kernels.weight.detach().double().numpy()[index]
    terms = []
    for channel, row, column in zip(*np.nonzero(weights), strict=True):
        value = float(window[first + channel, row, column])
        if value != 0:
            source = f"{names.get(first + int(channel), f'channel {first + channel}')} {ROWS[row]} {COLUMNS[column]}"
            terms.append(Term(source, float(weights[channel, row, column]), value))
    bias = _bias(kernels)[index]
    return NeuronValue(name, tuple(terms), bias, max(0.0, sum(term.weight * term.value for term in terms) + bias))


def _with_relus(layers: Iterable[nn.Module]) -> list[tuple[Affine, bool]]:
    """Affine layers, and whether a ReLU follows each."""
    found: list[tuple[Affine, bool]] = []
    for layer in layers:
        if isinstance(layer, Affine):
            found.append((layer, False))
        elif type(layer).__name__.endswith("ReLU"):
            found[-1] = (found[-1][0], True)
    return found


def _neurons(layer: Affine, values: Sequence[float], *, has_relu: bool) -> tuple[NeuronValue, ...]:
    """All neurons of a layer that reads these values (k,)."""
    sources, names = channel_names(layer)
    weights, biases = _matrix(layer), _bias(layer)
    neurons = []
    for name, row, bias in zip(names, weights, biases, strict=True):
        terms = tuple(Term(sources[index], float(row[index]), values[index]) for index in map(int, np.flatnonzero(row)))
        total = sum(term.weight * term.value for term in terms) + bias
        neurons.append(NeuronValue(name, terms, bias, max(0.0, total) if has_relu else total, has_relu))
    return tuple(neurons)


def _matrix(layer: Affine) -> Array:
    """Weights (outputs, inputs) of a linear layer or a 1x1 convolution, float64."""
    matrix: Array = rearrange(layer.weight.detach().double(), "o i ... -> o (i ...)").numpy()
    return matrix


def _bias(layer: Affine) -> list[float]:
    """Biases (outputs,)."""
    if layer.bias is None:
        return [0.0] * len(layer.weight)
    biases: list[float] = layer.bias.detach().double().tolist()
    return biases


@torch.no_grad()
def block_inputs(blocks: Sequence[Sequence[nn.Module]], inputs: Tensor) -> list[Tensor]:
    """What each block reads, (k, h, w) float64, and what the last one returns."""
    values = [inputs.double()]
    for block in blocks:
        current = values[-1][None]
        for layer in block:
            current = _double(layer, current)
        values.append(current[0])
    return values


def _double(layer: nn.Module, inputs: Tensor) -> Tensor:
    """The output of a layer in float64."""
    if isinstance(layer, nn.Conv2d):
        bias = None if layer.bias is None else layer.bias.double()
        rows, columns = (int(side) for side in layer.padding)
        return nn.functional.conv2d(
            inputs, layer.weight.double(), bias, layer.stride, (rows, columns), groups=layer.groups
        )
    return inputs.relu()
