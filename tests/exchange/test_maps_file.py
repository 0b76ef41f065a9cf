"""Maps from elsewhere in every kind of file, what is no such file, and what is told before they are judged."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from safetensors.torch import save_file

from attributionlab.errors import BadOption, MissingFile, UnknownName, WrongShape
from attributionlab.exchange.map_notes import notes_on
from attributionlab.exchange.maps_file import read_maps
from attributionlab.methods import Declaration
from attributionlab.truth.maps import attribution_maps

SHAPE = (2, 3, 4, 5)
MAPS = torch.arange(40.0).reshape(2, 4, 5) / 8 - 2
SIGNED = Declaration()

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch deprecates them, and files have them
    RAGGED = torch.nested.nested_tensor(list(MAPS))
    QUANTIZED = torch.quantize_per_tensor(MAPS, 1 / 8, 0, torch.qint8)


def written(path, save, value):
    save(value, path)
    return path


def save_numpy(value, path):
    with path.open("wb") as file:
        np.save(file, value)


def save_hdf5(value, path):
    with pytest.importorskip("h5py").File(path, "w") as file:
        file["a/0"] = value


FILES = {
    "big-endian.npy": (save_numpy, MAPS.numpy().astype(">f4"), None),
    "upper-case.NPY": (save_numpy, MAPS.numpy(), None),
    "integers.npy": (save_numpy, (MAPS.numpy() * 8).astype(">i2"), None),
    "weights.pth": (torch.save, MAPS, None),
    "older.PT": (lambda value, path: torch.save(value, path, _use_new_zipfile_serialization=False), MAPS, None),
    "list.pt": (torch.save, list(MAPS), None),
    "list-of-batches.pt": (torch.save, [each[None, None] for each in MAPS], None),
    "by-number.pt": (torch.save, dict(enumerate(MAPS)), None),
    "nested.pt": (torch.save, {"a": [MAPS, torch.ones(3)], "epoch": 3}, "a/0"),
    "list-by-name.pt": (torch.save, {"maps": list(MAPS), "epoch": 3, "other": torch.ones(3)}, "maps"),
    "tuple.pt": (torch.save, (torch.ones(3), {"b": MAPS}), "1/b"),
    "integer-key.pt": (torch.save, {7: MAPS, 8: torch.ones(3)}, "7"),
    "only-tensor.pt": (torch.save, {"maps": MAPS, "epoch": 3, "name": "x"}, None),
    "quantized.pt": (torch.save, QUANTIZED, None),
    "half.pt": (torch.save, MAPS.bfloat16(), None),
    "nested-tensor.pt": (torch.save, RAGGED, None),
    "jagged-tensor.pt": (torch.save, {"maps": torch.nested.nested_tensor(list(MAPS), layout=torch.jagged)}, "maps"),
    "channels.safetensors": (save_file, {"maps": torch.stack([MAPS, MAPS, -MAPS], dim=1)}, None),
    "two.safetensors": (save_file, {"maps": MAPS, "other": torch.ones(3)}, "maps"),
    "half.SAFETENSORS": (save_file, {"maps": MAPS.half()}, None),
    "file.h5": (save_hdf5, MAPS.numpy().astype(">f8"), "a/0"),
    "one.hdf5": (save_hdf5, MAPS.numpy(), None),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.filterwarnings("ignore:.*(quantize|TypedStorage)")  # torch on its own quantized tensors
def test_maps_are_read_from_every_kind_of_file(name, tmp_path):
    save, value, key = FILES[name]
    maps = read_maps(written(tmp_path / name, save, value), SHAPE, key=key)
    assert torch.equal(maps.float(), MAPS * 8 if name.startswith("integers") else MAPS)


@pytest.mark.parametrize(
    "value",
    [MAPS.numpy().astype(">f4"), MAPS.numpy().astype(np.longdouble), QUANTIZED],
    ids=["big-endian", "long double", "quantized"],
)  # fmt: skip
def test_arrays_of_any_real_type_are_maps(value):
    assert torch.equal(attribution_maps(value, SHAPE).float(), MAPS)


def test_masked_values_are_no_attribution():
    masked = np.ma.MaskedArray(MAPS.numpy(), mask=MAPS.numpy() > 0)
    assert torch.equal(attribution_maps(masked, SHAPE), MAPS.clamp(max=0))


def test_a_folder_has_a_file_for_each_image_by_its_name(tmp_path):
    names = ("000001", "000000")
    for name, values in zip(
        names, (MAPS[0, None].numpy(), np.repeat(MAPS[1].numpy()[..., None], 3, axis=-1) / 3), strict=True
    ):
        save_numpy(values, tmp_path / f"{name}.npy")
    (tmp_path / "README.md").write_text("other files do not matter")
    torch.testing.assert_close(read_maps(tmp_path, SHAPE, names=names), MAPS)  # thirds are rounded
    torch.save(MAPS[0], tmp_path / "000000.pt")
    with pytest.raises(MissingFile, match=r"000000\.npy and 000000\.pt are of one image"):
        read_maps(tmp_path, SHAPE, names=names)
    with pytest.raises(MissingFile, match=r"hold a file for each of the 2 images, got .*; 000002\.npy is missing"):
        read_maps(tmp_path, SHAPE, names=("000001", "000002"))
    save_numpy(MAPS.numpy(), tmp_path / "000002.npy")
    with pytest.raises(WrongShape, match=r"have shape \(4, 5\), \(3, 4, 5\) or \(4, 5, 3\), got \(2, 4, 5\)"):
        read_maps(tmp_path, SHAPE, names=("000001", "000002"))


def save_npz(value, path):
    with path.open("wb") as file:
        np.savez(file, value)


MISNAMED = {
    "a.pt": (save_npz, MAPS.numpy(), "its content is that of a .npz file"),
    "b.npz": (torch.save, MAPS, "its content is that of a .pt file"),
    "c.npz": (save_numpy, MAPS.numpy(), "its content is that of a .npy file"),
    "d.npy": (save_file, {"maps": MAPS}, "its content is that of a .safetensors file"),
    "e.safetensors": (torch.save, MAPS, "its content is that of a .pt file"),
    "f.npy": (lambda _, path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20)), None, "its content is a picture"),
    "g.pt": (lambda _, path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(20)), None, "its content is that of a .h5 file"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISNAMED)
def test_content_that_is_not_what_its_suffix_says_is_called_that(name, tmp_path):
    save, value, message = MISNAMED[name]
    with pytest.raises(BadOption, match=f"`maps` must be what its suffix says, got .*; {message}"):
        read_maps(written(tmp_path / name, save, value), SHAPE)


@pytest.mark.parametrize("name", ["text.npy", "text.pt", "text.safetensors", "text.h5", "text.npz"])
def test_any_other_content_is_called_damaged(name, tmp_path):
    if name.endswith(".h5"):
        pytest.importorskip("h5py")
    (tmp_path / name).write_text("hello, this is a text of some length")
    with pytest.raises(
        BadOption,
        match=rf"be an undamaged \.{name.partition('.')[2]} file, got .*; it is damaged|files with pickled objects",
    ):
        read_maps(tmp_path / name, SHAPE)


def test_names_in_nested_values_are_suggested(tmp_path):
    torch.save({"a": [MAPS, MAPS]}, tmp_path / "nested.pt")
    with pytest.raises(BadOption, match=r"with --key: a/0 \(2, 4, 5\), a/1 \(2, 4, 5\)"):
        read_maps(tmp_path / "nested.pt", SHAPE)
    with pytest.raises(UnknownName, match="got 'a/2'; did you mean a/1 or a/0"):
        read_maps(tmp_path / "nested.pt", SHAPE, key="a/2")
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    with pytest.raises(BadOption, match=r"`maps` must hold tensors, got .*; it holds dict"):
        read_maps(tmp_path / "none.pt", SHAPE)


def drawn_with(name):
    return torch.from_numpy((colormaps[name](MAPS.numpy() / 6 + 0.5)[..., :3] * 255).round().astype(np.uint8)).movedim(
        -1, 1
    )


BYTES = torch.where(MAPS > 2, 200, 127).to(torch.uint8)
NOTES = {
    "none": (MAPS, []),
    "mask": (MAPS.sign().to(torch.int8), []),
    "channels": (torch.stack([MAPS, -MAPS, MAPS / 3], dim=1), ["3 channels are summed"]),
    "codes": ((MAPS * 8).round(), ["all values are whole numbers, -16 to 23"]),
    "bytes": (BYTES, ["of the bytes are 127, which counts as credit", "whole numbers, 127 to 200", "no value is negative"]),
    "positive": (MAPS.abs() + 0.1, ["no value is negative: say --sign positive"]),
    "negative": (-MAPS.abs() - 0.1, ["no value is positive"]),
    "copies": (MAPS[:1].expand(2, 4, 5), ["all 2 maps are equal"]),
    "jet": (drawn_with("jet"), ["pictures in the colors of jet"]),
    "seismic": (drawn_with("seismic").float() / 255, ["pictures in the colors of seismic"]),
    "gray": (BYTES[:, None].expand(2, 3, 4, 5), ["3 channels are summed", "bytes are 127", "whole numbers", "no value is negative"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTES)
def test_notes_tell_what_may_be_meant_otherwise(name):
    values, expected = NOTES[name]
    notes = notes_on(values, SIGNED, has_negative_truth=True)
    assert len(notes) == len(expected), notes
    assert all(text in note for text, note in zip(expected, notes, strict=True)), notes


def test_one_sign_is_no_note_where_it_is_declared_or_nothing_lowers_the_output():
    assert notes_on(MAPS.abs() + 0.1, Declaration(sign="positive"), has_negative_truth=True) == []
    assert notes_on(MAPS.abs() + 0.1, SIGNED, has_negative_truth=False) == []
    assert notes_on(MAPS * 0, SIGNED, has_negative_truth=True) == ["all 2 maps are equal, although the images differ"]
