"""Noise within the design domain: pixels of a scene that change places."""

from __future__ import annotations

import dataclasses

import numpy as np

from attributionlab.scenes.render import colored_ids, patch_ids
from attributionlab.scenes.scene import Scene


def shuffled(scene: Scene, share: float, random: np.random.Generator) -> Scene:
    """The scene after a share of its pixels, drawn at random, has changed places with one another.

    Every color keeps its number of pixels, so a network that counts them has the same output, and no color is new to it. A pixel
    belongs to the patch whose color it has, wherever it lies; a pixel without color belongs to the patch that it lay in.

    Args:
        scene: The scene; it is not changed.
        share: Share of the pixels, in [0, 1].
        random: Generator of the draws.
    """
    colored, supports = colored_ids(scene).ravel(), patch_ids(scene).ravel()
    pixels = random.permutation(colored.size)[: round(share * colored.size)]
    colored[pixels] = colored[random.permutation(pixels)]
    supports = np.where(colored > 0, colored, supports)
    shape = scene.height, scene.width
    patches = tuple(
        dataclasses.replace(
            patch, top=0, left=0, support=(supports == index).reshape(shape), colored=(colored == index).reshape(shape)
        )
        for index, patch in enumerate(scene.patches, start=1)
    )
    return dataclasses.replace(scene, patches=patches)
