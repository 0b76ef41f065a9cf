"""Pictures of inputs, and the colors of signed maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from einops import rearrange
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

SIGNED = LinearSegmentedColormap.from_list("signed", ["#0b3d91", "#5b8fd6", "#ffffff", "#e06a4c", "#8b0d1a"])
"""Colors from negative (blue) over zero (white) to positive (red)."""


def picture(sample: Tensor) -> npt.NDArray[np.uint8]:
    """Convert an input to a picture (h, w, 3).

    In an image (c, h, w) three channels are colors 0..255. In a single channel 0 is black, and 1 is white, or 255 if
    there are values above 1. Of other numbers of channels the sum of magnitudes is shown: black is 0, white is the
    largest. A sequence or a row (c, l) has a line for each channel, from negative values in blue to positive ones in red.
    """
    values = sample.detach().cpu()
    if values.ndim != 3:
        colors = SIGNED(((relative(values.flatten(1)) + 1) / 2).numpy(), bytes=True)
        line_picture: npt.NDArray[np.uint8] = colors[..., :3]
        return line_picture
    if len(values) not in (1, 3):
        sums = values.abs().sum(dim=0, keepdim=True)
        values = relative(sums)
    pixels = rearrange(values, "c h w -> h w c").numpy()
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels if (pixels > 1).any() else pixels * 255, 3, axis=2)
    return pixels.clip(0, 255).astype(np.uint8)


def relative(values: Tensor) -> Tensor:
    """Divide values by their largest magnitude: float64 in [-1, 1], of the same shape; zeros stay zeros."""
    values = values.double()
    largest = values.abs().max() if values.numel() else values.new_zeros(())
    return values / largest if largest > 0 else values
