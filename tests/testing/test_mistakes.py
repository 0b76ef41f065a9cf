"""Mistakes that `assert_values` tells, on random weights and images."""

import pytest
import torch

from attributionlab.methods import declares
from attributionlab.testing import assert_values
from attributionlab.testing.mistakes import _has_order, mistaken
from attributionlab.testing.references import Known
from attributionlab.testing.values import _by_segment


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


def off_by(share):
    """Exact values of removal, a share too large or too small at pixels that depend on the image."""

    @declares(answers="removal@true")
    def method(model, inputs, targets):
        leaf = inputs.clone().requires_grad_()
        outputs = model(leaf).gather(1, targets[:, None]).sum()
        values = (torch.autograd.grad(outputs, leaf)[0] * (inputs - 20)).sum(dim=1)
        sign = 1 - 2 * (inputs[:, 0] * 7).floor().remainder(2)
        return values * (1 + share * sign)

    return method


def test_errors_of_both_signs_may_add_up_to_five_times_the_tolerance():
    """A factor of 1.048 at half of the pixels and 0.952 at the others adds up to 4.8 %."""
    assert_values(off_by(0.048))
    with pytest.raises(
        AssertionError, match=r"declares to answer removal@true, and differs from its values by up to 0\.052 of"
    ):
        assert_values(off_by(0.052))


def test_a_segment_has_the_sum_of_its_weights_and_their_mean_color(known):
    """The product of both is what the segment adds to the output."""
    segments = torch.arange(30.0, dtype=torch.float64).reshape(1, 5, 6).div(10).floor().expand(3, 5, 6)
    _, merged = _by_segment(segments, known)
    terms = (known.weights * known.images).flatten(2).unflatten(2, (3, 10)).sum(dim=3)
    sums = known.weights.flatten(2).unflatten(2, (3, 10)).sum(dim=3)
    for segment in range(3):
        pixels = merged.weights.flatten(2)[:, :, 10 * segment : 10 * segment + 10]
        torch.testing.assert_close(pixels, sums[:, :, segment, None].expand_as(pixels))
        products = (merged.weights * merged.images).flatten(2)[:, :, 10 * segment : 10 * segment + 10]
        torch.testing.assert_close(products, terms[:, :, segment, None].expand_as(products))
