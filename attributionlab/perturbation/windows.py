"""Counts while a window of the image shows something else, by recomputing only the cells that the window touches.

The detector is pointwise, so its output for image and replacement is computed once and merged by the window. A window touches
few cells of the accumulator's first block, and all later blocks are plain sums (networks/README.md). Hence

    counts(window) = counts(image) + sum over touched cells of (first block with the window - first block without)

which is exact, bit for bit, for images and replacements of integer colors: no forward pass per window is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from attributionlab.networks import DesignedNetwork, FirstBlock, exact_arithmetic


@dataclass(frozen=True, eq=False)
class WindowedCounts:
    """Counts of a designed network for one image, with windows of it replaced.

    Args:
        model: The network.
        image: (1, c, h, w).
        replacement: (1, c, h, w): what a window shows.
        n_images: Crops are evaluated in parts that hold as many values as this many images.
    """

    model: DesignedNetwork
    image: Tensor
    replacement: Tensor
    n_images: int = 8

    @torch.no_grad()
    def counts(self, tops: Tensor, lefts: Tensor, side: int) -> Tensor:
        """Counts with one window replaced, for many windows.

        Args:
            tops: (n,) int64, first rows; a window may reach over the image's lower and right edges.
            lefts: (n,) int64, first columns.
            side: Side of the windows in pixels.

        Returns:
            (n, k) counts.
        """
        with exact_arithmetic(self.image.device):
            before = self.model.counts(self.image)
            margin = 3 * self._n_cells(side)
            kept, shown = (self._padded(image, margin) for image in (self.image, self.replacement))
            rows, columns = self.image.shape[2:]
            size = max(1, self.n_images * rows * columns // margin**2)
            parts = zip(tops.split(size), lefts.split(size), strict=True)
            changes = [self._change(kept, shown, top, left, side) for top, left in parts]
            return before + torch.cat(changes)

    @staticmethod
    def _n_cells(side: int) -> int:
        """The most cells of 3 pixels that `side` pixels in a row can touch."""
        return 1 if side == 1 else (side - 2) // 3 + 2

    @property
    def _block(self) -> FirstBlock:
        return FirstBlock(self.model.accumulator)

    def _padded(self, image: Tensor, margin: int) -> Tensor:
        """The detector's channels (k, h, w) with the first block's padding in front and a margin of nothing behind."""
        rows, columns = self._block.padding
        return functional.pad(self.model.detect(image)[0], (columns, margin, rows, margin))

    def _change(self, kept: Tensor, shown: Tensor, tops: Tensor, lefts: Tensor, side: int) -> Tensor:
        """What every window changes, (n, k): the first block on crops that hold all cells it touches."""
        rows, columns = self._block.padding
        first_row, first_column = (tops + rows) // 3 * 3, (lefts + columns) // 3 * 3
        reach = torch.arange(3 * self._n_cells(side), device=kept.device)
        row, column = first_row[:, None] + reach, first_column[:, None] + reach  # (n, r)
        inside = ((row >= (tops + rows)[:, None]) & (row < (tops + rows + side)[:, None]))[:, :, None] & (
            (column >= (lefts + columns)[:, None]) & (column < (lefts + columns + side)[:, None])
        )[:, None, :]
        crops = [
            rearrange(maps[:, row[:, :, None], column[:, None, :]], "k n h w -> n k h w") for maps in (kept, shown)
        ]
        merged = torch.where(inside[:, None], crops[1], crops[0])
        return self._sum_of_cells(merged) - self._sum_of_cells(crops[0])

    def _sum_of_cells(self, crops: Tensor) -> Tensor:
        """The sum of the first block's cells over crops whose sides are multiples of 3: (n, k, h, w) to (n, k)."""
        return self._block.cells(self._block.pre_activations(crops)).sum(dim=2).T
