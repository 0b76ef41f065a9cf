"""Reading a folder that `generate` wrote, and refusing one that is no longer what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.io import imread

from attributionlab.environments import Environment, make_environment
from attributionlab.errors import AttributionLabError, BadOption, MissingFile, bad_option
from attributionlab.exchange.dataset import FORMAT, MANIFEST, TRUTH, arrays_of
from attributionlab.reports.figures.pictures import picture
from attributionlab.truth import Batch


def open_folder(folder: Path) -> tuple[Environment, Batch]:
    """The environment of a folder and its images, made anew and compared with what the folder holds.

    Raises:
        MissingFile: If the folder or one of its files is not there.
        BadOption: If the manifest is none of ours, or a file disagrees with it; the message names the file.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise MissingFile(
            f"`folder` must be one that `attributionlab generate` wrote, got {str(folder)!r} without {MANIFEST}"
        )
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        spec, n, start = manifest["environment"], int(manifest["n_samples"]), int(manifest["start"])
        samples = [str(sample["image"]) for sample in manifest["samples"]]
        found_format = manifest["format"]
        if len(samples) != n:
            raise ValueError(f"{len(samples)} samples listed, {n} said")  # noqa: TRY301  # said with the rest below
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise bad_option(
            "folder", f"have a whole {MANIFEST}", str(folder), f"{type(error).__name__}: {error}"
        ) from error
    if found_format != FORMAT:
        raise bad_option("folder", f"have format {FORMAT}", found_format, f"{MANIFEST} is of another version")
    try:
        environment = make_environment(spec)
        batch = environment.sample(n, start)
    except AttributionLabError as error:
        raise BadOption(f"`folder` must name an environment in {MANIFEST}: {error}") from error
    for name in [TRUTH, *samples]:
        if not (folder / name).is_file():
            raise MissingFile(f"`folder` must hold all files of its {MANIFEST}, got none called {name}")
    _compare(folder / TRUTH, batch)
    for name, image in zip(samples, batch.inputs, strict=True):
        expected = picture(image)
        found = imread(folder / name)
        if not np.array_equal(found if found.ndim == 3 else found[..., None].repeat(3, axis=2), expected):
            raise bad_option("folder", "hold the images of its environment", str(folder / name), "generate it again")
    return environment, batch


def _compare(path: Path, batch: Batch) -> None:
    """Refuse a truth that is not that of the batch."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            held = {name: torch.from_numpy(stored[name]) for name in stored.files}
    except Exception as error:
        raise bad_option("folder", f"hold a whole {path.name}", str(path), type(error).__name__) from error
    for name, expected in arrays_of(batch).items():
        if name not in held or held[name].shape != expected.shape or not torch.equal(held[name], expected):
            why = f"`{name}` differs from what {MANIFEST} says; generate it again"
            raise bad_option("folder", f"hold the {path.name} of its environment", str(path), why)
