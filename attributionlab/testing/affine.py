"""The affine network: the modules of a designed network with random weights, of which every map is known.

**Computes** f(x) = W x, with other weights at every pixel, channel and output: the layers have random positive weights and no
bias, so no ReLU clips on inputs that are not negative.

**Exact for** inputs and baselines that are not negative. There the gradient is W, input times gradient is W x, and every path
integral, every Shapley value, removal and relevance of a pixel relative to a baseline z is W (x - z), in whatever number of
steps. Noise does not change the gradient.

**Why** the detectors of the designed networks are one level of color wide. A method that evaluates the network between colors, by noise
or along a path, gets no response from them, even if it is right. Here its map is known. The last layer has rows of both signs: two
of the four outputs have positive weights only, and two have weights of both signs.
"""

from __future__ import annotations

import copy
import dataclasses

import torch
from torch import Tensor, nn

from attributionlab.seeding import generator
from attributionlab.truth import Batch

AFFINE, HINGED = "affine", "hinged"
"""Names of the affine network as an environment of assertions, and of the one with hinges, whose gradient depends on the image."""

LOWEST, HIGHEST = 40.0, 180.0
"""Range of gray levels at which the units of the first layer begin, in the network with hinges."""

DARKEST, BRIGHTEST = 64.0, 192.0
"""Range of the random images: noise of a tenth of the range of colors leaves it positive."""

LEAST_WEIGHT = 0.1
"""Smallest weight of a pixel, relative to the largest, so that every pixel has an effect that can be told from zero."""

OTHERS = 0.05
"""Weight of the channels that a unit does not prefer, relative to the one that it does: so channels do not average out."""


def affine_network(model: nn.Module, seed: int) -> nn.Module:
    """A copy of a designed network with random weights: positive ones, but for every second output."""
    network = copy.deepcopy(model)
    random = torch.Generator().manual_seed(int(generator(seed, "affine network").integers(2**31)))
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    body: list[nn.Conv2d | nn.Linear] = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        for layer in (*body, last):
            weight = torch.rand(layer.weight.shape, generator=random) * (1 - LEAST_WEIGHT) + LEAST_WEIGHT
            if layer.weight[0, 0].numel() == 1 and layer is not last:
                preferred = _preferred(*layer.weight.shape[:2])[..., None, None]
                weight = torch.where(preferred, 1.0, OTHERS * weight)
            layer.weight.copy_(weight / weight.flatten(1).sum(dim=1).mean())
            if layer.bias is not None:
                layer.bias.zero_()
        columns = torch.arange(last.weight.shape[1])
        last.weight[1::2] *= 1 - 2.0 * (columns % 2)  # every second output subtracts every second count
    return network


def _preferred(n_outputs: int, n_inputs: int) -> Tensor:
    """(n_outputs, n_inputs) bool: unit i of a pointwise layer prefers input i modulo their number."""
    return torch.arange(n_outputs)[:, None] % n_inputs == torch.arange(n_inputs)


def hinged_network(model: nn.Module, seed: int) -> nn.Module:
    """The affine network with units in the first layer that begin at different levels of gray."""
    network = affine_network(model, seed)
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    levels = torch.linspace(LOWEST, HIGHEST, len(first.weight))
    with torch.no_grad():
        assert first.bias is not None, "designed layers have biases"
        first.bias.copy_(-levels * first.weight.flatten(1).sum(dim=1))
    return network


NETWORKS = {AFFINE: affine_network, HINGED: hinged_network}
"""Networks by the name of their environment."""


def affine_sample(batch: Batch, seed: int) -> Batch:
    """The batch with random images, no two values of which are alike, and with another target for each image in turn."""
    random = torch.Generator().manual_seed(int(generator(seed, "affine images").integers(2**31)))
    inputs = torch.rand(batch.inputs.shape, generator=random) * (BRIGHTEST - DARKEST) + DARKEST
    index = torch.arange(len(batch))
    targets = (
        2 + 3 * index + index // 4 + index // 16
    ) % N_OUTPUTS  # in no order, and others at the same place of another chunk
    return dataclasses.replace(batch, inputs=inputs, targets=targets)


N_OUTPUTS = 4
"""Outputs of the affine network."""


def exact_gradients(model: nn.Module, batch: Batch) -> Tensor:
    """W: the gradient (b, c, h, w) of each image's output, in float64."""
    network = copy.deepcopy(model).double().eval()
    leaf = batch.inputs.double().requires_grad_()
    outputs = network(leaf).gather(1, batch.targets[:, None]).sum()
    (gradients,) = torch.autograd.grad(outputs, leaf)
    return gradients
