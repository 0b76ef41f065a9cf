"""One path through an environment's network, from a pixel or a count to the output, with the values of all its neurons."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from attributionlab.environments.base import Environment
from attributionlab.errors import bad_option
from attributionlab.networks.color_detector import ColorDetector
from attributionlab.networks.designed import DesignedNetwork
from attributionlab.networks.paths import (
    LayerValues,
    NeuronValue,
    active,
    block_inputs,
    block_layers,
    on_path,
    wired_layers,
)
from attributionlab.scenes.color_names import color_name
from attributionlab.specs.arguments import whole_number
from attributionlab.tabular import Tabular

LAYERS_PER_BLOCK = 4

DETECTOR = (
    "ramps: how far a color channel lies above a number, or 0",
    "comparisons: two neighboring ramps, subtracted, are 1 above a number and 0 elsewhere",
    "checks: two neighboring comparisons, subtracted, are 1 at exactly one number",
    "detections: a color is there if red, green and blue are all right, so that three checks add up to 3",
    "channels: one for each color; the background has none; redundant ones are 1 where no known color is",
)
IDENTITY = ("the counts are passed on", "each count is divided by the temperature: this is the logit")
MODULO = (
    "the count minus every multiple of N, or 0",
    "neighbors, subtracted: N for every full N in the count, then the rest, then zeros",
    "ramps of a number checker for each of these numbers, which are carried along",
    "its comparisons",
    "its checks: 1 where the number is N",
    "every N is removed, because its check subtracts N",
    "what is left is the count modulo N",
)
HEADS = {len(IDENTITY): IDENTITY, len(MODULO): MODULO}


@dataclass(frozen=True)
class NetworkPath(Tabular):
    """One path through a network, layer by layer; prints as text.

    Args:
        environment: Canonical spec.
        start: Where the path starts, in words.
        layers: The neurons of the path, with the numbers that they read and compute.
        end: The output, in words.
        color: Color of the pixel, or None.
        position: Row and column of the pixel, or None.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.network_path:path_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.network_path:path_rows"

    environment: str
    start: str
    layers: tuple[LayerValues, ...]
    end: str
    color: tuple[float, ...] | None = None
    position: tuple[int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The path as JSON."""
        return dataclasses.asdict(self)


def explain_network(
    environment: Environment, *, index: int = 0, pixel: Sequence[int] | None = None, number: int | None = None
) -> NetworkPath:
    """Follow one path through a network with the values that every neuron on it computes.

    Args:
        environment: An environment. Networks that are not built by this package are followed layer by layer instead, at each
            through the neuron with the largest value.
        index: The scene. The path starts at a pixel that raises the output.
        pixel: A color, with which that pixel is painted first; integers in 0..255, one for each channel.
        number: A count, from which the head alone is followed.

    Raises:
        BadOption: If an argument is out of range, or does not fit the environment.
    """
    index = whole_number("index", index, 0)
    network = environment.model
    if not isinstance(network, DesignedNetwork):
        if pixel is not None or number is not None:
            name = "pixel" if pixel is not None else "number"
            raise bad_option(name, "be left out for a network that this package did not design", pixel or number)
        return _unknown_network(environment, index)
    summaries = HEADS if getattr(environment, "bug", "none") == "none" else {}
    if number is not None:
        if pixel is not None:
            raise bad_option("number", "be left out where `pixel` is given", number)
        return _head_alone(environment, network, _count(network, number), summaries)
    return _from_pixel(environment, network, index, pixel, summaries)


def _count(network: DesignedNetwork, number: int) -> int:
    """The number, if the head reads a single count that can be that large."""
    if len(network.classes) != 1:
        raise bad_option("number", "be left out for a network of several counts; give a `pixel`", number)
    height, width = network.accumulator.size
    return whole_number("number", number, 0, height * width, "the image has no more pixels")


def _head_alone(
    environment: Environment, network: DesignedNetwork, count: int, summaries: dict[int, tuple[str, ...]]
) -> NetworkPath:
    layers = _head(network, [float(count)], summaries)
    end = f"the output is {layers[-1].neurons[0].value:g}"
    return NetworkPath(environment.spec, f"a count of {count} pixels", tuple(layers), end)


def _head(network: DesignedNetwork, counts: list[float], summaries: dict[int, tuple[str, ...]]) -> list[LayerValues]:
    """The layers of the head, and the softmax."""
    n_layers = sum(isinstance(layer, nn.Linear) for layer in network.head)
    layers = active(wired_layers(network.head, counts, "head", summaries.get(n_layers, ())))
    if network.softmax is None:
        return layers
    logits = [neuron.value for neuron in layers[-1].neurons]
    probabilities = torch.tensor(logits, dtype=torch.float64).softmax(dim=0).tolist()
    neurons = tuple(
        NeuronValue(f"{_name(name)}, exp({logit:g}) / sum", (), 0.0, probability, has_relu=False)
        for name, logit, probability in zip(network.classes, logits, probabilities, strict=False)
    )
    return [*layers, LayerValues("softmax", "exp(logit), divided by the sum over all classes", neurons)]


def _from_pixel(
    environment: Environment,
    network: DesignedNetwork,
    index: int,
    pixel: Sequence[int] | None,
    summaries: dict[int, tuple[str, ...]],
) -> NetworkPath:
    """The path of a pixel through detector, accumulator and head."""
    batch = environment.sample(1, index)
    image, target = batch.inputs[0].clone(), int(batch.targets[0])
    row, column = _start(batch.ground_truth.signed[0])
    if pixel is not None:
        image[:, row, column] = torch.tensor(_color(pixel, len(image)), dtype=image.dtype)
    color = tuple(image[:, row, column].tolist())
    with torch.no_grad():
        channels = network.detect(image[None])[0]
    output, layers = _detected(network, color, channels[:, row, column], target, bool(summaries))
    layers += _accumulated(network, channels, (row, column), output)
    with torch.no_grad():
        counts = network.counts(image[None])[0].double().tolist()
        answer = network(image[None])[0]
    layers += _head(network, counts, summaries)
    start = f"pixel ({row}, {column}) of image {index}, which is {_name(str(tuple(map(int, color))))}"
    end = ", ".join(f"{environment.output_name(place)}: {value:.6g}" for place, value in enumerate(answer.tolist()))
    return NetworkPath(environment.spec, start, tuple(layers), end, color, (row, column))


def _start(signed: Tensor) -> tuple[int, int]:
    """A pixel in the midst of those that raise the output, or of the image if there is none."""
    positions = (signed > 0).nonzero().tolist()
    height, width = signed.shape
    row, column = positions[len(positions) // 2] if positions else (height // 2, width // 2)
    return row, column


def _color(pixel: Sequence[int], n_channels: int) -> list[int]:
    """The color, if it has as many channels as the image and integers that it may have."""
    highest = 255 if n_channels == 3 else 1
    if len(pixel) != n_channels or not all(isinstance(value, int) and 0 <= value <= highest for value in pixel):
        counted = "an integer" if n_channels == 1 else f"{n_channels} integers"
        raise bad_option("pixel", f"be {counted} in 0..{highest}", ",".join(map(str, pixel)))
    return list(pixel)


def _detected(
    network: DesignedNetwork, color: tuple[float, ...], channels: Tensor, target: int, is_healthy: bool
) -> tuple[int, list[LayerValues]]:
    """The count to follow, and the layers of the detector that lead to its channel."""
    n_classes = len(network.classes)
    awake = [int(channel) for channel in channels.nonzero().flatten()]
    own = [channel for channel in awake if channel < n_classes]
    output = own[0] if own else min(target, n_classes - 1)
    detector = network.detector
    if not isinstance(detector, ColorDetector):
        return output, []
    layers = wired_layers(detector.layers, color, "detector", DETECTOR if is_healthy else ())
    followed = own[:1] or awake[:1] or [output]
    path = on_path(layers, [detector.channels[channel] for channel in followed])
    return output, [replace(layer, neurons=tuple(map(_in_words, layer.neurons))) for layer in path]


def _in_words(neuron: NeuronValue) -> NeuronValue:
    """The neuron, with the word for its color as its name."""
    terms = tuple(replace(term, source=_name(term.source)) for term in neuron.terms)
    return replace(neuron, name=_name(neuron.name), terms=terms)


def _accumulated(
    network: DesignedNetwork, channels: Tensor, position: tuple[int, int], output: int
) -> list[LayerValues]:
    """The blocks of the accumulator along the cells above the pixel."""
    modules = list(network.accumulator.layers)
    blocks = [modules[first : first + LAYERS_PER_BLOCK] for first in range(0, len(modules), LAYERS_PER_BLOCK)]
    detector = network.detector
    names = dict(enumerate(map(_name, network.classes if detector is None else detector.channels)))
    layers: list[LayerValues] = []
    for number, (block, inputs) in enumerate(zip(blocks, block_inputs(blocks, channels), strict=False), start=1):
        kernels = block[0]
        assert isinstance(kernels, nn.Conv2d)
        rows, columns = map(int, kernels.padding)
        position = (position[0] + rows) // 3, (position[1] + columns) // 3
        layers += block_layers(block, inputs, position, output, names, number)
    return layers


def _name(channel: str) -> str:
    """A channel's name, in which colors that have a word are that word."""
    numbers = channel.strip("()").split(",")
    is_color = channel.startswith("(") and all(number.strip().isdigit() for number in numbers if number.strip())
    return color_name([int(number) for number in numbers if number.strip()]) if is_color else channel


def _unknown_network(environment: Environment, index: int) -> NetworkPath:
    """The modules of any network, each with its largest value."""
    batch = environment.sample(1, index)
    layers: list[LayerValues] = []

    def record(name: str, module: nn.Module, output: object) -> None:
        if isinstance(output, Tensor) and output.numel() and output.is_floating_point():
            values = output.detach()[0].flatten()
            largest = int(values.abs().argmax())
            neuron = NeuronValue(f"neuron {largest} of {len(values)}", (), 0.0, float(values[largest]), has_relu=False)
            shape = "x".join(map(str, output.shape[1:]))
            layers.append(
                LayerValues(name, f"{type(module).__name__}, {shape}; its largest value", (neuron,), len(values) - 1)
            )

    handles = [
        module.register_forward_hook(lambda module, _, output, name=name: record(name, module, output))
        for name, module in environment.model.named_modules()
        if not list(module.children())
    ]
    try:
        with torch.no_grad():
            outputs = environment.model(batch.inputs)[0]
    finally:
        for handle in handles:
            handle.remove()
    end = ", ".join(f"{environment.output_name(place)}: {value:.6g}" for place, value in enumerate(outputs.tolist()))
    return NetworkPath(environment.spec, f"input {index}", tuple(layers), end)
