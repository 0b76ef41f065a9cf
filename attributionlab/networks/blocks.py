"""Blocks of the accumulator: their weights, drawn on the finest dyadic grids for which the proven bounds make every layer exact.

The accumulator's module (`accumulator.py`) says what the blocks compute together, and why it is exact.
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import nn

from attributionlab.errors import Inexact, bad_option
from attributionlab.networks.dyadic import Bound, FloatArray, grid_of, require_exact
from attributionlab.networks.kernels import LADDER, N_POSITIONS, Design, Kernels, draw_kernels
from attributionlab.networks.wiring import assigned, unwritten
from attributionlab.seeding import generator

DEFAULT_REDUNDANT_SCALE = 1 / 16


@dataclass(frozen=True)
class Redundancy:
    """Random weights by which redundant channels enter the first block.

    Args:
        n_channels: Number of redundant channels.
        scale: Each weight is 0 or `scale`, with probability 1/2 each. A scale of 0 switches the Unseen Data Effect off.
    """

    n_channels: int = 0
    scale: float = DEFAULT_REDUNDANT_SCALE

    def draw(self, n_classes: int, n_kernels: int, seed: int) -> FloatArray:
        """Weights (class, kernel, channel, position); no other weight depends on them."""
        shape = (n_classes, n_kernels, self.n_channels, N_POSITIONS)
        connected = generator(seed, "redundant").random(shape) < 0.5
        return np.where(connected, self.scale, 0.0)

    @property
    def grid(self) -> float:
        """Grid of the sums that unknown colors cause.

        A scale of 0 has the grid of the default scale, so that switching the effect off changes no other weight.
        """
        return grid_of(self.scale or DEFAULT_REDUNDANT_SCALE)


@dataclass(frozen=True)
class Block:
    """One block: its weights, and the range of its inputs.

    Args:
        index: 0 for the first block.
        kernels: Kernel weights, biases and mixing weights.
        redundant: Weights of the redundant channels (class, kernel, channel, position); no channels after block 0.
        caps: Largest value of a class channel at each position of each window (cell, position).
        grid: Grid of the inputs.
        padding: Zeros around the rows and columns.
    """

    index: int
    kernels: Kernels
    redundant: FloatArray
    caps: FloatArray
    grid: float
    padding: tuple[int, int]

    @property
    def unknown(self) -> FloatArray:
        """Effect of an unknown color on each kernel (class, kernel, position), summed over the redundant channels."""
        total: FloatArray = self.redundant.sum(axis=2)
        return total

    @property
    def bounds(self) -> tuple[Bound, Bound]:
        """Bounds of the 3x3 and of the 1x1 layer over all images of integer colors.

        A pixel is of the class (adding w), unknown (adding all redundant weights) or neither, so the larger of the two
        bounds it. The design domain is the case without unknown colors, hence within the same bounds.
        """
        weights, biases, mixing = self.kernels.weights, self.kernels.biases, self.kernels.mixing
        sums = np.maximum(np.abs(weights), np.abs(self.redundant).sum(axis=2)) @ self.caps.T + biases[..., None]
        active = np.maximum(np.maximum(weights, self.unknown), 0.0) @ self.caps.T + biases[..., None]
        mixed = np.einsum("ci,cik->ck", np.abs(mixing), active) + np.abs(self.kernels.correction)[:, None]
        grid = min(grid_of(weights, self.redundant) * self.grid, grid_of(biases))
        return (
            Bound(f"3x3 layer of accumulator block {self.index + 1}", float(sums.max()), grid),
            Bound(f"1x1 layer of accumulator block {self.index + 1}", float(mixed.max()), grid * grid_of(mixing)),
        )

    @property
    def clips(self) -> bool:
        """Whether unknown colors can make a ReLU of the 3x3 layer clip."""
        return bool((self.unknown < 0).any())

    def grid_of_counts(self, redundant_grid: float) -> float:
        """Grid of the first block's outputs on any image of integer colors.

        If no ReLU clips, the kernels sum to whole pixels, and only unknown colors cause fractions.
        """
        fractions = grid_of(self.kernels.weights, self.redundant) if self.clips else redundant_grid
        return fractions * grid_of(self.kernels.mixing)

    @property
    def highest_effect(self) -> float:
        """The most that one pixel of any color can add to a count, at least 1 (a pixel of the class)."""
        if not self.clips:
            return max(1.0, float(np.einsum("ci,cij->cj", self.kernels.mixing, self.unknown).max(initial=0.0)))
        positive, negative = np.maximum(self.kernels.mixing, 0.0), np.maximum(-self.kernels.mixing, 0.0)
        added = np.einsum("ci,cij->cj", positive, np.maximum(self.kernels.weights, 0.0))
        clipped = (negative * self.kernels.biases).sum(axis=1)
        return float((added + clipped[:, None]).max())

    @property
    def window(self) -> FloatArray:
        """Weights of the 3x3 layer (class, kernel, input channel, position): a class reads its own and redundant channels."""
        n_classes, n_kernels, n_redundant = self.redundant.shape[:3]
        window = np.zeros((n_classes, n_kernels, n_classes + n_redundant, N_POSITIONS))
        window[np.arange(n_classes), :, np.arange(n_classes)] = self.kernels.weights
        window[:, :, n_classes:] = self.redundant
        return window

    def layers(self, *, grouped: bool) -> list[nn.Module]:
        """The 3x3 convolution, ReLU, the 1x1 convolution, ReLU."""
        n_classes, n_redundant = len(self.redundant), self.redundant.shape[2]
        groups = n_classes if grouped and n_redundant == 0 else 1
        window = self.kernels.weights[:, :, None] if groups > 1 else self.window
        mixing = self.kernels.mixing[:, None] if grouped else _block_diagonal(self.kernels.mixing)
        return [
            _conv(
                rearrange(window, "c i k (y x) -> (c i) k y x", y=3),
                rearrange(self.kernels.biases, "c i -> (c i)"),
                groups,
                self.padding,
            ),
            nn.ReLU(),
            _conv(
                rearrange(mixing, "c g i -> c (g i) 1 1"), self.kernels.correction, n_classes if grouped else 1, (0, 0)
            ),
            nn.ReLU(),
        ]


@functools.lru_cache(maxsize=32)
def design_blocks(
    shape: tuple[int, int], size: tuple[int, ...], design: Design, redundancy: Redundancy, seed: int
) -> tuple[Block, ...]:
    """All blocks, with the finest weights that make every layer exact.

    A fine first block leaves fewer bits for the last one; if the last one is not exact, all blocks start one rung lower.

    Args:
        shape: Numbers of classes and of kernels per class.
        size: Rows and columns of the image.
        design: Kind of weights.
        redundancy: The redundant channels.
        seed: Seed of all random weights.

    Raises:
        BadOption: If the number of kernels does not fit the design.
        Inexact: If no rung of the ladder makes every layer exact.
    """
    least = 1 if design == "uniform" else 2
    if shape[1] < least:
        raise bad_option("n_kernels", f"be at least {least} for accumulator {design!r}", shape[1])
    for level in range(len(LADDER) - 1):
        with contextlib.suppress(Inexact):
            return _draw_blocks_from(level, shape, size, design, redundancy, seed)
    return _draw_blocks_from(len(LADDER) - 1, shape, size, design, redundancy, seed)


def _draw_blocks_from(
    level: int, shape: tuple[int, int], size: tuple[int, ...], design: Design, redundancy: Redundancy, seed: int
) -> tuple[Block, ...]:
    """All blocks, from the image down to one cell, on the rungs from `level` downward."""
    blocks: list[Block] = []
    n_pixels = np.ones(size)  # under each cell
    highest_effect, grid = 1.0, 1.0
    while n_pixels.size > 1:
        windows, padding = _windows(n_pixels)
        redundant = redundancy.draw(*shape, seed)[:, :, : None if not blocks else 0]
        caps = highest_effect * windows
        block = _finest_block(
            level, design, len(blocks), redundant=redundant, caps=caps, grid=grid, padding=padding, seed=seed
        )
        if not blocks:
            highest_effect = block.highest_effect
            grid = block.grid_of_counts(redundancy.grid)
        blocks.append(block)
        n_pixels = windows.sum(axis=1).reshape([-(-side // 3) for side in n_pixels.shape])
    return tuple(blocks)


def _finest_block(
    level: int,
    design: Design,
    index: int,
    *,
    redundant: FloatArray,
    caps: FloatArray,
    grid: float,
    padding: tuple[int, int],
    seed: int,
) -> Block:
    """The block on the finest rung of the ladder that is provably exact.

    Raises:
        Inexact: If no rung is.
    """
    for rung in range(level, len(LADDER)):
        kernels = draw_kernels(design, rung, redundant.shape[:2], caps, generator(seed, "kernels", index))
        block = Block(index, kernels, redundant, caps, grid, padding)
        if all(bound.exact for bound in block.bounds):
            return block
    for bound in block.bounds:
        require_exact(bound, "choose a smaller image, or a coarser or smaller `redundant_scale`")
    raise AssertionError("unreachable: an inexact block has an inexact bound")


def _windows(cells: FloatArray) -> tuple[FloatArray, tuple[int, int]]:
    """The 3x3 windows of a map (window, position), and the padding that makes its sides multiples of 3.

    `nn.Conv2d` pads both ends equally. One zero at each end serves both remainders: with remainder 2, the zero at the far
    end lies beyond the last window.
    """
    height, width = cells.shape
    padding = (min(height % 3, 1), min(width % 3, 1))
    after = [-(side + pad) % 3 for side, pad in zip(cells.shape, padding, strict=True)]
    padded = np.pad(cells, tuple(zip(padding, after, strict=True)))
    return rearrange(padded, "(h y) (w x) -> (h w) (y x)", y=3, x=3), padding


def _block_diagonal(mixing: FloatArray) -> FloatArray:
    """Expand (c, i) to (c, c, i): each class reads only its own kernels."""
    return np.eye(len(mixing))[:, :, None] * mixing[:, None]


def _conv(weight: FloatArray, bias: FloatArray, groups: int, padding: tuple[int, int]) -> nn.Conv2d:
    """A convolution with these weights (k, k_in / groups, y, x), whose stride is its kernel size."""
    n_outputs, n_inputs, side, _ = weight.shape
    layer = unwritten(nn.Conv2d, n_inputs * groups, n_outputs, side, stride=side, padding=padding, groups=groups)
    return assigned(layer, torch.from_numpy(weight).float(), torch.from_numpy(bias).float())
