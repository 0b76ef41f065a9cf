from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from attributionlab.scenes import Patch, Scene, colored_ids, patch_ids, render

SUPPORT = np.array([[True, True, False], [True, True, True]])
KEPT = np.array([[True, False, False], [False, True, True]])


@pytest.fixture
def scene():
    first = Patch("triangle", 1.5, (1, 2, 3), 1, 0, SUPPORT.copy(), KEPT.copy())
    second = Patch("square", 0.5, (9, 8, 7), 4, 3, np.array([[True]]), np.array([[True]]))
    return Scene(5, 4, (20, 20, 20), (first, second))


def test_an_image_shows_colors_where_pixels_are_kept_and_the_background_elsewhere(scene):
    expected = [[(20, 20, 20)] * 4 for _ in range(5)]
    expected[1][0] = expected[2][1] = expected[2][2] = (1, 2, 3)
    expected[4][3] = (9, 8, 7)
    image = render(scene)
    assert image.dtype == np.uint8
    assert image.tolist() == [[list(pixel) for pixel in row] for row in expected]


def test_a_gray_image_has_one_channel(scene):
    patches = (dataclasses.replace(scene.patches[0], color=(1,)),)
    image = render(Scene(5, 4, (0,), patches))
    assert image.shape == (5, 4, 1)
    assert image.sum() == 3


def test_patch_ids_count_supports_from_one(scene):
    ids = patch_ids(scene)
    assert ids.dtype == np.int16
    assert ids.tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 2]]


def test_colored_ids_count_kept_pixels_only(scene):
    ids = colored_ids(scene)
    assert ids.dtype == np.int16
    assert ids.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 2]]


def test_a_scene_knows_how_many_pixels_each_patch_has(scene):
    assert scene.n_pixels == (3, 1)


def test_a_window_is_where_the_support_lies(scene):
    assert scene.patches[0].window == (slice(1, 3), slice(0, 3))


def test_kept_pixels_outside_of_the_support_are_refused():
    with pytest.raises(AssertionError, match="colored pixels must lie in the support"):
        Patch("square", 0.5, (1,), 0, 0, KEPT, SUPPORT)


@pytest.mark.parametrize("mask", ["support", "colored"])
def test_masks_of_a_patch_cannot_be_written(scene, mask):
    with pytest.raises(ValueError, match="read-only"):
        getattr(scene.patches[0], mask)[0, 0] = False


def test_scenes_and_patches_are_frozen(scene):
    with pytest.raises(dataclasses.FrozenInstanceError):
        scene.height = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        scene.patches[0].top = 3
