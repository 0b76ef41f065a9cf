"""Surrogates: Shapley values by enumeration, LIME's regression by hand, segmentation priors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso, Ridge
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption, UnknownName
from attributionlab.methods.diagnostics import collecting
from attributionlab.methods.segments import SEGMENTERS, segment
from attributionlab.methods.shapley import draw_coalitions, shapley_regression
from attributionlab.methods.shapley import shapley_values as by_definition
from attributionlab.perturbation import SwitchedSegments, all_coalitions, segment_means
from attributionlab.perturbation.palette import detect_colors
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


def test_kernel_shap_of_few_segments_is_exactly_the_shapley_values():
    environment = al.make_environment("single-color-sum", size=16)
    batch = environment.sample(1)
    ids = batch.ground_truth.patch_ids[0].long()
    n_segments = int(ids.max()) + 1
    method = al.make_method("kernel-shap[segments=oracle]", environment)
    assert 2**n_segments <= method.n_samples
    maps = method(Squared(), batch.inputs.double(), TARGET, batch=batch)[0]
    expected = shapley_values(Squared(), batch.inputs.double(), ids, n_segments)
    for feature, value in enumerate(expected):
        assert float(maps[ids == feature].unique()) == pytest.approx(value, abs=1e-12)


def test_all_coalitions_of_a_set_function_give_its_shapley_values():
    """To rounding in float64: sums of 2^4 differences of numbers around 1."""
    outputs = np.random.default_rng(0).random(2**5)
    expected = []
    for player in range(5):
        total = 0.0
        for order in itertools.permutations(range(5)):
            before = sum(1 << other for other in order[: order.index(player)])
            total += outputs[before | 1 << player] - outputs[before]
        expected.append(total / math.factorial(5))
    np.testing.assert_allclose(by_definition(outputs), expected, rtol=0, atol=1e-12)
    coalitions = all_coalitions(5).numpy()[1:-1]
    sizes = coalitions.sum(axis=1)
    weights = np.array([4 / (math.comb(5, size) * size * (5 - size)) for size in sizes.tolist()])
    regressed, _ = shapley_regression(coalitions, weights, outputs[1:-1], outputs[0], outputs[-1])
    np.testing.assert_allclose(regressed, expected, rtol=0, atol=1e-12)


def test_coalitions_are_enumerated_from_both_ends_and_then_drawn_in_pairs():
    """7 + 7 of one or six players, 21 + 21 of two or five take 0.46 and 0.28 of the weight; 100 samples do not reach three."""
    coalitions, weights = draw_coalitions(7, 100, np.random.default_rng(0))
    sizes = coalitions.sum(axis=1)
    assert [int((sizes == size).sum()) for size in (1, 2, 5, 6)] == [7, 21, 21, 7]
    assert len(np.unique(coalitions, axis=0)) == len(coalitions) == 100
    rows = {row.tobytes() for row in coalitions}
    assert all((~row).tobytes() in rows for row in coalitions)
    assert weights.sum() == pytest.approx(1)
    by_size = [1 / 6, 1 / 10, 1 / 12]
    shares = [weights[(sizes == size) | (sizes == 7 - size)].sum() for size in (1, 2, 3)]
    np.testing.assert_allclose(shares, np.array(by_size) / sum(by_size))


@pytest.mark.parametrize("n_samples", [9, 40, 500])
def test_drawn_coalitions_are_neither_empty_nor_whole_and_as_many_as_asked_for(n_samples):
    for n_players in (10, 11, 40):
        coalitions, weights = draw_coalitions(n_players, n_samples, np.random.default_rng(1))
        assert coalitions.shape == (len(weights), n_players)
        assert len(weights) == n_samples
        assert (weights > 0).all()
        assert 0 < coalitions.sum(axis=1).min() <= coalitions.sum(axis=1).max() < n_players


def test_drawn_pairs_of_coalitions_give_the_shapley_values_of_pairwise_interactions():
    """Eleven players, a fifth of the coalitions; for a quadratic v each coalition with its complement is exact."""
    gains = np.random.default_rng(2).normal(size=(11, 11))

    def value(coalitions):
        return np.einsum("ni,ij,nj->n", coalitions.astype(float), gains, coalitions.astype(float))

    coalitions, weights = draw_coalitions(11, 400, np.random.default_rng(0))
    values, r_squared = shapley_regression(coalitions, weights, value(coalitions), 0.0, gains.sum())
    expected = (gains + gains.T).sum(axis=1) / 2  # each pair's interaction is halved
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-9)  # least squares of 400 x 10 numbers
    assert values.sum() == pytest.approx(gains.sum())
    assert 0 < r_squared < 1


def test_kernel_shap_adds_up_to_the_difference_of_outputs():
    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(1)
    method = al.make_method("kernel-shap[segments=grid]", environment)
    maps = method(environment.model, batch.inputs, batch.targets)[0].double()
    ids = segment(batch.inputs[0], "grid", None)
    total = sum(float(maps[ids == feature][0]) for feature in ids.unique())
    blank = environment.true_baseline[None, :, None, None].expand_as(batch.inputs)
    outputs = environment.model(torch.cat([batch.inputs, blank]))[:, batch.targets[0]].detach().double()
    assert total == pytest.approx(float(outputs[0] - outputs[1]), abs=1e-5)  # 64 values rounded to float32


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


OPTIONS = {
    "defaults": ("", Ridge(alpha=1.0), "segments", 0.25),
    "captum's": ("regression=lasso,distance=image,kernel_width=1,baseline=true", Lasso(alpha=0.01), "image", 1.0),
    "others": ("alpha=0.5,kernel_width=2,baseline=black", Ridge(alpha=0.5), "segments", 2.0),
}


@pytest.mark.parametrize(("options", "regression", "distance", "width"), OPTIONS.values(), ids=OPTIONS)
def test_lime_is_the_regression_that_its_definition_spells_out(options, regression, distance, width):
    """Segments hidden by fair coins, weights exp(-d^2 / 2 w^2) of the cosine distance d, and the weighted r squared."""
    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(1)
    image, target, n_samples = batch.inputs[0], int(batch.targets[0]), 60
    ids = segment(image, "grid", None)
    hidden = (
        torch.zeros_like(image) if "black" in options else environment.true_baseline[:, None, None].expand_as(image)
    )
    if "baseline" not in options:
        hidden = torch.stack([torch.stack([channel[ids == one].mean() for one in range(64)])[ids] for channel in image])
    coins = generator(3, "hidden segments", content_key(image)).integers(0, 2, (n_samples, 64))
    coins[0] = 1
    outputs, weights = [], []
    for row in torch.from_numpy(coins).float():
        picture = torch.where(row[ids] == 1, image, hidden)
        pair = (torch.ones(64), row) if distance == "segments" else (image.flatten(), picture.flatten())
        gap = 1 - float(torch.cosine_similarity(*pair, dim=0))
        weights.append(math.exp(-(gap**2) / (2 * width**2)))
        outputs.append(float(environment.model(picture[None])[0, target].detach()))
    regression.fit(coins.astype(float), outputs, sample_weight=weights)
    method = al.make_method(
        f"lime[n_samples={n_samples},seed=3,segments=grid{',' * bool(options)}{options}]", environment
    )
    with collecting() as recorded:
        maps = method(environment.model, batch.inputs, batch.targets)
    assert np.abs(regression.coef_).max() > 1e-3
    torch.testing.assert_close(maps[0].double(), torch.from_numpy(regression.coef_)[ids], rtol=1e-4, atol=1e-6)
    r_squared = regression.score(coins, outputs, sample_weight=weights)
    assert recorded == {"r_squared": [pytest.approx(r_squared, abs=1e-4)]}


@pytest.mark.parametrize("option", ["alpha", "kernel_width"])
def test_lime_refuses_options_of_zero(option):
    with pytest.raises(BadOption, match=f"^`{option}` must be above 0, got 0"):
        al.make_method(f"lime[{option}=0]")


def test_an_image_without_light_is_as_far_as_can_be_from_all_of_its_coalitions():
    environment = al.make_environment("multi-color-sum", size=16)
    maps = al.make_method("lime[distance=image,segments=grid]", environment)(
        environment.model, torch.zeros(1, 3, 16, 16), TARGET
    )
    assert maps.isfinite().all()


@pytest.mark.wide
def test_lime_finds_the_winner_with_a_perfect_prior():
    environment = al.make_environment("multi-color-sum", size=32, output="logit", n_redundant=0)
    verdict = al.check(
        "lime[segments=oracle,n_samples=200,baseline=true]",
        environment,
        n_samples=2,
        truth="positive-smooth",
        rule="point",
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


@pytest.mark.wide
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


@pytest.mark.parametrize(
    "spec", ["multi-color-sum", "multi-color-sum[accumulator=signed,output=logit]", "single-color-sum"]
)
@pytest.mark.parametrize("size", [16, 17])
def test_coalitions_of_any_shape_are_summed_as_forward_passes_give(size, spec):
    """Segments of single pixels, so that cells of 3 x 3 touch up to nine of them, and of which some are scattered."""
    environment = al.make_environment(spec, size=size)
    image = environment.sample(1).inputs
    random = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 12, (size, size), generator=random)
    start = environment.true_baseline[None, :, None, None].expand_as(image).contiguous()
    coalitions = torch.rand(9, 12, generator=random) < 0.5
    by_cells, by_passes = (
        SwitchedSegments(model, image, start, ids).outputs(coalitions)
        for model in (environment.model, nn.Sequential(environment.model))
    )
    assert torch.equal(by_cells, by_passes)


def test_the_mean_color_of_a_segment_is_that_of_its_pixels():
    image = torch.tensor([[[[1.0, 3.0], [5.0, 8.0]], [[0.0, 2.0], [4.0, 8.0]]]])
    means = segment_means(image, torch.tensor([[0, 0], [0, 1]]))
    assert means.tolist() == [[[[3, 3], [3, 8]], [[2, 2], [2, 8]]]]


@pytest.mark.parametrize("spec", ["multi-color-sum[accumulator=signed]", "single-color-sum"])
def test_the_detector_gives_the_same_bits_for_every_color_once(spec):
    environment = al.make_environment(spec, size=18)
    images, detect = environment.sample(2).inputs, environment.model.detect
    for inputs in (images, images + 0.5, images - 1, torch.rand(1, *images.shape[1:]) * 255 // 1):
        assert torch.equal(detect_colors(environment.model, inputs), detect(inputs).detach())


@pytest.mark.parametrize("error", [0.0, 0.25, 1.0])
def test_misdrawn_segments_keep_their_size_and_lose_exactly_their_share(error):
    environment = al.make_environment("multi-color-sum", size=32)
    patches = environment.sample(1).ground_truth.patch_ids[0]
    ids = segment(torch.zeros(3, 32, 32), "oracle", patches, segment_error=error)
    for patch in range(1, 5):
        size = int((patches == patch).sum())
        assert int((ids == patch).sum()) == size
        assert int(((ids == patch) & (patches == patch)).sum()) == size - round(error * size)
        assert set(patches[ids == patch].tolist()) <= {0, patch}, "what it gains is background"


def test_misdrawn_segments_lose_their_border_first():
    patches = torch.zeros(9, 9, dtype=torch.int16)
    patches[2:7, 2:7] = 1
    ids = segment(torch.zeros(3, 9, 9), "oracle", patches, segment_error=16 / 25)
    assert (ids[3:6, 3:6] == 1).all()
    assert int(ids[2:7, 2:7].sum()) == 9
    assert int(ids[1:8, 1:8].sum()) == 25


def test_only_the_oracles_segments_can_be_misdrawn():
    with pytest.raises(BadOption, match="`segment_error` must be 0 where segments=grid"):
        al.make_method("lime[segments=grid,segment_error=0.5]")
