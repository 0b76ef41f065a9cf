"""Counts while a window of the image is replaced, by recomputing only the cells that overlap the window.

The detector is pointwise, so its output for image and replacement is computed once and merged by the window. A window overlaps
few cells of the accumulator's first block, and all later blocks are plain sums (networks/README.md). Hence

    counts(window) = counts(image) + sum over overlapped cells of (first block with the window - first block without)

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
        replacement: (1, c, h, w), the content of a replaced window.
        n_images: Limit on memory: crops are evaluated in parts with as many values as this many images.
    """

    model: DesignedNetwork
    image: Tensor
    replacement: Tensor
    n_images: int = 8

    @torch.no_grad()
    def counts(self, tops: Tensor, lefts: Tensor, sides: int | tuple[int, int]) -> Tensor:
        """Counts with each window replaced in turn.

        Args:
            tops: (n,) int64, first rows; a window may extend beyond the image's lower and right edges.
            lefts: (n,) int64, first columns.
            sides: Side of the windows in pixels, or rows and columns.

        Returns:
            (n, k) counts.
        """
        with exact_arithmetic(self.image.device):
            before = self.model.counts(self.image)
            window = (sides, sides) if isinstance(sides, int) else sides
            down, right = (3 * self._n_cells(side) for side in window)
            original, replaced = (self._padded(image, down, right) for image in (self.image, self.replacement))
            rows, columns = self.image.shape[2:]
            size = max(1, self.n_images * rows * columns // (down * right))
            parts = zip(tops.split(size), lefts.split(size), strict=True)
            changes = [
                self._change(original, replaced, first_row, first_column, window) for first_row, first_column in parts
            ]
            return before + torch.cat(changes)

    @staticmethod
    def _n_cells(side: int) -> int:
        """Largest number of cells of 3 pixels that `side` adjacent pixels can overlap."""
        return 1 if side == 1 else (side - 2) // 3 + 2

    @property
    def _block(self) -> FirstBlock:
        return FirstBlock(self.model.accumulator)

    def _padded(self, image: Tensor, down: int, right: int) -> Tensor:
        """The detector's channels (k, h, w) with the first block's padding in front and a margin of nothing behind."""
        rows, columns = self._block.padding
        return functional.pad(self.model.detect(image)[0], (columns, right, rows, down))

    def _change(
        self, original: Tensor, replaced: Tensor, tops: Tensor, lefts: Tensor, window: tuple[int, int]
    ) -> Tensor:
        """Change by every window, (n, k): the first block on crops that hold all cells the window touches."""
        rows, columns = self._block.padding
        first_row, first_column = (tops + rows) // 3 * 3, (lefts + columns) // 3 * 3
        down, right = (torch.arange(3 * self._n_cells(side), device=original.device) for side in window)
        row, column = first_row[:, None] + down, first_column[:, None] + right  # (n, r)
        inside = ((row >= (tops + rows)[:, None]) & (row < (tops + rows + window[0])[:, None]))[:, :, None] & (
            (column >= (lefts + columns)[:, None]) & (column < (lefts + columns + window[1])[:, None])
        )[:, None, :]
        crops = [
            rearrange(maps[:, row[:, :, None], column[:, None, :]], "k n h w -> n k h w")
            for maps in (original, replaced)
        ]
        merged = torch.where(inside[:, None], crops[1], crops[0])
        return self._sum_of_cells(merged) - self._sum_of_cells(crops[0])

    def _sum_of_cells(self, crops: Tensor) -> Tensor:
        """The sum of the first block's cells over crops whose sides are multiples of 3: (n, k, h, w) to (n, k)."""
        return self._block.cells(self._block.pre_activations(crops)).sum(dim=2).T
