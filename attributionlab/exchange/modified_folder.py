"""Writing modified pictures to a folder that any program can train on, and reading them back."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from attributionlab.errors import AttributionLabError, BadOption, bad_option, missing_file
from attributionlab.exchange.array_files import png_size, write_png
from attributionlab.exchange.dataset import PREVIEW, README
from attributionlab.exchange.generated_folder import MANIFEST
from attributionlab.exchange.image_folder import require_inside
from attributionlab.exchange.new_folder import new_folder
from attributionlab.files import is_file
from attributionlab.machine import versions
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.modification import ModifiedPictures, Pictures, make_manipulation, modify
from attributionlab.modification.manipulation import Manipulation, Mask, StoredManipulation
from attributionlab.modification.pictures import check_memory
from attributionlab.printable import value_text
from attributionlab.reports.figures.modified import modified_figure
from attributionlab.reports.figures.saving import save_figure
from attributionlab.specs.arguments import MOST_IMAGES, require_list, require_mapping, require_text, whole_number
from attributionlab.specs.functions import parse_address

MODIFIED_FORMAT = 1
KIND = "modified pictures"

JOINT, NONINFORMATIVE = "regions/joint.png", "regions/noninformative.png"

_INSTRUCTIONS = """# {n} pictures whose labels only a manipulation predicts

* `images/SPLIT/CLASS/`: the manipulated pictures by their new class, for training, validation and test.
* `originals/`: the same pictures before.
* `regions/`: white where a manipulation may change pixels: for each class, and together (`joint.png`){noninformative}.
* `manifest.json`: for each picture both labels, its manipulation and split.

Labels were reassigned by the matrix R = {matrix}. A classifier that does not use the manipulation has an expected accuracy of at most
p* = {bound:g}; whichever is better on the test pictures uses it, unless it was lucky. Its attributions should lie in `regions/joint.png`, which has
{share:.1%} of the pixels.

    attributionlab attr-percent .
"""


def write_modified(data: ModifiedPictures, folder: Path, *, progress: Progress = no_progress) -> Path:
    """Write pictures, regions, a manifest, a preview and a README; the folder appears when everything is written, or not at all.

    Equal data give equal files.

    Args:
        data: The modified pictures.
        folder: The folder to create.
        progress: Called with the number of pictures written since the last call.

    Returns:
        The folder.

    Raises:
        BadOption: If the folder exists and is not empty, cannot be created, or a class has a name that no folder can have.
        MachineError: If the folder cannot be written.
    """
    for name in data.classes:
        if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name or name.startswith("."):
            raise bad_option("classes", "have names that folders can have", name)
    with new_folder(folder) as draft:
        samples = _write_pictures(data, draft, progress)
        _write_regions(data, draft)
        (draft / MANIFEST).write_text(json.dumps(_manifest(data, samples), indent=1) + "\n", encoding="utf-8")
        (draft / README).write_text(_instructions(data), encoding="utf-8")
        save_figure(modified_figure(data), draft / PREVIEW)
    return folder


def read_modified(folder: Path) -> ModifiedPictures:
    """Read a folder that `write_modified` wrote, and refuse one whose files do not fit each other.

    A manipulation that is somebody's function is not imported: of it only the region is known.

    Raises:
        MissingFile: If there is no such folder, or one of its files is missing.
        BadOption: If a file is damaged, or disagrees with the manifest.
        UnknownName: If a manipulation does not exist here.
    """
    manifest = _read_manifest(folder)
    try:
        return _read_data(folder, manifest)
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, AttributionLabError) and error.option is None:
            raise
        why = f"{type(error).__name__}: {error}"
        if isinstance(error, KeyError):
            why = f"it has no {error}"
        elif isinstance(error, AttributionLabError):
            why = str(error)
        raise bad_option("folder", f"have an undamaged {MANIFEST}", str(folder), why) from error


def _write_pictures(data: ModifiedPictures, folder: Path, progress: Progress) -> list[dict[str, Any]]:
    """Write both versions of every picture; return their entries in the manifest."""
    samples = []
    (folder / "originals").mkdir()
    for index in range(len(data)):
        label, split = int(data.labels[index]), data.splits[index]
        image = f"images/{split}/{data.classes[label]}/{index:06d}.png"
        original = f"originals/{index:06d}.png"
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        write_png(folder / image, data.values[index])
        write_png(folder / original, data.originals.values[index])
        samples.append(
            {
                "image": image,
                "original": original,
                "source": data.originals.sources[index] if data.originals.sources else "",
                "split": split,
                "label": label,
                "original_label": int(data.originals.labels[index]),
                "manipulation": data.manipulations[label].spec,
                "noninformative": bool(data.has_noninformative[index]),
            }
        )
        progress(1)
    return samples


def _write_regions(data: ModifiedPictures, folder: Path) -> None:
    """Write the region of each class, the joint one, and that without information."""
    masks = {
        _region_name(label): manipulation.region(*data.originals.size)
        for label, manipulation in enumerate(data.manipulations)
    }
    masks[JOINT] = data.region
    if data.noninformative is not None:
        masks[NONINFORMATIVE] = data.noninformative_region
    (folder / "regions").mkdir()
    for name, mask in masks.items():
        write_png(folder / name, mask.astype(np.uint8) * 255)


def _region_name(label: int) -> str:
    return f"regions/class-{label}.png"


def _manifest(data: ModifiedPictures, samples: list[dict[str, Any]]) -> dict[str, Any]:
    height, width = data.originals.size
    return {
        "format": MODIFIED_FORMAT,
        "kind": KIND,
        "classes": list(data.classes),
        "height": height,
        "width": width,
        "reassignment": data.matrix.tolist(),
        "accuracy_bound": data.accuracy_bound,
        "manipulations": [manipulation.spec for manipulation in data.manipulations],
        "noninformative": None if data.noninformative is None else data.noninformative.spec,
        "region_share": float(data.region.mean()),
        "seed": data.seed,
        "samples": samples,
        "versions": versions(),
    }


def _instructions(data: ModifiedPictures) -> str:
    extra = "" if data.noninformative is None else "; `noninformative.png` is independent of the label"
    return _INSTRUCTIONS.format(
        n=len(data),
        noninformative=extra,
        matrix=data.matrix.tolist(),
        bound=data.accuracy_bound,
        share=float(data.region.mean()),
    )


def _read_manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest of a folder."""
    path = folder / MANIFEST
    expectation = "be one that `attributionlab modify` wrote"
    if not is_file(path):
        raise missing_file("folder", expectation, str(folder), f"it has no {MANIFEST}")
    try:
        manifest = require_mapping(MANIFEST, json.loads(path.read_text(encoding="utf-8")), "entries")
    except (OSError, ValueError, RecursionError) as error:
        raise bad_option(
            "folder", f"have an undamaged {MANIFEST}", str(folder), f"{type(error).__name__}: {error}"
        ) from error
    if manifest.get("kind") != KIND:
        raise bad_option("folder", expectation, str(folder), f"its {MANIFEST} is of another kind")
    if manifest.get("format") != MODIFIED_FORMAT:
        raise bad_option("folder", f"have format {MODIFIED_FORMAT}", manifest.get("format"), "it is of another version")
    return manifest


def _read_data(folder: Path, manifest: Mapping[str, Any]) -> ModifiedPictures:
    """The data that a manifest describes."""
    classes = tuple(require_text("classes", name) for name in require_list("classes", manifest["classes"], "names", 2))
    size = whole_number("height", manifest["height"], 1, 10_000), whole_number("width", manifest["width"], 1, 10_000)
    samples = [
        require_mapping("samples", sample, "entries")
        for sample in require_list("samples", manifest["samples"], "samples", 1)
    ]
    whole_number("samples", len(samples), 1, MOST_IMAGES)
    check_memory(len(samples), *size)
    specs = require_list("manipulations", manifest["manipulations"], "manipulations", len(classes))
    manipulations = [_manipulation(folder, spec, _region_name(label), size) for label, spec in enumerate(specs)]
    noninformative = manifest["noninformative"]
    extra = None if noninformative is None else _manipulation(folder, noninformative, NONINFORMATIVE, size)
    labels = np.array(
        [whole_number("original_label", sample["original_label"], 0, len(classes) - 1) for sample in samples]
    )
    sources = tuple(require_text("source", sample["source"]) for sample in samples)
    originals = Pictures(_read_all(folder, [sample["original"] for sample in samples], size), labels, classes, sources)
    values = _read_all(folder, [sample["image"] for sample in samples], size)
    return _checked(folder, manifest, samples, originals, values, manipulations, extra)


def _checked(
    folder: Path,
    manifest: Mapping[str, Any],
    samples: Sequence[Mapping[str, Any]],
    originals: Pictures,
    values: npt.NDArray[np.uint8],
    manipulations: Sequence[Manipulation],
    extra: Manipulation | None,
) -> ModifiedPictures:
    """The data, if its labels and splits follow from its seed, and pictures differ from their originals within the regions alone."""
    blanks = ["blank"] * len(manipulations)
    plain = _modify_quietly(originals, blanks, manifest["reassignment"], whole_number("seed", manifest["seed"], 0))
    stated = [whole_number("label", sample["label"], 0, len(manipulations) - 1) for sample in samples]
    flags = np.array([sample["noninformative"] is True for sample in samples], dtype=np.bool_)
    data = ModifiedPictures(
        originals, values, plain.labels, plain.matrix, tuple(manipulations), extra, flags, plain.seed
    )
    for name, same in (
        ("label", stated == data.labels.tolist()),
        ("split", [sample["split"] for sample in samples] == list(data.splits)),
    ):
        if not same:
            raise bad_option(name, "follow from seed and reassignment", "another", "modify the pictures again")
    own = np.stack([manipulation.region(*originals.size) for manipulation in manipulations])[data.labels]
    allowed = own | (data.noninformative_region & flags[:, None, None])
    outside = ((values != originals.values).any(axis=3) & ~allowed).any(axis=(1, 2))
    if outside.any():
        where = str(folder / samples[int(outside.argmax())]["image"])
        raise BadOption(
            f"`folder` must hold pictures that differ from their originals in the region alone, got {value_text(where)}"
        )
    return data


def _modify_quietly(originals: Pictures, manipulations: Sequence[str], reassign: object, seed: int) -> ModifiedPictures:
    """`modify` without its warnings about regions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return modify(originals, list(manipulations), reassign=reassign, seed=seed)


def _manipulation(folder: Path, spec: object, region: str, size: tuple[int, int]) -> Manipulation:
    """A manipulation by its spec; of a function its stored region."""
    text = require_text("manipulations", spec)
    if parse_address(text) is None:
        return make_manipulation(text)
    return StoredManipulation(stored=_read_mask(folder / region, size), address=text)


def _read_mask(path: Path, size: tuple[int, int]) -> Mask:
    """A region from its picture."""
    mask: Mask = _read_png(path, size)[..., 0] > 127
    return mask


def _read_all(folder: Path, names: Sequence[object], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The pictures of a folder, (n, h, w, 3)."""
    return np.stack([_read_png(folder / require_inside(name), size) for name in names])


def _read_png(path: Path, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A PNG (h, w, 3), whose declared size is checked before it is read."""
    if not is_file(path):
        raise missing_file("folder", f"hold all files of its {MANIFEST}", str(path), "it is missing")
    try:
        declared = png_size(path)
        if declared == size:
            with Image.open(path) as image:
                return np.asarray(image.convert("RGB")).copy()
    except MemoryError:
        raise
    except Exception as error:
        raise BadOption(
            f"`folder` must hold undamaged pictures, got {value_text(str(path))}; {type(error).__name__}"
        ) from error
    sizes = f"{declared[1]}x{declared[0]}"
    raise BadOption(
        f"`folder` must hold pictures of {size[1]}x{size[0]} pixels, got {sizes} in {value_text(str(path))}"
    )
