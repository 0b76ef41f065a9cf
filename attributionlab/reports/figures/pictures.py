"""Pictures of inputs, and the colors of signed maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from einops import rearrange
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

SIGNED = LinearSegmentedColormap.from_list("signed", ["#0b3d91", "#5b8fd6", "#ffffff", "#e06a4c", "#8b0d1a"])
"""Colors from negative (blue) over zero (white) to positive (red)."""


def picture(image: Tensor) -> npt.NDArray[np.uint8]:
    """Convert an input (c, h, w) to a picture (h, w, 3); in a single channel 0 is black and 1 is white."""
    pixels = rearrange(image, "c h w -> h w c").cpu().numpy()
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels * 255, 3, axis=2)
    return pixels.astype(np.uint8)
