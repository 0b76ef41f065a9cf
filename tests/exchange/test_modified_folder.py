"""Folders of modified pictures: the same data back, the same bytes again, damage named."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from attributionlab.errors import AttributionLabError, BadOption, MissingFile
from attributionlab.exchange.modified_folder import read_modified, write_modified
from attributionlab.exchange.new_folder import check_new_folder
from attributionlab.modification import Pictures, builtin_pictures, changes, modify


@changes(lambda height, width: np.arange(height)[:, None].repeat(width, axis=1) < height // 2)
def black_half(picture, random):
    picture = picture.copy()
    picture[: len(picture) // 2] = 0
    return picture


@pytest.fixture(scope="module")
def data():
    return modify(builtin_pictures(n_per_class=8, size=24), "watermark", reassign=0.7, noninformative="spot", seed=3)


@pytest.fixture(scope="module")
def written(data, tmp_path_factory):
    steps = []
    folder = write_modified(data, tmp_path_factory.mktemp("modified") / "folder", progress=steps.append)
    assert sum(steps) == 16
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def test_the_same_data_come_back(data, written):
    read = read_modified(written)
    for name in ("values", "labels", "matrix", "has_noninformative"):
        assert (getattr(read, name) == getattr(data, name)).all()
    assert (read.originals.values == data.originals.values).all()
    assert (read.manipulations, read.noninformative, read.splits) == (
        data.manipulations,
        data.noninformative,
        data.splits,
    )
    assert (read.classes, read.originals.sources, read.seed) == (data.classes, data.originals.sources, 3)
    assert (read.version(0, 1) == data.version(0, 1)).all()


@pytest.mark.wide
def test_equal_data_are_equal_bytes(data, written, tmp_path):
    again = write_modified(data, tmp_path / "again")
    files = sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((written / name).read_bytes() == (again / name).read_bytes() for name in files)


def test_pictures_lie_by_split_and_new_class(data, written):
    for index in range(len(data)):
        path = written / "images" / data.splits[index] / data.classes[data.labels[index]] / f"{index:06d}.png"
        assert (np.asarray(Image.open(path)) == data.values[index]).all()
    assert (np.asarray(Image.open(written / "regions" / "joint.png")) > 0).sum() == data.region.sum()
    assert "70.0%" not in (written / "README.md").read_text()
    assert "p* = 0.7" in (written / "README.md").read_text()


def test_of_a_function_the_region_is_read_and_the_function_is_not_imported(tmp_path):
    data = modify(builtin_pictures(n_per_class=5, size=16), black_half)
    read = read_modified(write_modified(data, tmp_path / "own"))
    assert read.manipulations[1].spec == data.manipulations[1].spec
    assert (read.region == data.region).all()
    assert (read.values == data.values).all()
    with pytest.raises(BadOption, match="must be one that can be applied again"):
        read.version(int(np.flatnonzero(read.labels == 0)[0]), 1)


@pytest.mark.parametrize("name", ["file", "full", "link"])
def test_nothing_is_overwritten(data, tmp_path, name):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(BadOption, match="`output` must"):
        write_modified(data, tmp_path / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
    with pytest.raises(BadOption, match="`output` must"):
        check_new_folder(tmp_path / name)


@pytest.mark.wide
def test_an_empty_folder_is_filled(data, tmp_path):
    (tmp_path / "empty").mkdir()
    assert len(read_modified(write_modified(data, tmp_path / "empty"))) == 16


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", ""])
def test_classes_need_names_that_folders_can_have(data, tmp_path, name):
    originals = data.originals
    renamed = Pictures(originals.values, originals.labels, (name, "b"))
    with pytest.raises(BadOption, match="`classes` must have names that folders can have"):
        write_modified(modify(renamed, "noise"), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def edited(**entries):
    """Change entries of the manifest."""

    def edit(folder):
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**manifest, **entries}))

    return edit


def edited_sample(**entries):
    """Change entries of the first picture."""

    def edit(folder):
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["samples"][0].update(entries)
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return edit


def painted(name):
    """Change a pixel outside of the region."""

    def paint(folder):
        path = next(folder.glob(name))
        pixels = np.asarray(Image.open(path)).copy()
        pixels[-1, -1] ^= 255
        Image.fromarray(pixels).save(path)

    return paint


def resized(folder):
    Image.new("RGB", (9, 9)).save(folder / "originals" / "000000.png")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "manifest.json").unlink(),
            "must be one that `attributionlab modify` wrote, got .*; it has no",
        ),
        (lambda folder: (folder / "manifest.json").write_text("{"), "must have an undamaged manifest.json"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "must have an undamaged manifest.json"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "its manifest.json is of another kind"),
        (edited(format=99), "must have format 1, got 99"),
        (edited(samples=[]), "must have an undamaged manifest.json, got .*`samples` must be a list"),
        (edited(samples=[{}]), "must have an undamaged manifest.json, got .*; it has no"),
        (edited(classes="ab"), "`classes` must be a list"),
        (edited(height=10**9), "`height` must be at most"),
        (edited(height=9_999, width=10_000), "`pictures` must need at most 2 GB"),
        (edited(reassignment=[[1, 1], [0, 1]]), "must have rows that sum to 1"),
        (edited(manipulations=["noise", "nosie"]), "did you mean noise"),
        (edited(manipulations=["blank"]), "`manipulations` must be a list"),
        (edited(noninformative=3), "`manipulations` must be a text"),
        (edited(seed=4), "`label` must follow from seed and reassignment"),
        (edited_sample(split="test-set"), "`split` must follow"),
        (edited_sample(original_label=7), "`original_label` must be at most 1"),
        (edited_sample(image="../../x.png"), "`path` must lie in the folder"),
        (edited_sample(image="missing.png"), "must hold all files of its manifest.json, got '.*missing.png'"),
        (resized, "must hold pictures of 24x24 pixels, got '9x9' in|must hold pictures of 24x24 pixels, got 9x9 in"),
        (painted("originals/000000.png"), "differ from their originals in the region alone"),
        (lambda folder: (folder / "originals/000000.png").write_bytes(b"x"), "must hold undamaged pictures"),
    ],
)
def test_damage_is_named_in_one_line(folder, damage, message):
    damage(folder)
    with pytest.raises(AttributionLabError, match=message) as caught:
        read_modified(folder)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(MissingFile, match="`folder` must be one that"):
        read_modified(tmp_path / "nowhere")
