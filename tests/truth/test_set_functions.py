from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from oracles import shapley

from attributionlab.seeding import generator
from attributionlab.truth import CountedSetFunction, LinearSetFunction, SoftmaxSetFunction
from attributionlab.truth import set_functions as module


def counted(kinds, value, **options):
    """A set function whose only logit is `value` of the numbers of shown features."""
    kinds = np.array(kinds)
    return CountedSetFunction(
        kinds,
        int(kinds.max()),
        lambda shown: np.array([value(shown)]),
        lambda before, after: after[..., 0] - before[..., 0],
        **options,
    )


def test_every_function_of_few_features_has_the_values_of_all_coalitions():
    table = generator(0, "table").integers(-9, 10, 2**6)
    places = 2 ** np.arange(6)
    function = counted(range(1, 7), lambda shown: table[int(shown @ places)])

    def value(coalition):
        return Fraction(int(table[sum(2**player for player in coalition)]))

    np.testing.assert_allclose(function.shapley(), [float(x) for x in shapley(6, value)], rtol=1e-14)
    everyone = frozenset(range(6))
    assert function.total == value(everyone) - value(frozenset())
    assert function.removal().tolist() == [value(everyone) - value(everyone - {player}) for player in range(6)]
    assert function.alone().tolist() == [value(frozenset({player})) - value(frozenset()) for player in range(6)]
    assert function.aumann_shapley() is None


def test_exchangeable_features_are_counted_and_dummies_are_exactly_0():
    kinds = [1, 0, 2, 1, 2, 1, 0, 1]
    function = counted(kinds, lambda shown: shown[0] ** 2 * (1 + shown[1]))

    def value(coalition):
        shown = [kinds[player] for player in coalition]
        return Fraction(shown.count(1) ** 2 * (1 + shown.count(2)))

    exact = [float(x) for x in shapley(8, value)]
    values = function.spread(function.shapley())
    np.testing.assert_allclose(values, exact, rtol=1e-14)
    assert values[[1, 6]].tolist() == [0.0, 0.0]
    assert function.sizes.tolist() == [4, 2]


def test_a_kind_without_features_has_no_value_and_leaves_those_of_the_others():
    kinds = [1, 3, 1, 3, 3]
    function = counted(kinds, lambda shown: shown[0] ** 2 * (1 + shown[2]))

    def value(coalition):
        shown = [kinds[player] for player in coalition]
        return Fraction(shown.count(1) ** 2 * (1 + shown.count(3)))

    values = function.shapley()
    assert np.isnan(values).tolist() == [False, True, False]
    np.testing.assert_allclose(function.spread(values), [float(x) for x in shapley(5, value)], rtol=1e-14)


def test_features_of_one_kind_share_the_total_equally():
    function = counted([1, 0, 1, 1, 1, 1, 1, 1], lambda shown: shown[0] % 5)
    exact = shapley(7, lambda coalition: Fraction(len(coalition) % 5))
    assert function.shapley().tolist() == [float(exact[0])]
    assert function.aumann_shapley() is None
    symmetric = counted([1] * 7, lambda shown: shown[0] % 5, symmetric_path=True)
    assert symmetric.aumann_shapley().tolist() == [2 / 7]


def test_too_many_coalitions_are_not_enumerated(monkeypatch):
    monkeypatch.setattr(module, "MOST_COALITIONS", 8)
    assert counted([1, 2, 3], lambda shown: shown.sum()).shapley() is not None
    assert counted([1, 2, 2, 3], lambda shown: shown.sum()).shapley() is None


def test_all_games_of_a_linear_function_are_its_weights():
    weights = np.array([0.1, 0.0, -3.0])
    function = LinearSetFunction(np.array([[1, 2], [3, 3]]), 3, weights, additive=True)
    games = (function.removal(), function.alone(), function.shapley(), function.aumann_shapley())
    assert all((values == weights).all() for values in games)
    assert function.total == pytest.approx(0.1 - 6)
    assert function.spread(weights).tolist() == [[0.1, 0.0], [-3.0, -3.0]]
    assert LinearSetFunction(np.array([1]), 1, weights[:1], additive=False).aumann_shapley() is None


def test_removal_and_alone_of_a_probability_keep_effects_far_below_rounding():
    function = SoftmaxSetFunction(np.repeat([1, 2, 3], [200, 20, 1]), 3, 0, 1.0)
    removal = function.removal()
    assert removal[0] > 0
    lost = [-np.exp(-180.0) * (1 - 1 / np.e), -np.exp(-199.0) * (1 - 1 / np.e)]
    np.testing.assert_allclose(removal[1:], lost, rtol=1e-12)
    shares = np.exp([1.0, 0.0]) / (np.e + 2)
    np.testing.assert_allclose(function.alone(), [shares[0] - 1 / 3, *[shares[1] - 1 / 3] * 2], rtol=1e-13)


def test_a_class_without_features_has_no_value():
    function = SoftmaxSetFunction(np.array([1, 1, 3]), 3, 0, 1.0)
    assert [np.isnan(values).tolist() for values in (function.removal(), function.alone(), function.shapley())] == [
        [False, True, False]
    ] * 3
    assert np.isfinite(function.spread(function.shapley())).all()
