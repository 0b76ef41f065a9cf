from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.fft
from oracles import probability_base_two, shapley, shapley_of_counts
from wide import some_of

from attributionlab.truth import softmax_shapley as module
from attributionlab.truth.softmax_shapley import fast_length, softmax_shapley

BASE_TWO = 1 / math.log(2)
"""The temperature at which probabilities are rational."""

ROUNDING = 1e-14
"""Rounding of sums of a thousand terms, each below 1."""


@pytest.mark.parametrize(
    "sizes",
    some_of([(1, 1), (5, 4), (5, 3, 2), (3, 2, 2, 1), (2, 1, 1, 1, 1, 1)], (1, 1), (5, 4), (3, 2, 2, 1), several=False),
)
def test_values_are_those_of_all_coalitions_in_rational_arithmetic(sizes):
    kinds = [kind for kind, size in enumerate(sizes) for _ in range(size)]
    for target in range(len(sizes)):

        def value(coalition, target=target):
            shown = [kinds[player] for player in coalition]
            return probability_base_two([shown.count(kind) for kind in range(len(sizes))], target)

        exact = shapley(len(kinds), value)
        computed = softmax_shapley(sizes, target, BASE_TWO)
        np.testing.assert_allclose([computed[kind] for kind in kinds], [float(x) for x in exact], atol=ROUNDING)


@pytest.mark.wide
@pytest.mark.parametrize("sizes", [(14, 9, 5), (30, 25)])
def test_values_of_more_players_are_those_of_counted_coalitions(sizes):
    for target in range(len(sizes)):
        exact = shapley_of_counts(sizes, lambda counts, target=target: probability_base_two(counts, target))
        computed = softmax_shapley(sizes, target, BASE_TWO)
        np.testing.assert_allclose(computed, [float(value) for value in exact], atol=ROUNDING)


@pytest.mark.parametrize("temperature", [1 / 4, 1.0, 3.0, 16.0, 64.0])
def test_every_temperature_is_exact(temperature):
    sizes = (9, 6, 4)

    def value(counts):
        return Fraction(1 / math.fsum(math.exp((count - counts[1]) / temperature) for count in counts))

    exact = shapley_of_counts(sizes, value)
    np.testing.assert_allclose(softmax_shapley(sizes, 1, temperature), [float(value) for value in exact], atol=ROUNDING)


@pytest.mark.parametrize("target", range(4))
def test_values_of_a_large_image_add_up_and_have_the_signs_of_their_effects(target):
    sizes = np.array([1700, 1600, 900, 1200])
    values = softmax_shapley(sizes, target, 16.0)
    total = 1 / np.exp((sizes - sizes[target]) / 16).sum() - 1 / 4
    assert abs(values @ sizes - total) < 1e-12  # 5,400 values with errors of 1e-16
    assert (np.sign(values) == np.where(np.arange(4) == target, 1, -1)).all()


def test_nodes_are_added_until_the_values_add_up(monkeypatch):
    numbers = []
    integrate = module._Grid.integrate
    monkeypatch.setattr(module._Grid, "integrate", lambda grid, n: numbers.append(n) or integrate(grid, n))
    sizes = np.array([400, 380])
    values = softmax_shapley(sizes, 0, 1 / 4)  # 80 units of the logit apart: a sharp change within few pixels
    assert numbers == [32 * 2**step for step in range(len(numbers))]
    assert len(numbers) > 1
    assert abs(values @ sizes - 0.5) < 1e-12


def test_nodes_in_parts_give_the_same(monkeypatch):
    whole = softmax_shapley((40, 30, 20), 0, 1.0)
    monkeypatch.setattr(module, "CHUNK", 1)
    np.testing.assert_allclose(softmax_shapley((40, 30, 20), 0, 1.0), whole, rtol=1e-12)  # the order of a sum


def test_a_class_without_features_has_no_value_but_takes_part():
    values = softmax_shapley((4, 0, 3), 0, BASE_TWO)
    exact = shapley_of_counts((4, 3), lambda counts: probability_base_two((counts[0], 0, counts[1]), 0))
    assert np.isnan(values[1])
    np.testing.assert_allclose(values[[0, 2]], [float(value) for value in exact], atol=ROUNDING)
    of_absent = softmax_shapley((4, 0, 3), 1, BASE_TWO)
    exact = shapley_of_counts((4, 3), lambda counts: probability_base_two((counts[0], 0, counts[1]), 1))
    np.testing.assert_allclose(of_absent[[0, 2]], [float(value) for value in exact], atol=ROUNDING)


def test_lengths_of_transforms_are_the_fast_ones_of_scipy():
    assert [fast_length(n) for n in range(1, 3000)] == [scipy.fft.next_fast_len(n, real=True) for n in range(1, 3000)]
