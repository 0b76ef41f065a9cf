"""Outputs while only some segments of an image are shown, for many such coalitions at once.

For a designed network a coalition needs no forward pass. The detector is pointwise, the accumulator's first block looks at
cells of 3x3 pixels, and all later blocks are plain sums (networks/README.md). A cell that touches s segments has 2^s values,
each of which is computed once; cells that touch the same segments are added up; a coalition then sums table entries:

    counts(S) = sum over sets T of segments that share cells  table_T[S restricted to T]

On images and replacements of integer colors this is exact, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.networks import DesignedNetwork, FirstBlock, exact_arithmetic
from attributionlab.perturbation.palette import detect_colors

MOST_ENTRIES = 2**22
"""Table entries that are looked up at once."""


@dataclass(frozen=True, eq=False)
class SwitchedSegments:
    """One image whose segments are shown or replaced.

    Args:
        model: The network.
        image: (1, c, h, w).
        replacement: (1, c, h, w), the values of hidden pixels.
        segments: (h, w) int64, ids from 0 without gaps.
        n_images: Images per forward pass, for networks that need them.
    """

    model: nn.Module
    image: Tensor
    replacement: Tensor
    segments: Tensor
    n_images: int = 8

    @torch.no_grad()
    def outputs(self, coalitions: Tensor) -> Tensor:
        """Outputs (n, k) when the segments in each coalition, (n, m) bool, are shown."""
        if isinstance(self.model, DesignedNetwork):
            return self._by_cells(self.model, coalitions)
        return self._by_passes(self.model, (self.image, self.replacement), coalitions)

    def _by_passes(self, function: nn.Module, images: tuple[Tensor, Tensor], coalitions: Tensor) -> Tensor:
        """A forward pass for every coalition."""
        parts = coalitions.split(self.n_images)
        return torch.cat([function(torch.where(part[:, None, self.segments], *images)) for part in parts])

    def _by_cells(self, model: DesignedNetwork, coalitions: Tensor) -> Tensor:
        """Table entries for every coalition; forward passes behind the detector if the proofs do not apply."""
        channels = detect_colors(model, self.image), detect_colors(model, self.replacement)
        if not (model.accumulator.intact and all(((maps >= 0) & (maps <= 1)).all() for maps in channels)):
            parts = coalitions.split(self.n_images)
            return torch.cat([model.finish(torch.where(part[:, None, self.segments], *channels)) for part in parts])
        with exact_arithmetic(self.image.device):
            cells = SegmentedCells(FirstBlock(model.accumulator), *channels, self.segments)
            counts = cells.sums(coalitions).to(self.image)
            logits: Tensor = model.head(counts)
            outputs: Tensor = logits if model.softmax is None else model.softmax(logits)
            return outputs


@dataclass(frozen=True, eq=False)
class CellTable:
    """Summed values of the cells that touch the same segments.

    Args:
        sets: (t, s) int64, the segments of each set.
        values: (t, 2^s, k) float64, by which of them are shown: bit j stands for segment j of the set.
    """

    sets: Tensor
    values: Tensor

    def sums(self, coalitions: Tensor) -> Tensor:
        """Sums (n, k) over all sets, for coalitions (n, m) bool."""
        bits = 2 ** torch.arange(self.sets.shape[1], device=self.sets.device)
        rows = torch.arange(len(self.sets), device=self.sets.device)
        per_coalition = self.values.shape[0] * self.values.shape[2]
        parts = coalitions.split(max(1, MOST_ENTRIES // per_coalition))
        return torch.cat([self.values[rows, (part[:, self.sets] * bits).sum(dim=2)].sum(dim=1) for part in parts])


@dataclass(frozen=True, eq=False)
class SegmentedCells:
    """Cells of an accumulator's first block, by the segments that they touch.

    Args:
        block: The block.
        shown: (1, c, h, w), its input for the image.
        hidden: (1, c, h, w), its input for the replacement.
        segments: (h, w) int64.
    """

    block: FirstBlock
    shown: Tensor
    hidden: Tensor
    segments: Tensor

    def sums(self, coalitions: Tensor) -> Tensor:
        """Sums (n, k) of all cells' values, float64, for coalitions (n, m) bool."""
        return torch.stack([table.sums(coalitions) for table in self.tables]).sum(dim=0)

    @cached_property
    def tables(self) -> list[CellTable]:
        """One table for each number of segments that a cell touches."""
        ids, starts = self._ids.sort(dim=1)[0], torch.ones_like(self._ids, dtype=torch.bool)
        starts[:, 1:] = ids[:, 1:] != ids[:, :-1]
        n_segments = starts.sum(dim=1)
        return [
            self._table((n_segments == n).nonzero()[:, 0], ids[n_segments == n][starts[n_segments == n]].reshape(-1, n))
            for n in n_segments.unique().tolist()
        ]

    @property
    def _ids(self) -> Tensor:
        """Segments of the pixels of each cell, (cells, 9). Padding, which is 0 shown or hidden, goes to a segment of its cell."""
        padded = self.block.padded((self.segments + 1)[None, None].float()).long()[0, 0] - 1
        ids = rearrange(padded, "(h y) (w x) -> (h w) (y x)", y=3, x=3)
        return torch.where(ids < 0, ids.amax(dim=1, keepdim=True), ids)

    @cached_property
    def _pixels(self) -> tuple[Tensor, Tensor]:
        """The cells' pixels, shown and hidden: (cells, c, 9) each."""
        shown, hidden = (
            rearrange(self.block.padded(maps), "1 c (h y) (w x) -> (h w) c (y x)", y=3, x=3)
            for maps in (self.shown, self.hidden)
        )
        return shown, hidden

    def _table(self, cells: Tensor, touched: Tensor) -> CellTable:
        """The table of cells (m,) that touch s segments each, (m, s)."""
        n = touched.shape[1]
        sets, members = touched.unique(dim=0, return_inverse=True)
        position = (self._ids[cells][:, :, None] == touched[:, None, :]).long().argmax(dim=2)  # (m, 9)
        values = torch.stack([self._values(cells, (code >> position) & 1 == 1) for code in range(2**n)], dim=1)
        totals = torch.zeros(len(sets), *values.shape[1:], dtype=torch.float64, device=values.device)
        return CellTable(sets, totals.index_add_(0, members, values.double()))

    def _values(self, cells: Tensor, is_shown: Tensor) -> Tensor:
        """Values (m, k) of cells whose pixels are shown where `is_shown` (m, 9)."""
        shown, hidden = (pixels[cells] for pixels in self._pixels)
        merged = rearrange(torch.where(is_shown[:, None], shown, hidden), "m c (y x) -> m c y x", y=3, x=3)
        return self.block.cells(self.block.pre_activations(merged))[..., 0].T


def all_coalitions(n_segments: int) -> Tensor:
    """Every coalition, (2^m, m) bool: in row r, bit j of r says whether segment j is shown."""
    codes = torch.arange(2**n_segments)[:, None]
    return (codes >> torch.arange(n_segments)) & 1 == 1


def segment_means(image: Tensor, segments: Tensor) -> Tensor:
    """The image (1, c, h, w) with every segment in its mean color."""
    ids = segments.flatten()
    members = functional.one_hot(ids).to(torch.float64)  # (p, m)
    colors = image[0].double().flatten(1) @ members / members.sum(dim=0)  # (c, m)
    return colors[:, ids].reshape(image.shape).to(image)
