from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from oracles import modulo, modulo_by_layers

from attributionlab.errors import BadOption, Inexact
from attributionlab.networks import build_modulo

CASES = [(2, 2), (2, 9), (3, 10), (5, 20), (7, 50), (30, 60), (30, 61), (100, 100)]


def answers_for(network, numbers):
    with torch.no_grad():
        return network(torch.tensor([float(number) for number in numbers])[:, None]).flatten().tolist()


@pytest.mark.parametrize(("modulus", "max_count"), CASES)
def test_every_number_up_to_the_largest_is_answered_with_its_remainder(modulus, max_count):
    rounded_up = -(-max_count // modulus) * modulus
    numbers = range(rounded_up + 1)
    answers = answers_for(build_modulo(modulus, max_count), numbers)
    assert answers == [modulo(number, modulus) for number in numbers]
    assert answers == [modulo_by_layers(number, modulus, max_count) for number in numbers]


def test_the_papers_network_answers_every_number_up_to_4920():
    numbers = range(4921)
    assert answers_for(build_modulo(30, 4920), numbers) == [number % 30 for number in numbers]


@pytest.mark.parametrize(("modulus", "max_count"), CASES)
def test_beyond_the_largest_number_and_below_zero_the_answer_is_zero(modulus, max_count):
    rounded_up = -(-max_count // modulus) * modulus
    outside = [*range(rounded_up, rounded_up + 3 * modulus), 10**6, *range(-3 * modulus, 0)]
    answers = answers_for(build_modulo(modulus, max_count), outside)
    assert answers == [0.0] * len(outside)
    assert answers == [modulo_by_layers(number, modulus, max_count) for number in outside]


def test_between_integers_the_answer_follows_the_ramp_and_falls_back_along_the_last_step():
    numbers = [Fraction(quarter, 4) for quarter in range(4 * 20 + 1)]
    answers = answers_for(build_modulo(5, 20), numbers)
    last_step = [4 - (rest - 4) * 4 if (rest := number % 5) > 4 else rest for number in numbers]
    assert answers == [modulo_by_layers(number, 5, 20) for number in numbers]
    assert answers == last_step


@pytest.mark.parametrize(("modulus", "max_count", "n_steps"), [(5, 20, 4), (5, 21, 5), (30, 4920, 164)])
def test_seven_layers_have_the_widths_of_the_paper(modulus, max_count, n_steps):
    layers = [layer for layer in build_modulo(modulus, max_count) if isinstance(layer, torch.nn.Linear)]
    assert [layers[0].in_features, *(layer.out_features for layer in layers)] == [
        1,
        n_steps + 1,
        n_steps,
        4 * n_steps,
        3 * n_steps,
        2 * n_steps,
        n_steps,
        1,
    ]


def test_float64_answers_alike():
    numbers = torch.arange(0, 61, dtype=torch.float64)[:, None]
    network = build_modulo(30, 60)
    expected = network(numbers.float()).double()
    assert torch.equal(network.double()(numbers), expected)


def test_sums_that_float32_could_round_are_refused():
    with pytest.raises(Inexact, match=r"the modulo network would not be exact in float32.*smaller `max_count`"):
        build_modulo(2**22, 3 * 2**22)


def test_the_largest_exact_network_is_built_and_right():
    numbers = [2**23 - 1, 2**22, 2**22 - 1, 2**22 + 1]
    assert answers_for(build_modulo(2**22, 2**23), numbers) == [2**22 - 1, 0, 2**22 - 1, 1]


@pytest.mark.parametrize(
    ("modulus", "max_count", "message"),
    [
        (0, 5, "`modulus` must be at least 2, got 0"),
        (1, 5, "`modulus` must be at least 2, got 1"),
        (10, 0, r"`max_count` must be at least the modulus \(10\), got 0"),
        (10, 9, r"`max_count` must be at least the modulus \(10\), got 9"),
    ],
)
def test_impossible_moduli_are_refused(modulus, max_count, message):
    with pytest.raises(BadOption, match=message):
        build_modulo(modulus, max_count)
