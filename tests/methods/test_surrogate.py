"""Surrogates: Shapley values by enumeration, LIME's regression by hand, segmentation priors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption, UnknownName
from attributionlab.methods.diagnostics import collecting
from attributionlab.methods.segments import SEGMENTERS, segment
from attributionlab.seeding import content_key, generator

TARGET = torch.zeros(1, dtype=torch.int64)


class Squared(nn.Module):
    """Not additive over segments: the square of the mean."""

    def forward(self, inputs):
        return inputs.flatten(1).mean(dim=1, keepdim=True).square()


def shapley_values(model, image, feature_mask, n):
    """The definition: the average gain of a segment over all orders, baseline 0."""

    def value(shown):
        mask = torch.isin(feature_mask, torch.tensor(list(shown), dtype=torch.int64))
        return float(model(image * mask).detach())

    values = []
    for feature in range(n):
        others, total = [other for other in range(n) if other != feature], 0.0
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for shown in itertools.combinations(others, size):
                total += weight * (value((*shown, feature)) - value(shown))
        values.append(total)
    return values


def test_kernel_shap_approaches_the_shapley_values():
    environment = al.make_environment("single-color-sum", size=16)
    batch = environment.sample(1)
    ids = batch.ground_truth.patch_ids[0].long()
    method = al.make_method("kernel-shap[segments=oracle,n_samples=2000]", environment)
    maps = method(Squared(), batch.inputs, TARGET, batch=batch)[0]
    expected = shapley_values(Squared(), batch.inputs, ids, int(ids.max()) + 1)
    for feature, value in enumerate(expected):
        # the regression sees 2,000 random coalitions: it is a Monte Carlo estimate
        assert float(maps[ids == feature].mean()) == pytest.approx(value, rel=0.1, abs=2e-4)


def test_kernel_shap_adds_up_to_the_difference_of_outputs():
    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(1)
    method = al.make_method("kernel-shap[segments=oracle]", environment)
    maps = method(environment.model, batch.inputs, batch.targets, batch=batch)[0]
    ids = batch.ground_truth.patch_ids[0]
    total = sum(float(maps[ids == feature][0]) for feature in ids.unique())
    blank = environment.true_baseline[None, :, None, None].expand_as(batch.inputs)
    outputs = environment.model(torch.cat([batch.inputs, blank]))[:, batch.targets[0]]
    # captum weighs the full and the empty image by 10^6 instead of by infinity
    assert total == pytest.approx(float((outputs[0] - outputs[1]).detach()), abs=1e-3)


@pytest.mark.parametrize("segments", ["quickshift", "grid", "oracle"])
def test_kernel_shap_gives_each_segment_the_worth_of_its_winner_pixels_and_all_others_exactly_nothing(segments):
    """The logit adds up over pixels. Dust where there should be 0 would be scaled to full size before it is scored."""
    environment = al.make_environment("multi-color-sum[n_redundant=0,output=logit,size=32]")
    batch = environment.sample(2)
    method = al.make_method("kernel-shap", environment, segments=segments)
    context = {"batch": batch} if method.needs_batch else {}
    maps = method(environment.model, batch.inputs, batch.targets, **context)
    for index, winners in enumerate(batch.ground_truth.positive_mask):
        mask = segment(batch.inputs[index], segments, batch.ground_truth.patch_ids[index])
        n_winners = torch.bincount(mask.flatten(), weights=winners.flatten().double())
        expected = (n_winners * environment.output_per_feature)[mask].float()
        torch.testing.assert_close(maps[index], expected)
        assert ((maps[index] == 0) == (expected == 0)).all()


def test_kernel_shap_gives_a_single_segment_the_whole_difference(monkeypatch):
    monkeypatch.setitem(SEGMENTERS.entries, "grid", lambda picture: np.zeros(picture.shape[:2], dtype=np.int64))
    environment = al.make_environment("single-color-sum", size=16)
    batch = environment.sample(1)
    maps = al.make_method("kernel-shap[segments=grid]", environment)(environment.model, batch.inputs, batch.targets)
    assert (maps == batch.labels[0]).all()


def test_lime_is_the_regression_that_its_definition_spells_out():
    """Segments hidden by fair coins, weights exp(-d^2 / 2) of the cosine distance d, Lasso; and its weighted r squared."""
    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(1)
    image, target, n_samples = batch.inputs[0], int(batch.targets[0]), 60
    ids = segment(image, "grid", None)
    shown, outputs, weights = [], [], []
    with torch.random.fork_rng():
        torch.manual_seed(int(generator(3, "hidden segments", content_key(image)).integers(2**63)))
        for _ in range(n_samples):
            coins = torch.bernoulli(torch.full((1, int(ids.max()) + 1), 0.5))[0]
            picture = torch.where(coins[ids] == 1, image, environment.true_baseline[:, None, None])
            distance = 1 - torch.cosine_similarity(image.flatten(), picture.flatten(), dim=0)
            weights.append(math.exp(-(float(distance) ** 2) / 2))
            outputs.append(float(environment.model(picture[None])[0, target].detach()))
            shown.append(coins.tolist())
    lasso = Lasso(alpha=0.01).fit(shown, outputs, sample_weight=weights)
    method = al.make_method(f"lime[n_samples={n_samples},seed=3,segments=grid]", environment)
    with collecting() as recorded:
        maps = method(environment.model, batch.inputs, batch.targets)
    assert np.abs(lasso.coef_).max() > 1e-3
    torch.testing.assert_close(maps[0].double(), torch.from_numpy(lasso.coef_)[ids], rtol=1e-4, atol=1e-6)
    assert recorded == {"r_squared": [pytest.approx(lasso.score(shown, outputs, sample_weight=weights), abs=1e-4)]}


def test_lime_finds_the_winner_with_a_perfect_prior():
    environment = al.make_environment("multi-color-sum", size=32, output="logit", n_redundant=0)
    verdict = al.check(
        "lime[segments=oracle,n_samples=200]", environment, n_samples=2, truth="positive-smooth", rule="point"
    )
    summary = verdict.environments[0].truths["positive-smooth"]
    assert summary is not None
    assert summary.f1 > 0.95


@pytest.mark.parametrize("segments", ["quickshift", "felzenszwalb", "slic", "grid"])
def test_feature_masks_cover_the_image_with_ids_from_zero(segments):
    batch = al.make_environment("multi-color-sum", size=32).sample(1)
    mask = segment(batch.inputs[0], segments, None)
    assert mask.shape == (32, 32)
    assert mask.unique().tolist() == list(range(int(mask.max()) + 1))


def test_segmenters_see_a_gray_image_in_black_and_white(monkeypatch):
    seen = []
    monkeypatch.setitem(
        SEGMENTERS.entries, "grid", lambda picture: seen.append(picture) or picture[..., 0].astype(np.int64)
    )
    mask = segment(torch.tensor([[[0.0, 1.0], [1.0, 1.0]]]), "grid", None)
    assert seen[0].dtype == np.uint8
    assert seen[0].tolist() == [[[0] * 3, [255] * 3], [[255] * 3, [255] * 3]]
    assert mask.tolist() == [[0, 1], [1, 1]], "ids without gaps"


def test_grid_knows_nothing_of_the_image():
    mask = segment(torch.zeros(3, 16, 24), "grid", None)
    assert mask.max() == 63
    assert (mask.reshape(8, 2, 8, 3).amax(dim=(1, 3)) == torch.arange(64).reshape(8, 8)).all()


def test_the_oracle_needs_the_batch():
    batch = al.make_environment("single-color-sum", size=16).sample(1)
    with pytest.raises(BadOption, match="`segments` must be another prior where there is no batch"):
        segment(batch.inputs[0], "oracle", None)


def test_the_global_generator_is_left_alone():
    environment = al.make_environment("single-color-sum", size=16)
    batch = environment.sample(1)
    before = torch.get_rng_state()
    al.make_method("lime[segments=grid,n_samples=10]", environment)(environment.model, batch.inputs, batch.targets)
    assert torch.equal(torch.get_rng_state(), before)


def test_bad_options_are_refused():
    with pytest.raises(BadOption, match="`n_samples` must be at least 2"):
        al.make_method("lime[n_samples=1]")
    with pytest.raises(UnknownName, match=r"^`segments` must be a known name, got 'slik'; did you mean slic\?$"):
        al.make_method("lime[segments=slik]")


@pytest.mark.parametrize(
    "spec", ["multi-color-sum", "multi-color-sum[accumulator=signed,output=logit]", "single-color-modulo"]
)
@pytest.mark.parametrize("name", ["lime", "kernel-shap"])
@pytest.mark.parametrize("baseline", ["black", "true"])
def test_maps_are_the_same_bit_for_bit_when_the_detector_is_run_for_every_image(baseline, name, spec):
    """Around a module that it does not know, a method passes whole images through."""
    environment = al.make_environment(spec, size=16)
    batch = environment.sample(2)
    method = al.make_method(f"{name}[baseline={baseline},n_samples=100,segments=grid]", environment)
    split = method(environment.model, batch.inputs, batch.targets)
    plain = method(nn.Sequential(environment.model), batch.inputs, batch.targets)
    assert split.unique().numel() > 2
    assert torch.equal(split, plain)


@pytest.mark.parametrize("name", ["lime", "kernel-shap"])
def test_the_detector_sees_the_image_and_the_baseline_only(name):
    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(1)
    seen = []
    handle = environment.model.detector.register_forward_hook(
        lambda _module, given, _output: seen.append(len(given[0]))
    )
    al.make_method(f"{name}[n_samples=100]", environment)(environment.model, batch.inputs, batch.targets)
    handle.remove()
    assert seen == [1, 1]
