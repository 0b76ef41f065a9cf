"""The first block of an accumulator, cell by cell.

Redundant channels enter only the first block, so only its ReLUs can clip; all later blocks are plain sums. The change of the
counts is therefore the sum of the changes of the first block's cells, each of which covers 3x3 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.networks.accumulator import Accumulator


@dataclass(frozen=True, eq=False)
class FirstBlock:
    """Cells of the first block.

    Args:
        accumulator: The accumulator of the block.
    """

    accumulator: Accumulator

    @property
    def padding(self) -> tuple[int, int]:
        """Zeros before the first row and before the first column."""
        return self.accumulator.blocks[0].padding

    @property
    def convolution(self) -> nn.Conv2d:
        """The 3x3 layer."""
        layer = self.accumulator.layers[0]
        assert isinstance(layer, nn.Conv2d)
        return layer

    @property
    def mixing(self) -> nn.Conv2d:
        """The 1x1 layer."""
        layer = self.accumulator.layers[2]
        assert isinstance(layer, nn.Conv2d)
        return layer

    def padded(self, channels: Tensor) -> Tensor:
        """Channels (b, k, h, w), padded with zeros to whole cells."""
        rows, columns = self.padding
        height, width = channels.shape[2:]
        below, right = -(-height // 3) * 3 - height - rows, -(-width // 3) * 3 - width - columns
        return functional.pad(channels, (columns, right, rows, below))

    def pre_activations(self, padded: Tensor) -> Tensor:
        """Sums of the 3x3 layer (b, cell, m) over channels (b, k, h, w) whose sides are multiples of 3."""
        layer = self.convolution
        sums = functional.conv2d(padded, layer.weight, layer.bias, stride=3, groups=layer.groups)
        return rearrange(sums, "b m h w -> b (h w) m")

    def changes(self, difference: Tensor) -> Tensor:
        """Changes of the sums (b, cell, 9, m) by each pixel of the difference of two padded images (b, k, h, w)."""
        groups = self.convolution.groups
        windows = rearrange(difference, "b (g k) (h y) (w x) -> b (h w) (y x) g k", g=groups, y=3, x=3)
        weight = rearrange(self.convolution.weight, "(g m) k y x -> (y x) g m k", g=groups)
        return rearrange(torch.einsum("bnpgk,pgmk->bnpgm", windows, weight), "b n p g m -> b n p (g m)")

    def cells(self, pre_activations: Tensor) -> Tensor:
        """Values of cells (k, ...) from their pre-activations (..., m).

        Computes a matrix product per group of channels: a 1x1 convolution of millions of one-pixel images takes five times
        as long.
        """
        layer = self.mixing
        assert layer.bias is not None, "the builder gives every layer a bias"
        active = rearrange(functional.relu(pre_activations), "... (g m) -> g (...) m", g=layer.groups)
        weight = rearrange(layer.weight, "(g k) m 1 1 -> g m k", g=layer.groups)
        bias = rearrange(layer.bias, "(g k) -> g 1 k", g=layer.groups)
        values = rearrange(torch.bmm(active, weight).add_(bias).relu_(), "g n k -> (g k) n")
        return values.reshape(-1, *pre_activations.shape[:-1])

    def slots(self, device: torch.device) -> Tensor:
        """Slot of each pixel, (P,) int64: 9 times its cell plus its position in the cell."""
        height, width = self.accumulator.size
        rows, columns = self.padding
        row = torch.arange(height, device=device)[:, None] + rows
        column = torch.arange(width, device=device) + columns
        n_columns = -(-width // 3)
        return (((row // 3) * n_columns + column // 3) * 9 + row % 3 * 3 + column % 3).flatten()
