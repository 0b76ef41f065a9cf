"""Altered folders and files of maps: one error that names the file, before much is read."""

from __future__ import annotations

import io
import json
import shutil
import zipfile

import numpy as np
import pytest

from attributionlab.environments import make_environment
from attributionlab.errors import AttributionLabError, BadOption, WrongShape
from attributionlab.exchange import maps_file, stored_arrays
from attributionlab.exchange.array_files import declared_arrays, png_size
from attributionlab.exchange.dataset import generate
from attributionlab.exchange.dataset_folder import open_folder
from attributionlab.exchange.maps_file import read_maps

IMAGES = (2, 3, 16, 16)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return generate(make_environment("multi-color-sum", size=16), tmp_path_factory.mktemp("data") / "set", n_samples=2)


@pytest.fixture
def folder(original, tmp_path):
    """A folder of images and truth, to be damaged."""
    return shutil.copytree(original, tmp_path / "data")


def test_a_whole_folder_is_opened(folder):
    data = open_folder(folder)
    assert (data.environment.spec, len(data.batch)) == ("multi-color-sum[size=16]", 2)
    assert data.names == ("000000", "000001")


@pytest.mark.parametrize("entry", ["format", "environment", "n_samples", "start", "samples"])
@pytest.mark.parametrize(
    "value", [None, [], {}, "x", 1.5, -1, True, 10**30, [None], [{"image": None}], [{"image": "../x.png"}] * 2]
)
def test_a_manifest_with_wrong_types_is_refused(folder, entry, value):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, entry: value}))
    with pytest.raises(AttributionLabError, match=r"^`folder` must "):
        open_folder(folder)


@pytest.mark.parametrize("text", ["", "null", "[]", "3", '"x"', "{", "[" * 100_000, "{}", "\udcff"])
def test_a_manifest_that_is_something_else_is_refused(folder, text):
    (folder / "manifest.json").write_text(text, errors="surrogateescape")
    with pytest.raises(BadOption, match=r"^`folder` must have an undamaged manifest\.json"):
        open_folder(folder)


@pytest.mark.parametrize("n_bytes", [0, 1, 8, 20, 24, 30, 60])
def test_a_png_that_is_cut_is_refused(folder, n_bytes):
    path = folder / "images" / "000001.png"
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(BadOption, match=r"must hold the images of its environment, got '.*000001\.png'"):
        open_folder(folder)


def test_a_png_of_another_size_is_not_read(folder, monkeypatch):
    path = folder / "images" / "000000.png"
    content = bytearray(path.read_bytes())
    content[16:24] = (50_000).to_bytes(4, "big") * 2
    path.write_bytes(content)
    assert png_size(path) == (50_000, 50_000)
    monkeypatch.setattr("attributionlab.exchange.dataset_folder.imread", lambda _: pytest.fail("it was read"))
    with pytest.raises(BadOption, match="must hold the images of its environment"):
        open_folder(folder)


def zeros_npz(path, shape):
    """A .npz that declares an array of zeros far larger than the few bytes that it holds."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("maps.npy", header.getvalue())
    return path


def test_an_array_that_is_declared_too_large_is_not_read(tmp_path, monkeypatch):
    path = zeros_npz(tmp_path / "maps.npz", (2, 30_000, 30_000))
    monkeypatch.setattr(stored_arrays, "read_array", lambda *_: pytest.fail("it was read"))
    with pytest.raises(WrongShape, match=r"^`maps` must have shape .*, got \(2, 30000, 30000\)"):
        read_maps(path, IMAGES)


def test_a_truth_that_is_declared_too_large_is_not_read(folder, monkeypatch):
    zeros_npz(folder / "truth.npz", (2, 30_000, 30_000))
    monkeypatch.setattr("attributionlab.exchange.dataset_folder.read_array", lambda *_: pytest.fail("it was read"))
    with pytest.raises(BadOption, match=r"^`folder` must hold the truth\.npz of its environment"):
        open_folder(folder)


def test_a_compressed_pt_file_is_not_loaded(tmp_path, monkeypatch):
    path = tmp_path / "maps.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", b"\0" * 1_000_000)
    monkeypatch.setattr(stored_arrays.torch, "load", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(BadOption, match="its parts are compressed"):
        read_maps(path, IMAGES)


def test_headers_are_read_without_the_arrays(tmp_path):
    np.savez(tmp_path / "two.npz", a=np.zeros((2, 3)), b=np.zeros(4, dtype=np.int8))
    np.save(tmp_path / "one.npy", np.zeros((5, 6), dtype=np.float32))
    declared = declared_arrays(tmp_path / "two.npz")
    assert {name: (array.shape, array.dtype) for name, array in declared.items()} == {
        "a": ((2, 3), np.float64),
        "b": ((4,), np.int8),
    }
    assert declared_arrays(tmp_path / "one.npy").shape == (5, 6)


@pytest.mark.parametrize("name", ["a/" * 3_000 + "x.npy", "x" * 300 + ".npy", "\udcff.npy", "\x1b.npy"])
def test_impossible_paths_are_files_that_do_not_exist(name):
    with pytest.raises(FileNotFoundError, match=r"^`maps` must name a file that exists") as refused:
        read_maps(maps_file.Path(name), IMAGES)
    assert str(refused.value).isprintable()
