"""Scenes whose truth reaches all four edges of the image, so that a map that leaves one out is wrong somewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from attributionlab.environments import Environment
from attributionlab.environments.images import ImageEnvironment
from attributionlab.scenes import Patch, Scene
from attributionlab.scenes.shapes import Mask

CORNERS = ((0, 0), (1, 1), (1, 0), (0, 1))
"""Corners to which the winners of successive scenes are moved: two scenes reach all four edges."""


def reaching_edges(environment: Environment, scenes: Sequence[Any]) -> tuple[Any, ...]:
    """Move the winner of each scene into a corner; scenes that leave no room for this, and inputs without edges, stay as they are."""
    if not isinstance(environment, ImageEnvironment):
        return tuple(scenes)
    return tuple(
        _in_corner(scene, _winner(environment, scene), CORNERS[index % len(CORNERS)]) if scene.patches else scene
        for index, scene in enumerate(scenes)
    )


def _winner(environment: ImageEnvironment, scene: Scene) -> int:
    """Index of a patch whose pixels raise the output."""
    signs = environment.signs(scene)
    return signs.index(1) if 1 in signs else 0


def _in_corner(scene: Scene, winner: int, corner: tuple[int, int]) -> Scene:
    """The scene with one patch in a corner, and others moved where it would cover them."""
    chosen = _touching(scene.patches[winner], corner)
    rows, columns = chosen.support.shape
    moved = dataclasses.replace(chosen, top=corner[0] * (scene.height - rows), left=corner[1] * (scene.width - columns))
    taken = np.zeros((scene.height, scene.width), dtype=np.bool_)
    taken[moved.window] |= moved.support
    patches = list(scene.patches)
    patches[winner] = moved
    for index in sorted(range(len(patches)), key=lambda index: -patches[index].support.sum()):
        if index == winner:
            continue
        free = _placed(patches[index], taken)
        if free is None:
            return scene
        patches[index] = free
        taken[free.window] |= free.support
    return dataclasses.replace(scene, patches=tuple(patches))


def _touching(patch: Patch, corner: tuple[int, int]) -> Patch:
    """The patch with a colored pixel in its row and its column at the corner, and as many pixels as before."""
    colored = patch.colored.copy()
    row, column = (-1 if at else 0 for at in corner)
    outer: Mask = np.zeros_like(colored)
    outer[row], outer[:, column] = True, True
    for line in (np.s_[row, :], np.s_[:, column]):
        if colored[line].any():
            continue
        free = np.argwhere(colored & ~outer)
        if len(free):
            colored[tuple(free[0])] = False
            part = colored[line]
            part[int(np.flatnonzero(patch.support[line])[0])] = True
    return dataclasses.replace(patch, colored=colored)


def _placed(patch: Patch, taken: Mask) -> Patch | None:
    """The patch where it is, or at the first place where it covers nothing; None without one."""
    rows, columns = patch.support.shape
    places = [(top, left) for top in range(taken.shape[0] - rows + 1) for left in range(taken.shape[1] - columns + 1)]
    for top, left in [(patch.top, patch.left), *places]:
        if not (taken[top : top + rows, left : left + columns] & patch.support).any():
            return dataclasses.replace(patch, top=top, left=left)
    return None
