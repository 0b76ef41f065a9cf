"""Reading a folder of pictures by class, of whatever formats and sizes, as pictures of one size."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from attributionlab.errors import BadOption, bad_option, missing_file, unknown_name
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.modification import Pictures
from attributionlab.modification.builtin import LARGEST, SMALLEST
from attributionlab.modification.manipulation import Pixels
from attributionlab.modification.pictures import check_memory
from attributionlab.printable import error_line
from attributionlab.specs.arguments import MOST_IMAGES, whole_number

WHITE = (255, 255, 255, 255)
"""Color behind transparent pixels."""


@dataclass(frozen=True, eq=False)
class PicturesOfFolder:
    """The pictures of a folder.

    Args:
        pictures: The pictures.
        skipped: Files that could not be read, as paths relative to the folder, with the reason.
    """

    pictures: Pictures
    skipped: tuple[str, ...]


def read_pictures(
    folder: Path,
    *,
    size: int | None = None,
    classes: Sequence[str] = (),
    n_per_class: int | None = None,
    skip_bad: bool = False,
    progress: Progress = no_progress,
) -> PicturesOfFolder:
    """Read the pictures of a folder that has a folder for each class, files in the order of their names.

    Pictures are turned as their EXIF data say. Of an animation the first picture is taken, transparent pixels are laid over white, pictures of
    16 bits per channel are reduced to 8, gray and CMYK become RGB. Files and folders whose names begin with a dot are ignored.

    Args:
        folder: The folder.
        size: Cut the largest square from the middle, and reduce or enlarge it to this side. Needed if the pictures have different sizes.
        classes: The classes to read, in this order; by default all, in alphabetical order.
        n_per_class: Most pictures of each class; by default all.
        skip_bad: Leave out files that cannot be read, instead of refusing them.
        progress: Called with 1 after each file.

    Raises:
        MissingFile: If there is no such folder.
        UnknownName: If a class does not exist.
        BadOption: If there are fewer than two classes or an empty one, a file cannot be read, or sizes differ and `size` is not given.
    """
    if size is not None:
        whole_number("size", size, SMALLEST, LARGEST)
    if n_per_class is not None:
        whole_number("n_per_class", n_per_class, 1, MOST_IMAGES)
    names = _class_names(folder, classes)
    values: list[Pixels] = []
    labels: list[int] = []
    sources: list[str] = []
    skipped: list[str] = []
    for label, name in enumerate(names):
        n_before = len(values)
        for path in _files(folder / name):
            if n_per_class is not None and len(values) - n_before >= n_per_class:
                break
            source = str(path.relative_to(folder))
            try:
                picture = _read(path, size)
            except ValueError as error:
                if not skip_bad:
                    hint = f"{error}; --skip-bad leaves such files out"
                    raise bad_option("images", "hold pictures that can be read", source, hint) from error
                skipped.append(f"{source}: {error}")
                continue
            _check_fits(picture, values, source, sources)
            values.append(picture)
            labels.append(label)
            sources.append(source)
            progress(1)
        if len(values) == n_before:
            raise bad_option("images", "hold pictures in every class", name, "it has none")
    return PicturesOfFolder(Pictures(np.stack(values), np.array(labels), tuple(names), tuple(sources)), tuple(skipped))


def _class_names(folder: Path, classes: Sequence[str]) -> list[str]:
    """Names of the folders to read."""
    if not folder.is_dir():
        raise missing_file("images", "be a folder with a folder of pictures for each class", str(folder))
    with os.scandir(folder) as entries:
        existing = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    for name in classes:
        if name not in existing:
            raise unknown_name("classes", name, existing)
    names = list(classes or existing)
    if len(names) < 2:
        raise bad_option(
            "images", "have a folder for each of at least two classes", str(folder), f"it has {len(names)}"
        )
    return names


def _files(folder: Path) -> list[Path]:
    """Files of a class in the order of their names; a pipe is none."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and not entry.is_dir())
    return [folder / name for name in names]


def _check_fits(picture: Pixels, values: Sequence[Pixels], source: str, sources: Sequence[str]) -> None:
    """Refuse a picture of another size than the first, or one too many."""
    shape = picture.shape
    if values and values[0].shape != shape:
        sizes = f"{values[0].shape[1]}x{values[0].shape[0]} in {sources[0]}, {shape[1]}x{shape[0]} in {source}"
        raise bad_option("images", "have one size, or be given --size", sizes)
    if not values and min(shape[:2]) < SMALLEST:
        raise bad_option(
            "images", f"have at least {SMALLEST} x {SMALLEST} pixels", source, f"it has {shape[1]}x{shape[0]}"
        )
    check_memory(len(values) + 1, *shape[:2])


def _read(path: Path, size: int | None) -> Pixels:
    """Read a picture (h, w, 3).

    Raises:
        ValueError: If it cannot be read, with the reason.
    """
    if not path.is_file():
        raise ValueError("it is not a regular file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about unusual metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                opened.load()
                picture = _as_rgb(ImageOps.exif_transpose(opened))
        if size is not None:
            picture = ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)
        return np.asarray(picture).copy()
    except (KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise ValueError(error_line(error).replace(f" {str(path)!r}", "")) from error


def _as_rgb(image: Image.Image) -> Image.Image:
    """An image of any mode as RGB of 8 bits."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image).astype(np.float64)
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 65535:
            raise ValueError(f"values from {values.min():g} to {values.max():g} are not those of 8 or 16 bits")
        if image.mode.startswith("F"):
            raise ValueError("numbers with fractions are not colors")
        return Image.fromarray((values / 257).round().astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        behind = Image.new("RGBA", image.size, WHITE)
        return Image.alpha_composite(behind, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def require_inside(name: object) -> str:
    """`name` as a path within a folder, from a file that somebody may have written.

    Raises:
        BadOption: If it is no text, or leads out of the folder.
    """
    if not isinstance(name, str) or not name or Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
        raise BadOption(f"`path` must lie in the folder, got {name!r}")
    return name
