from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from oracles import is_number

from attributionlab.errors import BadOption
from attributionlab.networks import build_number_checker

NUMBERS = (-7, -1, 0, 1, 5, 20, 127, 254, 255, 256)


@pytest.mark.parametrize("number", NUMBERS)
def test_only_the_number_itself_is_answered_with_one(number):
    inputs = range(-300, 301)
    answers = build_number_checker(number)(torch.tensor(inputs, dtype=torch.float32)[:, None])
    assert answers.flatten().tolist() == [is_number(value, number) for value in inputs]
    assert answers.sum() == 1


@pytest.mark.parametrize("number", [0, 5, 255])
def test_between_integers_the_answer_is_a_triangle_of_width_two(number):
    inputs = [Fraction(quarter, 4) for quarter in range(4 * (number - 3), 4 * (number + 3) + 1)]
    answers = build_number_checker(number)(torch.tensor([float(value) for value in inputs])[:, None])
    triangle = [max(Fraction(0), 1 - abs(value - number)) for value in inputs]
    assert [is_number(value, number) for value in inputs] == triangle
    assert answers.flatten().tolist() == triangle


@pytest.mark.parametrize("number", [2**23 - 1, -(2**23) + 1])
def test_the_largest_allowed_numbers_are_still_told_from_their_neighbors(number):
    inputs = torch.tensor([number - 2, number - 1, number, number + 1, number + 2, 0], dtype=torch.float32)
    assert build_number_checker(number)(inputs[:, None]).flatten().tolist() == [0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(("offset", "slope"), [(-2, 0), (-1, 0), (0, 1), (1, 0), (2, 0)])
def test_the_gradient_is_one_at_the_number_and_zero_at_other_integers(offset, slope):
    inputs = torch.tensor([[float(9 + offset)]], requires_grad=True)
    build_number_checker(9)(inputs).sum().backward()
    assert inputs.grad.item() == slope


def test_it_has_three_layers_of_widths_three_two_one():
    layers = [layer for layer in build_number_checker(5) if isinstance(layer, torch.nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in layers] == [(1, 3), (3, 2), (2, 1)]


@pytest.mark.parametrize("number", [2**23, -(2**23), 1.5, "5"])
def test_numbers_that_float32_could_confuse_are_refused(number):
    with pytest.raises(BadOption, match=r"`number` must be an integer below 2\^23, got"):
        build_number_checker(number)
