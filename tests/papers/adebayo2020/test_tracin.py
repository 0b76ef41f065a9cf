"""TracIn against gradients image by image, and the rankings that are made of it."""

import pytest
import torch
from torch import nn

from attributionlab.papers.adebayo2020.influence import n_top, positions
from attributionlab.papers.adebayo2020.influence_report import largest_error
from attributionlab.papers.adebayo2020.tracin import TracIn
from attributionlab.training import bvd_cnn, compose_images
from attributionlab.truth import LabeledImages


@pytest.fixture(scope="module")
def traced():
    images = compose_images(6, size=16).labeled
    checkpoints = [bvd_cnn(size=16, seed=seed).state_dict() for seed in (1, 2)]
    return TracIn(bvd_cnn(size=16), images, checkpoints)


def gradient(state, images, row):
    """The gradient of the loss of one image with respect to all weights."""
    model = bvd_cnn(size=16)
    model.load_state_dict(state)
    loss = nn.functional.cross_entropy(model(images.inputs[[row]]), images.targets[[row]])
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(model.parameters()))]).double()


def test_influences_are_products_of_gradients_summed_over_checkpoints(traced):
    inputs = LabeledImages(traced.images.inputs[:2].flip(2), traced.images.targets[:2])
    expected = torch.zeros(2, 6, dtype=torch.float64)
    own = torch.zeros(6, dtype=torch.float64)
    for state in traced.checkpoints:
        training = torch.stack([gradient(state, traced.images, row) for row in range(6)])
        expected += torch.stack([gradient(state, inputs, row) for row in range(2)]) @ training.T
        own += (training**2).sum(dim=1)
    # captum adds float32 products in another order: the default tolerances of float32
    torch.testing.assert_close(traced.influences(inputs).float(), expected.float())
    torch.testing.assert_close(traced.self_influences().float(), own.float())
    torch.testing.assert_close(traced.self_influences(inputs).shape, torch.Size([2]))


def test_losses_are_summed_over_checkpoints_and_the_network_keeps_its_weights(traced):
    before = {name: tensor.clone() for name, tensor in traced.model.state_dict().items()}
    expected = torch.zeros(6)
    for state in traced.checkpoints:
        model = bvd_cnn(size=16)
        model.load_state_dict(state)
        expected += nn.functional.cross_entropy(model(traced.images.inputs), traced.images.targets, reduction="none")
    torch.testing.assert_close(traced.losses().float(), expected)
    traced.influences(traced.images[:1])
    assert all(torch.equal(before[name], tensor) for name, tensor in traced.model.state_dict().items())


def test_positions_are_ranks_from_the_largest_score():
    assert positions(torch.tensor([0.1, 0.9, 0.5, 0.9])).tolist() == [1.0, 0.25, 0.75, 0.5]


def test_the_top_is_one_percent_and_at_least_one_image():
    assert [n_top(n) for n in (20, 800, 8600)] == [1, 8, 86]


def test_no_shares_have_a_larger_standard_error_than_zeros_and_ones():
    for n_ones in (1, 5):
        shares = torch.tensor([1.0] * n_ones + [0.0] * (50 - n_ones), dtype=torch.float64)
        assert largest_error(n_ones / 50, 50) == pytest.approx(float(shares.std()) / 50**0.5)
    assert largest_error(0.11, 50) < 0.059
