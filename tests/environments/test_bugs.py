"""Designed bugs: the truth of the contaminated network, by intervention on every pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from wide import some_of

import attributionlab as al
from attributionlab.environments import make_environment, verify
from attributionlab.environments.bugs import Contamination, bug_names
from attributionlab.errors import BadOption, Inexact, UnknownName

CLOSED = ["bug=mislabeled", "bug=bgr,n_redundant=0,output=logit", "bug=scaled,n_redundant=0"]
FROM_THE_NETWORK = [
    "bug=frozen",
    "bug=out-of-distribution",
    "bug=bgr",
    "bug=mean-subtracted",
    "bug=normalized,output=logit",
    "bug=reinitialized",
    "bug=reinitialized,layer=detector",
    "bug=cascade,layer=block2,output=logit",
    "bug=cascade,layer=detector",
]


def environment_of(options, **more):
    return make_environment(f"multi-color-sum[{options},size=16]", **more)


@pytest.fixture(scope="module")
def healthy():
    return make_environment("multi-color-sum[size=16]")


@pytest.mark.parametrize(
    "options",
    some_of([*CLOSED, *FROM_THE_NETWORK], *CLOSED, "bug=frozen", "bug=reinitialized", "bug=cascade,layer=detector"),
)
def test_every_claim_holds_on_every_pixel(options):
    environment = environment_of(options)
    verification = verify(environment, n_samples=1, n_pixels=16 * 16)
    assert verification.passed, str(verification)
    assert environment.has_logits == (options in CLOSED)
    effects = next(claim for claim in verification.claims if claim.name == "effects")
    assert effects.n_checked == 16 * 16


@pytest.mark.parametrize("options", ["bug=mislabeled", *FROM_THE_NETWORK])
def test_the_truth_has_the_sign_of_every_removal_of_the_games(options):
    """Games switch pixels by events where the weights are designed, and by forward passes where they are not."""
    environment = environment_of(options)
    batch = environment.sample(2, 1)
    removal = al.exact_values(environment, batch, "removal")
    assert torch.equal(removal.values.sign().to(torch.int8), batch.ground_truth.signed)
    assert removal.standard_error is None


def test_a_truth_that_is_wrong_somewhere_is_refused(monkeypatch):
    environment = environment_of("bug=frozen")
    signed = type(environment).signed_truth

    def wrong(self, scene):
        signs = signed(self, scene).copy()
        signs[tuple(np.argwhere(signs > 0)[0])] = -1
        return signs

    monkeypatch.setattr(type(environment), "signed_truth", wrong)
    effects = next(claim for claim in verify(environment, n_samples=1, n_pixels=256).claims if claim.name == "effects")
    assert effects.n_violations == 1


def test_mislabeled_scenes_have_wrong_labels_for_a_share_and_the_truth_of_the_network(healthy):
    environment = environment_of("bug=mislabeled", wrong_labels=0.5)
    batch, clean = environment.sample(32), healthy.sample(32)
    assert torch.equal(batch.inputs, clean.inputs)
    swapped = torch.tensor([1, 0, 2, 3])
    assert torch.equal(batch.targets, swapped[clean.targets])
    wrong = batch.labels != clean.labels
    assert set(clean.labels[wrong].tolist()) == {0, 1}
    assert 0 < int(wrong.sum()) < int((clean.labels < 2).sum())
    assert torch.equal(batch.labels[wrong], swapped[clean.labels[wrong]])
    assert torch.equal(batch.ground_truth.signed, clean.ground_truth.signed)  # of its own class: the same pixels


def test_all_labels_or_none_are_wrong_at_the_ends_of_the_share(healthy):
    clean = healthy.sample(8).labels
    assert torch.equal(environment_of("bug=mislabeled,wrong_labels=0").sample(8).labels, clean)
    assert torch.equal(
        environment_of("bug=mislabeled,wrong_labels=1").sample(8).labels, torch.tensor([1, 0, 2, 3])[clean]
    )


@pytest.mark.parametrize("bug", ["scaled", "mean-subtracted", "normalized"])
def test_inputs_that_the_network_cannot_read_have_an_empty_truth_in_every_game(bug):
    environment = environment_of(f"bug={bug}")
    batch = environment.sample(2)
    assert not batch.ground_truth.signed.any()
    assert not environment.model.detect(batch.inputs)[:, :4].any()
    for game in ("removal", "alone", "shapley", "aumann-shapley"):
        exact = al.exact_values(environment, batch, game)
        assert not exact.values.any()
        assert exact.standard_error is None
        assert exact.total is None or not exact.total.any()


def test_wrong_pre_processing_is_what_its_name_says(healthy):
    images = healthy.sample(1).inputs
    inputs = {bug: environment_of(f"bug={bug}").sample(1).inputs for bug in ("bgr", "scaled", "normalized")}
    assert torch.equal(inputs["bgr"], images.flip(1))
    assert torch.equal(inputs["scaled"], (images.double() / 255).float())
    deviations = torch.tensor([58.395, 57.12, 57.375])[:, None, None]
    means = torch.tensor([123.675, 116.28, 103.53])[:, None, None]
    torch.testing.assert_close(inputs["normalized"], (images - means) / deviations)


def test_reversed_channels_exchange_red_and_blue_and_make_yellow_unknown():
    environment = environment_of("bug=bgr")
    assert environment.contamination.channels == (2, 1, 0, None)


def test_a_frozen_detector_knows_half_of_the_colors(healthy):
    environment = environment_of("bug=frozen,n_redundant=0,output=logit")
    batch = environment.sample(2)
    assert torch.equal(batch.inputs, healthy.sample(2).inputs)
    assert environment.contamination.channels == (0, 1, None, None)
    counts = environment.model.counts(batch.inputs)
    assert torch.equal(counts[:, :2], healthy.model.counts(batch.inputs)[:, :2])
    assert not counts[:, 2:].any()


def test_out_of_distribution_scenes_have_the_same_patches_in_unknown_colors(healthy):
    environment = environment_of("bug=out-of-distribution")
    inputs, images = environment.sample(2).inputs, healthy.sample(2).inputs
    background = healthy.true_baseline[:, None, None]
    assert torch.equal((inputs != background).any(dim=1), (images != background).any(dim=1))
    assert not environment.model.detect(inputs)[:, :4].any()
    assert not environment_of("bug=out-of-distribution,n_redundant=0").sample(2).ground_truth.signed.any()


def test_other_colors_are_found_for_any_palette():
    palette = tuple((255 - 17 * index, 255, 255) for index in range(12))
    contamination = Contamination.of("out-of-distribution", palette, (255, 128, 0))
    colors = {*contamination.scene_colors, *palette, (255, 128, 0)}
    assert len(colors) == 25


def test_counterparts_exist_where_the_network_is_known_and_tells_two_colors_apart():
    assert environment_of("bug=mislabeled").has_counterpart
    assert environment_of("bug=bgr,n_redundant=0").has_counterpart
    for options in ("bug=frozen", "bug=scaled,n_redundant=0", "bug=cascade"):
        environment = environment_of(options)
        assert not environment.has_counterpart
        assert environment.counterpart(environment.scene(0)) is None


def test_specs_name_the_bug_and_its_layer():
    spec = "multi-color-sum[bug=cascade,layer=block2,size=16]"
    assert make_environment(spec).spec == spec


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ("bug=mislabelled", BadOption, "`bug` must be .*mislabeled.*, got 'mislabelled'"),
        ("bug=cascade,layer=block7", UnknownName, "`layer` must be a known name, got 'block7'; did you mean"),
        ("bug=frozen,layer=block1", BadOption, "`layer` must go with the bug reinitialized or cascade, got 'block1'"),
        ("bug=mislabeled,wrong_labels=2", BadOption, "`wrong_labels` must be"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        environment_of(options)


def test_colors_that_pre_processing_makes_half_known_are_refused():
    with pytest.raises(BadOption, match="`colors` must not be nearly a known color after the bug 'scaled', got"):
        environment_of("bug=scaled", colors=((0, 0, 0), (255, 0, 0)))


def test_a_cascade_that_float32_would_round_is_refused():
    with pytest.raises(Inexact, match="re-initialized head"):
        make_environment("multi-color-sum[bug=cascade,layer=detector,size=512]")


def test_bugs_are_named_once():
    assert len(set(bug_names())) == len(bug_names()) == 9
    assert "none" not in bug_names()


@pytest.mark.wide
def test_methods_are_checked_on_bugs():
    verdict = al.check(
        "truth", ["multi-color-sum[bug=mislabeled,size=16]", "multi-color-sum[bug=frozen,size=16]"], n_samples=4
    )
    assert verdict.passed
    assert verdict.environments[0].dependence["overall"].value == 1.0
    assert verdict.environments[1].dependence is None


def test_metrics_evaluate_random_weights():
    """Weights that are not designed are evaluated by forward passes."""
    environment = environment_of("bug=reinitialized,layer=block1")
    batch = environment.sample(1)
    curve = al.deletion(environment, batch, batch.ground_truth.signed, canvas="background")
    assert curve.outputs.shape == (1, 257)
    blank = environment.true_baseline[None, :, None, None].expand_as(batch.inputs)
    for end, inputs in ((0, batch.inputs), (-1, blank)):
        assert torch.equal(curve.outputs[:, end], environment.model(inputs)[:, batch.targets[0]])
