from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from attributionlab.errors import BadOption
from attributionlab.scenes import BlobSampler, MultiColorSampler, colored_ids, patch_ids, render, sampling

COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
N_SCENES = 40


def multi_color(**options):
    defaults = {"height": 24, "width": 28, "colors": COLORS, "background": (20, 20, 20), "radii": (2.0, 4.5)}
    return MultiColorSampler(**{**defaults, "max_margin": 5.0, "seed": 0, **options})


def blobs(**options):
    defaults = {"height": 24, "width": 28, "n_patches": 4, "radii": (2.0, 4.0), "max_count": 80}
    return BlobSampler(**{**defaults, "avoid_multiples_of": None, "seed": 0, **options})


def scenes(sampler, n=N_SCENES):
    return [sampler.sample(index) for index in range(n)]


def same(one, two):
    return np.array_equal(render(one), render(two)) and np.array_equal(patch_ids(one), patch_ids(two))


@pytest.mark.parametrize("sampler", [multi_color(), blobs()], ids=["multi-color", "blobs"])
def test_patches_never_overlap(sampler):
    for scene in scenes(sampler):
        assert (patch_ids(scene) > 0).sum() == sum(patch.support.sum() for patch in scene.patches)
        assert (colored_ids(scene) > 0).sum() == sum(scene.n_pixels)


@pytest.mark.parametrize("sampler", [multi_color(), blobs()], ids=["multi-color", "blobs"])
def test_patches_lie_within_the_image(sampler):
    for scene in scenes(sampler):
        assert (scene.height, scene.width) == (24, 28)
        for patch in scene.patches:
            rows, columns = patch.window
            assert 0 <= rows.start < rows.stop <= 24
            assert 0 <= columns.start < columns.stop <= 28


@pytest.mark.parametrize(
    "sampler", [multi_color(radii=(0.3, 1.2)), blobs(radii=(0.3, 1.2))], ids=["multi-color", "blobs"]
)
def test_no_patch_is_empty_however_small(sampler):
    assert any(patch.support.sum() == 1 for scene in scenes(sampler) for patch in scene.patches)
    assert min(min(scene.n_pixels) for scene in scenes(sampler)) >= 1


@pytest.mark.parametrize("sampler", [multi_color(), blobs()], ids=["multi-color", "blobs"])
def test_a_scene_depends_on_seed_and_index_alone(sampler):
    backward = [sampler.sample(index) for index in reversed(range(10))]
    assert all(same(one, two) for one, two in zip(scenes(sampler, 10), reversed(backward), strict=True))
    assert not same(sampler.sample(0), sampler.sample(1))
    assert not same(sampler.sample(0), dataclasses.replace(sampler, seed=1).sample(0))


@pytest.mark.parametrize("sampler", [multi_color(), blobs()], ids=["multi-color", "blobs"])
def test_radii_are_drawn_from_the_whole_range(sampler):
    radii = [patch.radius for scene in scenes(sampler) for patch in scene.patches]
    assert min(radii) >= sampler.radii[0]
    assert max(radii) <= sampler.radii[1]
    assert max(radii) - min(radii) > 0.9 * (sampler.radii[1] - sampler.radii[0])


def test_there_is_one_patch_per_color_in_order():
    for scene in scenes(multi_color()):
        assert tuple(patch.color for patch in scene.patches) == COLORS


def test_triangles_squares_and_circles_all_occur():
    shapes = {patch.shape for scene in scenes(multi_color()) for patch in scene.patches}
    assert shapes == {"triangle", "square", "circle"}


@pytest.mark.parametrize("max_margin", [1.0, 2.0, 3.125, 5.0])
def test_there_is_one_winner_that_leads_by_no_more_than_the_margin(max_margin):
    leads = []
    for scene in scenes(multi_color(max_margin=max_margin)):
        first, second = sorted(scene.n_pixels, reverse=True)[:2]
        leads.append(first - second)
    assert min(leads) == 1
    assert max(leads) == int(max_margin)


def test_patches_whose_expected_lead_is_above_the_margin_are_drawn_again():
    sampler = multi_color(max_margin=4.0)
    for scene in scenes(sampler):
        first, second = sorted((patch.support.sum() for patch in scene.patches), reverse=True)[:2]
        assert first - second <= 2 * sampler.max_margin


def test_without_a_margin_leads_may_be_large_but_never_zero():
    leads = []
    for scene in scenes(multi_color(max_margin=None)):
        first, second = sorted(scene.n_pixels, reverse=True)[:2]
        leads.append(first - second)
    assert min(leads) >= 1
    assert max(leads) > 12


def test_every_color_wins_sometimes():
    assert {int(np.argmax(scene.n_pixels)) for scene in scenes(multi_color())} == {0, 1, 2, 3}


def test_blobs_are_white_on_black():
    for scene in scenes(blobs(), 5):
        assert scene.background == (0,)
        assert {patch.color for patch in scene.patches} == {(1,)}
        assert set(np.unique(render(scene))) == {0, 1}
        assert {patch.shape for patch in scene.patches} == {"bezier-blob"}


def test_there_are_as_many_blobs_as_asked_for():
    assert len(blobs(n_patches=2).sample(0).patches) == 2


def test_counts_above_the_largest_are_never_drawn():
    unlimited = [sum(scene.n_pixels) for scene in scenes(blobs(max_count=10_000))]
    limited = [sum(scene.n_pixels) for scene in scenes(blobs(max_count=50))]
    assert max(unlimited) > 50
    assert max(limited) <= 50
    assert max(limited) >= 48


def test_counts_that_are_a_multiple_of_the_modulus_are_never_drawn():
    unlimited = [sum(scene.n_pixels) % 3 for scene in scenes(blobs())]
    avoided = [sum(scene.n_pixels) % 3 for scene in scenes(blobs(avoid_multiples_of=3))]
    assert 0 in unlimited
    assert set(avoided) == {1, 2}


def test_each_pixel_of_a_patch_is_kept_with_probability_a_half():
    patches = [patch for scene in scenes(multi_color(max_margin=None)) for patch in scene.patches]
    n_supports = sum(int(patch.support.sum()) for patch in patches)
    n_kept = sum(patch.n_pixels for patch in patches)
    assert abs(n_kept / n_supports - 0.5) < 4 * 0.5 / n_supports**0.5  # four standard errors


@pytest.mark.parametrize(
    "sampler", [multi_color(radii=(10.0, 11.0)), blobs(radii=(7.0, 8.0), max_count=10_000)], ids=["colors", "blobs"]
)
def test_scenes_that_cannot_be_drawn_are_refused(sampler, monkeypatch):
    monkeypatch.setattr(sampling, "N_DRAWS", 50)
    message = "`max_radius` must leave room for 4 patches in 24x28 pixels .*, got .*; 50 attempts were rejected"
    with pytest.raises(BadOption, match=message):
        sampler.sample(0)
