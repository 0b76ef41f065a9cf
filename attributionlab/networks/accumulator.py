"""CNN accumulator (appendix C.2): counts the active pixels of each channel, in blocks of [3x3 conv, ReLU, 1x1 conv, ReLU].

The 3x3 convolution has stride 3, so every cell of a block covers 3x3 cells of the block before, and the last block has
one cell: the count. A block has M kernels per class; with kernel weights w_ij (kernel i, position j) and mixing weights
m_i it sums its window if `sum_i m_i w_ij = 1` for every position j *and no ReLU clips*.

**Computes**, per class, the number of pixels whose class channel is 1.

**Exact for** every image of integer colors. Weights lie on a ladder of dyadic grids, coarser in later blocks, and the
builder proves for each layer that all sums stay below 2^24 multiples of their grid (`Accumulator.bounds`), on the design
domain (class channels only, integers) and off it (redundant channels bring in fractions).

**Margin** `uniform` and `nonnegative` never clip: no value is negative before the mixing, and an empty window gives 0. `signed`
adds a bias that keeps every pre-activation at least one grid step above 0 (at 0, ReLU'(0) = 0 would drop the kernel's share
of the gradient); the 1x1 layer subtracts it again.

**Why** redundant channels enter the first block with random weights (section 3.1), so that unknown colors have effects
that nobody designed. A ReLU can clip only there; all later blocks are plain sums, on and off the design domain.
"""

from __future__ import annotations

from functools import cached_property

import torch
from einops import rearrange
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.networks.blocks import Redundancy, design_blocks
from attributionlab.networks.dyadic import Bound
from attributionlab.networks.kernels import Design


class Accumulator(nn.Module):
    """Blocks of [3x3 conv, ReLU, 1x1 conv, ReLU]: (b, classes + redundant, h, w) to counts (b, classes).

    Args:
        n_classes: Number of channels to count.
        size: Rows and columns of the image.
        design: `uniform` (all ones), `nonnegative` (kernels >= 0, mixing weights of both signs) or `signed` (kernels of
            both signs, with biases).
        n_kernels: M, kernels per class.
        redundancy: The redundant channels, which follow the classes in the input.
        seed: Seed of all random weights.
        grouped: Whether grouped convolutions keep the classes apart. False gives dense layers, filled with zeros.

    Attributes:
        layers: The convolutions and ReLUs, four per block, indexed as in the paper.
        blocks: The weights of each block, by name.

    Raises:
        BadOption: If `n_kernels` does not fit the design.
        Inexact: If no rung of the ladder makes every layer exact.
    """

    def __init__(
        self,
        n_classes: int,
        size: tuple[int, int],
        *,
        design: Design = "nonnegative",
        n_kernels: int = 3,
        redundancy: Redundancy | None = None,
        seed: int = 0,
        grouped: bool = True,
    ) -> None:
        super().__init__()
        self.grouped, self.size = grouped, tuple(size)
        self.blocks = design_blocks((n_classes, n_kernels), self.size, design, redundancy or Redundancy(), seed)
        self.layers = nn.Sequential(*(layer for block in self.blocks for layer in block.layers(grouped=grouped)))
        self.flatten: nn.Flatten | None = None

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The proven bound of every convolution, in order."""
        return tuple(bound for block in self.blocks for bound in block.bounds)

    @property
    def intact(self) -> bool:
        """Whether the weights are still those of the blocks; the proofs hold only then."""
        weights = _all_weights(self.layers)
        return torch.equal(weights, self._designed_weights.to(weights))  # one comparison synchronizes with a GPU once

    @cached_property
    def _designed_weights(self) -> Tensor:
        """The weights of the blocks, on the CPU."""
        return _all_weights(
            nn.Sequential(*(layer for block in self.blocks for layer in block.layers(grouped=self.grouped)))
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Count: (b, classes + redundant, h, w) to (b, classes).

        Raises:
            BadOption: If the image has a different size: its last rows and columns would not be counted.
        """
        if not torch.compiler.is_compiling() and tuple(inputs.shape[2:]) != self.size:
            height, width = self.size
            raise bad_option("inputs", f"have {height}x{width} pixels", tuple(inputs.shape))
        counts: Tensor = self.layers(inputs)
        return rearrange(counts, "b k 1 1 -> b k") if self.flatten is None else self.flatten(counts)


def _all_weights(layers: nn.Sequential) -> Tensor:
    """All parameters, flattened and concatenated, (n,)."""
    return torch.cat([parameter.detach().flatten() for parameter in layers.parameters()])
