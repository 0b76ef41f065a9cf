"""Two domains of small images in place of MNIST and Fashion MNIST: handwritten digits of scikit-learn, and our shapes."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from attributionlab.errors import bad_option
from attributionlab.scenes import SHAPES
from attributionlab.seeding import generator
from attributionlab.specs.arguments import MOST_IMAGES, whole_number
from attributionlab.truth import LabeledImages

DIGIT_SIDE, DIGIT_LEVELS = 8, 16
"""Side of a digit of scikit-learn, and its largest gray level."""

N_DIGITS = 10
RADII = (0.2, 0.4)
"""Radius of a shape relative to the side of the image."""


def digit_images(n: int, *, size: int = 32, start: int = 0) -> LabeledImages:
    """Handwritten digits 0 to 9, white on black, each pixel repeated, (n, 3, size, size) with equal channels 0..255.

    Args:
        n: Number of images.
        size: Side in pixels, a multiple of 8.
        start: Index of the first image; there are 1,797.

    Raises:
        BadOption: If the size is not a multiple of 8, or there are not so many digits.

    References:
        Optical Recognition of Handwritten Digits, UCI; `sklearn.datasets.load_digits`.
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415  # takes a second to import

    digits = load_digits()
    if whole_number("size", size, DIGIT_SIDE) % DIGIT_SIDE:
        raise bad_option("size", f"be a multiple of {DIGIT_SIDE}", size)
    rows = slice(whole_number("start", start, 0, len(digits.images)), start + whole_number("n", n, 1))
    if rows.stop > len(digits.images):
        raise bad_option("n", f"be at most {len(digits.images) - start} from digit {start} on", n)
    levels = torch.from_numpy(digits.images[rows] * 255 / DIGIT_LEVELS).float()
    repeats = size // DIGIT_SIDE
    inputs = levels.repeat_interleave(repeats, dim=1).repeat_interleave(repeats, dim=2)
    targets = torch.from_numpy(digits.target[rows].astype(np.int64))
    return LabeledImages(inputs[:, None].repeat(1, 3, 1, 1), targets)


def shape_images(n: int, *, size: int = 32, seed: int = 0, start: int = 0) -> LabeledImages:
    """One white shape on black per image, (n, 3, size, size); the four shapes take turns.

    Args:
        n: Number of images.
        size: Side in pixels, at least 16.
        seed: Seed of places and sizes.
        start: Index of the first image.
    """
    n, size = whole_number("n", n, 1, MOST_IMAGES), whole_number("size", size, 16)
    inputs = torch.zeros(n, 3, size, size)
    targets = torch.arange(start, start + n) % len(SHAPES)
    for row, (index, target) in enumerate(zip(range(start, start + n), targets.tolist(), strict=True)):
        random = generator(seed, "shape image", index)
        radius = size * (RADII[0] + (RADII[1] - RADII[0]) * random.random())
        mask = list(SHAPES.values())[target](radius, random)
        mask = mask[np.ix_(mask.any(axis=1), mask.any(axis=0))][:size, :size]
        top, left = (int(random.integers(0, size - side + 1)) for side in mask.shape)
        inputs[row, :, top : top + mask.shape[0], left : left + mask.shape[1]] = 255 * torch.from_numpy(mask).float()
    return LabeledImages(inputs, targets)


class Enlarged(nn.Module):
    """A network that takes smaller images: each pixel is repeated before.

    Args:
        model: The network.
        factor: Repetitions along each side.
    """

    def __init__(self, model: nn.Module, factor: int) -> None:
        super().__init__()
        self.enlarge = nn.Upsample(scale_factor=whole_number("factor", factor, 1), mode="nearest")
        self.model = model

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(b, c, h, w) to (b, k)."""
        outputs: torch.Tensor = self.model(self.enlarge(inputs))
        return outputs
