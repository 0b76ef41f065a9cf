"""Pictures of inputs, and the colors of signed maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from einops import rearrange
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

SIGNED = LinearSegmentedColormap.from_list("signed", ["#0b3d91", "#5b8fd6", "#ffffff", "#e06a4c", "#8b0d1a"])
"""Blue lowers, white is nothing, red raises."""


def picture(image: Tensor) -> npt.NDArray[np.uint8]:
    """An input (c, h, w) as a picture (h, w, 3): gray zeros and ones become black and white."""
    pixels = rearrange(image, "c h w -> h w c").cpu().numpy()
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels * 255, 3, axis=2)
    return pixels.astype(np.uint8)
