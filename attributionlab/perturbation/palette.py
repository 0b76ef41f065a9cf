"""The detector of a designed network, run once for every color of an image instead of once for every pixel."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from attributionlab.networks import DesignedNetwork

MOST_COLORS = 1024
"""Colors above which the detector sees whole images."""


@torch.no_grad()
def detect_colors(network: DesignedNetwork, images: Tensor) -> Tensor:
    """The channels (b, k, h, w) of `network.detect`, the same bits: the detector is pointwise, and exact on whole colors.

    Args:
        network: The network.
        images: (b, c, h, w).
    """
    if (
        network.detector is None or images.shape[1] != 3 or images.device.type != "cpu"
    ):  # a GPU would wait for the count
        return network.detect(images)
    colors = images.to(torch.uint8)
    if not torch.equal(colors.to(images.dtype), images):
        return network.detect(images)
    red, green, blue = colors.int().flatten(2).unbind(dim=1)
    distinct, places = _distinct((red << 16 | green << 8 | blue).flatten())
    if len(distinct) > MOST_COLORS:
        return network.detect(images)
    palette = torch.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255]).to(images)
    detected = network.detect(palette[None, :, None])[0, :, 0]  # (k, n)
    b, _, h, w = images.shape
    return rearrange(detected.index_select(1, places), "k (b h w) -> b k h w", b=b, h=h, w=w)


def _distinct(codes: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct codes, and the place of each code among them; neighbors are mostly equal, so runs are compared."""
    runs, run_of = codes.unique_consecutive(return_inverse=True)
    distinct, place_of_run = runs.unique(return_inverse=True)
    return distinct, place_of_run.index_select(0, run_of)
