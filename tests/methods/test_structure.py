"""What hooks on modules do not see, and who refuses it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.methods.structure import require_relu_modules, unseen

IMAGES = torch.ones(2, 3, 4, 4)


class Network(nn.Module):
    """Whatever a test calls between two layers."""

    def __init__(self, between):
        super().__init__()
        self.first, self.last, self.relu = nn.Conv2d(3, 3, 1), nn.Linear(48, 2), nn.ReLU()
        self.between = between

    def forward(self, inputs):
        return self.last(self.between(self, self.first(inputs)).flatten(1))


@pytest.mark.parametrize(
    "relu",
    [
        functional.relu,
        lambda values: functional.relu(values, inplace=True),
        torch.relu,
        torch.relu_,
        torch.Tensor.relu,
        torch.Tensor.relu_,
        lambda values: values.clamp_min(0),
        lambda values: torch.clamp_min(values, 0),
    ],
)
def test_functional_relus_are_seen_and_modules_are_not_taken_for_them(relu):
    network = Network(lambda self, values: relu(self.relu(values)))
    assert unseen(network, IMAGES).n_functional == 1
    with pytest.raises(
        BadOption, match=r"`model` must have a nn.ReLU module for every ReLU, got '1 calls .*captum#1082"
    ):
        require_relu_modules(network, IMAGES)


def test_a_module_that_is_called_again_is_named():
    network = Network(lambda self, values: self.relu(self.relu(values) - 1))
    assert unseen(network, IMAGES).reused == ("relu",)
    require_relu_modules(network, IMAGES)
    with pytest.raises(BadOption, match=r"`model` must call each nn.ReLU module once, got 'relu again'"):
        require_relu_modules(network, IMAGES, once=True)


def test_looking_leaves_no_trace_even_where_the_model_raises():
    def broken(network, values):
        raise RuntimeError("broken")

    for network in (Network(lambda self, values: self.relu(values)), Network(broken)):
        before = dict(network.named_parameters())
        inputs = IMAGES.clone()
        if network.between is broken:
            with pytest.raises(RuntimeError, match="broken"):
                unseen(network, inputs)
        else:
            unseen(network, inputs)
        assert all(parameter is before[name] for name, parameter in network.named_parameters())
        assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
        assert not network.relu._forward_hooks
        assert not inputs.requires_grad


@pytest.mark.parametrize("name", ["gradcam", "guided-gradcam", "iba"])
def test_a_layer_that_is_called_again_is_refused(name):
    environment = al.make_environment("multi-color-sum[activation=shared,size=16]")
    batch = environment.sample(1)
    with pytest.raises(BadOption, match=r"`layer` must be a module that is called once.* is called 12 times"):
        al.make_method(name, environment)(environment.model, batch.inputs, batch.targets)
