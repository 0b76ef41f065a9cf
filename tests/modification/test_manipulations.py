"""Manipulations: regions contain all changes, levels keep regions, functions of users."""

import numpy as np
import pytest
from wide import first_of

from attributionlab.errors import BadOption, MissingFile, UnknownName
from attributionlab.modification import MANIPULATIONS, changes, effective_region, joint_region, make_manipulation
from attributionlab.modification.manipulation import StoredManipulation
from attributionlab.modification.manipulations import Watermark

PAPERS = ("blur", "brightness", "hue", "noise", "watermark")


def picture(height=32, width=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def left_half(height, width):
    mask = np.zeros((height, width), dtype=bool)
    mask[:, : width // 2] = True
    return mask


@changes(left_half)
def darker(picture, random):
    return np.where(left_half(*picture.shape[:2])[..., None], picture // 2, picture)


@pytest.mark.parametrize("name", first_of(MANIPULATIONS.built_in, 3))
def test_all_changes_lie_in_the_declared_region_in_1000_draws(name):
    manipulation = make_manipulation(name)
    region = manipulation.region(24, 20)
    random = np.random.default_rng(1)
    pictures = [picture(24, 20, seed) for seed in range(10)]
    changed = np.zeros_like(region)
    for draw in range(1000):
        original = pictures[draw % 10]
        changed |= effective_region(original, manipulation.apply(original, random))
    assert not (changed & ~region).any()
    assert changed.any() == (name != "blank")


@pytest.mark.parametrize("name", PAPERS)
def test_levels_of_visibility_change_the_picture_more_and_keep_the_region(name):
    manipulation = make_manipulation(name)
    assert len(manipulation.visibility.levels) == 5
    original = np.full((64, 64, 3), (200, 120, 60), dtype=np.uint8)
    original[::2] = (40, 60, 90)
    sums = []
    for level in manipulation.visibility.levels:
        at_level = manipulation.at_level(level)
        assert (at_level.region(64, 64) == manipulation.region(64, 64)).all()
        modified = at_level.apply(original, np.random.default_rng(0))
        sums.append(np.abs(modified.astype(int) - original).sum())
    assert sums == sorted(sums)
    assert sums[0] > 0
    assert manipulation.at_level(manipulation.visibility.levels[-1]) == manipulation


@pytest.mark.parametrize(
    ("name", "share"), [("blur", 0.374), ("brightness", 0.352), ("hue", 70 / 224), ("watermark", 64 * 208 / 224**2)]
)
def test_regions_have_the_documented_share_and_scale_with_the_picture(name, share):
    manipulation = make_manipulation(name)
    assert manipulation.region(224, 224).mean() == pytest.approx(share, abs=0.001)  # pixels at the edge of a disk
    assert manipulation.region(64, 64).mean() == pytest.approx(share, abs=0.02)  # whole rows of 64


def test_a_blur_is_that_of_the_whole_picture_and_leaves_the_disk_alone():
    from scipy.ndimage import gaussian_filter

    original = picture(48, 48)
    modified = make_manipulation("blur", std=14.0).apply(original, np.random.default_rng(0))
    region = make_manipulation("blur").region(48, 48)
    filtered = np.stack([gaussian_filter(original[..., c].astype(float), 3.0, mode="nearest") for c in range(3)], -1)
    assert (modified[region] == filtered.round()[region]).all()
    assert (modified[~region] == original[~region]).all()


def test_brightness_falls_by_the_shift_in_the_center_and_keeps_hue_and_saturation():
    from skimage.color import rgb2hsv

    original = np.full((65, 65, 3), (200, 100, 50), dtype=np.uint8)
    modified = make_manipulation("brightness", shift=0.3).apply(original, np.random.default_rng(0))
    before, after = rgb2hsv(original)[32, 32], rgb2hsv(modified)[32, 32]
    assert after[2] == pytest.approx(before[2] - 0.3, abs=1 / 255)  # colors are integers
    assert after[:2] == pytest.approx(before[:2], abs=2 / 255)  # as above
    assert (np.diff(modified[32, 32:55, 0].astype(int)) >= 0).all()


def test_hue_is_raised_above_the_middle_of_the_band_and_lowered_below():
    from skimage.color import rgb2hsv

    original = np.full((224, 224, 3), (128, 255, 128), dtype=np.uint8)
    hue = rgb2hsv(make_manipulation("hue", magnitude=0.1).apply(original, np.random.default_rng(0)))[:, 0, 0]
    shift = hue - rgb2hsv(original)[0, 0, 0]
    assert shift[97] == pytest.approx(0.1, abs=0.01)  # a quarter of the band; colors are integers
    assert shift[132] == pytest.approx(-0.1, abs=0.01)
    assert shift[79] == shift[150] == 0


def test_noise_replaces_the_stated_share_of_the_band():
    original = np.zeros((224, 224, 3), dtype=np.uint8)
    modified = make_manipulation("noise", probability=0.1).apply(original, np.random.default_rng(0))
    share = (modified != 0).any(axis=2)[80:150].mean()
    assert abs(share - 0.1) < 4 * (0.09 / (70 * 224)) ** 0.5  # four standard deviations


def test_a_watermark_is_white_then_black_and_its_place_is_drawn():
    gray = np.full((224, 224, 3), 128, dtype=np.uint8)
    columns = []
    for seed in range(20):
        modified = make_manipulation("watermark").apply(gray, np.random.default_rng(seed))[..., 0]
        light, dark = ((modified > 200).nonzero()[1], (modified < 50).nonzero()[1])
        assert light.max() < dark.min()
        columns.append(int(light.min()))
    assert len(set(columns)) > 10


def test_a_font_does_not_scale():
    for side in (224, 448):
        gray = np.full((side, side, 3), 128, dtype=np.uint8)
        rows = (make_manipulation("watermark").apply(gray, np.random.default_rng(0)) != gray).any(axis=(1, 2))
        assert rows.sum() in range(9, 14)  # the height of letters of 15 pixels


def test_a_joint_region_is_the_union():
    joint = joint_region([make_manipulation("blank"), make_manipulation("noise"), make_manipulation("border")], 32, 32)
    assert (joint == (make_manipulation("noise").region(32, 32) | make_manipulation("border").region(32, 32))).all()


def test_a_function_with_a_declared_region_is_a_manipulation():
    manipulation = make_manipulation(darker)
    original = picture()
    modified = manipulation.apply(original, np.random.default_rng(0))
    assert (effective_region(original, modified) <= left_half(32, 32)).all()
    assert (manipulation.region(8, 8) == left_half(8, 8)).all()
    assert "darker" in manipulation.spec


def test_a_function_is_named_by_its_address(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from attributionlab.modification import changes\nimport numpy as np\n"
        "@changes(lambda h, w: np.ones((h, w), dtype=bool))\ndef black(picture, random):\n    return picture * 0\n"
    )
    manipulation = make_manipulation(f"{tmp_path}/mine.py:black")
    assert not manipulation.apply(picture(), np.random.default_rng(0)).any()


@changes(left_half)
def everywhere(picture, random):
    return 255 - picture


@changes(left_half)
def raises(picture, random):
    raise ValueError("no idea")


@changes(left_half)
def small(picture, random):
    return picture[:1]


@changes(lambda height, width: np.ones((height, width)))
def floats(picture, random):
    return picture


@changes(lambda _height: None)
def no_region(picture, random):
    return picture


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (everywhere, "must change pixels of its region alone, got .*everywhere'; it changed 512 pixels outside"),
        (raises, "must accept the picture, got .*raises'; ValueError: no idea"),
        (small, r"must return numbers \(32, 32, 3\), got .*small'; it returned uint8 of shape \(1, 32, 3\)"),
        (floats, r"must have a region bool \(32, 32\), got .*floats'; it returned float64"),
        (no_region, "must have a region, got .*; TypeError"),
    ],
)
def test_a_function_that_breaks_its_promise_is_refused(function, message):
    with pytest.raises(BadOption, match=message):
        make_manipulation(function).apply(picture(), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: make_manipulation("watermrak"), UnknownName, "did you mean watermark"),
        (lambda: make_manipulation("noise[probability=2]"), BadOption, r"`probability` must be in \[0, 1\]"),
        (lambda: make_manipulation("noise[top=150,bottom=80]"), BadOption, "`bottom` must be above `top` = 150"),
        (lambda: make_manipulation("hue[bottom=300]"), BadOption, r"`bottom` must be in \[0, 224\]"),
        (lambda: make_manipulation("watermark[font_size=2]"), BadOption, "`font_size` must be at least 4"),
        (lambda: make_manipulation("blur[radius=1000]"), BadOption, "`radius` must be in"),
        (lambda: make_manipulation("spot[side=200]"), BadOption, "`side` must keep the square within 224"),
        (lambda: make_manipulation("spot[top=230]"), BadOption, "`top` must be in"),
        (lambda: make_manipulation(lambda picture, _random: picture), BadOption, "must declare the region"),
        (lambda: make_manipulation("nowhere.py:f"), MissingFile, "must name a file that exists"),
        (lambda: make_manipulation("blank").at_level(1.0), BadOption, "must have levels of visibility, got 'blank'"),
        (lambda: make_manipulation("blank").apply(np.zeros((3, 3)), None), BadOption, "`picture` must be uint8"),
        (lambda: make_manipulation("blank").apply([1], None), BadOption, "`picture` must be uint8 .*, got list"),
        (lambda: changes(3), BadOption, "`region` must be a function"),
        (lambda: changes(left_half)(3), BadOption, "`function` must be a function"),
        (lambda: joint_region(["noise"], 8, 8), BadOption, "`manipulations` must be a manipulation"),
        (
            lambda: effective_region(np.zeros((2, 2, 3)), np.zeros((3, 2, 3))),
            BadOption,
            "must have the shape of `original`",
        ),
        (
            lambda: StoredManipulation(stored=left_half(4, 4), address="x").region(5, 5),
            BadOption,
            "`region` must be of the size",
        ),
        (
            lambda: StoredManipulation(stored=left_half(4, 4), address="x").apply(picture(4, 4), None),
            BadOption,
            "must be one that can be applied again, got 'x'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_text_that_does_not_fit_is_cut_off_at_the_edge_of_the_rectangle():
    manipulation = Watermark(font_size=40)
    original = np.full((32, 32, 3), 128, dtype=np.uint8)
    modified = manipulation.apply(original, np.random.default_rng(0))
    assert (effective_region(original, modified) <= manipulation.region(32, 32)).all()
    assert (modified != original).any()
