"""The five manipulations of Zhou et al. 2022, appendix B.1.

By default each is as visible as at its highest level in appendix B.5, and changes 27 to 37 percent of the pixels: the paper does not print the
bounds of its regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from attributionlab.modification.manipulation import (
    PAPER_SIDE,
    Manipulation,
    Mask,
    Pixels,
    Visibility,
    band,
    check_range,
    disk,
    distances,
    rectangle,
    scaled,
    span,
)
from attributionlab.specs.arguments import number, share, whole_number

LARGEST_RADIUS = 160.0
"""A disk of this radius covers a square picture of 224."""


@dataclass(frozen=True, kw_only=True)
class InDisk(Manipulation):
    """A manipulation with a disk in the center of the picture.

    Args:
        radius: Radius of the disk, in pixels of 224.
    """

    radius: float

    def __post_init__(self) -> None:
        number("radius", self.radius, 0, LARGEST_RADIUS)

    def mask(self, height: int, width: int) -> Mask:
        """The disk."""
        return disk(height, width, self.radius)


@dataclass(frozen=True, kw_only=True)
class InBand(Manipulation):
    """A manipulation of a band of rows.

    Args:
        top: First row of the band, in pixels of 224.
        bottom: Row below the band, in pixels of 224.
    """

    top: float = 80.0
    bottom: float = 150.0

    def __post_init__(self) -> None:
        check_range(self, "top", "bottom")

    def mask(self, height: int, width: int) -> Mask:
        """The band."""
        return band(height, width, self.top, self.bottom)


@dataclass(frozen=True, kw_only=True)
class Blur(InDisk):
    """Peripheral blur: a Gaussian filter outside of a disk.

    Args:
        radius: Radius of the unaffected disk, in pixels of 224.
        std: Standard deviation of the filter, in pixels of 224.
    """

    name: ClassVar[str] = "blur"
    summary: ClassVar[str] = "blurs the picture outside of a disk"
    visibility: ClassVar[Visibility | None] = Visibility("std", (2.0, 4.0, 6.0, 8.0, 10.0))
    n_epochs: ClassVar[int] = 40

    radius: float = 100.0
    std: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        number("std", self.std, 0, PAPER_SIDE)

    def mask(self, height: int, width: int) -> Mask:
        """Outside of the disk."""
        return ~super().mask(height, width)

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """The whole picture, filtered."""
        from scipy.ndimage import gaussian_filter  # noqa: PLC0415  # takes a quarter of a second to import

        del random
        std = scaled(self.std, min(picture.shape[:2]))
        blurred: npt.NDArray[np.float64] = gaussian_filter(picture.astype(np.float64), (std, std, 0), mode="nearest")
        return blurred


@dataclass(frozen=True, kw_only=True)
class Brightness(InDisk):
    """Central dimming: brightness (of hue, saturation, brightness) is lowered, the most in the center, by nothing at the radius.

    Args:
        radius: Radius of the dimmed disk, in pixels of 224.
        shift: Decrease of the brightness in the center, relative to the range [0, 1].
    """

    name: ClassVar[str] = "brightness"
    summary: ClassVar[str] = "dims a disk, the most in its center"
    visibility: ClassVar[Visibility | None] = Visibility("shift", (0.1, 0.15, 0.2, 0.25, 0.3))
    n_epochs: ClassVar[int] = 60

    radius: float = 75.0
    shift: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        share("shift", self.shift)

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """Scale the colors of a pixel, which keeps hue and saturation, so that the largest falls by the shift at this place."""
        del random
        height, width = picture.shape[:2]
        radius = max(scaled(self.radius, min(height, width)), np.finfo(np.float64).tiny)
        shift = 255 * self.shift * (1 - distances(height, width) / radius).clip(0, 1)
        brightness = picture.max(axis=2).astype(np.float64)
        dimmed = (brightness - shift).clip(0, None)
        scaled_colors: npt.NDArray[np.float64] = picture * (dimmed / np.maximum(brightness, 1))[..., None]
        return scaled_colors


@dataclass(frozen=True, kw_only=True)
class Hue(InBand):
    """Striped hue shift: from top to bottom of a band of rows, hue is raised and then lowered by one period of a sine.

    (The paper calls the stripe vertical, but gives its upper and lower position.)

    Args:
        top: First row of the band, in pixels of 224.
        bottom: Row below the band, in pixels of 224.
        magnitude: Amplitude of the sine, relative to the circle of hues [0, 1].
    """

    name: ClassVar[str] = "hue"
    summary: ClassVar[str] = "shifts the hue in a band of rows"
    visibility: ClassVar[Visibility | None] = Visibility("magnitude", (0.05, 0.1, 0.15, 0.2, 0.25))
    n_epochs: ClassVar[int] = 60

    magnitude: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        share("magnitude", self.magnitude)

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """Shift the hue of all rows; rows outside of the band are discarded."""
        from skimage.color import hsv2rgb, rgb2hsv  # noqa: PLC0415  # takes a quarter of a second to import

        del random
        first, last = span(self.top, self.bottom, len(picture))
        colors = rgb2hsv(picture)
        phase = (np.arange(len(picture)) - first + 0.5) / (last - first)
        colors[..., 0] = (colors[..., 0] + self.magnitude * np.sin(2 * np.pi * phase)[:, None]) % 1
        shifted: npt.NDArray[np.float64] = 255 * hsv2rgb(colors)
        return shifted


@dataclass(frozen=True, kw_only=True)
class Noise(InBand):
    """Striped noise: in a band of rows, each pixel is replaced by a uniformly random color with some probability.

    Args:
        top: First row of the band, in pixels of 224.
        bottom: Row below the band, in pixels of 224.
        probability: Probability with which a pixel is replaced.
    """

    name: ClassVar[str] = "noise"
    summary: ClassVar[str] = "replaces some pixels in a band of rows by random colors"
    visibility: ClassVar[Visibility | None] = Visibility("probability", (0.02, 0.04, 0.06, 0.08, 0.1))

    probability: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        share("probability", self.probability)

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """Draw which pixels are replaced, and their colors."""
        is_replaced = random.random(picture.shape[:2]) < self.probability
        return np.where(is_replaced[..., None], random.integers(0, 256, picture.shape), picture)


@dataclass(frozen=True, kw_only=True)
class Watermark(Manipulation):
    """The text IMGxxxx at a random place in a rectangle, IMG in white, four random digits in black.

    A text that is larger than the rectangle is cut off at its edge.

    Args:
        top: First row of the rectangle, in pixels of 224.
        left: First column, in pixels of 224.
        bottom: Row below the rectangle, in pixels of 224.
        right: Column behind it, in pixels of 224.
        font_size: Size of the font in pixels of the picture itself.
    """

    name: ClassVar[str] = "watermark"
    summary: ClassVar[str] = "writes IMG and four digits at a random place in a rectangle"
    visibility: ClassVar[Visibility | None] = Visibility("font_size", (7, 9, 11, 13, 15))

    top: float = 8.0
    left: float = 8.0
    bottom: float = 72.0
    right: float = 216.0
    font_size: int = 15

    def __post_init__(self) -> None:
        check_range(self, "top", "bottom")
        check_range(self, "left", "right")
        whole_number("font_size", self.font_size, 4, PAPER_SIDE)

    def mask(self, height: int, width: int) -> Mask:
        """The rectangle."""
        return rectangle(height, width, (self.top, self.left, self.bottom, self.right))

    def change(self, picture: Pixels, random: np.random.Generator) -> npt.NDArray[np.generic]:
        """Write the text."""
        from PIL import Image, ImageDraw  # noqa: PLC0415  # imported by what uses it

        digits = "".join(map(str, random.integers(0, 10, 4)))
        font = _font(self.font_size)
        left, top, right, bottom = font.getbbox(f"IMG{digits}")
        height, width = picture.shape[:2]
        rows, columns = span(self.top, self.bottom, height), span(self.left, self.right, width)
        y = _place(random, rows, bottom - top) - top
        x = _place(random, columns, right - left) - left
        canvas = Image.fromarray(picture)
        pen = ImageDraw.Draw(canvas)
        pen.fontmode = "L"
        pen.text((x, y), "IMG", font=font, fill=(255, 255, 255))
        pen.text((x + font.getlength("IMG"), y), digits, font=font, fill=(0, 0, 0))
        return np.asarray(canvas)


@cache
def _font(size: int) -> Any:
    """Pillow's own font, which does not depend on the machine."""
    from PIL import ImageFont  # noqa: PLC0415  # as above

    return ImageFont.load_default(size)


def _place(random: np.random.Generator, bounds: tuple[int, int], length: float) -> int:
    """A random start of a text of this length within bounds; the first one where it does not fit."""
    first, last = bounds
    return int(random.integers(first, max(first, last - int(np.ceil(length))) + 1))
