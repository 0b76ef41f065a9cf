"""Two methods on the same scenes: what is said of their difference."""

import json

import numpy as np
import pytest
import torch

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.judging.comparing import _interval, _relation

ENVIRONMENT = "multi-color-sum[size=16]"


def scaled(share):
    """The truth on a share of its features, in the order of the image; the rest is 0."""

    @al.declares(needs=["batch"])
    def method(_model, _inputs, _targets, *, batch):
        signed = batch.ground_truth.signed.float()
        rank = (signed != 0).flatten(1).cumsum(dim=1).reshape(signed.shape)
        return signed * (rank <= share * rank.amax(dim=(1, 2), keepdim=True))

    return method


def raises(_model, _inputs, _targets):
    raise ValueError("no idea")


@pytest.mark.parametrize(
    ("first", "second", "relation", "code"),
    [("truth", "random", "better", 0), ("random", "truth", "worse", 1), ("gradient", "gradient", "equal", 0)],
)
def test_the_first_method_is_better_equal_or_worse(first, second, relation, code):
    comparison = al.compare(first, second, ENVIRONMENT)
    assert (comparison.relation, comparison.exit_code, comparison.n_samples) == (relation, code, 8)


@pytest.mark.wide
def test_a_small_difference_that_is_the_same_everywhere_is_seen_although_the_intervals_of_the_means_overlap():
    comparison = al.compare(scaled(1.0), scaled(0.9), ENVIRONMENT)
    first, second = comparison.scores.values()
    assert comparison.relation == "better"
    assert comparison.n_higher == comparison.n_samples
    assert second.f1 < first.f1
    assert comparison.difference == pytest.approx(first.f1 - second.f1)


def test_a_difference_that_few_scenes_do_not_show_is_undecided():
    comparison = al.compare(scaled(1.0), scaled(0.9), ENVIRONMENT, n_samples=4)
    assert (comparison.relation, comparison.exit_code) == ("undecided", 4)
    assert comparison.low < 0 < comparison.high


@pytest.mark.parametrize(
    ("differences", "relation"),
    [
        (np.zeros(8), "equal"),
        (np.full(8, 0.9), "better"),
        (np.full(8, -0.9), "worse"),
        (np.full(8, 0.01), "undecided"),
        (np.tile([0.001, -0.001], 128), "equal"),
        (np.array([0.9, -0.9] * 8), "undecided"),
        (np.array([]), "undecided"),
    ],
    ids=str,
)
def test_the_relation_follows_the_interval_of_the_difference(differences, relation):
    assert _relation(differences) == relation


def test_the_interval_of_a_difference_turns_with_its_sign():
    values = np.random.default_rng(0).uniform(-0.2, 0.6, 20)
    low, high = _interval(values)
    assert (-high, -low) == pytest.approx(_interval(-values))
    assert low < values.mean() < high


@pytest.mark.wide
def test_the_scenes_on_which_they_differ_most_come_first_with_their_maps():
    def wrong_on_scene_5(_model, inputs, _targets, *, batch):
        signed = batch.ground_truth.signed.float()
        odd = (inputs == al.make_environment(ENVIRONMENT).sample(1, start=5).inputs).all()
        return -signed if odd else signed

    method = al.declares(needs=["batch"])(wrong_on_scene_5)
    comparison = al.compare("truth", method, ENVIRONMENT, n_samples=8)
    worst = comparison.most_different[0]
    assert (worst.index, worst.network_seed, worst.first, worst.second) == (5, 5, 1.0, 0.0)
    expected = al.make_environment(ENVIRONMENT).sample(1, start=5)
    assert torch.equal(comparison.batch.inputs[:1], expected.inputs)
    assert torch.equal(comparison.maps["second"][:1], -expected.ground_truth.signed.float())


def test_methods_with_different_truths_are_compared_on_overall_truth_unless_one_is_named():
    assert al.compare("gradient", "gradcam", ENVIRONMENT, n_samples=4).truth == "overall"
    assert al.compare("gradient", "gradcam", ENVIRONMENT, n_samples=4, truth="positive").truth == "positive"
    with pytest.raises(
        BadOption, match=r"`truth` must apply in .*, got 'signed'; gradcam cannot be judged by it there"
    ):
        al.compare("gradient", "gradcam", ENVIRONMENT, truth="signed")


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_method_that_breaks_is_named(which):
    methods = (raises, "truth") if which == "first" else ("truth", raises)
    comparison = al.compare(*methods, ENVIRONMENT)
    assert (comparison.relation, comparison.exit_code, comparison.difference) == ("failed", 1, None)
    assert list(comparison.errors) == [which]
    assert "ValueError: no idea" in str(comparison)


def test_the_json_is_plain_and_whole():
    stored = al.compare("truth", "random", ENVIRONMENT, n_samples=4).to_dict()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert {"schema", "first", "second", "relation", "difference", "low", "high", "most_different"} <= stored.keys()


@pytest.mark.wide
def test_the_result_prints_as_a_table():
    text = str(al.compare("truth", "random", ENVIRONMENT))
    assert "truth against random: BETTER" in text
    assert "difference, first minus second: +0." in text
