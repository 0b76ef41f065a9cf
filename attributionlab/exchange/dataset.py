"""Writing an environment's images and truth to a folder that other programs can read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.environments.base import Target
from attributionlab.errors import bad_option
from attributionlab.exchange.array_files import write_arrays, write_png
from attributionlab.exchange.counterparts import (
    COUNTERPARTS,
    files_of_counterparts,
    require_counterparts,
    write_counterparts,
)
from attributionlab.exchange.generated_folder import MANIFEST
from attributionlab.exchange.model_files import ONNX, WEIGHTS, check_onnx, write_onnx, write_weights
from attributionlab.files import check_parents, filled_folder, is_draft, whole_folder
from attributionlab.machine import versions
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.printable import LONGEST_VALUE, one_line
from attributionlab.reports.answers import answers_of
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.pictures import picture
from attributionlab.reports.figures.saving import save_figure
from attributionlab.specs.arguments import MOST_IMAGES, whole_number
from attributionlab.truth import Batch

TRUTH = "truth.npz"
README = "README.md"
PREVIEW = "preview.png"
FORMAT = 1
N_PREVIEW = 4
CHUNK = 16

_INSTRUCTIONS = """# {n} {samples} with exact truth

Environment: `{spec}`.

* `truth.npz`: `inputs` (n, c, {axes}), as the network takes them; `targets` (n,), the output to explain; `signed` (n, {axes}), the truth.
{pictures}
* `model.safetensors`: the weights of the network; `model.onnx` (only with `--onnx`): the network itself.

In PyTorch the network is

    import attributionlab as al
    from safetensors.torch import load_file

    model = al.make_environment("{spec}").model
    model.load_state_dict(load_file("model.safetensors"))

Elsewhere load `model.onnx`. Explain output `targets[i]` at `inputs[i]`, save one map per input, (n, {axes}), (n, c, {axes}) or (n, {axes}, c), as
.npy, .npz or .pt, and

    attributionlab score . maps.npy
"""

_COUNTERPART_INSTRUCTIONS = """
## The same inputs under other networks

Maps that never look at the network can look right. So `counterparts/` has another network for every input, which uses other features of it: input i belongs to
network `networks[i]` of `counterparts/truth.npz`, and `counterparts/model-00.safetensors` has the weights of network 0 (`counterparts/model-00.onnx`, only with
`--onnx`: the network itself). `model.load_state_dict(load_file("counterparts/model-00.safetensors"))` loads them into the same `model`. Explain the same output `targets[i]`
at the same `inputs[i]` under these networks by the same method, save these maps as well, and

    attributionlab score . maps.npy --counterpart-maps counterpart_maps.npy
"""


def generate(
    environment: Environment,
    folder: Path,
    *,
    n_samples: int = 32,
    start: int = 0,
    target: Target = "winner",
    force: bool = False,
    onnx: bool = False,
    counterparts: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write samples as PNG images, masks, truth (`truth.npz`), the network (`model.safetensors`), a preview and a manifest.

    The folder appears when everything is written, or not at all.

    Args:
        environment: The environment that the samples are drawn from.
        folder: The folder to create.
        n_samples: Number of images.
        start: Index of the first sample.
        target: Output to explain, as in `Environment.sample`.
        force: Replace an earlier folder of this kind, unless it holds files that this function did not write.
        onnx: Write the network as ONNX as well (`model.onnx`; extra `onnx`).
        counterparts: Write another network for every input, which uses other features, and its truth (`counterparts/`): with maps under
            both, `score` tells whether they depend on the network.
        progress: Called with the number of images done since the last call.

    Returns:
        The folder.

    Raises:
        BadOption: If the folder exists and `force` is not set, if it holds files that this function did not write, or if
            it cannot be created; if `onnx` is set and a package for it is not installed; if `target` is no output with a known
            truth; if `counterparts` is set and the environment has none.
        MachineError: If the folder cannot be written.
    """
    n_samples = whole_number("n_samples", n_samples, 1, MOST_IMAGES)
    if onnx:
        check_onnx()
    if counterparts:
        require_counterparts(environment, target)
    check_parents(folder)
    _check_folder(folder, force=force)
    environment.sample(1, start, target=target)  # impossible options fail before anything is written
    drafted_folder = filled_folder if folder.is_dir() and folder.samefile(Path.cwd()) else whole_folder
    with drafted_folder(folder) as draft:
        samples = _Samples(environment, n_samples, start, target)
        second = write_counterparts(environment, draft, samples.batch(), onnx=onnx) if counterparts else []
        _write(samples, draft, second, progress or no_progress)
        write_weights(environment.model, draft / WEIGHTS)
        if onnx:
            write_onnx(
                environment.model, environment.sample(max(2, min(N_PREVIEW, n_samples)), start).inputs, draft / ONNX
            )
        _check_folder(folder, force=force)  # again: the folder may have changed meanwhile
    return folder


def _check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that holds files which `generate` did not write."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise bad_option("output", "be a folder, or nothing yet", str(folder))
    names = [entry.name for entry in folder.iterdir() if not is_draft(entry.name)]
    if not names:
        return
    if folder.samefile(Path.cwd()):
        raise bad_option("output", "be empty where it is the current folder", str(folder), f"it has {min(names)}")
    if not force:
        raise bad_option("output", "be a new folder", str(folder), "use --force to replace it")
    written = _written_files(folder)
    if not written:
        why = "it was not written by this command"
        raise bad_option("output", f"hold a {MANIFEST} to be replaced", str(folder), why)
    foreign = [str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
    foreign = [name for name in foreign if name not in written]
    if foreign:
        why = (
            f"{one_line(min(foreign), LONGEST_VALUE)} would be deleted, which this command did not write; move it away"
        )
        raise bad_option("output", "hold nothing else to be replaced", str(folder), why)


def _written_files(folder: Path) -> set[str]:
    """Names of the files that an earlier call wrote, from the manifest; empty without a manifest of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if not {"format", "environment", "true_baseline"} <= manifest.keys():
            return set()
        pictures = {name for sample in manifest["samples"] for name in _pictures_of(sample)}
        second = {sample["counterpart"] for sample in manifest["samples"] if "counterpart" in sample}
        second = files_of_counterparts({str(name) for name in second})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return set()
    return {MANIFEST, TRUTH, README, PREVIEW, WEIGHTS, ONNX, f"{ONNX}.data"} | pictures | second


def _pictures_of(sample: dict[str, Any]) -> set[str]:
    """Names of a sample's image and masks, from its entry in the manifest."""
    return {sample["image"], *sample["masks"].values()} if "image" in sample else set()


@dataclass(frozen=True)
class _Samples:
    """The samples of a data set.

    Args:
        environment: Their environment.
        n: Number of samples.
        start: Index of the first one.
        target: Output to explain.
    """

    environment: Environment
    n: int
    start: int
    target: Target

    def batch(self, offset: int = 0, most: int = MOST_IMAGES) -> Batch:
        """At most so many samples from the offset on."""
        return self.environment.sample(min(most, self.n - offset), self.start + offset, target=self.target)


def _write(source: _Samples, folder: Path, counterparts: Sequence[str], progress: Progress) -> None:
    """Write everything but the networks; `counterparts` has the second network's file of each sample, if there are any."""
    environment, n_samples, start = source.environment, source.n, source.start
    samples: list[dict[str, Any]] = []
    arrays: dict[str, list[Tensor]] = {}
    for offset in range(0, n_samples, CHUNK):
        batch = source.batch(offset, CHUNK)
        for row in range(len(batch)):
            written = _write_sample(environment, batch, row, start + offset + row, folder)
            second = {"counterpart": counterparts[offset + row]} if counterparts else {}
            samples.append(written | second)
            progress(1)
        for name, array in arrays_of(batch).items():
            arrays.setdefault(name, []).append(array)
    joined: dict[str, Any] = {name: np.concatenate(parts) for name, parts in arrays.items()}
    write_arrays(folder / TRUTH, joined)
    preview = source.batch(most=N_PREVIEW)
    files = {"images": "images/", "masks": "masks/"} if has_pictures(preview) else {}
    manifest = {
        "format": FORMAT,
        "environment": environment.spec,
        "explains": environment.explains,
        "true_baseline": environment.true_baseline.tolist(),
        "n_samples": n_samples,
        "start": start,
        **({} if source.target == "winner" else {"target": source.target}),
        "files": {**files, "truth": TRUTH, "model": WEIGHTS}
        | ({"counterparts": f"{COUNTERPARTS}/"} if counterparts else {}),
        "samples": samples,
        "versions": versions(),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    instructions = _instructions(environment, preview, n_samples) + (_COUNTERPART_INSTRUCTIONS if counterparts else "")
    (folder / README).write_text(instructions, encoding="utf-8")
    smooth = preview.ground_truth.smooth_positive_mask
    maps = {} if smooth is None else {"smooth positive truth": smooth}
    answers = answers_of(environment, preview, start)
    figure = attribution_figure(preview, maps, title=environment.spec, captions={}, answers=answers)
    save_figure(figure, folder / PREVIEW)


def has_pictures(batch: Batch) -> bool:
    """Whether inputs are images, which are stored as pictures, too."""
    return batch.inputs.ndim == 4


def _instructions(environment: Environment, batch: Batch, n_samples: int) -> str:
    """The README of a folder."""
    pictures = "* `images/`, `masks/`, `preview.png`: images and truth as pictures."
    return _INSTRUCTIONS.format(
        spec=environment.spec,
        n=n_samples,
        samples="images" if has_pictures(batch) else "inputs",
        axes="h, w" if has_pictures(batch) else "l",
        pictures=pictures if has_pictures(batch) else f"* `{PREVIEW}`: the first inputs and their truth.",
    )


def _write_sample(environment: Environment, batch: Batch, row: int, index: int, folder: Path) -> dict[str, Any]:
    """Write the image and masks of a sample, if inputs are images; return its entry in the manifest."""
    files = _write_pictures(batch, row, f"{index:06d}", folder) if has_pictures(batch) else {}
    labels = {"target": int(batch.targets[row]), "label": int(batch.labels[row])}
    return {"index": index, **files, **labels, **environment.describe_scene(batch.scenes[row])}


def _write_pictures(batch: Batch, row: int, name: str, folder: Path) -> dict[str, Any]:
    """Write an image and its masks as PNG; return their names."""
    truth = batch.ground_truth
    for kind in ("images", "masks"):
        (folder / kind).mkdir(exist_ok=True)
    image = picture(batch.inputs[row])
    write_png(folder / "images" / f"{name}.png", image if batch.inputs.shape[1] == 3 else image[..., 0])
    masks = {"positive": truth.positive_mask[row], "negative": truth.negative_mask[row]}
    if truth.smooth_positive_mask is not None:
        masks["positive-smooth"] = truth.smooth_positive_mask[row]
    for kind, mask in masks.items():
        pixels = mask.cpu().numpy().astype(np.uint8) * 255
        write_png(folder / "masks" / f"{name}-{kind}.png", pixels)
    return {"image": f"images/{name}.png", "masks": {kind: f"masks/{name}-{kind}.png" for kind in masks}}


def arrays_of(batch: Batch) -> dict[str, Tensor]:
    """Arrays that `truth.npz` holds, by name."""
    truth = batch.ground_truth
    arrays = {
        "inputs": batch.inputs,
        "targets": batch.targets,
        "labels": batch.labels,
        "signed": truth.signed,
        "patch_ids": truth.patch_ids,
        "smooth_positive_mask": truth.smooth_positive_mask,
    }
    return {name: array for name, array in arrays.items() if array is not None}
