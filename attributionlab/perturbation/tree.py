"""Outputs of a designed network after every single switched pixel, by events instead of forward passes.

The detector is pointwise, so its output for the two images is computed once. A pixel lies in one cell of the first
block, and a cell has nine pixels. They are sorted by their times. A prefix sum of their weighted changes gives the
cell's pre-activations after each of them. ReLU and the 1x1 layer give the cell's value. All later blocks are plain sums
(networks/README.md), so the change of the cell's value is the change of the counts, and one prefix sum over time gives
the counts after every step.

**Exact**, bit for bit, where both images have integer colors: all intermediate images then have integer colors, too, and all
sums stay within the bounds that the builder has proven. For other colors it rounds like any sum of float32 numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from einops import rearrange
from torch import Tensor, nn

from attributionlab.errors import BadOption, bad_option
from attributionlab.networks import DesignedNetwork, FirstBlock, exact_arithmetic
from attributionlab.perturbation.order import check_images, check_indices, check_orders, explained, probability
from attributionlab.perturbation.palette import detect_colors
from attributionlab.specs.arguments import whole_number
from attributionlab.truth.maps import check_targets

DEFAULT_MEMORY = 2 * 2**30
"""Bytes that the evaluation may use at once."""

CACHED_MEMORY = 2**27
"""Bytes that one part of the evaluation takes on a CPU: larger arrays outgrow caches, and their memory is claimed anew each time."""

DENSE_HINT = "give the number of `steps` to evaluate it by forward passes"


@dataclass(frozen=True, eq=False)
class SwitchedPixels:
    """Outputs of a designed network while the pixels of images are switched to those of others.

    Args:
        model: The network, with the weights that it was built with.
        start: (b, c, h, w), the images before the first step.
        end: (b, c, h, w), the images after the last step.
        max_memory: Bytes that the evaluation may use at once; orders are evaluated in parts that fit.

    Raises:
        BadOption: If the model is not a designed network, its weights were changed, or the images have other shapes.
    """

    model: nn.Module
    start: Tensor
    end: Tensor
    max_memory: int = DEFAULT_MEMORY

    def __post_init__(self) -> None:
        if not isinstance(self.model, DesignedNetwork):
            raise bad_option("model", "be a designed network", type(self.model).__name__, DENSE_HINT)
        if not self.model.accumulator.intact:
            raise BadOption(f"`model` must have the weights that it was built with, got others; {DENSE_HINT}")
        check_images(self.start, self.end)
        shape = tuple(self.start.shape[1:])
        if shape != self.model.input_shape:
            raise bad_option("start and end", f"have images {self.model.input_shape} for this model", shape)
        whole_number("max_memory", self.max_memory, 1)

    @property
    def n_pixels(self) -> int:
        """P, the number of pixels."""
        return self.start[0, 0].numel()

    @torch.no_grad()
    def outputs(self, orders: Tensor, targets: Tensor) -> Tensor:
        """The explained output after every step.

        Args:
            orders: (b, n, P) int64, permutations of the pixels, n for each image.
            targets: (b,) int64, index of the explained output.

        Returns:
            (b, n, P + 1): the output after 0, 1, ..., P switched pixels.

        Raises:
            BadOption: If an order is not a permutation, a target is not an index of an output, or one order needs more than
                `max_memory`.
        """
        check_targets(targets, len(self.start))
        check_indices(targets, len(self._network.classes))
        targets = targets.to(self.start.device)
        select = explained if self._network.softmax is None else probability
        with exact_arithmetic(self.start.device):
            parts = [
                select(self._logits(self._counts(images, part))[:, None], targets[images])[:, 0]
                for images, part in self._parts(orders)
            ]
        return torch.cat(parts).view(*orders.shape[:2], -1)

    @torch.no_grad()
    def logits(self, orders: Tensor) -> Tensor:
        """All logits after every step, (b, n, P + 1, k); see `outputs`."""
        with exact_arithmetic(self.start.device):
            parts = [self._logits(self._counts(images, part)) for images, part in self._parts(orders)]
        return torch.cat(parts).view(*orders.shape[:2], *parts[0].shape[1:])

    @torch.no_grad()
    def logits_of_single(self) -> Tensor:
        """All logits after one pixel is switched and no other, (b, P, k)."""
        values, changes = self._cells
        cells_at_start, counts_at_start = self._at_start
        with exact_arithmetic(self.start.device):
            cells = self._block.cells(values[:, :, None] + changes)  # (k, b, cell, 9)
            rises = (cells - cells_at_start[..., None]).flatten(2)[:, :, self._slots]
            return self._logits(rearrange(rises + counts_at_start[..., None], "k b p -> b p k"))

    @property
    def _network(self) -> DesignedNetwork:
        assert isinstance(self.model, DesignedNetwork)
        return self.model

    def _parts(self, orders: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Split the orders into parts (m, P) that fit into the memory, with the indices of their images (m,)."""
        values, changes = self._cells
        n_cells, n_kernels, n_classes = *values.shape[1:], len(self._network.classes)
        numbers = n_cells * 9 * (4 * n_kernels + 6 * n_classes + 8)  # prefix sums, their mix, indices, times
        bytes_per_order = numbers * changes.element_size()
        if self.max_memory < bytes_per_order:
            raise bad_option("max_memory", f"be at least {bytes_per_order} bytes, for one order", self.max_memory)
        part_memory = min(self.max_memory, CACHED_MEMORY) if self.start.device.type == "cpu" else self.max_memory
        at_once = max(1, part_memory // bytes_per_order)
        checked = check_orders(orders.to(self.start.device), len(self.start), self.n_pixels)
        images = torch.arange(len(self.start), device=checked.device).repeat_interleave(checked.shape[1])
        yield from zip(images.split(at_once), checked.flatten(0, 1).split(at_once), strict=True)

    @cached_property
    def _block(self) -> FirstBlock:
        return FirstBlock(self._network.accumulator)

    @cached_property
    def _channels(self) -> tuple[Tensor, ...]:
        """The detector's channels of start and end."""
        return detect_colors(self._network, torch.cat([self.start, self.end])).chunk(2)

    @cached_property
    def _cells(self) -> tuple[Tensor, Tensor]:
        """Pre-activations of each first-block cell at the start (b, cell, m), and the change by each pixel (b, cell, 9, m)."""
        with torch.no_grad(), exact_arithmetic(self.start.device):
            before, after = (self._block.padded(channels) for channels in self._channels)
            return self._block.pre_activations(before), self._block.changes(after - before).contiguous()

    @cached_property
    def _at_start(self) -> tuple[Tensor, Tensor]:
        """Values of the first block's cells (k, b, cell) and counts (k, b) before the first step."""
        with torch.no_grad(), exact_arithmetic(self.start.device):
            return self._block.cells(self._cells[0]), self._network.accumulator(self._channels[0]).T

    @cached_property
    def _slots(self) -> Tensor:
        """The slot of each pixel, (P,)."""
        return self._block.slots(self.start.device)

    def _counts(self, images: Tensor, orders: Tensor) -> Tensor:
        """Counts after every step, (n, P + 1, k), of n orders and the indices of their images."""
        values, changes = self._cells
        n, n_cells, n_steps = len(orders), values.shape[1], self.n_pixels + 1
        times = torch.full((n, 9 * n_cells), n_steps, dtype=torch.int64, device=orders.device)  # padding: never
        times.scatter_(1, self._slots[orders], torch.arange(1, n_steps, device=orders.device).expand_as(orders))
        times, places = times.view(n, n_cells, 9).sort(dim=2)
        first_rows = torch.arange(n_cells, device=orders.device)[:, None] + images[:, None, None] * n_cells
        rows = (first_rows * 9 + places).flatten()  # index_select copies rows twice as fast as an index per axis
        sums = changes.flatten(0, 2).index_select(0, rows).view(n, n_cells, 9, -1).cumsum_(dim=2)  # (n, cell, 9, m)
        sums += values[images, :, None]
        reached = self._block.cells(sums)  # (k, n, cell, 9)
        reached[..., 1:] -= reached[..., :-1].clone()
        cells_at_start, counts_at_start = self._at_start
        reached[..., 0] -= cells_at_start[:, images]
        by_time = reached.new_zeros(len(reached), n, n_steps + 1)
        by_time.scatter_(2, times.flatten(1).expand(len(reached), -1, -1), reached.flatten(2))
        running = by_time[..., :n_steps].cumsum(dim=2)  # along contiguous memory: the fast direction on a GPU
        running += counts_at_start[:, images, None]
        return rearrange(running, "k n s -> n s k")

    def _logits(self, counts: Tensor) -> Tensor:
        """Apply the head; with a single count, to distinct values only, because a modulo network is slow."""
        head = self._network.head
        if counts.shape[-1] > 1:
            logits: Tensor = head(counts.flatten(0, 1))
            return logits.view(*counts.shape[:2], -1)
        distinct, inverse = counts.unique(return_inverse=True)
        widest = max(layer.out_features for layer in head if isinstance(layer, nn.Linear))
        at_once = max(1, self.max_memory // (4 * widest * distinct.element_size()))  # a layer, its ReLU, and the next
        logits_of_distinct = torch.cat([head(part) for part in distinct[:, None].split(at_once)])
        return logits_of_distinct[inverse.flatten()].view(*counts.shape[:2], -1)
