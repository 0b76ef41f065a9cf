"""Images and signed maps as PNGs in data URIs, with the colors of the figures."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image
from torch import Tensor

from attributionlab.reports.figures.looks import MapLook
from attributionlab.reports.figures.pictures import picture

LEVELS = 64
"""Number of shades per sign: as many as the eye can tell apart, few enough for small files."""


def image_uri(image: Tensor) -> str:
    """Encode an input (c, h, w) as a data URI."""
    return _uri(Image.fromarray(picture(image)))


def map_uri(look: MapLook) -> str:
    """Encode a map as a data URI, in the colors of the figures."""
    first = round(look.lowest * LEVELS)
    opaque = look.colors(np.linspace(0, 1, LEVELS - first + 1))[:, :3]
    palette = ((1 + look.opacity * (opaque - 1)) * 255).round().astype(np.uint8)
    shaded = Image.fromarray((np.round(look.values.cpu().numpy() * LEVELS) - first).astype(np.uint8)).convert("P")
    shaded.putpalette(palette.tobytes())
    return _uri(shaded)


def _uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
