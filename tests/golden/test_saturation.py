"""The softmax stays alive at the defaults: gradients of the probability are computed from the counts of many scenes."""

from __future__ import annotations

import pytest
import torch

from attributionlab.environments import make_environment

N_IMAGES = 500


def gradients_of_the_winner(environment):
    """(n, k) float32: the gradient of each image's winning probability with respect to its logits."""
    counts = torch.tensor([environment.sampler.sample(index).n_pixels for index in range(N_IMAGES)]).float()
    logits = (counts / environment.counts_per_logit).requires_grad_()
    winners = logits.softmax(dim=1).gather(1, counts.argmax(dim=1, keepdim=True))
    (gradients,) = torch.autograd.grad(winners.sum(), logits)
    return gradients


@pytest.mark.parametrize("size", [16, *(pytest.param(size, marks=pytest.mark.slow) for size in (32, 64, 112, 224))])
def test_no_image_has_a_dead_gradient_at_the_defaults(size, record_property):
    gradients = gradients_of_the_winner(make_environment("multi-color-sum", size=size))
    share = (gradients == 0).any(dim=1).float().mean().item()
    record_property("share_of_images_with_a_color_whose_gradient_is_zero", share)
    print(f"{size}x{size}: in {share:.1%} of {N_IMAGES} images one color's own gradient is zero")  # noqa: T201
    assert (gradients != 0).any(dim=1).all()
    assert (gradients.amax(dim=1) > 0).all()  # that of the winner itself, which positive maps are made of


def test_the_papers_literal_reading_does_have_dead_gradients():
    with pytest.warns(UserWarning, match="the softmax saturates"):
        environment = make_environment("multi-color-sum", size=64, temperature=1, max_margin=None)
    assert (gradients_of_the_winner(environment) == 0).all(dim=1).any()


@pytest.mark.parametrize(("lead", "alive"), [(12.5, True), (16, True), (18, False)])
def test_float32_loses_the_winners_own_gradient_soon_after_sixteen_temperatures(lead, alive):
    logits = torch.tensor([lead + 3.0, 3.0, 0.0, 0.0], requires_grad=True)
    logits.softmax(dim=0)[0].backward()
    assert bool(logits.grad[0] != 0) == alive


def test_the_gradient_through_the_whole_network_is_alive():
    environment = make_environment("multi-color-sum", size=16)
    batch = environment.sample(6)
    inputs = batch.inputs.requires_grad_()
    outputs = environment.model(inputs).gather(1, batch.targets[:, None])
    (gradients,) = torch.autograd.grad(outputs.sum(), inputs)
    assert (gradients != 0).flatten(1).any(dim=1).all()
