"""BatchNorm as a part of the layer before it, on a copy of the network.

Without training BatchNorm is x s + t, channel by channel. Behind a layer it is folded into the layer's weights and bias; elsewhere it
becomes a convolution of its own. Relevance rules and patterns then see layers only.

References:
    Montavon et al. 2019, section 10.3.2.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.networks.designed import logits_of
from attributionlab.networks.layers import BatchNorm, Convolution, Layer, Transposed

TOLERANCE = 1e-4
"""Largest change of an output by folding, relative to the largest output: the rounding of float32 in deep networks."""


def without_batch_norm(model: nn.Module, inputs: Tensor) -> nn.Module:
    """A copy of the network with folded BatchNorm; the network itself if it has none.

    Args:
        model: The network, in evaluation mode.
        inputs: (b, c, *shape), of which the first is used.

    Raises:
        BadOption: If a BatchNorm has no running statistics.
    """
    norms = {name: module for name, module in model.named_modules() if isinstance(module, BatchNorm)}
    if not norms:
        return model
    for name, norm in norms.items():
        if norm.running_mean is None:
            raise bad_option(
                "model", "have running statistics in every BatchNorm", name, "its maps depend on the batch"
            )
    with torch.no_grad():
        expected = logits_of(model)(inputs[:1])
        for into_layers in (True, False):  # a layer's output may be used beside the BatchNorm behind it
            folded = _replace(copy.deepcopy(model), inputs[:1], into_layers=into_layers)
            change = (logits_of(folded)(inputs[:1]) - expected).abs().max()
            if change <= TOLERANCE * expected.abs().max():
                return folded
    raise bad_option("model", "compute the same with BatchNorm as a convolution", f"a change by {float(change):.3g}")


def _replace(model: nn.Module, image: Tensor, *, into_layers: bool) -> nn.Module:
    """Replace every BatchNorm in place."""
    for norm, (layer, values) in _sources(model, image).items():
        if into_layers and layer is not None and not isinstance(layer, Transposed):
            _fold(layer, norm)
            replacement: nn.Module = nn.Identity()
        else:
            replacement = _as_layer(norm, values)
        for parent in list(model.modules()):
            for name, child in parent.named_children():
                if child is norm:
                    setattr(parent, name, replacement)
    return model.eval()


def _sources(model: nn.Module, image: Tensor) -> dict[BatchNorm, tuple[Layer | None, Tensor]]:
    """The layer, if any, whose output each BatchNorm takes, and the BatchNorm's input; modules that are called once."""
    outputs: list[tuple[Layer, Tensor]] = []
    taken: list[tuple[BatchNorm, Tensor]] = []
    handles = []
    for module in model.modules():
        if isinstance(module, Layer):
            handles.append(module.register_forward_hook(lambda layer, _, output: outputs.append((layer, output))))
        elif isinstance(module, BatchNorm):
            handles.append(module.register_forward_pre_hook(lambda norm, inputs: taken.append((norm, inputs[0]))))
    try:
        logits_of(model)(image)
    finally:
        for handle in handles:
            handle.remove()
    called = [module for module, _ in (*outputs, *taken)]
    layers = {id(output): layer for layer, output in outputs if called.count(layer) == 1}
    return {norm: (layers.get(id(values)) if called.count(norm) == 1 else None, values) for norm, values in taken}


def _fold(layer: Layer, norm: BatchNorm) -> None:
    """Change weight and bias of a layer to those of the layer followed by the BatchNorm."""
    scale, shift = _scale_and_shift(norm)
    layer.weight = nn.Parameter(layer.weight * scale.reshape(-1, *[1] * (layer.weight.ndim - 1)))
    layer.bias = nn.Parameter(shift if layer.bias is None else layer.bias * scale + shift)


def _as_layer(norm: BatchNorm, values: Tensor) -> Layer:
    """The BatchNorm as a layer of its own: a diagonal matrix, or a convolution channel by channel with one weight each."""
    scale, shift = _scale_and_shift(norm)
    n_channels = len(scale)
    layer: Layer
    if values.ndim == 2:
        layer, weight = nn.Linear(n_channels, n_channels), scale.diag()
    else:
        kind: type[Convolution] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[values.ndim - 3]
        layer = kind(n_channels, n_channels, 1, groups=n_channels)
        weight = scale.reshape(layer.weight.shape)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(shift)
    return layer


def _scale_and_shift(norm: BatchNorm) -> tuple[Tensor, Tensor]:
    """The factor s and the summand t of every channel."""
    assert norm.running_mean is not None and norm.running_var is not None, "checked before"
    scale = (norm.running_var + norm.eps).rsqrt()
    if not norm.affine:
        return scale, -norm.running_mean * scale
    return norm.weight * scale, norm.bias - norm.running_mean * norm.weight * scale
