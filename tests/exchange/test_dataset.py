"""Folders of images and truth: complete, readable by others, whole or not there."""

import errno
import json
import os
import signal
from functools import cache

import numpy as np
import pytest
from skimage.io import imread
from wide import first_of

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption, MachineError
from attributionlab.exchange import dataset
from attributionlab.exchange.dataset import generate
from attributionlab.exchange.dataset_folder import open_folder

COLORS = "multi-color-sum[size=16]"
GRAY = "single-color-sum[height=16,width=20]"
LOGIT = "multi-color-sum[output=logit,size=16]"
ENVIRONMENTS = (COLORS, GRAY, LOGIT)


@cache
def environment_of(spec):
    return make_environment(spec)


@pytest.fixture(autouse=True)
def small_previews(monkeypatch):
    """The preview is drawn once, and small; one test looks at the usual one."""
    monkeypatch.setattr(dataset, "N_PREVIEW", 1)


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("spec", ENVIRONMENTS)
def test_everything_is_written(tmp_path, spec):
    folder = generate(environment_of(spec), tmp_path / "set", n_samples=2)
    names = [f"{index:06d}" for index in range(2)]
    expected = {
        "README.md",
        "manifest.json",
        "model.safetensors",
        "preview.png",
        "truth.npz",
        *(f"images/{name}.png" for name in names),
    }
    expected |= {f"masks/{name}-{kind}.png" for name in names for kind in ("positive", "negative", "positive-smooth")}
    assert set(files_in(folder)) == expected
    assert folder == tmp_path / "set"
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


def test_the_manifest_says_where_everything_comes_from(tmp_path):
    manifest = manifest_of(generate(environment_of(COLORS), tmp_path / "set", n_samples=2, start=5))
    assert list(manifest) == [
        "format",
        "environment",
        "explains",
        "true_baseline",
        "n_samples",
        "start",
        "files",
        "samples",
        "versions",
    ]
    assert (manifest["format"], manifest["environment"], manifest["explains"]) == (1, COLORS, "probability")
    assert (manifest["n_samples"], manifest["start"], manifest["true_baseline"]) == (2, 5, [20, 20, 20])
    assert manifest["versions"]["attributionlab"]
    assert make_environment(manifest["environment"]) == environment_of(COLORS)


@pytest.mark.parametrize("spec", first_of(ENVIRONMENTS, 2))
def test_the_manifest_describes_each_sample_and_names_files_that_are_there(tmp_path, spec):
    folder = generate(environment_of(spec), tmp_path / "set", n_samples=3)
    batch = environment_of(spec).sample(3)
    samples = manifest_of(folder)["samples"]
    named = {path for sample in samples for path in (sample["image"], *sample["masks"].values())}
    assert named | {"README.md", "manifest.json", "model.safetensors", "preview.png", "truth.npz"} == set(
        files_in(folder)
    )
    for index, sample in enumerate(samples):
        assert sample["index"] == index
        assert sample["target"] == batch.targets[index]
        assert sample["label"] == batch.labels[index]
        for described, patch in zip(sample["patches"], batch.scenes[index].patches, strict=True):
            assert described["shape"] == patch.shape
            assert described["color"] == list(patch.color)
            assert described["radius"] == pytest.approx(patch.radius, abs=1e-3)
            assert (described["top"], described["left"], described["n_pixels"]) == (
                patch.top,
                patch.left,
                patch.n_pixels,
            )


@pytest.mark.parametrize("spec", first_of(ENVIRONMENTS, 2))
def test_images_are_what_the_network_sees(tmp_path, spec):
    """Except that gray zeros and ones become black and white."""
    folder = generate(environment_of(spec), tmp_path / "set", n_samples=2)
    inputs = environment_of(spec).sample(2).inputs
    for index in range(2):
        image = imread(folder / "images" / f"{index:06d}.png")
        assert image.dtype == np.uint8
        if spec == GRAY:
            assert image.shape == (16, 20)
            assert set(np.unique(image)) == {0, 255}
            assert np.array_equal(image / 255, inputs[index, 0].numpy())
        else:
            assert image.shape == (16, 16, 3)
            assert np.array_equal(np.moveaxis(image, 2, 0), inputs[index].numpy())


@pytest.mark.parametrize("spec", first_of(ENVIRONMENTS, 2))
def test_masks_are_the_truth_in_black_and_white(tmp_path, spec):
    folder = generate(environment_of(spec), tmp_path / "set", n_samples=2)
    truth = environment_of(spec).sample(2).ground_truth
    masks = {
        "positive": truth.positive_mask,
        "negative": truth.negative_mask,
        "positive-smooth": truth.smooth_positive_mask,
    }
    for kind, mask in masks.items():
        for index in range(2):
            pixels = imread(folder / "masks" / f"{index:06d}-{kind}.png")
            assert pixels.dtype == np.uint8
            assert np.array_equal(pixels, mask[index].numpy() * np.uint8(255))


@pytest.mark.parametrize("spec", first_of(ENVIRONMENTS, 2))
def test_the_truth_can_be_read_without_pickle(tmp_path, spec):
    folder = generate(environment_of(spec), tmp_path / "set", n_samples=3, start=2)
    batch = environment_of(spec).sample(3, start=2)
    with np.load(folder / "truth.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["inputs", "labels", "patch_ids", "signed", "smooth_positive_mask", "targets"]
        assert arrays["signed"].dtype == np.int8
        assert arrays["smooth_positive_mask"].dtype == np.bool_
        for name in ("inputs", "targets", "labels"):
            assert np.array_equal(arrays[name], getattr(batch, name).numpy())
        for name in ("signed", "patch_ids", "smooth_positive_mask"):
            assert np.array_equal(arrays[name], getattr(batch.ground_truth, name).numpy())


def test_samples_are_numbered_from_the_start(tmp_path):
    folder = generate(environment_of(COLORS), tmp_path / "set", n_samples=2, start=41)
    assert [path.name for path in sorted((folder / "images").iterdir())] == ["000041.png", "000042.png"]
    assert [sample["index"] for sample in manifest_of(folder)["samples"]] == [41, 42]
    image = imread(folder / "images" / "000042.png")
    assert np.array_equal(np.moveaxis(image, 2, 0), environment_of(COLORS).sample(1, 42).inputs[0].numpy())


@pytest.mark.wide
def test_more_samples_than_fit_into_a_chunk_are_written_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "CHUNK", 2)
    done = []
    folder = generate(environment_of(COLORS), tmp_path / "set", n_samples=5, progress=done.append)
    with np.load(folder / "truth.npz") as arrays:
        assert np.array_equal(arrays["inputs"], environment_of(COLORS).sample(5).inputs.numpy())
    assert [sample["index"] for sample in manifest_of(folder)["samples"]] == list(range(5))
    assert done == [1] * 5


@pytest.mark.wide
def test_the_same_samples_are_the_same_files(tmp_path):
    first, second = (generate(environment_of(COLORS), tmp_path / name, n_samples=2) for name in "ab")
    assert files_in(first) == files_in(second)
    for name in files_in(first):
        if name != "truth.npz":  # a zip file knows when it was made
            assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.wide
def test_the_preview_shows_at_most_four_samples_and_names_their_answers(tmp_path, monkeypatch):
    monkeypatch.undo()
    assert dataset.N_PREVIEW == 4
    drawn = []
    usual = dataset.attribution_figure
    monkeypatch.setattr(dataset, "attribution_figure", lambda *a, **k: drawn.append(usual(*a, **k)) or drawn[-1])
    generate(environment_of(COLORS), tmp_path / "set", n_samples=2, start=3)
    captions = [" ".join(axis.get_xlabel().split()) for axis in drawn[0].axes[:-1]]
    images, smooth = captions[::3], captions[2::3]
    assert [caption.split(" red ")[0] for caption in images] == ["image 3", "image 4"]
    assert all("wins, probability" in caption for caption in images)
    assert all(caption.endswith(" pixels") for caption in smooth)


@pytest.mark.wide
def test_missing_parents_are_made(tmp_path):
    assert generate(environment_of(COLORS), tmp_path / "a" / "b" / "set", n_samples=1).is_dir()


@pytest.mark.wide
@pytest.mark.parametrize(("mask", "of_files", "of_folders"), [(0o077, 0o600, 0o700), (0o022, 0o644, 0o755)])
def test_the_umask_decides_who_can_read_the_folder(tmp_path, mask, of_files, of_folders):
    before = os.umask(mask)
    try:
        folder = generate(environment_of(COLORS), tmp_path / "set", n_samples=1)
    finally:
        os.umask(before)
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o777 == (of_folders if path.is_dir() else of_files), path


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "set").mkdir()
    assert manifest_of(generate(environment_of(COLORS), tmp_path / "set", n_samples=1))["n_samples"] == 1


def test_a_folder_that_was_written_before_is_not_overwritten(tmp_path):
    folder = generate(environment_of(COLORS), tmp_path / "set", n_samples=1)
    before = {name: (folder / name).read_bytes() for name in files_in(folder)}
    message = r"^`output` must be a new folder, got '.*set'; use --force to replace it$"
    with pytest.raises(BadOption, match=message):
        generate(environment_of(COLORS), folder, n_samples=2)
    assert {name: (folder / name).read_bytes() for name in files_in(folder)} == before


@pytest.mark.wide
def test_a_folder_that_was_written_before_is_replaced_by_force(tmp_path):
    folder = generate(environment_of(COLORS), tmp_path / "set", n_samples=3)
    generate(environment_of(GRAY), folder, n_samples=1, force=True)
    assert manifest_of(folder)["environment"] == GRAY
    assert [path.name for path in (folder / "images").iterdir()] == ["000000.png"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("force", [False, True])
def test_somebody_elses_folder_is_never_touched(tmp_path, force):
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    message = "hold a manifest.json to be replaced, got .*; it was not written" if force else "be a new folder"
    with pytest.raises(BadOption, match=rf"^`output` must {message}"):
        generate(environment_of(COLORS), folder, n_samples=1, force=force)
    assert files_in(folder) == ["thesis.tex"]


def test_a_manifest_of_somebody_else_does_not_make_a_folder_ours(tmp_path):
    """A web page has a manifest.json too."""
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"name": "a web page", "icons": []}')
    (folder / "index.html").write_text("<html>")
    with pytest.raises(BadOption, match=r"^`output` must "):
        generate(environment_of(COLORS), folder, n_samples=1, force=True)
    assert files_in(folder) == ["index.html", "manifest.json"]


@pytest.mark.parametrize("force", [False, True])
def test_a_file_is_not_taken_for_a_folder(tmp_path, force):
    path = tmp_path / "set"
    path.write_text("a file")
    with pytest.raises(BadOption, match=r"^`output` must be a folder, or nothing yet, got "):
        generate(environment_of(COLORS), path, n_samples=1, force=force)
    assert path.read_text() == "a file"


@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_a_link_is_not_followed(tmp_path, target):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(BadOption, match=r"^`output` must be a folder, or nothing yet, got "):
        generate(environment_of(COLORS), tmp_path / "link", n_samples=1, force=True)


@pytest.mark.parametrize("option", [{"n_samples": 0}, {"n_samples": -1}, {"start": -1}])
def test_samples_that_do_not_exist_are_refused_before_anything_is_written(tmp_path, option):
    with pytest.raises(BadOption, match=r"^`(n|n_samples|start)` must be at least [01], got "):
        generate(environment_of(COLORS), tmp_path / "a" / "set", **{"n_samples": 1, **option})
    assert list(tmp_path.iterdir()) == []


def test_no_samples_are_refused_by_the_name_of_the_option(tmp_path):
    with pytest.raises(BadOption, match=r"^`n_samples` must be at least 1, got 0$"):
        generate(environment_of(COLORS), tmp_path / "set", n_samples=0)


def fails_at_the_second_image(monkeypatch, error):
    usual, calls = dataset._write_sample, []

    def write_sample(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return usual(*arguments)

    monkeypatch.setattr(dataset, "_write_sample", write_sample)


def test_a_full_disk_is_the_machines_fault_and_leaves_nothing(tmp_path, monkeypatch):
    fails_at_the_second_image(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    message = r"^`output` must be writable, got '.*set'; No space left on device$"
    with pytest.raises(MachineError, match=message) as caught:
        generate(environment_of(COLORS), tmp_path / "set", n_samples=3)
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt(), MemoryError()])
def test_any_other_end_leaves_nothing_either(tmp_path, monkeypatch, error):
    fails_at_the_second_image(monkeypatch, error)
    with pytest.raises(type(error)):
        generate(environment_of(COLORS), tmp_path / "set", n_samples=3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broken", ["attribution_figure", "save_figure"])
def test_a_failure_at_the_very_end_leaves_nothing(tmp_path, monkeypatch, broken):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(dataset, broken, full)
    with pytest.raises(MachineError, match=r"No space left on device$"):
        generate(environment_of(COLORS), tmp_path / "set", n_samples=1)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_earlier_folder_as_it_was(tmp_path, monkeypatch):
    folder = generate(environment_of(COLORS), tmp_path / "set", n_samples=2)
    before = {name: (folder / name).read_bytes() for name in files_in(folder)}
    fails_at_the_second_image(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(MachineError):
        generate(environment_of(GRAY), folder, n_samples=2, force=True)
    assert {name: (folder / name).read_bytes() for name in files_in(folder)} == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


def test_a_parent_that_is_a_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(BadOption, match=r"^`output` must lie in a folder, got .*file is a file$") as caught:
        generate(environment_of(COLORS), tmp_path / "file" / "set", n_samples=1)
    assert "\n" not in str(caught.value)


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from attributionlab import make_environment
from attributionlab.files import disk, whole
from attributionlab.exchange.dataset import generate

step, folder = sys.argv[1:]

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if step == "between":  # the old folder is aside, the new one not yet in
    disk._exchange = lambda *_: False
    rename, calls = Path.rename, []
    def counted(self, target):
        calls.append(self)
        return killed() if len(calls) == 2 else rename(self, target)
    Path.rename = counted
elif step == "before":
    whole.take_place = killed
else:
    shutil.rmtree = killed
generate(make_environment("single-color-sum[height=16,width=20]"), Path(folder), n_samples=1, force=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.parametrize(("step", "survivor"), [("before", COLORS), ("between", COLORS), ("after", GRAY)])
def test_a_kill_at_any_step_of_force_leaves_the_old_folder_or_the_new_one(tmp_path, warm_python, step, survivor):
    folder = generate(environment_of(COLORS), tmp_path / "set", n_samples=1)
    result = warm_python.run(KILLED, step, folder)
    assert result.returncode == -signal.SIGKILL, result.stderr
    generate(environment_of(COLORS), tmp_path / "other", n_samples=1)  # whatever comes next cleans up
    assert manifest_of(folder)["environment"] == survivor
    assert open_folder(folder)[0].spec == survivor
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["other", "set"]


@pytest.mark.parametrize("name", ["maps.npy", "images/mine.png", "images/000007.png"])
def test_files_of_the_user_are_named_and_kept(tmp_path, name):
    folder = generate(environment_of(COLORS), tmp_path / "set", n_samples=1)
    (folder / name).write_bytes(b"mine")
    with pytest.raises(
        BadOption, match=rf"^`output` must hold nothing else to be replaced, .*; {name} would be deleted"
    ):
        generate(environment_of(COLORS), folder, n_samples=1, force=True)
    assert (folder / name).read_bytes() == b"mine"
