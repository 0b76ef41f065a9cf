"""Another network for the same image, and other outputs of the same network: their truth, by intervention."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

import attributionlab as al
from attributionlab.environments import make_environment
from attributionlab.errors import BadOption

MULTI = "multi-color-sum[size=16]"
LOGIT = "multi-color-sum[output=logit,size=16]"
TARGETS = ["winner", "loser", 0, 1, 2, 3]


@cache
def environment_of(spec):
    return make_environment(spec)


def without_each_pixel(environment, image):
    """(p, c, h, w): the image with one pixel after the other at the true baseline."""
    present = ~torch.eye(image[0].numel(), dtype=torch.bool).reshape(-1, *image.shape[1:])
    return environment.shown(image.expand(len(present), -1, -1, -1), present)


# Counterparts


@pytest.mark.parametrize("index", [0, 1])
def test_the_truth_of_a_counterpart_of_probabilities_has_the_sign_of_every_pixels_effect(index):
    """Each pixel in turn is replaced by the background; its sign is that of the drop of the explained output."""
    environment = environment_of(MULTI)
    batch = environment.sample(1, index)
    network, truth = environment.counterpart(batch.scenes[0])
    changed = without_each_pixel(environment, batch.inputs[0])
    target = int(batch.targets[0])
    with torch.no_grad():
        drops = network(batch.inputs)[0, target] - network(changed)[:, target]
    assert torch.equal(drops.sign().to(torch.int8).reshape(16, 16), truth.signed[0])


@pytest.mark.parametrize("index", [0, 1])
def test_a_counterpart_of_logits_counts_the_second_color_and_nothing_else(index):
    environment = environment_of(LOGIT)
    batch = environment.sample(1, index)
    network, truth = environment.counterpart(batch.scenes[0])
    changed = without_each_pixel(environment, batch.inputs[0])
    target = int(batch.targets[0])
    with torch.no_grad():
        drops = network(batch.inputs)[0, target] - network(changed)[:, target]
    assert torch.equal((drops * environment.counterpart_temperature).reshape(16, 16), truth.signed[0].float())
    winner, second = environment.winner_and_second(batch.scenes[0])
    assert int(truth.signed.sum()) == batch.scenes[0].n_pixels[second] <= batch.scenes[0].n_pixels[winner]


def test_the_winners_color_is_known_to_a_counterpart_and_ignored():
    environment = environment_of(MULTI)
    for scene in environment.sample(3).scenes:
        truth = environment.counterpart(scene).truth
        winner, second = environment.winner_and_second(scene)
        own = environment.ground_truth([scene])
        patch = own.patch_ids == winner + 1
        assert not truth.signed[patch].any()
        assert (truth.signed[own.positive_mask] == 0).all(), (
            "the own truth and the counterpart's disagree on every such pixel"
        )
        assert torch.equal(truth.smooth_positive_mask, own.patch_ids == second + 1)
        assert torch.equal(truth.patch_ids, own.patch_ids)


def test_only_rows_of_the_last_but_one_layer_of_the_detector_and_the_temperature_differ():
    environment = environment_of(MULTI)
    own, other = environment.model.state_dict(), environment.counterpart_network(0, 1).state_dict()
    assert own.keys() == other.keys()
    different = [name for name in own if not torch.equal(own[name], other[name])]
    detector, head = [name for name in different if "detector" in name], [name for name in different if "head" in name]
    assert sorted(different) == sorted(detector + head)
    assert len(detector) == 1 and len(head) == 1
    changed_rows = (own[detector[0]] != other[detector[0]]).flatten(1).any(dim=1)
    assert int(changed_rows.sum()) == 2, "those of the two colors"
    ratio = own[head[0]][own[head[0]] != 0] / other[head[0]][other[head[0]] != 0]
    assert set(ratio.tolist()) == {32.0}


def test_the_truth_of_a_counterparts_logit_can_be_asked_for():
    scene = environment_of(MULTI).sample(1).scenes[0]
    of_logit = environment_of(MULTI).counterpart(scene, "logit").truth
    assert torch.equal(of_logit.signed, environment_of(LOGIT).counterpart(scene).truth.signed)
    assert not of_logit.negative_mask.any()


def test_environments_say_whether_they_have_counterparts():
    single = environment_of("single-color-sum[size=16]")
    assert environment_of(MULTI).has_counterpart
    assert not single.has_counterpart
    assert single.counterpart(single.scene(0)) is None


def test_a_wrong_counterpart_is_found_by_verify(monkeypatch):
    environment = make_environment(MULTI)
    right = type(environment).counterpart_network
    monkeypatch.setattr(
        type(environment), "counterpart_network", lambda self, winner, second: right(self, second, winner)
    )
    claims = {claim.name: claim for claim in al.verify(environment, n_samples=1, n_pixels=2).claims}
    assert not claims["counterpart"].holds


# Other targets


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("spec", [MULTI, LOGIT])
def test_the_truth_of_any_target_has_the_sign_of_every_pixels_effect_in_the_closed_form(spec, target):
    environment = environment_of(spec)
    batch = environment.sample(1, target=target)
    scene, index = batch.scenes[0], int(batch.targets[0])
    everything = environment.logits(scene, np.ones((16, 16), dtype=bool))
    expected = np.zeros(256, dtype=np.int8)
    for pixel in range(256):
        present = np.arange(256) != pixel
        before = environment.logits(scene, present.reshape(16, 16))
        expected[pixel] = np.sign(environment.difference(before, everything, index))
    assert torch.equal(batch.ground_truth.signed[0].flatten(), torch.from_numpy(expected))


def test_targets_are_those_that_were_named():
    environment = environment_of(MULTI)
    batches = {target: environment.sample(4, target=target) for target in TARGETS}
    for scene, winner, loser in zip(
        batches["winner"].scenes, batches["winner"].targets, batches["loser"].targets, strict=True
    ):
        assert scene.n_pixels[winner] == max(scene.n_pixels)
        assert scene.n_pixels[loser] == min(scene.n_pixels)
    for target in range(4):
        assert batches[target].targets.tolist() == [target] * 4
    for batch in batches.values():
        assert torch.equal(batch.inputs, batches["winner"].inputs)
        assert torch.equal(batch.labels, batches["winner"].targets), "the label is what the scene is"


def test_the_smooth_truth_follows_the_target():
    environment = environment_of(MULTI)
    truth = environment.sample(2, target=3).ground_truth
    assert torch.equal(truth.smooth_positive_mask, truth.patch_ids == 4)
    assert torch.equal(truth.positive_mask, truth.smooth_positive_mask & (truth.signed != 0))


@pytest.mark.parametrize("spec", [MULTI, LOGIT])
def test_the_truth_passes_for_the_loser_and_a_method_that_explains_the_winner_does_not(spec):
    batch = environment_of(spec).sample(4, target="loser")
    assert al.score(batch.ground_truth.signed, batch.ground_truth).signed.f1.tolist() == [1] * 4
    winners = environment_of(spec).sample(4).ground_truth
    assert al.score(winners.signed, batch.ground_truth).signed.f1.max() < 0.6


@pytest.mark.parametrize("target", ["runner-up", 4, -1, True, 1.0, None])
def test_a_target_that_is_no_class_is_refused(target):
    message = r"^`target` must be winner, loser or the index of (a color from 0 to 3|an output), got "
    with pytest.raises(BadOption, match=message):
        environment_of(MULTI).sample(1, target=target)


@pytest.mark.parametrize("target", ["loser", 0])
def test_an_environment_with_one_output_explains_that_one_only(target):
    environment = environment_of("single-color-sum[size=16]")
    assert not environment.has_targets
    with pytest.raises(BadOption, match=r"^`target` must be winner, got .*; single-color-sum has no truth for other"):
        environment.sample(1, target=target)
