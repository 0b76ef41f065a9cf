"""Local manipulations of pictures: what each changes, and where.

A manipulation declares the region (h, w) outside of which it changes no pixel, whatever it draws. Pixels in appendix B.5 are those of
224 x 224 pictures. Lengths scale with the picture: rows with its height, columns with its width, radii and the width of a blur with the shorter of both.
The size of a font does not scale, because letters of 2 pixels cannot be read.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from attributionlab.errors import BadOption, bad_option
from attributionlab.printable import error_line
from attributionlab.specs.arguments import number, require_instance
from attributionlab.specs.grammar import format_spec
from attributionlab.specs.options import changed_options

Pixels = npt.NDArray[np.uint8]
"""A picture (h, w, 3)."""

Mask = npt.NDArray[np.bool_]
"""A mask (h, w)."""

PAPER_SIDE = 224
"""Side of the paper's pictures, to which lengths refer."""


@dataclass(frozen=True)
class Visibility:
    """The option that makes a manipulation more or less visible and leaves its region alone.

    Args:
        option: Name of the option.
        levels: Its values, from the least visible to the most.
    """

    option: str
    levels: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Manipulation(abc.ABC):
    """A local manipulation with its parameters."""

    name: ClassVar[str]
    summary: ClassVar[str]
    visibility: ClassVar[Visibility | None] = None
    """The levels of appendix B.5, or None."""
    n_epochs: ClassVar[int] = 20
    """Epochs of training after which a small network that has not learned it will hardly do so."""

    @abc.abstractmethod
    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """The changed picture, (h, w, 3), integers or floats in 0..255; what lies outside of the region is discarded."""

    @abc.abstractmethod
    def mask(self, height: int, width: int) -> Mask:
        """The region (h, w)."""

    def region(self, height: int, width: int) -> Mask:
        """The pixels that may change in pictures of this size, whatever is drawn: bool, (h, w)."""
        return self.mask(height, width)

    def apply(self, picture: Pixels, random: np.random.Generator) -> Pixels:
        """A changed copy of a picture.

        Args:
            picture: (h, w, 3) uint8.
            random: Source of what is drawn.

        Raises:
            BadOption: If `picture` is not such an array.
        """
        require_picture(picture)
        changed = self.change(picture, random).clip(0, 255).round().astype(np.uint8)
        return np.where(self.mask(*picture.shape[:2])[..., None], changed, picture)

    @property
    def spec(self) -> str:
        """The canonical spec: name and the options that differ from the defaults, sorted."""
        return format_spec(self.name, changed_options(self))

    @property
    def is_blank(self) -> bool:
        """Whether it changes nothing."""
        return False

    def at_level(self, level: float) -> Self:
        """The manipulation at another visibility, with the same region.

        Raises:
            BadOption: If its visibility has no levels.
        """
        if self.visibility is None:
            raise bad_option("manipulation", "have levels of visibility", self.spec)
        return replace(self, **{self.visibility.option: level})


def require_picture(picture: object) -> Pixels:
    """`picture`, which must be colors (h, w, 3).

    Raises:
        BadOption: If it is not an array of uint8 of this shape.
    """
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        kind = (
            f"{picture.dtype} of shape {picture.shape}" if isinstance(picture, np.ndarray) else type(picture).__name__
        )
        raise BadOption(f"`picture` must be uint8 of shape (h, w, 3), got {kind}")
    return picture


def disk(height: int, width: int, radius: float) -> Mask:
    """Pixels whose centers lie within `radius` (of 224) of the picture's center."""
    return distances(height, width) <= scaled(radius, min(height, width))


def distances(height: int, width: int) -> npt.NDArray[np.float64]:
    """Distance of each pixel from the picture's center, in pixels."""
    rows, columns = np.ogrid[:height, :width]
    return np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2)


def band(height: int, width: int, top: float, bottom: float) -> Mask:
    """The rows from `top` to `bottom` (of 224), the last one excluded; at least one row."""
    first, last = span(top, bottom, height)
    rows = np.arange(height)[:, None]
    return np.broadcast_to((rows >= first) & (rows < last), (height, width)).copy()


def rectangle(height: int, width: int, corners: tuple[float, float, float, float]) -> Mask:
    """The pixels of a rectangle `(top, left, bottom, right)` (of 224)."""
    top, left, bottom, right = corners
    columns = band(width, height, left, right).T
    return band(height, width, top, bottom) & columns


def span(first: float, last: float, length: int) -> tuple[int, int]:
    """A range of rows or columns, scaled from 224 to `length`; it has at least one."""
    start = min(round(scaled(first, length)), length - 1)
    return start, max(start + 1, min(round(scaled(last, length)), length))


def scaled(pixels: float, length: int) -> float:
    """A length in pixels of 224, in pixels of a picture of this length."""
    return pixels * length / PAPER_SIDE


def check_range(manipulation: Manipulation, first: str, last: str) -> None:
    """Refuse a range of rows or columns that is empty or leaves the picture.

    Raises:
        BadOption: If the range is empty or leaves the picture.
    """
    start = number(first, getattr(manipulation, first), 0, PAPER_SIDE)
    end = number(last, getattr(manipulation, last), 0, PAPER_SIDE)
    if end <= start:
        raise bad_option(last, f"be above `{first}` = {start:g}", end)


ManipulationFunction = Callable[[Pixels, np.random.Generator], npt.NDArray[np.generic]]
RegionFunction = Callable[[int, int], npt.NDArray[np.generic]]


def changes(region: RegionFunction) -> Callable[[ManipulationFunction], ManipulationFunction]:
    """Declare the region that a function `(picture, random) -> picture` changes, so that it can be used as a manipulation.

    Args:
        region: A function `(height, width) -> (h, w)`, bool: the pixels that may change.

    Example:
        >>> def corner(height, width):
        ...     mask = np.zeros((height, width), dtype=bool)
        ...     mask[: height // 4, : width // 4] = True
        ...     return mask
        >>> @changes(corner)
        ... def red_corner(picture, random):
        ...     picture = picture.copy()
        ...     picture[corner(*picture.shape[:2])] = (255, 0, 0)
        ...     return picture
    """
    if not callable(region):
        raise bad_option("region", "be a function (height, width) -> mask", region)

    def declare(function: ManipulationFunction) -> ManipulationFunction:
        if not callable(function) or isinstance(function, type):
            raise bad_option("function", "be a function (picture, random) -> picture", function)
        function.region = region  # type: ignore[attr-defined]  # stored on the function
        return function

    return declare


@dataclass(frozen=True, kw_only=True, init=False)
class FunctionManipulation(Manipulation):
    """A user's function as a manipulation; its region is declared by `changes`.

    Args:
        function: `(picture, random) -> picture`, which must leave the pixels outside of its region alone.
        spec: Name under which the function was given.
    """

    name: ClassVar[str] = "function"
    summary: ClassVar[str] = "a function with a declared region"
    n_epochs: ClassVar[int] = 40

    function: ManipulationFunction
    address: str

    def __init__(self, *, function: ManipulationFunction, spec: str) -> None:
        if not callable(getattr(function, "region", None)):
            hint = "declare it by attributionlab.modification.changes"
            raise bad_option("manipulation", "declare the region that it changes", spec, hint)
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "address", spec)

    @property
    def spec(self) -> str:
        """The name or address of the function."""
        return self.address

    def mask(self, height: int, width: int) -> Mask:
        """The declared region.

        Raises:
            BadOption: If the function that declares it raises, or returns something else.
        """
        try:
            mask = np.asarray(self.function.region(height, width))  # type: ignore[attr-defined]  # set by `changes`
        except Exception as error:
            raise bad_option("manipulation", "have a region", self.spec, error_line(error)) from error
        if mask.dtype != np.bool_ or mask.shape != (height, width):
            got = f"it returned {mask.dtype} of shape {mask.shape}"
            raise bad_option("manipulation", f"have a region bool ({height}, {width})", self.spec, got)
        return mask

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """Call the function, and compare what it changed with the region.

        Raises:
            BadOption: If it raises, returns something else, or changes pixels outside.
        """
        try:
            changed = np.asarray(self.function(picture.copy(), random))
        except Exception as error:
            raise bad_option("manipulation", "accept the picture", self.spec, error_line(error)) from error
        if changed.shape != picture.shape or changed.dtype.kind not in "uif" or not np.isfinite(changed).all():
            got = f"it returned {changed.dtype} of shape {changed.shape}"
            raise bad_option("manipulation", f"return numbers {picture.shape}", self.spec, got)
        outside = (changed != picture).any(axis=2) & ~self.mask(*picture.shape[:2])
        if outside.any():
            why = f"it changed {int(outside.sum())} pixels outside"
            raise bad_option("manipulation", "change pixels of its region alone", self.spec, why)
        return changed


@dataclass(frozen=True, kw_only=True)
class StoredManipulation(Manipulation):
    """A manipulation of which only the region is known: read from a folder whose manipulation is somebody's function.

    Args:
        stored: The region (h, w).
        address: Name or address of the function.
    """

    name: ClassVar[str] = "stored"
    summary: ClassVar[str] = "a region without a function"
    n_epochs: ClassVar[int] = 40

    stored: Mask
    address: str

    @property
    def spec(self) -> str:
        """The name or address of the function."""
        return self.address

    def mask(self, height: int, width: int) -> Mask:
        """The stored region.

        Raises:
            BadOption: If it is of another size.
        """
        if self.stored.shape != (height, width):
            raise bad_option("region", f"be of the size of the pictures ({height}, {width})", self.stored.shape)
        return self.stored

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """Refuse.

        Raises:
            BadOption: Always.
        """
        del picture, random
        hint = "pass the function itself"
        raise bad_option("manipulation", "be one that can be applied again", self.spec, hint)


def require_manipulation(name: str, value: object) -> Manipulation:
    """`value`, which must be a manipulation.

    Raises:
        BadOption: If it is not.
    """
    return require_instance(name, value, Manipulation, "be a manipulation; make_manipulation builds them")  # type: ignore[type-abstract]
