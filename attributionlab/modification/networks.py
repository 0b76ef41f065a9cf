"""The networks that are trained on modified pictures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.machine import contained
from attributionlab.printable import error_line
from attributionlab.specs.functions import load_function, parse_address
from attributionlab.training.networks import ColorScale

ModelFactory = Callable[[int], nn.Module]
"""A function `(n_classes) -> network`, (b, 3, h, w) with colors 0..255 to (b, k)."""

WIDTHS = (16, 32, 64)
"""Channels of the blocks. torch 2.13.0's CPU build corrupts memory in convolutions of fewer channels in the format `channels_last`."""


class SmallBlock(nn.Module):
    """A residual block of two 3x3 convolutions, the first of stride 2, with a 1x1 convolution beside them.

    Args:
        n_in: Channels in.
        n_out: Channels out.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, 2, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, 2, bias=False), nn.BatchNorm2d(n_out))
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, c, h, w) to (b, k, h / 2, w / 2)."""
        outputs: Tensor = self.activation(self.main(inputs) + self.shortcut(inputs))
        return outputs


def small_resnet(n_classes: int) -> nn.Sequential:
    """A residual network of seven convolutions with 16 to 64 channels, which learns a manipulation in seconds on a CPU.

    The paper trains ResNet-34, whose name stands for the same kind of layers.

    References:
        He et al. 2016.
    """
    first, *_, last = WIDTHS
    blocks = [SmallBlock(n_in, n_out) for n_in, n_out in pairwise(WIDTHS)]
    return nn.Sequential(
        ColorScale(),
        nn.Conv2d(3, first, 3, 2, 1, bias=False),
        nn.BatchNorm2d(first),
        nn.ReLU(),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(last, n_classes),
    )


def load_factory(address: str | None) -> ModelFactory:
    """The factory that `module:function` or `file.py:function` names; by default `small_resnet`.

    Raises:
        MissingFile: If the module, the file or the function does not exist.
        BadOption: If the text is no address, the import fails, or the object is not callable.
    """
    if address is None:
        return small_resnet
    if parse_address(address) is None:
        raise bad_option("model", "be file.py:function or package.module:function", address)
    loaded: Any = load_function(address, "model")
    return lambda n_classes: built_model(loaded, n_classes, address)


def built_model(factory: Callable[[int], object], n_classes: int, address: str) -> nn.Module:
    """Call a user's factory.

    Raises:
        BadOption: If it raises, or returns no network.
    """
    try:
        with contained():
            model = factory(n_classes)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise bad_option("model", "be a factory (n_classes) -> torch.nn.Module", address, error_line(error)) from error
    if not isinstance(model, nn.Module):
        hint = f"it returned {type(model).__name__}"
        raise bad_option("model", "be a factory (n_classes) -> torch.nn.Module", address, hint)
    return model


@torch.no_grad()
def last_layer_of_maps(model: nn.Module, inputs: Tensor) -> str | None:
    """Dotted path of the last module that returns maps (b, c, h, w) of more than one place, for GradCAM; None without one.

    Modules that are called more than once are left out, because GradCAM cannot tell their calls apart.
    """
    calls: list[str] = []
    handles = [
        module.register_forward_hook(
            lambda _module, _inputs, outputs, name=name: calls.append(name) if _are_maps(outputs) else None
        )
        for name, module in model.named_modules()
        if name
    ]
    is_training = model.training
    try:
        model.eval()(inputs[:1])
    finally:
        model.train(is_training)
        for handle in handles:
            handle.remove()
    single = [name for name in calls if calls.count(name) == 1]
    return single[-1] if single else None


def _are_maps(outputs: object) -> bool:
    return isinstance(outputs, Tensor) and outputs.ndim == 4 and outputs.shape[2] * outputs.shape[3] > 1
