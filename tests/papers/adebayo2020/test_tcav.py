"""TCAV on networks whose derivatives are known, and the arithmetic of its test."""

from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from scipy.stats import ttest_ind
from torch import nn

from attributionlab.papers.adebayo2020.concept_images import concept_images, random_sets
from attributionlab.papers.adebayo2020.concepts_report import COUNTED, designed_table
from attributionlab.papers.adebayo2020.designed_concepts import designed_scores
from attributionlab.papers.adebayo2020.tcav import LayerScores, p_value, tcav_scores
from attributionlab.papers.presets import Preset
from attributionlab.training import compose_images


@pytest.fixture(scope="module")
def red_counter():
    """Output 0 counts red, output 1 discounts it; green is ignored."""
    network = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), nn.Flatten(), nn.Linear(8, 2, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]]).view(2, 3, 1, 1))
        network[2].weight.copy_(torch.tensor([1.0] * 4 + [0.0] * 4) * torch.tensor([[1.0], [-1.0]]))
    return network.eval()


def colored(red, green, n=12, seed=0):
    noise = torch.from_numpy(np.random.default_rng(seed).random((n, 3, 2, 2))).float()
    return noise + torch.tensor([float(red), float(green), 0]).view(1, 3, 1, 1)


@pytest.mark.parametrize(("target", "expected"), [(0, 1.0), (1, 0.0)])
def test_a_concept_that_raises_the_output_scores_1_and_one_that_lowers_it_0(red_counter, target, expected):
    sets = [colored(0, 0, seed=seed) for seed in range(1, 5)]
    scores = tcav_scores(red_counter, ["0"], {"red": colored(3, 0)}, sets, colored(0, 0), target)["0"]
    assert scores.concepts["red"].tolist() == [expected] * 4


def test_a_score_of_two_random_sets_is_all_or_nothing_where_derivatives_are_constant(red_counter):
    sets = [colored(0, 0, seed=seed) for seed in range(1, 7)]
    scores = tcav_scores(red_counter, ["0"], {}, sets, colored(0, 0), 0)["0"]
    assert len(scores.pairs) == 30
    assert set(scores.pairs) == {0.0, 1.0}
    assert np.isnan(np.diag(scores.random)).all()
    assert scores.pairs.mean() == 0.5


def test_nothing_is_written_and_the_network_is_unchanged(red_counter, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = {name: tensor.clone() for name, tensor in red_counter.state_dict().items()}
    sets = [colored(0, 0, seed=seed) for seed in (1, 2)]
    scores = tcav_scores(red_counter, ["0"], {"red": colored(3, 0)}, sets, colored(0, 0), 0, with_pairs=False)
    assert list(Path(tmp_path).iterdir()) == []
    assert all(torch.equal(before[name], tensor) for name, tensor in red_counter.state_dict().items())
    assert np.isnan(scores["0"].random).all()


def test_p_values_are_those_of_a_two_sided_t_test_and_constants_are_decided_by_equality():
    first, second = np.array([0.9, 1.0, 0.8]), np.array([0.1, 0.9, 0.5, 0.4])
    assert p_value(first, second) == pytest.approx(ttest_ind(first, second).pvalue)
    assert [p_value(np.ones(3), np.full(4, value)) for value in (1.0, 0.0)] == [1.0, 0.0]


def test_false_alarms_count_random_sets_that_pass_for_concepts():
    # set 0 scores 1 against the others, which do not differ; among the pairs it would hide its own difference
    random = np.full((4, 4), 0.5)
    random[0], random[:, 0] = 1.0, 0.0
    np.fill_diagonal(random, np.nan)
    assert LayerScores({}, random).false_alarms(0.01) == 1 / 4


def test_scores_survive_json():
    scores = LayerScores({"red": np.array([1.0, 0.5])}, np.array([[np.nan, 0.2], [0.8, np.nan]]))
    again = LayerScores.from_dict(orjson.loads(orjson.dumps(scores.to_dict())))
    assert again.concepts["red"].tolist() == [1.0, 0.5]
    np.testing.assert_array_equal(again.random, scores.random)


def test_concepts_share_a_background_or_an_object_and_balance_the_rest():
    own, other = (compose_images(8, background=kind, size=16) for kind in ("of-class", "of-other-class"))
    by_picture = {
        image.numpy().tobytes(): (int(label), int(background))
        for images in (own, other)
        for image, label, background in zip(images.inputs, images.labels, images.backgrounds, strict=True)
    }
    parts = {
        name: sorted(by_picture[image.numpy().tobytes()] for image in concept_images(4, size=16, start=0, **fixed))
        for name, fixed in {"background": {"background": 1}, "object": {"label": 0}, "neither": {}}.items()
    }
    assert parts == {
        "background": [(0, 1), (0, 1), (1, 1), (1, 1)],
        "object": [(0, 0), (0, 0), (0, 1), (0, 1)],
        "neither": [(0, 0), (0, 1), (1, 0), (1, 1)],
    }


@pytest.mark.wide
def test_a_concept_without_any_effect_scores_all_or_nothing_as_a_counted_one_does():
    details = {"concept_images": 20, "random_sets": 4, "examples": 8}
    scores = designed_scores(Preset("small", 16, 1, details=details))
    for network in COUNTED:
        # behind the last block the derivative of the class's logit is the same for all images
        last = LayerScores.from_dict(scores[network]["accumulator"])
        assert set(last.concepts) == {"background", "object"}
        assert set(np.concatenate([*last.concepts.values(), last.pairs])) == {0.0, 1.0}
    table = designed_table(scores)
    assert [row[:2] for row in table.rows[::3]] == [
        ("counts the background", "detector"),
        ("counts the object", "detector"),
    ]


def test_random_sets_differ_and_do_not_repeat_an_image():
    first, second = random_sets(2, 4, size=16)
    assert not torch.equal(first, second)
    assert len({image.numpy().tobytes() for image in first}) == 4
