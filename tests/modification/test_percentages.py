"""Attr%, %ER, precision and recall; Shapley shares and a(F)."""

import itertools

import numpy as np
import pytest
import torch

from attributionlab.errors import BadOption, NotFinite
from attributionlab.modification import (
    accuracy_given,
    accuracy_of_original_features,
    attribution_percentage,
    reassignment_matrix,
    region_share,
    score_selection,
    select_top,
    shapley_range,
    shapley_shares,
)


@pytest.fixture
def region():
    mask = torch.zeros(7, 11, dtype=torch.bool)
    mask[1:4, 2:9] = True
    return mask


def test_the_truth_as_a_map_has_attr_1_and_a_uniform_map_the_share_of_the_region(region):
    truth = region.float()[None] * torch.tensor([1.0, -0.3, 1e-30])[:, None, None]
    assert attribution_percentage(truth, region).tolist() == [1.0] * 3
    uniform = torch.ones(3, 7, 11) * torch.tensor([1.0, -0.1, 3e7])[:, None, None]
    assert attribution_percentage(uniform, region).tolist() == [region_share(region)] * 3 == [21 / 77] * 3


def test_a_map_that_is_zero_has_attr_0(region):
    assert attribution_percentage(torch.zeros(1, 7, 11), region).tolist() == [0.0]


def test_attr_is_the_share_of_magnitudes_over_nested_loops(region):
    maps = torch.randn(2, 7, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for row, value in zip(maps, attribution_percentage(maps, region), strict=True):
        inside = sum(abs(float(row[i, j])) for i in range(7) for j in range(11) if region[i, j])
        total = sum(abs(float(row[i, j])) for i in range(7) for j in range(11))
        assert float(value) == pytest.approx(inside / total, rel=1e-12)  # another order of float64 additions


def test_channels_are_summed_and_each_map_may_have_its_own_region(region):
    maps = torch.ones(2, 3, 7, 11)
    regions = torch.stack([region, ~region])
    assert attribution_percentage(maps, regions).tolist() == [21 / 77, 56 / 77]
    assert attribution_percentage(maps, region).tolist() == [21 / 77] * 2
    assert (
        attribution_percentage(torch.ones(2, 5), torch.tensor([True, False, False, False, False])).tolist() == [0.2] * 2
    )


@pytest.mark.parametrize("k", [1, 3, 77])
def test_the_largest_features_are_selected(region, k):
    maps = torch.arange(77.0).reshape(1, 7, 11) * -1
    selected = select_top(maps, k)
    assert selected.sum() == k
    assert maps.abs()[selected].min() == 77 - k


def test_of_equal_features_the_first_are_selected():
    assert select_top(torch.ones(1, 4), 2).tolist() == [[True, True, False, False]]


def test_precision_and_recall_of_a_selection(region):
    scores = score_selection(torch.stack([region, ~region, torch.zeros_like(region), torch.ones_like(region)]), region)
    assert scores.precision[[0, 1, 3]].tolist() == [1.0, 0.0, 21 / 77]
    assert scores.precision[2].isnan()
    assert scores.recall.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert score_selection(region[None], torch.zeros_like(region)).recall.isnan().all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: attribution_percentage(torch.ones(1, 3, 3), torch.ones(2, 2, dtype=torch.bool)),
            "`region` must have the features",
        ),
        (lambda: attribution_percentage(torch.ones(1, 2, 2), torch.ones(2, 2)), "`region` must be booleans"),
        (lambda: region_share(torch.ones(0, 2, dtype=torch.bool)), "`region` must have features"),
        (lambda: select_top(torch.ones(1, 4), 5), "`k` must be at most 4"),
        (lambda: select_top([1.0], 1), "`attribution` must be real numbers"),
        (lambda: score_selection(torch.ones(1, 3, dtype=torch.bool), torch.ones(2, dtype=torch.bool)), "same features"),
        (lambda: shapley_range(0.5, 0.5), "`accuracy` must be above 0.5"),
        (lambda: shapley_range(1.0, 0.4), "`r` must be at least 0.5"),
        (lambda: shapley_shares(0.5, 0.5, 0.5, 0.5), "`both` must differ"),
        (lambda: accuracy_given([], [], []), "must have one value per image"),
        (lambda: accuracy_of_original_features([[0, 1]], [0, 1], 0.5), "`labels` must be 1, one per row"),
        (lambda: accuracy_of_original_features([0, 1], [0, 1], 0.5), r"`predictions` must have shape \(n, k\)"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(BadOption, match=message):
        call()


def test_a_map_with_nan_is_an_error(region):
    with pytest.raises(NotFinite, match="must be finite values"):
        attribution_percentage(torch.full((1, 7, 11), torch.nan), region)


@pytest.mark.parametrize(("p", "r"), list(itertools.product([0.9, 1.0], [0.5, 0.7, 0.9])))
def test_the_range_is_that_of_eq_1_and_2_at_the_largest_accuracy_of_the_original_features(p, r):
    exact, bounds = shapley_shares(0.5, p, r, p), shapley_range(p, r)
    assert bounds.manipulated == pytest.approx(exact.manipulated, abs=1e-12)  # rounding of the same formula
    assert bounds.original == pytest.approx(exact.original, abs=1e-12)
    assert shapley_shares(0.5, p, 0.5, p).manipulated >= bounds.manipulated
    if p == 1:
        assert bounds.manipulated == pytest.approx(1.5 - r)  # as the paper says


def test_shares_are_the_mean_over_both_orders_of_adding_the_features():
    a = {(): 0.5, ("m",): 0.8, ("o",): 0.6, ("m", "o"): 0.95}
    added = {"m": [], "o": []}
    for order in itertools.permutations("mo"):
        shown = ()
        for feature in order:
            added[feature].append(a[tuple(sorted((*shown, feature)))] - a[shown])
            shown = tuple(sorted((*shown, feature)))
    shares = shapley_shares(0.5, 0.8, 0.6, 0.95)
    assert shares.manipulated == pytest.approx(sum(added["m"]) / 2 / 0.45)
    assert shares.original == pytest.approx(sum(added["o"]) / 2 / 0.45)


def test_a_of_f_is_the_mean_over_independent_pairs_of_a_group():
    groups, predictions, labels = [0, 0, 0, 1, 1], [0, 1, 1, 0, 0], [1, 1, 0, 0, 1]
    total = 0
    for group in (0, 1):
        rows = [row for row in range(5) if groups[row] == group]
        pairs = [predictions[i] == labels[j] for i in rows for j in rows]
        total += np.mean(pairs) * len(rows)
    assert accuracy_given(groups, predictions, labels) == pytest.approx(total / 5)
    assert accuracy_given(range(5), predictions, labels) == np.mean(np.equal(predictions, labels))


@pytest.mark.parametrize("r", [0.5, 0.8, 1.0])
def test_a_of_the_original_features_of_a_perfect_network_and_of_one_that_ignores_the_manipulation(r):
    labels = np.array([0, 0, 1, 1])
    perfect = np.tile([0, 1], (4, 1))
    assert accuracy_of_original_features(perfect, labels, r) == pytest.approx(r**2 + (1 - r) ** 2)
    ignoring = np.tile(labels[:, None], (1, 2))
    assert accuracy_of_original_features(ignoring, labels, r) == pytest.approx(r)


def test_a_of_the_original_features_is_that_of_eq_9_on_a_large_sample():
    random = np.random.default_rng(0)
    labels, versions = np.array([0, 1, 1]), np.array([[0, 1], [0, 1], [1, 1]])
    matrix = reassignment_matrix(0.7, 2)
    images = random.integers(0, 3, 20_000)
    new = (random.random(20_000) > matrix[labels[images], 0]).astype(int)
    sampled = accuracy_given(images, versions[images, new], new)
    assert accuracy_of_original_features(versions, labels, matrix) == pytest.approx(sampled, abs=0.01)  # 20,000 draws
