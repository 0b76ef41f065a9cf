"""Composed images: a shape of a class on a crop of a photograph, with the mask of the shape.

Image i is a function of the seed and of i: its class, color, place and size of its shape, and one crop of each photograph. So the
same object can be shown on its own background, on the other class's, or on none, and each background without its object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attributionlab.scenes import SHAPES
from attributionlab.seeding import generator
from attributionlab.specs.arguments import require_choice, whole_number
from attributionlab.training.photographs import Picture, load_photograph, random_crop
from attributionlab.truth import LabeledImages

Background = Literal["of-class", "of-other-class", "random", "gray"]
"""Choice of the background: that which goes with the class, that of the other class, one that is independent of it, or none."""

GRAY = 127.0
"""Color of an absent background or object."""

OBJECTS = ("square", "triangle")
BACKGROUNDS = ("flower", "brick")
"""Shapes and photographs of the two classes, as birds and dogs, sky and bamboo."""

RADII = (0.22, 0.3)
"""Radius of an object relative to the side of the image."""

COLOR_LEVELS = ((200, 256), (0, 56), (0, 256))
"""Ranges of the channels of an object's color, in random order; both classes have the same colors."""

VALIDATION, TEST = 1_000_000, 2_000_000
"""Index of the first validation image and of the first test image."""


@dataclass(frozen=True, eq=False)
class ComposedImages:
    """Images of objects on backgrounds.

    Args:
        inputs: (n, 3, h, w) float32, whole colors 0..255.
        labels: (n,) int64, the classes of the objects.
        backgrounds: (n,) int64, the classes that the backgrounds go with; -1 for gray.
        object_masks: (n, h, w) bool, the places of the objects, also where they are not shown.
    """

    inputs: Tensor
    labels: Tensor
    backgrounds: Tensor
    object_masks: Tensor

    @property
    def labeled(self) -> LabeledImages:
        """The images with the classes of their objects as targets."""
        return LabeledImages(self.inputs, self.labels)


def compose_images(
    n: int,
    *,
    background: Background = "of-class",
    with_object: bool = True,
    size: int = 32,
    seed: int = 0,
    start: int = 0,
) -> ComposedImages:
    """Compose images; classes take turns.

    Args:
        n: Number of images.
        background: Which background they have.
        with_object: Whether the objects are shown.
        size: Side in pixels, at least 16.
        seed: Seed of shapes, places, colors and crops.
        start: Index of the first image; `VALIDATION` and `TEST` are far from the training images.

    Raises:
        BadOption: If a number is outside of its range.

    Example:
        >>> own, other = (compose_images(2, background=name) for name in ("of-class", "of-other-class"))
        >>> own.backgrounds.tolist(), other.backgrounds.tolist(), bool((own.labels == other.labels).all())
        ([0, 1], [1, 0], True)
    """
    n, size = whole_number("n", n, 1), whole_number("size", size, 16)
    seed, start = whole_number("seed", seed, 0), whole_number("start", start, 0)
    require_choice("background", background, get_args(Background))
    photographs = [load_photograph(name) for name in BACKGROUNDS]
    images = [_compose(index, photographs, background, with_object, size, seed) for index in range(start, start + n)]
    pixels, labels, backgrounds, masks = (np.stack(parts) for parts in zip(*images, strict=True))
    inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float()
    return ComposedImages(inputs, torch.from_numpy(labels), torch.from_numpy(backgrounds), torch.from_numpy(masks))


def _compose(
    index: int, photographs: list[Picture], background: Background, with_object: bool, size: int, seed: int
) -> tuple[Picture, np.int64, np.int64, npt.NDArray[np.bool_]]:
    """Image `index` (h, w, 3), its label, its background, and the mask of its object."""
    label = index % len(OBJECTS)
    independent = int(generator(seed, "background", index).integers(len(BACKGROUNDS)))
    chosen = {"of-class": label, "of-other-class": 1 - label, "random": independent, "gray": -1}[background]
    canvas = np.full((size, size, 3), round(GRAY), dtype=np.uint8)
    if chosen >= 0:
        canvas = random_crop(photographs[chosen], size, generator(seed, "crop", index, chosen)).copy()
    mask, color = _object(label, size, generator(seed, "object", index))
    if with_object:
        canvas[mask] = color
    return canvas, np.int64(label), np.int64(chosen), mask


def _object(label: int, size: int, random: np.random.Generator) -> tuple[npt.NDArray[np.bool_], Picture]:
    """The mask (h, w) of an object in whole, and its color (3,)."""
    radius = size * (RADII[0] + (RADII[1] - RADII[0]) * random.random())
    shape = SHAPES[OBJECTS[label]](radius, random)
    shape = shape[np.ix_(shape.any(axis=1), shape.any(axis=0))]
    row, column = (int(random.integers(0, size - side + 1)) for side in shape.shape)
    mask = np.zeros((size, size), dtype=np.bool_)
    mask[row : row + shape.shape[0], column : column + shape.shape[1]] = shape
    color = np.array([random.integers(low, high) for low, high in COLOR_LEVELS], dtype=np.uint8)
    random.shuffle(color)
    return mask, color
