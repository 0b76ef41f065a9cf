"""Folders of pictures as users have them: formats, sizes, modes, and files that are none."""

import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from attributionlab.errors import BadOption, MissingFile, UnknownName
from attributionlab.exchange.image_folder import read_pictures, require_inside
from attributionlab.modification import pictures as module

SIDE = 20
RAMP = np.linspace(0, 255, SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE)
COLORS = np.stack([RAMP, RAMP[::-1], RAMP.T], axis=2)


def png_16_bits(path, colors):
    """A PNG of 16 bits per channel and three channels, which Pillow cannot write."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colors)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", colors.shape[1], colors.shape[0], 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@pytest.fixture
def folder(tmp_path):
    """Two classes with one PNG each."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(COLORS).save(tmp_path / name / "0.png")
    return tmp_path


def first(folder, **options):
    """The first picture of class a."""
    return read_pictures(folder, **options).pictures.values[0]


def replace(folder, name):
    """The path of the only picture of class a."""
    (folder / "a" / "0.png").unlink()
    return folder / "a" / name


def test_classes_and_files_come_in_the_order_of_their_names(folder):
    Image.fromarray(255 - COLORS).save(folder / "b" / "1.bmp")
    (folder / ".hidden").mkdir()
    (folder / "b" / ".DS_Store").write_bytes(b"x")
    (folder / "notes.txt").write_text("beside the classes")
    pictures = read_pictures(folder).pictures
    assert pictures.classes == ("a", "b")
    assert pictures.labels.tolist() == [0, 1, 1]
    assert pictures.sources == ("a/0.png", "b/0.png", "b/1.bmp")
    assert (pictures.values[0] == COLORS).all()
    assert read_pictures(folder, classes=["b", "a"]).pictures.labels.tolist() == [0, 0, 1]
    assert len(read_pictures(folder, n_per_class=1).pictures) == 2


def test_16_bits_become_8(folder):
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(replace(folder, "gray.png"))
    assert (first(folder) == RAMP[..., None]).all()


def test_16_bits_in_colors_become_8(folder):
    png_16_bits(replace(folder, "colors.png"), COLORS.astype(np.uint16) * 257)
    assert (first(folder) == COLORS).all()


def test_cmyk_becomes_rgb(folder):
    red = Image.new("CMYK", (SIDE, SIDE), (0, 255, 255, 0))
    red.save(replace(folder, "cmyk.jpg"), quality=95)
    assert np.abs(first(folder).astype(int) - (255, 0, 0)).max() < 8  # JPEG is lossy


def test_exif_rotation_is_applied(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees clockwise
    Image.fromarray(COLORS).save(replace(folder, "turned.png"), exif=exif)
    assert (first(folder) == np.rot90(COLORS, -1)).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_pixels_are_white(folder, mode):
    alpha = np.zeros((SIDE, SIDE), dtype=np.uint8)
    alpha[: SIDE // 2] = 255
    image = Image.fromarray(COLORS).convert("RGBA")
    image.putalpha(Image.fromarray(alpha))
    converted = image.convert("P") if mode == "PA" else image.convert(mode)
    converted.save(replace(folder, "alpha.png"))
    picture = first(folder)
    assert (picture[SIDE // 2 :] == 255).all()
    if mode == "RGBA":
        assert (picture[: SIDE // 2] == COLORS[: SIDE // 2]).all()


def test_of_an_animation_the_first_picture_is_taken(folder):
    frames = [Image.new("RGB", (SIDE, SIDE), color) for color in ((255, 0, 0), (0, 0, 255))]
    frames[0].save(replace(folder, "moving.gif"), save_all=True, append_images=frames[1:])
    assert (first(folder) == (255, 0, 0)).all()


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_gray_and_palettes_become_rgb(folder, mode):
    Image.fromarray(RAMP).convert(mode).save(replace(folder, "gray.png"))
    assert first(folder).shape == (SIDE, SIDE, 3)


def test_with_a_size_the_middle_square_is_scaled(folder):
    wide = np.zeros((SIDE, 3 * SIDE, 3), dtype=np.uint8)
    wide[:, SIDE : 2 * SIDE] = (0, 255, 0)
    Image.fromarray(wide).save(replace(folder, "wide.png"))
    pictures = read_pictures(folder, size=16).pictures
    assert pictures.values.shape == (2, 16, 16, 3)
    assert (pictures.values[0][:, 2:-2] == (0, 255, 0)).all()


def bad_files(folder):
    """Files that are no pictures, by name."""
    whole = (folder / "a" / "0.png").read_bytes()
    (folder / "a" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "a" / "empty.jpg").write_bytes(b"")
    (folder / "a" / "text.txt").write_text("not a picture")
    Image.fromarray(RAMP.astype(np.float32) / 255).save(folder / "a" / "floats.tif")
    os.mkfifo(folder / "a" / "pipe.png")
    return ["cut.png", "empty.jpg", "floats.tif", "pipe.png", "text.txt"]


def test_a_file_that_cannot_be_read_is_named(folder):
    for name in bad_files(folder):
        others = [path for path in (folder / "a").iterdir() if path.name not in ("0.png", name)]
        for path in others:
            path.rename(folder / path.name)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(BadOption, match=rf"must hold pictures that can be read, got 'a/{name}'; .*--skip-bad"):
                read_pictures(folder)
        for path in others:
            (folder / path.name).rename(path)


def test_files_that_cannot_be_read_are_counted_where_they_are_left_out(folder):
    names = bad_files(folder)
    read = read_pictures(folder, skip_bad=True)
    assert [text.partition(":")[0] for text in read.skipped] == [f"a/{name}" for name in names]
    assert len(read.pictures) == 2


def test_a_picture_of_too_many_pixels_is_not_unpacked(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", SIDE * SIDE - 1)
    with pytest.raises(BadOption, match="DecompressionBombWarning"):
        read_pictures(folder)


def test_too_many_pictures_for_the_memory_are_refused(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 2000)
    with pytest.raises(BadOption, match=r"`pictures` must need at most .* GB, got '2 of 20x20'"):
        read_pictures(folder)


def test_pictures_of_different_sizes_need_a_size(folder):
    Image.fromarray(COLORS[:, :17]).save(folder / "b" / "1.png")
    message = "`images` must have one size, or be given --size, got '20x20 in a/0.png, 17x20 in b/1.png'"
    with pytest.raises(BadOption, match=message):
        read_pictures(folder)


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (
            lambda folder: (folder / "c").mkdir(),
            {},
            BadOption,
            "must hold pictures in every class, got 'c'; it has none",
        ),
        (
            lambda _folder: None,
            {"classes": ["a"]},
            BadOption,
            "a folder for each of at least two classes, got .*; it has 1",
        ),
        (lambda _folder: None, {"classes": ["a", "x"]}, UnknownName, "`classes` must be a known name, got 'x'"),
        (lambda _folder: None, {"size": 8}, BadOption, "`size` must be at least 16"),
        (lambda _folder: None, {"n_per_class": 0}, BadOption, "`n_per_class` must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(folder, change, options, error, message):
    change(folder)
    with pytest.raises(error, match=message):
        read_pictures(folder, **options)


def test_tiny_pictures_and_missing_folders_are_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name / "0.png")
    with pytest.raises(BadOption, match=r"must have at least 16 x 16 pixels, got 'a/0.png'; it has 4x4"):
        read_pictures(tmp_path)
    with pytest.raises(MissingFile, match="`images` must be a folder"):
        read_pictures(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.png", "", 3, "a\0b"])
def test_names_that_lead_out_of_a_folder_are_refused(name):
    with pytest.raises(BadOption, match="must lie in the folder"):
        require_inside(name)
