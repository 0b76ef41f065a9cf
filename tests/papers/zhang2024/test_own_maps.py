"""Maps on trained networks: numbers that stand in for the eye, on maps whose numbers are known."""

import io

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from skimage.io import imread

from attributionlab.papers.claims import Status
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024.own_maps import (
    compare_noise,
    compare_signs_and_baselines,
    opposite_signs,
    pixel_correlation,
    total_variation,
)
from attributionlab.papers.zhang2024.own_networks import OwnMaps
from attributionlab.papers.zhang2024.paper import PRESETS

SIDE = 16
ROWS, COLUMNS = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
CHECKED = (1.0 - 2 * ((ROWS + COLUMNS) % 2))[None]
"""Signs of a chessboard."""

HALVES = torch.where(COLUMNS < SIDE // 2, 1.0, -1.0)[None]
"""Signs that change once."""

RAMP = torch.arange(SIDE**2).view(1, SIDE, SIDE).float()
PLAIN = torch.full((1, 3, SIDE, SIDE), 100.0)
SPLIT = torch.where(COLUMNS < SIDE // 2, 0.0, 200.0).expand(1, 3, SIDE, SIDE)


def shares(images, maps):
    return tuple(float(values[0]) for values in opposite_signs(images, maps))


def test_neighbors_on_a_chessboard_all_have_opposite_signs():
    assert shares(PLAIN, CHECKED) == (1, 0.5)


def test_signs_that_change_once_differ_across_one_edge_only():
    assert shares(PLAIN, HALVES) == (SIDE / (2 * SIDE * (SIDE - 1)), 0.5)


def test_neighbors_of_unlike_color_are_not_counted():
    assert shares(SPLIT, HALVES) == (0, 0.5)


def test_only_highlighted_pixels_are_counted():
    dust = torch.where(ROWS < SIDE // 4, 1.0, 1e-6 * CHECKED[0])[None]
    assert shares(PLAIN, dust) == (0, 0)


def test_without_neighbors_of_like_color_there_is_no_share():
    noise = torch.where(CHECKED > 0, 0.0, 200.0).expand(1, 3, SIDE, SIDE)
    assert np.isnan(shares(noise, CHECKED)[0])
    assert np.isnan(shares(PLAIN, torch.zeros(1, SIDE, SIDE))).all()


def test_rank_correlation_is_spearmans():
    maps = torch.rand(2, 5, 7, generator=torch.Generator().manual_seed(0)).mul(10).round()
    expected = [
        spearmanr(first, second).statistic
        for first, second in zip(maps.flatten(1), maps.flip(0).flatten(1), strict=True)
    ]
    np.testing.assert_allclose(pixel_correlation(maps, maps.flip(0)), expected)
    assert np.isnan(pixel_correlation(RAMP, torch.ones_like(RAMP))).all()


def test_total_variation_is_what_noise_raises_and_a_flat_map_has_none():
    assert total_variation(CHECKED).tolist() == [4]
    assert total_variation(HALVES).tolist() == [2 / (SIDE - 1)]
    assert np.isnan(total_variation(torch.ones(1, SIDE, SIDE))).all()


def setting(tmp_path, **maps):
    own = OwnMaps("mine.py:net", PLAIN, torch.tensor([3]), maps, (1, 2, 3))
    return StudySetting(tmp_path, PRESETS["quick"], prepared={"VGG16": own})


def section_4_maps(signs, other):
    """Every pair of maps is a ramp and another map."""
    names = {"LIME (quickshift)": RAMP, "LIME (felzenszwalb)": other}
    for name in ("IG", "Occlusion"):
        names |= {f"{name}, black": RAMP, f"{name}, 1,2,3": other}
    return {"DeepSHAP": signs, **names}


def statuses(shown):
    return {result.claim.key: [finding.status for finding in result.findings] for result in shown.claims}


@pytest.mark.wide
@pytest.mark.parametrize(
    ("signs", "other", "status"),
    [
        (CHECKED, -RAMP, Status.reproduced),
        (HALVES, 2 * RAMP, Status.not_reproduced),
        (-RAMP, 2 * RAMP, Status.not_reproduced),
    ],
)
def test_section_4_is_judged_by_signs_segmentations_and_baselines(tmp_path, signs, other, status):
    found = statuses(compare_signs_and_baselines(setting(tmp_path, **section_4_maps(signs, other))))
    assert found["section4.imagenet-deepshap"] == [status]
    assert found["section4.imagenet-lime"] == [status, Status.unchecked, Status.unchecked]
    assert found["section4.imagenet-baselines"] == [status] * 2


def test_coarse_maps_have_a_figure_of_their_own(tmp_path):
    maps = section_4_maps(CHECKED, -RAMP)
    own = OwnMaps("mine.py:net", PLAIN, torch.tensor([3]), maps, (1, 2, 3), {"GradCAM": RAMP, "IBA": RAMP})
    shown = compare_signs_and_baselines(StudySetting(tmp_path, PRESETS["quick"], prepared={"VGG16": own}))
    assert [figure.file for figure in shown.figures] == ["section4-vgg16.png", "section4-vgg16-coarse.png"]


@pytest.mark.parametrize(
    ("sam", "status"),
    [(HALVES, Status.reproduced), (CHECKED, Status.not_reproduced), (torch.ones(1, SIDE, SIDE), Status.not_reproduced)],
)
def test_sam_is_less_noisy_where_its_maps_vary_less_but_not_where_they_are_empty(tmp_path, sam, status):
    noisy = HALVES + 0.5 * CHECKED
    maps = {"LIME (quickshift)": noisy, "LIME (felzenszwalb)": noisy, "LIME (sam)": sam}
    shown = compare_noise(setting(tmp_path, **maps))
    assert statuses(shown) == {"appendix-k.vgg16": [status] * 2, "appendix-k.vit-b-16": [Status.unchecked]}
    assert [row[2] for row in shown.tables[0].rows] == [0, 0, int(sam.min() == sam.max())]


def test_without_a_network_every_claim_says_which_option_brings_one(tmp_path):
    bare = StudySetting(tmp_path, PRESETS["quick"])
    for shown in (compare_signs_and_baselines(bare), compare_noise(bare)):
        reasons = [finding.reason for result in shown.claims for finding in result.findings]
        assert all("give --vgg16 FILE.py:FUNCTION" in reason or "give --vit" in reason for reason in reasons)
        assert not shown.figures


def test_pictures_show_image_and_maps_and_are_the_same_every_time(tmp_path):
    given = setting(tmp_path, **section_4_maps(CHECKED, -RAMP))
    (figure,), (again,) = compare_signs_and_baselines(given).figures, compare_signs_and_baselines(given).figures
    assert figure == again
    assert (figure.file, figure.title) == ("section4-vgg16.png", "Maps on mine.py:net, as in Figures 5b, 6b and 7d")
    pixels = imread(io.BytesIO(figure.png))
    assert pixels.shape[1] > 6 * pixels.shape[0] / 2, "one row of eight panels"
    assert {(100, 100, 100), (139, 13, 26), (11, 61, 145)} <= set(map(tuple, pixels[..., :3].reshape(-1, 3)))
