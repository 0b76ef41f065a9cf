"""Mistakes that `assert_values` tells, on random weights and images."""

import pytest
import torch

from attributionlab.testing.mistakes import _has_order, mistaken
from attributionlab.testing.references import Known


@pytest.fixture(scope="module")
def known():
    weights, images = torch.rand(2, 3, 3, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Known(weights, images, torch.zeros(3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("rows", "text"), [([2, 0, 1], "the map of the image before it"), ([1, 2, 0], "the map of the image after it")]
)
def test_maps_of_a_neighboring_image_are_told_as_such(known, rows, text):
    name, term = next(iter(known.terms.items()))
    assert mistaken(term.sum(dim=1)[rows], known, {}) == f"{name}, {text}"


def test_an_order_is_compared_where_nearly_all_pixels_have_values_of_their_own():
    expected = torch.arange(40.0).reshape(1, 5, 8)
    assert _has_order(expected**2, expected)
    assert not _has_order((expected / 4).floor(), expected)
