"""Networks that are trained here. All convolutions have at least 16 channels; see `loop.fit` for the reason."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.specs.arguments import whole_number

MEAN, SCALE = 127.5, 64.0
"""Colors 0..255 become about -2 to 2."""

CHANNELS = (16, 32, 32, 64, 64)
STRIDES = (1, 2, 1, 2, 2)
HIDDEN = (128, 64)
"""Convolutions and hidden linear layers of `bvd_cnn`."""

REDUCTION = 8
"""Factor by which the convolutions reduce the sides of an image."""


class ColorScale(nn.Module):
    """Colors 0..255 as numbers around 0, (x - 127.5) / 64, in contiguous memory."""

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, c, h, w) to (b, c, h, w)."""
        return ((inputs - MEAN) / SCALE).contiguous()


def bvd_cnn(n_classes: int = 2, *, size: int = 32, seed: int = 0) -> nn.Sequential:
    """BVD-CNN: five convolutions and three linear layers with ReLUs, (b, 3, size, size) with colors 0..255 to (b, k) logits.

    The paper's last layer is one sigmoid; here two classes have a logit each, so that methods that explain logits apply. The paper
    gives neither widths nor strides.

    Args:
        n_classes: Number of classes.
        size: Side of the images, a multiple of 8.
        seed: Seed of the weights.

    Raises:
        BadOption: If the size is not a multiple of 8.

    References:
        Adebayo et al. 2020, section 3 and appendix C.2.
    """
    if whole_number("size", size, REDUCTION) % REDUCTION:
        raise bad_option("size", f"be a multiple of {REDUCTION}", size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        convolutions = [
            layer
            for (n_in, n_out), stride in zip(pairwise((3, *CHANNELS)), STRIDES, strict=True)
            for layer in (nn.Conv2d(n_in, n_out, 3, stride, 1), nn.ReLU())
        ]
        widths = (CHANNELS[-1] * (size // REDUCTION) ** 2, *HIDDEN)
        hidden = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
        return nn.Sequential(ColorScale(), *convolutions, nn.Flatten(), *hidden, nn.Linear(HIDDEN[-1], n_classes))
