"""Random scenes: sample `index` of a seed is a function of the two alone.

Rejection sampling draws sizes first, then positions, then thinned counts, before rendering. The docstring of each sampler
states which scenes it rejects, because rejection changes the distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from attributionlab.errors import bad_option
from attributionlab.scenes.placement import Outline, draw_outline, place, thin
from attributionlab.scenes.scene import Color, Patch, Scene
from attributionlab.scenes.shapes import Mask
from attributionlab.seeding import generator

N_DRAWS = 5_000
"""Attempts at one scene before its options are called impossible."""

N_THINNINGS = 20
"""Thinnings tried for one placement."""


@dataclass(frozen=True)
class MultiColorSampler:
    """Triangles, squares and circles of random size and position, one color each, thinned by half.

    A scene has one patch per color, at least one pixel of every color, and a single winner: the most frequent color leads
    by at least 1 and at most `max_margin` pixels. Sizes whose expected lead exceeds the margin are drawn again, then
    thinnings whose actual lead does. This biases the sizes slightly: at 224x224 patches are a little larger than without it.

    Args:
        height: Rows.
        width: Columns.
        colors: One color per patch.
        background: The color of everything else.
        radii: Smallest and largest radius in pixels.
        max_margin: Largest lead of the winner over the runner-up in pixels; None for no limit.
        seed: Seed of all scenes.
    """

    height: int
    width: int
    colors: tuple[Color, ...]
    background: Color
    radii: tuple[float, float]
    max_margin: float | None
    seed: int

    def sample(self, index: int) -> Scene:
        """Scene `index`."""
        random = generator(self.seed, "multi-color scene", index)
        return _first(lambda: self._draw(random), self.height, self.width, len(self.colors), self.radii)

    def _draw(self, random: np.random.Generator) -> Scene | None:
        outlines = [draw_outline(("triangle", "square", "circle"), self.radii, random) for _ in self.colors]
        first, second = sorted((outline.area for outline in outlines), reverse=True)[:2]
        if self.max_margin is not None and first - second > 2 * self.max_margin:
            return None
        return _placed(outlines, self.colors, self, random, self._accepts)

    def _accepts(self, n_pixels: Sequence[int]) -> bool:
        first, second = sorted(n_pixels, reverse=True)[:2]
        return min(n_pixels) > 0 and 0 < first - second <= (self.max_margin or np.inf)


@dataclass(frozen=True)
class BlobSampler:
    """Bezier blobs of random size and position, all white, thinned by half.

    Every blob has at least one white pixel, and there are at most `max_count`. Scenes whose count is a multiple of
    `avoid_multiples_of` are drawn again, because a modulo network returns 0 there and most methods then give zero maps.

    Args:
        height: Rows.
        width: Columns.
        n_patches: Number of blobs.
        radii: Smallest and largest radius in pixels.
        max_count: Largest number of white pixels in a scene.
        avoid_multiples_of: A modulus, or None.
        seed: Seed of all scenes.
    """

    height: int
    width: int
    n_patches: int
    radii: tuple[float, float]
    max_count: int
    avoid_multiples_of: int | None
    seed: int

    background: Color = (0,)

    def sample(self, index: int) -> Scene:
        """Scene `index`."""
        random = generator(self.seed, "blob scene", index)
        return _first(lambda: self._draw(random), self.height, self.width, self.n_patches, self.radii)

    def _draw(self, random: np.random.Generator) -> Scene | None:
        outlines = [draw_outline(("bezier-blob",), self.radii, random) for _ in range(self.n_patches)]
        return _placed(outlines, [(1,)] * self.n_patches, self, random, self._accepts)

    def _accepts(self, n_pixels: Sequence[int]) -> bool:
        if min(n_pixels) == 0 or sum(n_pixels) > self.max_count:
            return False
        return self.avoid_multiples_of is None or sum(n_pixels) % self.avoid_multiples_of != 0


def _placed(
    outlines: Sequence[Outline],
    colors: Sequence[Color],
    sampler: MultiColorSampler | BlobSampler,
    random: np.random.Generator,
    accepts: Callable[[Sequence[int]], bool],
) -> Scene | None:
    """The scene with these outlines, if they can be placed and thinned acceptably."""
    corners = place(outlines, (sampler.height, sampler.width), random)
    if corners is None:
        return None
    for _ in range(N_THINNINGS):
        masks = thin(outlines, random)
        if accepts([int(np.count_nonzero(mask)) for mask in masks]):
            patches = map(_patch, outlines, masks, colors, corners)
            return Scene(sampler.height, sampler.width, sampler.background, tuple(patches))
    return None


def _patch(outline: Outline, colored: Mask, color: Color, corner: tuple[int, int]) -> Patch:
    return Patch(outline.shape, outline.radius, color, *corner, outline.support, colored)


def _first(
    draw: Callable[[], Scene | None], height: int, width: int, n_patches: int, radii: tuple[float, float]
) -> Scene:
    """The first scene that is not rejected.

    Raises:
        BadOption: If every attempt is rejected.
    """
    for _ in range(N_DRAWS):
        scene = draw()
        if scene is not None:
            return scene
    raise bad_option(
        "max_radius",
        f"leave room for {n_patches} patches in {height}x{width} pixels and a lead within the margin",
        radii[1],
        f"{N_DRAWS} attempts were rejected: choose smaller radii, fewer colors or a larger margin",
    )
