"""Reading a folder that `generate` wrote, and refusing one whose files no longer match its manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from skimage.io import imread

from attributionlab.environments import Environment, make_environment
from attributionlab.environments.base import Target
from attributionlab.errors import AttributionLabError, BadOption, MissingFile, bad_option
from attributionlab.exchange.array_files import DeclaredArray, declared_arrays, png_size, read_array
from attributionlab.exchange.counterparts import COUNTERPART_TRUTH, counterpart_arrays, require_counterparts
from attributionlab.exchange.dataset import FORMAT, TRUTH, arrays_of, has_pictures
from attributionlab.exchange.generated_folder import MANIFEST, require_generated
from attributionlab.files import is_file
from attributionlab.printable import value_text
from attributionlab.reports.figures.pictures import picture
from attributionlab.specs.arguments import require_list, require_mapping, require_text, whole_number
from attributionlab.truth import Batch


class DataSet(NamedTuple):
    """What a folder holds.

    Args:
        environment: Its environment.
        batch: Its samples.
        has_counterparts: Whether it has a second network for every input.
        names: Names of its samples: those of the image files without folder and suffix, else their numbers.
    """

    environment: Environment
    batch: Batch
    has_counterparts: bool
    names: tuple[str, ...]


def open_folder(folder: Path) -> DataSet:
    """Recreate the environment and the images of a folder, and compare them with its files.

    Raises:
        MissingFile: If the folder or one of its files does not exist.
        BadOption: If `generate` did not write the manifest, or a file disagrees with it; the message names the file.
    """
    manifest = _manifest(folder)
    environment, n, images = manifest.environment, manifest.n, manifest.images
    try:
        batch = environment.sample(n, manifest.start, target=manifest.target)
    except AttributionLabError as error:
        raise BadOption(f"`folder` must have a {MANIFEST} whose samples exist: {error}") from error
    n_images = n if has_pictures(batch) else 0
    if len(images) != n_images:
        raise bad_option("folder", f"name {n_images} images in {MANIFEST}", str(folder), f"it names {len(images)}")
    second = [COUNTERPART_TRUTH] if manifest.has_counterparts else []
    for name in [TRUTH, *images, *second]:
        if not is_file(folder / name):
            raise MissingFile(f"`folder` must hold all files of its {MANIFEST}, got none called {value_text(name)}")
    _compare(folder / TRUTH, {name: array.numpy() for name, array in arrays_of(batch).items()})
    if second:
        require_counterparts(environment, manifest.target)
        _compare(folder / COUNTERPART_TRUTH, counterpart_arrays(environment, batch))
    for name, image in zip(images, batch.inputs, strict=False):  # sequences and rows have no images
        if not _shows(folder / name, picture(image)):
            raise bad_option("folder", "hold the images of its environment", str(folder / name), "generate it again")
    names = tuple(Path(name).stem for name in images) or tuple(f"{index:06d}" for index in range(n))
    return DataSet(environment, batch, manifest.has_counterparts, names)


class _Manifest(NamedTuple):
    """The entries of a manifest: environment, number of samples, index of the first one, target, names of the image files."""

    environment: Environment
    n: int
    start: int
    target: Target
    images: list[str]
    has_counterparts: bool


def _manifest(folder: Path) -> _Manifest:
    """The entries of the manifest, checked."""
    path = folder / MANIFEST
    require_generated(folder)
    try:
        manifest = require_mapping(MANIFEST, json.loads(path.read_text(encoding="utf-8")), "entries")
        version = whole_number("format", manifest["format"], 0)
        n, start = (whole_number(name, manifest[name], least) for name, least in (("n_samples", 1), ("start", 0)))
        spec = require_text("environment", manifest["environment"])
        samples = require_list("samples", manifest["samples"], "samples")
        images = [_image_name(sample["image"]) for sample in samples if "image" in sample]
        has_counterparts = "counterparts" in require_mapping("files", manifest["files"], "names of files")
        if len(samples) != n:
            raise bad_option("samples", f"be {n}, as `n_samples` says", len(samples))  # named with the rest
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"
        raise bad_option("folder", f"have an undamaged {MANIFEST}", str(folder), why) from error
    if version != FORMAT:
        raise bad_option("folder", f"have format {FORMAT}", version, f"{MANIFEST} is of another version")
    try:
        environment = make_environment(spec)
    except AttributionLabError as error:
        raise BadOption(f"`folder` must name an environment in {MANIFEST}: {error}") from error
    return _Manifest(environment, n, start, manifest.get("target", "winner"), images, has_counterparts)


def _image_name(name: object) -> str:
    """Validated name of an image, which must lie in the folder."""
    text = require_text("image", name)
    if Path(text).is_absolute() or ".." in Path(text).parts or "\0" in text:
        raise bad_option("image", "lie in the folder", text)
    return text


def _shows(path: Path, expected: npt.NDArray[np.uint8]) -> bool:
    """Whether a PNG shows a picture (h, w, 3); its declared size is checked before it is read."""
    try:
        if png_size(path) != expected.shape[:2]:
            return False
        stored = imread(path)
    except Exception:  # noqa: BLE001  # readers of images raise many kinds of errors on a damaged file
        return False
    return np.array_equal(stored if stored.ndim == 3 else stored[..., None].repeat(3, axis=2), expected)


def _compare(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Refuse a file whose arrays differ from these."""
    try:
        declared = declared_arrays(path)
        if isinstance(declared, DeclaredArray):
            raise TypeError("one array")  # noqa: TRY301  # named with the rest
    except Exception as error:
        raise bad_option("folder", f"hold an undamaged {path.name}", str(path), type(error).__name__) from error
    for name, expected in arrays.items():
        header = declared.get(name)
        fits = header is not None and header.shape == expected.shape and header.dtype == expected.dtype
        try:
            same = fits and np.array_equal(read_array(path, name), expected)
        except Exception as error:
            raise bad_option("folder", f"hold an undamaged {path.name}", str(path), type(error).__name__) from error
        if not same:
            why = f"`{name}` differs from what {MANIFEST} says; generate it again"
            raise bad_option("folder", f"hold the {path.name} of its environment", str(path), why)
