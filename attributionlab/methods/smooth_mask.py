"""Smooth masks of extremal perturbations, and images blurred by a mask.

A coarse mask m is enlarged by a smooth maximum over its cells i, weighted by a radial kernel around their centers u_i:

    M(u) = smax_i  k(|u - u_i|) m_i         smax(v) = sum_i v_i exp(v_i / T) / sum_i exp(v_i / T),  T = 1/20
    k(d) = exp(-2 max(0, d / sigma - 1/2)^2)

References:
    Fong et al. 2019, section 3.2; constants and padding are those of TorchRay (`torchray.attribution.extremal_perturbation`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from einops import rearrange
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional

COLDNESS = 20.0
"""1 / T."""

N_LEVELS = 8
"""Images of increasing blur, between which a mask value interpolates."""

LONGEST_BLUR = 4
"""Deviations after which the kernel of a blur ends."""


@dataclass(frozen=True, eq=False)
class SmoothMask:
    """Enlarges a coarse mask, one value per cell of `step` pixels, to a smooth one.

    Args:
        shape: Rows and columns of the image.
        step: Side of a cell in pixels.
        sigma: Width of the kernel in pixels; the mask has a margin of that width around the image.
    """

    shape: tuple[int, int]
    step: int
    sigma: float

    @property
    def coarse_shape(self) -> tuple[int, int]:
        """Rows and columns of the coarse mask."""
        height, width = (math.ceil(side / self.step) for side in self.shape)
        return height, width

    @property
    def _radius(self) -> int:
        """Cells to each side that take part in the maximum."""
        return 1 + math.ceil(self.sigma / self.step)

    @property
    def _padding(self) -> int:
        """Cells of zeros around the coarse mask."""
        return 1 + math.ceil(2 * self.sigma / self.step)

    @property
    def _blocks(self) -> tuple[int, int]:
        """Rows and columns of blocks of pixels that see the same cells."""
        height, width = (side + 2 * (self._padding - self._radius) for side in self.coarse_shape)
        return height, width

    @cached_property
    def weights(self) -> Tensor:
        """The kernel (1, n, h, w) at every pixel of the mask with margin, for the n cells that it sees."""
        sides = [self.step * n - self.step + 1 for n in self._blocks]
        reach = torch.arange(2 * self._radius + 1)
        squares = []
        for blocks, side in zip(self._blocks, sides, strict=True):
            pixels = torch.arange(side, dtype=torch.float32)
            block = torch.floor(torch.tensor(blocks / (blocks * self.step), dtype=torch.float32) * pixels)
            centers = self.sigma + self.step * (block + reach[:, None] - self._padding)  # (n, side)
            squares.append((pixels - centers) ** 2)
        distance = (squares[0][:, None, :, None] + squares[1][None, :, None, :]).sqrt()
        kernel = torch.exp(-2 * (distance / self.sigma - 0.5).clamp(min=0) ** 2)
        return rearrange(kernel, "a b h w -> 1 (a b) h w")

    def enlarge(self, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """The mask of the image (1, 1, h, w), and the one with its margin, in [0, 1]."""
        seen = functional.unfold(coarse, 2 * self._radius + 1, padding=self._padding)
        seen = rearrange(seen, "b n (h w) -> b n h w", h=self._blocks[0])
        seen = seen.repeat_interleave(self.step, dim=2).repeat_interleave(self.step, dim=3)
        weights = self.weights.to(coarse)
        values = weights * seen[..., : weights.shape[2], : weights.shape[3]]
        whole = (values * (COLDNESS * values).softmax(dim=1)).sum(dim=1, keepdim=True).clamp(0, 1)
        margin, (height, width) = round(self.sigma), self.shape
        return whole[:, :, margin : margin + height, margin : margin + width], whole


def blurred(image: Tensor, deviation: float) -> Tensor:
    """The image (1, c, h, w) under a Gaussian blur with black around it."""
    if deviation == 0:
        return image
    pixels = image.double().cpu().numpy()
    reach = (0, 0, math.ceil(LONGEST_BLUR * deviation), math.ceil(LONGEST_BLUR * deviation))
    return torch.from_numpy(
        gaussian_filter(pixels, sigma=(0, 0, deviation, deviation), mode="constant", radius=reach)
    ).to(image)


def pyramid(image: Tensor, deviation: float) -> Tensor:
    """The image (1, c, h, w) from the strongest blur to none, (levels, c, h, w)."""
    shares = torch.linspace(1, 0, N_LEVELS).tolist()
    return torch.cat([blurred(image, share * deviation) for share in shares])


def interpolate_levels(levels: Tensor, mask: Tensor) -> Tensor:
    """The image (1, c, h, w) whose pixels lie between two levels, at the mask's value (1, 1, h, w): 0 the first, 1 the last."""
    position = mask[0] * (len(levels) - 1)
    lower = position.detach().floor().long()
    share = position - lower
    channels = levels.shape[1]
    before, after = (
        levels.gather(0, index.expand(1, channels, -1, -1))
        for index in (lower[None], (lower[None] + 1).clamp(max=len(levels) - 1))
    )
    return (1 - share) * before + share * after
