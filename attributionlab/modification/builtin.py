"""Pictures without a download: crops of photographs and textures of scikit-image and scikit-learn, our own scenes, and flat pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attributionlab.errors import unknown_name
from attributionlab.modification.manipulation import Pixels
from attributionlab.modification.pictures import Pictures, check_memory
from attributionlab.seeding import generator
from attributionlab.specs.arguments import MOST_IMAGES, require_list, require_text, whole_number
from attributionlab.training.photographs import PHOTOGRAPHS, load_photograph, random_crop

SMALLEST, LARGEST = 16, 512
"""Sides of pictures in pixels."""

LARGEST_LEVEL = 100
"""Largest gray level of flat pictures, far from the white of a spot."""

SCENES, FLAT = "scenes", "flat"
CLASSES = (*PHOTOGRAPHS, SCENES)
"""All classes: those of photographs, and scenes of `multi-color-sum`."""

SIMILAR, DISTINCT = ("cat", "coffee"), ("flower", "brick")
"""A pair of classes that look alike, and one that does not."""


def builtin_pictures(
    classes: Sequence[str] = SIMILAR, *, n_per_class: int = 500, size: int = 64, seed: int = 0
) -> Pictures:
    """Draw random crops of photographs, flipped at random; of `scenes`, images of `multi-color-sum`.

    Picture i of a class is a function of the seed, the class, the size and i.

    Args:
        classes: At least two of `CLASSES`. `grass` and `gravel` look alike, `grass` and `coffee` do not.
        n_per_class: Pictures of each class.
        size: Side in pixels, 16 to 512.
        seed: Seed of places, sizes and flips.

    Raises:
        BadOption: If a number is outside of its range, or there are fewer than two classes.
        UnknownName: If a class does not exist.
    """
    for name in require_list("classes", classes, "names"):
        if require_text("classes", name) not in CLASSES:
            raise unknown_name("classes", name, CLASSES)
    n = whole_number("n_per_class", n_per_class, 1, MOST_IMAGES)
    size = whole_number("size", size, SMALLEST, LARGEST)
    seed = whole_number("seed", seed, 0)
    check_memory(n * len(classes), size, size)
    values = [picture for name in classes for picture in _draw(name, n, size, seed)]
    labels = np.repeat(np.arange(len(classes)), n)
    sources = tuple(f"{name} {index}" for name in classes for index in range(n))
    stacked = np.stack(values) if values else np.empty((0, size, size, 3), dtype=np.uint8)
    return Pictures(stacked, labels, tuple(classes), sources)


def flat_pictures(n_per_class: int = 50, *, size: int = 32, seed: int = 0) -> Pictures:
    """Pictures of one gray level each: `dark` has levels 0 to 49, `lighter` 50 to 100.

    On them designed networks can be compared (`region_network`, `reference_network`).

    Args:
        n_per_class: Pictures of each class.
        size: Side in pixels.
        seed: Seed of the levels.
    """
    n = whole_number("n_per_class", n_per_class, 1, MOST_IMAGES)
    size = whole_number("size", size, SMALLEST, LARGEST)
    check_memory(2 * n, size, size)
    random = generator(whole_number("seed", seed, 0), FLAT)
    half = LARGEST_LEVEL // 2
    levels = np.concatenate([random.integers(0, half, n), random.integers(half, LARGEST_LEVEL + 1, n)])
    values = np.broadcast_to(levels.astype(np.uint8)[:, None, None, None], (2 * n, size, size, 3)).copy()
    sources = tuple(f"gray level {level}" for level in levels)
    return Pictures(values, np.repeat(np.arange(2), n), ("dark", "lighter"), sources)


def _draw(name: str, n: int, size: int, seed: int) -> list[Pixels]:
    """Pictures of a class."""
    if name == SCENES:
        return _scenes(n, size, seed)
    photograph = load_photograph(name)
    return [random_crop(photograph, size, generator(seed, "crop", name, index)) for index in range(n)]


def _scenes(n: int, size: int, seed: int) -> list[Pixels]:
    """Scenes of `multi-color-sum` at 64 pixels, whose pixels are repeated or left out where the size differs."""
    from attributionlab.environments import make_environment  # noqa: PLC0415  # imports torch

    inputs = make_environment("multi-color-sum", size=64, data_seed=seed).sample(n).inputs
    rows = np.arange(size) * 64 // size
    return [image.permute(1, 2, 0).numpy().astype(np.uint8)[rows][:, rows] for image in inputs]
