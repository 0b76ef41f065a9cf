from __future__ import annotations

import pytest
import torch
from torch import nn

from attributionlab.networks.wiring import Neuron, Wiring, activated, assigned


@pytest.fixture
def wiring():
    layer = Wiring(["left", "middle", "right"])
    layer.add("difference", {"left": 1.0, "right": -1.0}, 0.5)
    layer.add("double", {"middle": 2.0})
    return layer


def test_weights_stand_where_the_names_say(wiring):
    weight, bias = wiring.parameters()
    assert weight.tolist() == [[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]]
    assert bias.tolist() == [0.5, 0.0]


def test_outputs_are_named_in_order_of_first_mention(wiring):
    assert wiring.outputs == ["difference", "double"]


def test_two_neurons_of_one_name_and_kind_are_one_neuron(wiring):
    assert wiring.add("double", {"middle": 2.0}) == "double"
    assert wiring.neurons["double"] == Neuron({"middle": 2.0}, 0.0)
    assert len(wiring.outputs) == 2


def test_two_different_neurons_of_one_name_are_refused(wiring):
    with pytest.raises(AssertionError, match="two different neurons are called 'double'"):
        wiring.add("double", {"middle": 3.0})


def test_linear_and_pointwise_layers_compute_the_same(wiring):
    values = torch.tensor([[1.0, 2.0, 3.0], [-4.0, 0.0, 8.0]])
    linear = wiring.linear()(values)
    assert linear.tolist() == [[-1.5, 4.0], [-11.5, 0.0]]
    assert torch.equal(wiring.pointwise()(values[:, :, None, None])[:, :, 0, 0], linear)


def test_weights_that_do_not_fit_the_layer_are_refused():
    with pytest.raises(AssertionError, match=r"\(1, 3\) does not fit \(1, 2\)"):
        assigned(nn.Linear(2, 1), torch.zeros(1, 3), torch.zeros(1))


def test_every_layer_is_followed_by_a_relu_of_its_own():
    network = activated([nn.Linear(1, 1), nn.Linear(1, 1)])
    assert [type(layer) for layer in network] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU]
    assert network[1] is not network[3]


def test_layers_are_ordinary_ones_whose_weights_can_be_drawn_anew(wiring):
    for layer, kind in ((wiring.linear(), nn.Linear), (wiring.pointwise(), nn.Conv2d)):
        assert type(layer) is kind
        before = layer.weight.clone()
        with torch.random.fork_rng():
            layer.reset_parameters()
        assert not torch.equal(layer.weight, before)


def test_layers_are_made_without_drawing_from_the_global_generator(wiring):
    before = torch.get_rng_state()
    wiring.linear()
    wiring.pointwise()
    assert torch.equal(torch.get_rng_state(), before)
