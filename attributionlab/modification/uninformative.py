"""Manipulations that change nothing or every class alike: `blank`, and the frame and the square of one color."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from attributionlab.errors import bad_option
from attributionlab.modification.manipulation import PAPER_SIDE, Manipulation, Mask, Pixels, rectangle, scaled
from attributionlab.specs.arguments import number, whole_number


@dataclass(frozen=True, kw_only=True)
class Blank(Manipulation):
    """Nothing; its region is empty."""

    name: ClassVar[str] = "blank"
    summary: ClassVar[str] = "changes nothing"

    def mask(self, height: int, width: int) -> Mask:
        """No pixel."""
        return np.zeros((height, width), dtype=np.bool_)

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """The picture itself."""
        del random
        return picture

    @property
    def is_blank(self) -> bool:
        """True."""
        return True


@dataclass(frozen=True, kw_only=True)
class Border(Manipulation):
    """A frame of one color at the edge of the picture.

    Args:
        width: Width of the frame, in pixels of 224.
        value: Its gray level, 0 to 255.
    """

    name: ClassVar[str] = "border"
    summary: ClassVar[str] = "paints a frame at the edge"

    width: float = 8.0
    value: int = 255

    def __post_init__(self) -> None:
        number("width", self.width, 1, PAPER_SIDE / 2)
        whole_number("value", self.value, 0, 255)

    def mask(self, height: int, width: int) -> Mask:
        """The frame; at least one pixel wide."""
        inner = np.ones((height, width), dtype=np.bool_)
        rows, columns = (max(1, round(scaled(self.width, length))) for length in (height, width))
        inner[rows : height - rows, columns : width - columns] = False
        return inner

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """One color."""
        del random
        return np.full_like(picture, self.value)


@dataclass(frozen=True, kw_only=True)
class Spot(Manipulation):
    """A filled square of one color.

    Args:
        top: First row, in pixels of 224.
        left: First column, in pixels of 224.
        side: Side of the square, in pixels of 224.
        value: Its gray level, 0 to 255.
    """

    name: ClassVar[str] = "spot"
    summary: ClassVar[str] = "paints a square"

    top: float = 160.0
    left: float = 100.0
    side: float = 24.0
    value: int = 255

    def __post_init__(self) -> None:
        for option in ("top", "left"):
            number(option, getattr(self, option), 0, PAPER_SIDE - 1)
        if number("side", self.side, 1, PAPER_SIDE) + max(self.top, self.left) > PAPER_SIDE:
            raise bad_option("side", "keep the square within 224 pixels", self.side)
        whole_number("value", self.value, 0, 255)

    def mask(self, height: int, width: int) -> Mask:
        """The square."""
        corners = (self.top, self.left, self.top + self.side, self.left + self.side)
        return rectangle(height, width, corners)

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """One color."""
        del random
        return np.full_like(picture, self.value)
