"""Crops of photographs and textures that scikit-image and scikit-learn ship."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.uint8]

CROPS = (1 / 4, 1 / 2)
"""Side of a crop relative to the shorter side of the photograph."""

PHOTOGRAPHS: dict[str, str] = {
    "astronaut": "skimage.data:astronaut",
    "brick": "skimage.data:brick",
    "cat": "skimage.data:chelsea",
    "coffee": "skimage.data:coffee",
    "grass": "skimage.data:grass",
    "gravel": "skimage.data:gravel",
    "rocket": "skimage.data:rocket",
    "retina": "skimage.data:retina",
    "stars": "skimage.data:hubble_deep_field",
    "temple": "china.jpg",
    "flower": "flower.jpg",
}
"""Photographs and textures by name: a function of scikit-image, or a sample image of scikit-learn."""


def load_photograph(name: str) -> Picture:
    """A photograph (h, w, 3) of `PHOTOGRAPHS`; gray textures have three equal channels."""
    module, colon, function = PHOTOGRAPHS[name].partition(":")
    if colon:
        load: Callable[[], Picture] = getattr(importlib.import_module(module), function)
        pixels = load()
    else:
        from sklearn.datasets import load_sample_image  # noqa: PLC0415  # takes a second to import

        pixels = load_sample_image(module)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def random_crop(photograph: Picture, size: int, random: np.random.Generator) -> Picture:
    """A random square of a photograph, flipped at random, reduced or enlarged to (size, size, 3)."""
    height, width = photograph.shape[:2]
    low, high = (round(part * min(height, width)) for part in CROPS)
    side = int(random.integers(low, high + 1))
    row, column = int(random.integers(0, height - side + 1)), int(random.integers(0, width - side + 1))
    square = photograph[row : row + side, column : column + side]
    if random.random() < 0.5:
        square = square[:, ::-1]
    resized = Image.fromarray(np.ascontiguousarray(square)).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(resized)
