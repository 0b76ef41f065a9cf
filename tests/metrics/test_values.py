from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr

import attributionlab as al
from attributionlab.errors import BadOption, NotFinite, WrongShape
from attributionlab.seeding import generator
from attributionlab.truth import ExactValues

NAMES = ("cosine", "rank", "sign", "l1", "l1_rescaled", "dummy", "completeness")


def exact_of(values, *, total=None, error=None):
    values = torch.tensor(values, dtype=torch.float64)
    total = None if total is None else torch.tensor(total, dtype=torch.float64)
    return ExactValues(values, None if error is None else torch.full_like(values, error), total, "shapley", "true")


def scores(attribution, exact):
    agreement = al.score_values(torch.tensor(attribution, dtype=torch.float64), exact)
    assert {getattr(agreement, name).shape for name in NAMES} == {(len(exact.values),)}
    assert {getattr(agreement, name).dtype for name in NAMES} == {torch.float64}
    return {name: getattr(agreement, name).tolist() for name in NAMES}


def test_the_seven_scores_are_those_of_the_contract():
    assert tuple(entry.name for entry in dataclasses.fields(al.metrics.ValueAgreement)) == NAMES


def test_the_values_themselves_are_perfect():
    exact = exact_of([[0.5, -0.25, 0.0, 1.0]], total=[1.25])
    perfect = scores([[0.5, -0.25, 0.0, 1.0]], exact)
    assert perfect.pop("cosine") == pytest.approx([1.0])
    assert perfect.pop("rank") == pytest.approx([1.0])
    assert perfect == {"sign": [1.0], "l1": [0.0], "l1_rescaled": [0.0], "dummy": [0.0], "completeness": [0.0]}


@pytest.mark.parametrize("factor", [1e-200, 1e-300])
def test_values_whose_squares_are_zero_have_a_cosine(factor):
    """Exact effects of colors far behind are as small; warnings are errors here."""
    values = np.array([[3.0, -4.0, 0.0]])
    assert scores(values, exact_of(factor * values))["cosine"] == pytest.approx([1.0])
    assert scores([[4.0, 3.0, 0.0]], exact_of(factor * values))["cosine"] == pytest.approx([0.0])


def test_a_hand_computed_example():
    exact = exact_of([[[2.0, 0.0], [-1.0, 1.0]]], total=[2.0])
    result = scores([[[1.0, 2.0], [1.0, 2.0]]], exact)
    assert result["cosine"] == pytest.approx([3 / np.sqrt(10 * 6)])
    assert result["sign"] == [3 / 4]
    assert result["l1"] == [(1 + 2 + 2 + 1) / 4]
    assert result["l1_rescaled"] == [1.0]  # the factor 0
    assert result["dummy"] == [2 / 6]
    assert result["completeness"] == [4 / 4]


def test_the_negative_is_as_wrong_as_can_be():
    result = scores([[-1.0, 2.0, 0.0]], exact_of([[1.0, -2.0, 0.0]]))
    assert result["cosine"] == pytest.approx([-1.0])
    assert result["rank"] == pytest.approx([-1.0])
    assert (result["sign"], result["l1"], result["l1_rescaled"]) == ([0.0], [2.0], [1.0])


def test_a_factor_changes_nothing_but_l1_and_completeness():
    values = generator(0, "values").standard_normal((1, 50))
    exact = exact_of(values, total=[values.sum()])
    maps = values + generator(1, "noise").standard_normal((1, 50)) / 4
    one, four = scores(maps, exact), scores(4 * maps, exact)
    for name in ("cosine", "rank", "sign", "l1_rescaled", "dummy"):
        assert one[name] == pytest.approx(four[name], rel=1e-12)
    assert one["l1"] < four["l1"]


def test_ranks_and_the_best_factor_are_those_of_scipy():
    for index in range(10):
        random = generator(index, "maps")
        values, maps = random.integers(-3, 4, (2, 1, 40)).astype(float)
        result = scores(maps, exact_of(values))
        assert result["rank"] == pytest.approx([spearmanr(maps[0], values[0]).statistic])

        def error(factor, maps=maps, values=values):
            return np.abs(factor * maps - values).sum() / np.abs(values).sum()

        best = min(error(0), minimize_scalar(error, bounds=(0, 10), method="bounded").fun)
        assert result["l1_rescaled"][0] <= best + 1e-12
        assert result["l1_rescaled"][0] == pytest.approx(best, abs=1e-4)  # scipy's search ends at 1e-5


def test_an_all_zero_map_has_the_scores_of_the_contract():
    result = scores([[0.0, 0.0, 0.0]], exact_of([[1.0, -2.0, 0.0]], total=[-1.0]))
    assert result == {
        "cosine": [0.0], "rank": [0.0], "sign": [0.0], "l1": [1.0], "l1_rescaled": [1.0], "dummy": [0.0], "completeness": [1 / 3],
    }  # fmt: skip


def test_values_that_are_all_zero_are_not_applicable():
    result = scores([[0.0, 1.0], [0.0, 1.0]], exact_of([[0.0, 0.0], [0.0, 1.0]], total=[0.0, 1.0]))
    for name in NAMES:
        assert np.isnan(result[name][0])
        assert not np.isnan(result[name][1])


def test_what_is_undefined_is_nan():
    assert np.isnan(scores([[1.0, 2.0]], exact_of([[1.0, 0.0]]))["completeness"]).all()
    assert np.isnan(scores([[1.0, 2.0]], exact_of([[1.0, 0.0]], error=0.1))["dummy"]).all()
    assert np.isnan(scores([[1.0, 2.0]], exact_of([[1.0, 1.0]]))["rank"]).all()


def test_channels_are_summed_with_signs():
    exact = exact_of(np.ones((2, 4, 4)))
    attribution = torch.stack([torch.full((2, 4, 4), 3.0), torch.full((2, 4, 4), -2.0)], dim=1)
    assert al.score_values(attribution, exact).l1.tolist() == [0.0, 0.0]


def test_bad_input_is_named():
    exact = exact_of([[1.0, 2.0]])
    with pytest.raises(WrongShape, match=r"`attribution` must be real values of shape \(1, 2\)"):
        al.score_values(torch.zeros(1, 3), exact)
    with pytest.raises(NotFinite, match="`attribution` must be finite values"):
        al.score_values(torch.full((1, 2), torch.nan), exact)
    with pytest.raises(BadOption, match="`exact` must be the result of exact_values"):
        al.score_values(torch.zeros(1, 2), torch.zeros(1, 2))
