"""RISE: the average of random smooth masks, weighted by the output under each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.errors import bad_option
from attributionlab.methods.base import Method, require_at_least, require_images
from attributionlab.methods.declaration import Declaration
from attributionlab.seeding import generator
from attributionlab.truth.baselines import Baseline


@dataclass(frozen=True, kw_only=True)
class Rise(Method):
    """Mean output of random masks that show a pixel; the masks are coarse, enlarged smoothly with a random offset.

        S = sum_i f(m_i x + (1 - m_i) b) m_i / (p N)

    All images share the masks.

    Args:
        n_masks: N.
        cells: Cells of a mask per side.
        probability: p, the probability that a cell is shown.
        baseline: b, values of hidden pixels.
        seed: Seed of the masks.
        internal_batch_size: Masked images per forward pass.
    """

    name: ClassVar[str] = "rise"
    declaration: ClassVar[Declaration] = Declaration(
        family="perturbation",
        sign="positive",
        granularity="coarse",
        needs=frozenset({"baseline"}),
        randomness="seeded",
        source="Petsiuk et al. 2018",
    )

    n_masks: int = 1000
    cells: int = 7
    probability: float = 0.5
    baseline: Baseline = "black"
    seed: int = 0
    internal_batch_size: int = 8

    def __post_init__(self) -> None:
        require_at_least(self, n_masks=1, cells=1, seed=0, internal_batch_size=1)
        if not 0 < self.probability <= 1:
            raise bad_option("probability", "be above 0 and at most 1", self.probability)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps as in section 3.1 of the paper."""
        require_images(self, inputs)
        cells, offsets = generator(self.seed, "rise cells"), generator(self.seed, "rise offsets")
        baselines = self.baseline_like(inputs, self.baseline)
        images = list(zip(inputs.split(1), baselines.split(1), targets.split(1), strict=True))
        totals = torch.zeros_like(inputs[:, 0])
        with torch.no_grad():
            for start in range(0, self.n_masks, self.internal_batch_size):
                n = min(self.internal_batch_size, self.n_masks - start)
                masks = self.draw_masks(n, inputs.shape[2:], cells, offsets).to(inputs)  # once for all images
                for total, (image, baseline, target) in zip(totals, images, strict=True):
                    outputs = model(baseline + masks * (image - baseline))[:, target]
                    total.add_((outputs[:, :, None, None] * masks).sum(dim=(0, 1)))
        return totals / (self.probability * self.n_masks)

    def draw_masks(self, n: int, size: torch.Size, cells: np.random.Generator, offsets: np.random.Generator) -> Tensor:
        """Masks (n, 1, h, w) in [0, 1]: coarse cells, enlarged bilinearly to one cell more than the image, cropped at random.

        Cells and offsets come from separate streams, so that masks do not depend on the size of the parts.
        """
        cell = [-(-side // self.cells) for side in size]
        coarse = torch.from_numpy((cells.random((n, 1, self.cells, self.cells)) < self.probability).astype(np.float32))
        enlarged = functional.interpolate(
            coarse, size=[(self.cells + 1) * side for side in cell], mode="bilinear", align_corners=False
        )
        corners = np.floor(offsets.random((n, 2)) * cell).astype(int)
        height, width = size
        cut = [
            mask[:, row : row + height, column : column + width]
            for mask, (row, column) in zip(enlarged, corners, strict=True)
        ]
        return torch.stack(cut).clamp(0, 1)
