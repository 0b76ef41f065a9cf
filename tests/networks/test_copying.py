"""Copies of networks: as `copy.deepcopy` makes them, for modules of any kind."""

import copy

import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.networks.copying import copy_network


class Shared(nn.Module):
    """Modules, parameters, buffers, hooks and plain attributes, some of them twice."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 2, 1)
        self.again = self.first
        self.norm = nn.BatchNorm2d(2)
        self.bias = nn.Parameter(torch.ones(2), requires_grad=False)
        self.register_buffer("scale", torch.full((2,), 3.0), persistent=False)
        self.first.register_forward_hook(self.count)
        self.table = {"weights": self.first.weight, "names": ["a", "b"]}
        self.calls = []

    def count(self, *_):
        self.calls.append(1)

    def forward(self, inputs):
        return self.norm(self.again(self.first(inputs.mean(dim=1, keepdim=True))[:, :1])) + self.scale.sum()


class Counted(nn.Module):
    """Says itself how it is copied."""

    def __deepcopy__(self, memo):
        copied = type(self)()
        copied.is_copy = True
        return copied


@pytest.mark.parametrize(
    "build",
    [
        lambda: al.make_environment("multi-color-sum[size=16]").model,
        lambda: al.make_environment("single-color-modulo[size=16,structure=residual]").model,
        Shared,
        lambda: nn.LSTM(2, 3, batch_first=True),
    ],
    ids=["colors", "modulo", "shared", "recurrent"],
)
def test_a_copy_has_the_structure_of_a_deep_copy_and_nothing_of_the_original(build):
    network = build().eval()
    copied, expected = copy_network(network), copy.deepcopy(network)
    assert [(name, type(module)) for name, module in copied.named_modules(remove_duplicate=False)] == [
        (name, type(module)) for name, module in expected.named_modules(remove_duplicate=False)
    ]
    for ours, theirs in zip(copied.modules(), expected.modules(), strict=True):
        assert list(vars(ours)) == list(vars(theirs))
    tensors = [dict([*each.named_parameters(), *each.named_buffers()]) for each in (network, copied, expected)]
    for name, tensor in tensors[0].items():
        assert torch.equal(tensors[1][name], tensor)
        assert tensors[1][name].data_ptr() != tensor.data_ptr()
        assert tensors[1][name].requires_grad == tensor.requires_grad
        assert type(tensors[1][name]) is type(tensors[2][name])
    assert not {id(module) for module in network.modules()} & {id(module) for module in copied.modules()}


def test_what_occurs_twice_is_copied_once_and_hooks_are_those_of_the_copy():
    network = Shared().eval()
    copied = copy_network(network)
    assert copied.again is copied.first
    assert copied.table["weights"] is copied.first.weight
    assert copied.table["names"] is not network.table["names"]
    inputs = torch.ones(1, 3, 2, 2)
    assert torch.equal(copied(inputs), network(inputs))
    assert (len(network.calls), len(copied.calls)) == (2, 2)


def test_a_change_of_the_copy_leaves_the_original_alone():
    network = Shared()
    copied = copy_network(network)
    copied.first.register_forward_pre_hook(lambda *_: None)
    copied.add_module("more", nn.ReLU())
    with torch.no_grad():
        copied.bias.zero_()
    assert not network.first._forward_pre_hooks
    assert not hasattr(network, "more")
    assert network.bias.tolist() == [1, 1]


def test_a_module_that_says_how_it_is_copied_is_asked():
    copied = copy_network(nn.Sequential(nn.ReLU(), Counted()))
    assert copied[1].is_copy
