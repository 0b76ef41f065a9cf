"""Images and signed maps as PNGs in data URIs, with the colors of the figures."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image
from torch import Tensor

from attributionlab.metrics import normalize
from attributionlab.reports.figures.pictures import SIGNED, picture

LEVELS = 64
"""Number of shades per sign: as many as the eye can tell apart, few enough for small files."""

_PALETTE = (SIGNED(np.linspace(0, 1, 2 * LEVELS + 1))[:, :3] * 255).round().astype(np.uint8)


def image_uri(image: Tensor) -> str:
    """Encode an input (c, h, w) as a data URI."""
    return _uri(Image.fromarray(picture(image)))


def map_uri(values: Tensor) -> str:
    """Encode a map (h, w), scaled as for scoring (Eq. 17), as a data URI: blue is negative, white 0, red positive."""
    scaled = normalize(values[None])[0].cpu().numpy()
    shaded = Image.fromarray((np.round(scaled * LEVELS) + LEVELS).astype(np.uint8)).convert("P")
    shaded.putpalette(_PALETTE.tobytes())
    return _uri(shaded)


def _uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
