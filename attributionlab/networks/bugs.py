"""Bugs as pure transformations of designed networks: exchanged outputs, a foreign detector, re-initialized layers.

Each function returns a new network and leaves the given one as it is.

**Computes** the designed function with one part of it replaced. Layers are named from the top: `head`, `block5` to `block1`, `detector`.

**Exact for** the images of the design domain. Re-initialized layers draw dyadic weights: 1, 1/2, -1/2 or -1 in the head, 1 or -1 in
blocks, 1, 0 or -1 behind integer thresholds in the detector. A re-initialized block reads a single channel at each position (the
first block, whose pixels have one color, reads all of them), and each of its outputs is the difference of two kernels. So no value
exceeds the number of pixels under it, as in the designed blocks, and `require_exact_head` bounds the head that follows.

**Why** real-valued weights that nobody designed are what "re-initialized" means (Adebayo et al. 2020, section 4). Their ReLUs
clip, so effects are no longer equal, and some pixels have none: the truth is read off the network by intervention.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from einops import rearrange
from torch import nn

from attributionlab.networks.color_detector import CHANNELS, ColorDetector
from attributionlab.networks.designed import DesignedNetwork
from attributionlab.networks.dyadic import Bound, FloatArray, require_exact
from attributionlab.networks.kernels import N_POSITIONS
from attributionlab.networks.wiring import Wiring, activated, assigned, unwritten
from attributionlab.seeding import generator

HEAD, DETECTOR = "head", "detector"

LAYERS_PER_BLOCK = 4
"""Entries of `accumulator.layers` for each block: 3x3 convolution, ReLU, 1x1 convolution, ReLU."""

N_THRESHOLDS = 24
"""Comparisons in a re-initialized detector."""

HIGHEST_THRESHOLD = 254
"""Comparisons are `x > t` with t from 0 to this."""

POSITIVE_SHARE = 0.75
"""Share of positive weights in a re-initialized kernel; with 1/2, most kernels would be clipped everywhere."""


def layer_names(n_blocks: int) -> tuple[str, ...]:
    """Names of the layers that can be re-initialized, from the top: head, blocks, detector.

    Example:
        >>> layer_names(2)
        ('head', 'block2', 'block1', 'detector')
    """
    return (HEAD, *(f"block{index}" for index in range(n_blocks, 0, -1)), DETECTOR)


def count_blocks(size: tuple[int, ...]) -> int:
    """Number of blocks of an accumulator for images of this size: each divides the sides by 3.

    Example:
        >>> count_blocks((224, 224))
        5
    """
    side, n_blocks = max(size), 0
    while side > 1:
        side, n_blocks = -(-side // 3), n_blocks + 1
    return n_blocks


def exchange_outputs(network: DesignedNetwork, first: int, second: int) -> DesignedNetwork:
    """The network with two outputs exchanged in the last layer of the head."""
    changed = copy.deepcopy(network)
    last = changed.head[-1]
    assert isinstance(last, nn.Linear), "heads end in a linear layer"
    order = list(range(last.out_features))
    order[first], order[second] = second, first
    changed.head[-1] = assigned(
        unwritten(nn.Linear, last.in_features, last.out_features),
        last.weight.detach()[order].clone(),
        last.bias.detach()[order].clone(),
    )
    return changed


def replace_detector(network: DesignedNetwork, detector: ColorDetector) -> DesignedNetwork:
    """The network with another detector of as many channels in front of its accumulator."""
    changed = copy.deepcopy(network)
    changed.detector = detector.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
    return changed


def reinitialize(network: DesignedNetwork, layers: Sequence[str], seed: int) -> DesignedNetwork:
    """The network with dyadic random weights in some layers.

    Args:
        network: A network with a detector, as built, with a separate ReLU module behind every layer.
        layers: Names of `layer_names`.
        seed: Seed of the weights; those of a layer do not depend on which others are drawn.

    Raises:
        Inexact: If a re-initialized head could round.
    """
    changed = copy.deepcopy(network)
    for layer in layers:
        random = generator(seed, "re-initialized", layer)
        if layer == HEAD:
            require_exact_head(len(network.classes), network.accumulator.size, layers)
            changed.head = _random_head(changed.head, random)
        elif layer == DETECTOR:
            changed.detector = _random_detector(network, random)
        else:
            start = LAYERS_PER_BLOCK * (int(layer.removeprefix("block")) - 1)
            changed.accumulator.layers[start] = _random_kernels(changed.accumulator.layers[start], start == 0, random)
            changed.accumulator.layers[start + 2] = _random_differences(changed.accumulator.layers[start + 2], random)
    changed.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
    return changed


def require_exact_head(n_classes: int, size: tuple[int, ...], layers: Sequence[str]) -> None:
    """Refuse an image whose counts a re-initialized head could round.

    Every count is at most the number of pixels times the channels that a pixel can activate. That is 1 channel unless
    the detector is re-initialized, too. Two layers of k inputs follow, with weights in halves.

    Args:
        n_classes: k.
        size: Rows and columns of the image.
        layers: The re-initialized layers; nothing is refused if the head is not among them.

    Raises:
        Inexact: If the bound is above 2^24 multiples of 1/4.
    """
    n_active = n_classes if DETECTOR in layers else 1
    bound = Bound("re-initialized head", float(n_classes**2 * n_active * size[0] * size[1]), 1 / 4)
    if HEAD in layers:
        require_exact(bound, "choose a smaller image")


def _random_head(head: nn.Sequential, random: np.random.Generator) -> nn.Sequential:
    """Linear layers with weights 1, 1/2, -1/2 or -1; the last one keeps its largest weight, the inverse of the temperature."""
    changed = copy.deepcopy(head)
    for index, layer in enumerate(head):
        if isinstance(layer, nn.Linear):
            scale = float(layer.weight.detach().abs().max())
            drawn = random.choice([-1.0, -0.5, 0.5, 1.0], tuple(layer.weight.shape)) * scale
            new = unwritten(nn.Linear, layer.in_features, layer.out_features)
            changed[index] = assigned(new, torch.from_numpy(drawn).float(), torch.zeros(layer.out_features))
    return changed


def _random_kernels(layer: nn.Module, is_first: bool, random: np.random.Generator) -> nn.Conv2d:
    """A 3x3 layer with weights 1 or -1: of all channels in the first block, of one channel at each position in the others."""
    assert isinstance(layer, nn.Conv2d)
    shape = (layer.out_channels, layer.in_channels, N_POSITIONS)
    weights = np.where(random.random(shape) < POSITIVE_SHARE, 1.0, -1.0)
    if not is_first:
        read = random.integers(0, layer.in_channels, (layer.out_channels, 1, N_POSITIONS))
        weights *= np.arange(layer.in_channels)[:, None] == read
    return _convolution(rearrange(weights, "k c (y x) -> k c y x", y=3), layer)


def _random_differences(layer: nn.Module, random: np.random.Generator) -> nn.Conv2d:
    """A 1x1 layer of which each output is the difference of two kernels of any class."""
    assert isinstance(layer, nn.Conv2d)
    weights = np.zeros((layer.out_channels, layer.in_channels))
    for row in weights:
        first, second = random.permutation(layer.in_channels)[:2]
        row[first], row[second] = 1.0, -1.0
    return _convolution(weights[:, :, None, None], layer)


def _convolution(weights: FloatArray, like: nn.Conv2d) -> nn.Conv2d:
    """A convolution with these weights (k, c, y, x), without groups and biases, in place of another."""
    side = like.kernel_size[0]
    padding = like.padding
    assert not isinstance(padding, str), "the builder gives numbers"
    layer = unwritten(
        nn.Conv2d, like.in_channels, like.out_channels, side, stride=side, padding=(padding[0], padding[1])
    )
    return assigned(layer, torch.from_numpy(weights).float(), torch.zeros(like.out_channels))


def _random_detector(network: DesignedNetwork, random: np.random.Generator) -> ColorDetector:
    """A detector whose channels are random differences of random thresholds, 0 or 1 at every integer color; none is redundant.

    It is drawn again until more than a quarter of the classes tell some of its old colors from the background.
    Otherwise the network would be constant, and there would be nothing to explain.
    """
    detector = network.detector
    assert detector is not None, "only networks of colors are re-initialized"
    changed, n_classes = copy.deepcopy(detector), len(network.classes)
    probes = torch.tensor([*detector.colors, detector.background], dtype=torch.float32)[:, :, None, None]
    while True:
        changed.layers = _draw_detector(detector.channels, n_classes, random)
        with torch.no_grad():
            active = changed(probes)[:, :n_classes, 0, 0]
        if int((active[:-1] > active[-1]).any(dim=0).sum()) > n_classes // 4:
            return changed


def _draw_detector(channels: Sequence[str], n_classes: int, random: np.random.Generator) -> nn.Sequential:
    """Five 1x1 layers: ramps, comparisons `x > t`, and three layers of differences."""
    ramps, comparisons = Wiring(CHANNELS), Wiring([])
    for index in range(N_THRESHOLDS):
        channel = CHANNELS[int(random.integers(len(CHANNELS)))]
        threshold = int(random.integers(HIGHEST_THRESHOLD + 1))
        low, high = (
            ramps.add(f"ReLU({channel} - {start}) of {index}", {channel: 1.0}, -float(start))
            for start in (threshold, threshold + 1)
        )
        comparisons.add(f"[{channel} > {threshold}] of {index}", {low: 1.0, high: -1.0})
    comparisons.inputs = ramps.outputs
    checks = _differences(comparisons.outputs, [f"check {index}" for index in range(N_THRESHOLDS)], random)
    detections = _differences(checks.outputs, [f"detection {index}" for index in range(N_THRESHOLDS)], random)
    last = _differences(detections.outputs, channels[:n_classes], random)
    for channel in channels[n_classes:]:
        last.add(channel, {})
    return activated([stage.pointwise() for stage in (ramps, comparisons, checks, detections, last)])


def _differences(inputs: Sequence[str], outputs: Sequence[str], random: np.random.Generator) -> Wiring:
    """A layer whose outputs are the differences of two random inputs."""
    layer = Wiring(inputs)
    for output in outputs:
        first, second = random.permutation(len(inputs))[:2]
        layer.add(output, {inputs[first]: 1.0, inputs[second]: -1.0})
    return layer
