"""`attributionlab modify`: sources, options, one line for each mistake, nothing half-written."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from attributionlab.cli.app import app
from attributionlab.exchange.modified_folder import read_modified

SMALL = ("--images", "builtin", "-n", "6", "--size", "16")


def call(*arguments):
    return CliRunner().invoke(app, ["modify", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for name in ("cats", "dogs", "owls"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for index in range(5):
            pixels = random.integers(0, 256, (20 + index, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "mine" / name / f"{index}.png")
    return tmp_path / "mine"


@pytest.mark.wide
def test_built_in_pictures(tmp_path):
    result = call(*SMALL, "-o", tmp_path / "new", "--manipulation", "noise[probability=1]", "--reassign", "0.8")
    assert result.exit_code == 0, result.output
    assert "wrote 12 pictures of 2 classes" in result.stdout
    assert "p* = 0.8, 31.2% of the pixels in the joint region" in result.stdout
    data = read_modified(tmp_path / "new")
    assert data.classes == ("cat", "coffee")
    assert data.reassign == 0.8


def test_a_folder_of_three_classes_and_a_matrix(folder, tmp_path):
    matrix = "1,0,0;0,0.5,0.5;0,0.5,0.5"
    manipulations = "blank,noise,spot"
    result = call(folder, "-o", tmp_path / "new", "--manipulation", manipulations, "--reassign", matrix, "--size", 16)
    assert result.exit_code == 0, result.output
    data = read_modified(tmp_path / "new")
    assert [each.spec for each in data.manipulations] == ["blank", "noise", "spot"]
    assert data.matrix.tolist() == [[1, 0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]]


def test_two_classes_of_a_folder_with_a_border_and_bad_files(folder, tmp_path):
    (folder / "owls" / "broken.png").write_bytes(b"x")
    arguments = (folder, "-o", tmp_path / "new", "--classes", "owls,cats", "--size", 16, "--noninformative", "spot")
    assert "'owls/broken.png'" in call(*arguments).stderr
    assert not (tmp_path / "new").exists()
    result = call(*arguments, "--skip-bad")
    assert result.exit_code == 0, result.output
    assert "warning: 1 of 11 files were left out: owls/broken.png" in result.stderr
    manifest = json.loads((tmp_path / "new" / "manifest.json").read_text())
    assert (manifest["classes"], manifest["noninformative"]) == (["owls", "cats"], "spot")


def test_the_seed_decides_and_flat_pictures_exist(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        arguments = ("--images", "flat", "-n", 6, "--size", 16, "--manipulation", "spot")
        assert call(*arguments, "-o", tmp_path / name, "--seed", seed).exit_code == 0
    stored = [(tmp_path / name / "manifest.json").read_bytes() for name in "abc"]
    assert stored[0] == stored[1] != stored[2]


@pytest.mark.wide
def test_a_region_of_the_whole_picture_is_warned_about(tmp_path):
    (tmp_path / "whole.py").write_text(
        "import numpy as np\nfrom attributionlab.modification import changes\nprint('chatter')\n"
        "@changes(lambda h, w: np.ones((h, w), dtype=bool))\ndef invert(picture, random):\n    return 255 - picture\n"
    )
    result = call(*SMALL, "-o", tmp_path / "new", "--manipulation", f"{tmp_path}/whole.py:invert")
    assert result.exit_code == 0, result.output
    assert "invert is the whole picture: any attribution lies in it" in result.stderr
    empty = call(*SMALL, "-o", tmp_path / "empty", "--manipulation", "blank")
    assert "is empty: no attribution can lie in it" in empty.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--reassign", "1.5"), "`reassign` must be in [0, 1], got 1.5"),
        (("--reassign", "x"), "`reassign` must be a number, or rows of numbers like 0.9,0.1;0.2,0.8, got 'x'"),
        (("--reassign", "0.5,0.6;0.5,0.5"), "`reassign` must have rows that sum to 1, got 1.1 in row 0"),
        (("--reassign", "1,0"), "`reassign` must have a row and a column for each of the 2 classes, got (1, 2)"),
        (
            ("--manipulation", "watermrak"),
            "`manipulation` must be a known name, got 'watermrak'; did you mean watermark?",
        ),
        (("--manipulation", "noise,blur,hue"), "`manipulation` must be 2, one per class"),
        (
            ("--noninformative", "watermark"),
            "`noninformative` must lie outside of the effective region, got 'watermark'",
        ),
        (("--classes", "cat"), "`classes` must be at least two, got ['cat']"),
        (("--classes", "cat,dog"), "`classes` must be a known name, got 'dog'"),
        (("--skip-bad",), "`skip_bad` must go with a folder of pictures"),
        (("--size", "8"), "`size` must be at least 16, got 8"),
        (("-n", "0"), "`n_per_class` must be at least 1, got 0"),
        (("--seed", "-1"), "`seed` must be at least 0"),
        (("mine",), "`images` must be a folder, or --images builtin, got 'both'"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*SMALL, "-o", "new", *arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "`images` must be a folder with a folder of pictures for each class, got 'nowhere'"),
        ((), "`images` must be a folder, or --images builtin, got 'none'"),
        (
            ("--images", "built"),
            "`images` must be builtin or flat, got 'built'; pictures of your own are named before the options",
        ),
        (("--images", "flat", "--classes", "a,b"), "`classes` must be left out with --images flat"),
        (("mine",), "`images` must have one size, or be given --size"),
        (("mine", "--classes", "cats"), "`images` must have a folder for each of at least two classes"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_bad_source_is_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*arguments, "-o", "new")
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith(f"error: {message}")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_exists_is_not_overwritten(tmp_path):
    assert call(*SMALL, "-o", tmp_path / "new").exit_code == 0
    before = (tmp_path / "new" / "manifest.json").read_bytes()
    result = call(*SMALL, "-o", tmp_path / "new", "--seed", 1)
    assert result.exit_code == 2
    assert "`output` must be a new or an empty folder" in result.stderr
    assert (tmp_path / "new" / "manifest.json").read_bytes() == before
