"""The loop: seeds, frozen weights, ends, and contiguous memory."""

import pytest
import torch
from torch import nn

from attributionlab.errors import BadOption
from attributionlab.training import Recipe, accuracy, bvd_cnn, fit
from attributionlab.training.networks import CHANNELS
from attributionlab.truth import LabeledImages


@pytest.fixture(scope="module")
def images():
    """Dark and light images."""
    labels = torch.arange(64) % 2
    return LabeledImages((80 * labels + 40).view(-1, 1, 1, 1).expand(-1, 3, 16, 16).float(), labels)


def trained(images, seed=0, **choices):
    model = bvd_cnn(size=16)
    return model, fit(model, images, images, n_epochs=3, seed=seed, recipe=Recipe(**choices))


def test_training_ends_at_the_accuracy_that_is_enough(images):
    model, course = trained(images, enough=0.5)
    assert len(course.validation) == 2
    assert [snapshot.epoch for snapshot in course.checkpoints] == [0, 2]
    assert accuracy(model, images) == course.validation[-1]
    assert not model.training


def test_without_such_an_accuracy_all_epochs_are_trained(images):
    assert len(trained(images, enough=None)[1].validation) == 3


@pytest.mark.wide
def test_a_seed_sets_the_order_of_the_images(images):
    first, again, other = (trained(images, seed, enough=None)[0].state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("one_cycle", [True, False])
def test_the_learning_rate_follows_one_cycle_or_stays(images, monkeypatch, one_cycle):
    rates = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda self, *args: (rates.append(self.param_groups[0]["lr"]), step(self, *args))[1]
    )
    trained(images, one_cycle=one_cycle, learning_rate=1e-3, enough=None)
    assert (len(set(rates)) > 1) == one_cycle
    assert 0.9e-3 < max(rates) <= 1e-3  # no step lies exactly on the peak of the cycle


class Watched(nn.Module):
    """Records the memory format of its inputs."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 16 * 16, 2)
        self.are_safe = []

    def forward(self, inputs):
        self.are_safe.append(inputs.is_contiguous() and not inputs.is_contiguous(memory_format=torch.channels_last))
        return self.head(inputs.flatten(1) / 255)


def test_batches_are_contiguous_and_convolutions_have_16_channels(images):
    # torch 2.13.0's CPU build corrupts memory in the backward pass of narrower convolutions on inputs of the format channels_last
    model = Watched()
    last = images.inputs.contiguous(memory_format=torch.channels_last)
    fit(model, LabeledImages(last, images.targets), images, n_epochs=1)
    during_training = model.are_safe[2:4]  # before and after them the validation images are classified
    assert during_training == [True, True]
    assert min(CHANNELS) >= 16


def test_the_network_gets_contiguous_images_for_its_first_convolution(images):
    seen = []
    model = bvd_cnn(size=16)
    model[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].is_contiguous()))
    model(images.inputs.contiguous(memory_format=torch.channels_last))
    assert seen == [True]


def test_a_size_that_eight_does_not_divide_is_refused():
    with pytest.raises(BadOption, match="`size` must be a multiple of 8, got 20"):
        bvd_cnn(size=20)
