"""Images of concepts: one background or one class of objects, everything else balanced; and random sets of images."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.seeding import generator
from attributionlab.training import compose_images

CONCEPTS, POOL = 3_000_000, 4_000_000
"""Index of the first image of a concept, and of the first image from which random sets are drawn."""

POOL_FACTOR = 8
"""Images of the pool for each image of a random set."""


def concept_images(
    n: int, *, background: int | None = None, label: int | None = None, size: int = 32, start: int = CONCEPTS
) -> Tensor:
    """Composed images (n, 3, h, w) that share a background, or the class of their objects; everything else is balanced.

    Args:
        n: Number of images.
        background: Class that the background of all images goes with; None for as many of each class.
        label: Class of all objects; None for as many of each class.
        size: Side in pixels.
        start: Index of the first image.
    """
    own, swapped = (
        compose_images(2 * n, background=kind, size=size, start=start) for kind in ("of-class", "of-other-class")
    )
    is_swapped = torch.arange(2 * n) // 2 % 2 == 1 if background is None else own.labels != background
    images = torch.where(is_swapped.view(-1, 1, 1, 1), swapped.inputs, own.inputs)
    return images[:n] if label is None else images[own.labels == label]


def random_sets(n_sets: int, n: int, *, size: int = 32) -> list[Tensor]:
    """Random sets of n composed images (n, 3, h, w) each, from one pool with every object on every background."""
    return drawn_sets(concept_images(POOL_FACTOR * n, size=size, start=POOL), n_sets, n)


def drawn_sets(pool: Tensor, n_sets: int, n: int) -> list[Tensor]:
    """Random sets of n images of a pool, each drawn without replacement."""
    orders = (generator(0, "random set", index).permutation(len(pool)) for index in range(n_sets))
    return [pool[torch.from_numpy(order[:n])] for order in orders]
