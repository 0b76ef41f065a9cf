"""Small PNGs inside of a text: images, and signed maps as they are drawn in figures."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image
from torch import Tensor

from attributionlab.metrics import normalize
from attributionlab.reports.figures.pictures import SIGNED, picture

LEVELS = 64
"""Shades of each sign: as many as an eye tells apart, and few enough for small files."""

_PALETTE = (SIGNED(np.linspace(0, 1, 2 * LEVELS + 1))[:, :3] * 255).round().astype(np.uint8)


def image_uri(image: Tensor) -> str:
    """An input (c, h, w) as a data URI."""
    return _uri(Image.fromarray(picture(image)))


def map_uri(values: Tensor) -> str:
    """A map (h, w), scaled as it is scored (Eq. 17), as a data URI: white is 0, blue lowers, red raises."""
    scaled = normalize(values[None])[0].cpu().numpy()
    shaded = Image.fromarray((np.round(scaled * LEVELS) + LEVELS).astype(np.uint8)).convert("P")
    shaded.putpalette(_PALETTE.tobytes())
    return _uri(shaded)


def _uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
