"""Wrong labels, losses as outputs, and layers with random weights or without training."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from attributionlab.errors import BadOption, UnknownName
from attributionlab.training import (
    LinearizedLoss,
    NegativeLogProbability,
    bvd_cnn,
    compose_images,
    fit,
    freeze,
    layer_names,
    mislabel,
    reinitialized,
)
from attributionlab.truth import LabeledImages


@pytest.fixture(scope="module")
def images():
    return compose_images(20, size=16).labeled


@pytest.fixture(scope="module")
def model():
    return bvd_cnn(3, size=16)


def test_exactly_the_stated_share_of_the_labels_is_wrong(images):
    assert len(mislabel(images, 3)[1]) == 2
    labeled, rows = mislabel(images, 3, wrong=0.8)
    wrong = (labeled.targets != images.targets).nonzero().flatten()
    assert wrong.tolist() == rows.tolist()
    assert len(rows) == 16
    assert labeled.targets.max() <= 2
    assert mislabel(images, 3, seed=1)[1].tolist() != rows.tolist()
    assert len(mislabel(images, 2, wrong=0)[1]) == 0


def test_more_than_all_labels_cannot_be_wrong(images):
    with pytest.raises(BadOption, match=r"`wrong` must be in \[0, 1\], got 2"):
        mislabel(images, 2, wrong=2)


def test_losses_are_cross_entropies(model, images):
    losses = NegativeLogProbability(model)(images.inputs)
    for label in range(3):
        expected = functional.cross_entropy(model(images.inputs), torch.full((20,), label), reduction="none")
        torch.testing.assert_close(losses[:, label], expected)


def test_the_linearized_loss_has_the_gradient_of_the_loss(model, images):
    gradients = []
    for network, output in ((LinearizedLoss(model, images.inputs[:1], 1), 0), (NegativeLogProbability(model), 1)):
        image = images.inputs[:1].clone().requires_grad_()
        gradients.append(torch.autograd.grad(network(image)[0, output], image)[0])
    largest = gradients[1].abs().max()  # values are far below the absolute tolerance
    torch.testing.assert_close(*(gradient / largest for gradient in gradients))
    with pytest.raises(BadOption, match="`label` must be a class of one image, 0 to 2, got 3"):
        LinearizedLoss(model, images.inputs[:1], 3)


class Residual(nn.Module):
    """A network whose layers have names of several parts."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16))
        self.blocks = nn.Sequential(nn.Sequential(nn.Conv2d(16, 16, 1), nn.ReLU(), nn.Conv2d(16, 16, 1)), nn.ReLU())
        self.fc = nn.Linear(16, 2)

    def forward(self, inputs):
        return self.fc(self.blocks(self.stem(inputs)).mean(dim=(2, 3)))


def test_layers_are_listed_from_the_output_to_the_input_block_by_block(model, images):
    assert layer_names(Residual().eval(), images.inputs) == ("fc", "blocks.0", "stem.1", "stem.0")
    assert layer_names(model, images.inputs) == ("16", "14", "12", "9", "7", "5", "3", "1")


def changed_layers(first, second):
    pairs = zip(first.state_dict().items(), second.state_dict().values(), strict=True)
    return {name.rpartition(".")[0] for (name, before), after in pairs if not torch.equal(before, after)}


def test_these_layers_alone_get_other_weights_and_the_original_keeps_its_own(model):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    bugged = reinitialized(model, ["16", "12"])
    assert changed_layers(model, bugged) == {"16", "12"}
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    # a layer gets the same weights alone and in a cascade
    assert torch.equal(reinitialized(model, ["12"])[12].weight, bugged[12].weight)
    assert not torch.equal(reinitialized(model, ["12"], seed=1)[12].weight, bugged[12].weight)
    assert (bugged[12].bias == 0).all()


def test_random_weights_have_the_variance_of_he_et_al(model):
    weight = reinitialized(model, ["12"])[12].weight.detach()
    # the relative standard error of a variance of n normal numbers is sqrt(2 / n): 0.8 % for 32,768
    assert float(weight.var()) == pytest.approx(2 / weight.shape[1], rel=0.04)


def test_batch_norm_loses_its_statistics():
    network = Residual()
    network.stem[1].running_mean += 1
    assert changed_layers(network, reinitialized(network, ["stem.1"])) == {"stem.1"}
    assert (reinitialized(network, ["stem.1"]).stem[1].running_mean == 0).all()


@pytest.mark.parametrize("change", [reinitialized, freeze])
def test_unknown_layers_are_refused(model, change):
    with pytest.raises(UnknownName, match="'17'"):
        change(model, ["17"])


def test_a_network_without_weights_has_no_layers(images):
    with pytest.raises(BadOption, match="`model` must have layers with weights, got 'Flatten'"):
        layer_names(nn.Flatten(), images.inputs)


def test_training_leaves_frozen_layers_as_they_are(images):
    network = bvd_cnn(size=16)
    before = bvd_cnn(size=16)
    fit(freeze(network, ["1", "16"]), LabeledImages(images.inputs, images.targets), images, n_epochs=1)
    assert changed_layers(before, network) == {"3", "5", "7", "9", "12", "14"}
