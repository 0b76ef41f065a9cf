"""The network of `multi-color-sum` and a few of its scenes as JSON, for the page in which students paint."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn

from attributionlab.environments import MultiColorSum
from attributionlab.networks.accumulator import Accumulator
from attributionlab.scenes.color_names import color_name

LAYERS_PER_BLOCK = 4


def export_lab(size: int, n_networks: int, n_scenes: int) -> dict[str, Any]:
    """Detector, accumulators of several seeds, temperature, and scenes.

    The weights are written as sparse terms, in the order in which the page adds them up; the sums are exact in any order.

    Args:
        size: Rows and columns.
        n_networks: Networks, with the seeds 0, 1, ...
        n_scenes: Scenes, from scene 0.

    Returns:
        JSON: `size`, `classes` (name and color), `background`, `scale` (1/T), `detector`, `accumulators` and `scenes`, whose pixels
        are indices of colors: 0 the background, then the classes.
    """
    environments = [MultiColorSum(height=size, width=size, network_seed=seed) for seed in range(n_networks)]
    first = environments[0]
    detector = first.model.detector
    assert detector is not None, "the network sees colors"
    layers = [layer for layer in detector.layers if isinstance(layer, nn.Conv2d)]
    palette = [first.background, *first.colors]
    batch = first.sample(n_scenes)
    return {
        "size": size,
        "classes": [{"name": color_name(color), "color": list(color)} for color in first.colors],
        "background": list(first.background),
        "scale": 1 / first.counts_per_logit,
        "detector": [_pointwise(layer) for layer in layers],
        "accumulators": [_blocks(environment.model.accumulator) for environment in environments],
        "scenes": [_indices(image, palette) for image in batch.inputs],
    }


def _pointwise(layer: nn.Conv2d) -> dict[str, Any]:
    """A 1x1 convolution: for each output the inputs that it reads, with their weights."""
    weights, bias = layer.weight.detach()[:, :, 0, 0], layer.bias
    assert bias is not None, "the builder gives every layer a bias"
    terms = [[[int(index), float(row[index])] for index in row.nonzero().flatten()] for row in weights]
    return {"outputs": len(weights), "bias": bias.detach().tolist(), "terms": terms}


def _blocks(accumulator: Accumulator) -> list[dict[str, Any]]:
    """The blocks: kernels with their terms (channel, row, column, weight), and mixing with its terms (kernel, weight)."""
    modules = list(accumulator.layers)
    return [_block(modules[first], modules[first + 2]) for first in range(0, len(modules), LAYERS_PER_BLOCK)]


def _block(kernels: nn.Module, mixing: nn.Module) -> dict[str, Any]:
    assert isinstance(kernels, nn.Conv2d)
    assert isinstance(mixing, nn.Conv2d)
    assert kernels.bias is not None, "the builder gives every layer a bias"
    assert mixing.bias is not None, "the builder gives every layer a bias"
    return {
        "padding": [int(side) for side in kernels.padding],
        "kernels": [
            {
                "bias": bias,
                "terms": [
                    [_channel(kernels, index, int(c)), int(y), int(x), float(w[c, y, x])] for c, y, x in w.nonzero()
                ],
            }
            for index, (w, bias) in enumerate(zip(kernels.weight.detach(), kernels.bias.tolist(), strict=True))
        ],
        "mixing": [
            {
                "bias": bias,
                "terms": [[_channel(mixing, index, int(c)), float(w[c, 0, 0])] for c in w[:, 0, 0].nonzero().flatten()],
            }
            for index, (w, bias) in enumerate(zip(mixing.weight.detach(), mixing.bias.tolist(), strict=True))
        ],
    }


def _channel(layer: nn.Conv2d, output: int, channel: int) -> int:
    """Index of an input channel, which a grouped convolution counts within its group."""
    return output * layer.groups // layer.out_channels * (layer.in_channels // layer.groups) + channel


def _indices(image: Tensor, palette: list[tuple[int, int, int]]) -> list[int]:
    """Index of each pixel's color."""
    pixels = image.permute(1, 2, 0).reshape(-1, 3).numpy()
    matches = (pixels[:, None] == np.array(palette)[None]).all(axis=2)
    assert matches.any(axis=1).all(), "scenes have colors of the palette alone"
    indices: list[int] = matches.argmax(axis=1).tolist()
    return indices
