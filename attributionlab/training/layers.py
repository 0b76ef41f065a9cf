"""Bugs in the layers of any network: random weights again, from the top down or one by one, and layers that training leaves out."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option, unknown_name
from attributionlab.networks.layers import BatchNorm, Layer
from attributionlab.seeding import generator
from attributionlab.specs.arguments import require_list


@torch.no_grad()
def layer_names(model: nn.Module, inputs: Tensor) -> tuple[str, ...]:
    """Names of the layers with weights, from the output to the input.

    A block is one layer: a dotted path ends at its first number (`blocks.3`, `features.10`, `layer1.0`), or after its first part (`fc`).

    Args:
        model: The network.
        inputs: (b, c, h, w), of which the first is used.

    Raises:
        BadOption: If the network has no layer with weights.
    """
    calls: list[str] = []
    handles = [
        module.register_forward_hook(lambda _module, _inputs, _outputs, name=name: calls.append(_block_of(name)))
        for name, module in model.named_modules()
        if isinstance(module, (Layer, BatchNorm))
    ]
    try:
        model(inputs[:1])
    finally:
        for handle in handles:
            handle.remove()
    if not calls:
        raise bad_option("model", "have layers with weights", type(model).__name__)
    return tuple(dict.fromkeys(reversed(calls)))


def reinitialized(model: nn.Module, layers: Sequence[str], *, seed: int = 0) -> nn.Module:
    """A copy of a network in which layers have random weights.

    Weights are drawn as He et al. do: normal, with variance 2 / (inputs of a unit). Biases are 0. BatchNorm gets weight
    1, bias 0, mean 0 and variance 1. Weights are a function of the seed and of the layer's name, so that cascading and
    single re-initialization share them.

    Args:
        model: The network.
        layers: Names of `layer_names`.
        seed: Seed of the weights.

    Raises:
        UnknownName: If the network has no such layer.

    References:
        Adebayo et al. 2020, section 4; He et al. 2015.
    """
    copied = copy.deepcopy(model)
    modules = _require_layers(copied, layers)
    with torch.no_grad():
        for name, module in modules.items():
            if isinstance(module, BatchNorm):
                module.reset_parameters()  # the statistics as well
            else:
                _draw(module, seed, name)
    return copied


def freeze(model: nn.Module, layers: Sequence[str]) -> nn.Module:
    """Exclude layers from training, in place; the network itself.

    Raises:
        UnknownName: If the network has no such layer.

    References:
        Adebayo et al. 2020, appendix A, Table 4.
    """
    for module in _require_layers(model, layers).values():
        module.requires_grad_(requires_grad=False)
    return model


def _require_layers(model: nn.Module, layers: Sequence[str]) -> dict[str, nn.Module]:
    """All modules with weights in the layers, by their dotted paths."""
    names = require_list("layers", layers, "names of layers")
    modules = {
        name: module for name, module in model.named_modules() if isinstance(module, (Layer, BatchNorm)) and name
    }
    existing = dict.fromkeys(_block_of(name) for name in modules)
    for name in names:
        if name not in existing:
            raise unknown_name("layer", name, existing)
    return {name: module for name, module in modules.items() if _block_of(name) in names}


def _draw(module: nn.Module, seed: int, name: str) -> None:
    """Draw the weights of a layer."""
    weight = module.weight
    assert isinstance(weight, Tensor), "layers have a weight"
    n_inputs = weight[0].numel()
    normal = generator(seed, "weights", name).standard_normal(tuple(weight.shape))
    weight.copy_(torch.from_numpy(normal * math.sqrt(2 / n_inputs)))
    if isinstance(module.bias, Tensor):
        module.bias.zero_()


def _block_of(path: str) -> str:
    """A dotted path up to its first number, or its first part if it has none."""
    parts = path.split(".")
    number = next((index for index, part in enumerate(parts) if part.isdigit()), 0)
    return ".".join(parts[: number + 1])
