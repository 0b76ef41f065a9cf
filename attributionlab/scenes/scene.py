"""Frozen descriptions of images, which `render` turns into pixels and masks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from attributionlab.scenes.shapes import Mask

Color = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Patch:
    """One shape of one color.

    Args:
        shape: Name of the shape, a key of `SHAPES`.
        radius: Radius in pixels.
        color: Value of each channel.
        top: First row of the support.
        left: First column of the support.
        support: The filled shape (rows, columns), before thinning.
        colored: The pixels of the support that have the color; the others show the background.
    """

    shape: str
    radius: float
    color: Color
    top: int
    left: int
    support: Mask = field(repr=False)
    colored: Mask = field(repr=False)

    def __post_init__(self) -> None:
        assert not (self.colored & ~self.support).any(), "colored pixels must lie in the support"
        for mask in (self.support, self.colored):
            mask.setflags(write=False)

    @property
    def n_pixels(self) -> int:
        """Number of pixels that have the color."""
        return int(np.count_nonzero(self.colored))

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the support in the image."""
        rows, columns = self.support.shape
        return slice(self.top, self.top + rows), slice(self.left, self.left + columns)


@dataclass(frozen=True, eq=False)
class Scene:
    """An image as a list of patches that do not overlap, on a background.

    Args:
        height: Rows of the image.
        width: Columns of the image.
        background: Value of each channel outside of patches.
        patches: The patches; patch ids in masks count from 1 in this order.
    """

    height: int
    width: int
    background: Color
    patches: tuple[Patch, ...]

    @property
    def n_pixels(self) -> tuple[int, ...]:
        """Number of colored pixels of each patch."""
        return tuple(patch.n_pixels for patch in self.patches)
