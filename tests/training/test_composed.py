"""Composed images: one scene in all its versions; and the networks that are trained on them."""

import pytest
import torch

from attributionlab.errors import BadOption
from attributionlab.training import BackgroundAccuracies, background_accuracies, compose_images, train_on_backgrounds
from attributionlab.training.composed import GRAY, TEST


def composed(**choices):
    return compose_images(6, size=16, **choices)


def test_an_object_is_the_same_on_every_background():
    own, other, none = (composed(background=name) for name in ("of-class", "of-other-class", "gray"))
    assert own.backgrounds.tolist() == own.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert other.backgrounds.tolist() == [1, 0, 1, 0, 1, 0]
    masks = own.object_masks[:, None].expand_as(own.inputs)
    assert torch.equal(own.inputs[masks], other.inputs[masks])
    assert torch.equal(own.inputs[masks], none.inputs[masks])
    assert (none.inputs[~masks] == GRAY).all()
    assert (own.inputs[~masks] != other.inputs[~masks]).any()


def test_a_background_alone_is_what_lies_behind_the_object():
    whole, alone = composed(), composed(with_object=False)
    outside = ~whole.object_masks[:, None].expand_as(whole.inputs)
    assert torch.equal(whole.inputs[outside], alone.inputs[outside])
    assert torch.equal(whole.object_masks, alone.object_masks)
    assert (whole.inputs[~outside] != alone.inputs[~outside]).any()


def test_an_image_is_a_function_of_its_index():
    assert torch.equal(composed(start=TEST).inputs[4:], compose_images(2, size=16, start=TEST + 4).inputs)
    assert not torch.equal(composed(start=TEST).inputs, composed(start=TEST, seed=1).inputs)


@pytest.mark.wide
def test_random_backgrounds_do_not_depend_on_the_class():
    images = compose_images(200, size=16, background="random")
    agreeing = int((images.labels == images.backgrounds).sum())
    assert 80 <= agreeing <= 120  # 2.8 standard deviations around one half


def test_inputs_are_whole_colors_in_contiguous_memory():
    inputs = composed().inputs
    assert inputs.is_contiguous()
    assert not inputs.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(inputs, inputs.round())


def test_an_unknown_background_is_refused():
    with pytest.raises(BadOption, match="`background` must be of-class"):
        composed(background="sky")


@pytest.mark.parametrize(
    ("accuracies", "is_spurious", "is_healthy"),
    [
        ((1.0, 0.0, 1.0, 0.5), True, False),
        ((1.0, 0.5, 1.0, 0.5), False, False),  # the paper's check alone would pass
        ((1.0, 0.0, 1.0, 0.9), False, False),
        ((0.95, 0.95, 0.4, 0.95), False, True),
    ],
)
def test_spurious_and_healthy_networks_are_told_by_four_accuracies(accuracies, is_spurious, is_healthy):
    result = BackgroundAccuracies(*accuracies)
    assert (result.is_spurious, result.is_healthy) == (is_spurious, is_healthy)


@pytest.mark.wide
def test_a_spurious_network_is_trained_on_200_images():
    training = train_on_backgrounds("spurious", size=16, n_images=200, n_epochs=4)
    assert training.problem == ""
    assert training.accuracies == background_accuracies(training.model, 50, size=16)


def test_a_training_that_reaches_nothing_says_so():
    problem = train_on_backgrounds("healthy", size=16, n_images=40, n_epochs=0).problem
    assert problem.startswith("the training gave no healthy network, accuracy: own 0.")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("association", ["spurious", "healthy"])
def test_trainings_reach_their_accuracies_over_three_seeds(association, seed):
    assert train_on_backgrounds(association, seed=seed).problem == ""
