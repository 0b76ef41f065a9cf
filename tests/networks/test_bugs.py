from __future__ import annotations

import copy

import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.errors import Inexact
from attributionlab.networks.bugs import (
    count_blocks,
    exchange_outputs,
    layer_names,
    reinitialize,
    replace_detector,
    require_exact_head,
)
from attributionlab.networks.color_detector import ColorDetector

LAYERS = layer_names(3)


@pytest.fixture(scope="module")
def network():
    return make_environment("multi-color-sum[layout=dense,size=16]").build_network()


def changed_layers(network, other):
    """Layers whose weights differ, by name."""
    states = network.state_dict(), other.state_dict()
    different = [name for name in states[0] if not torch.equal(states[0][name], states[1][name])]

    def layer_of(name):
        room, *rest = name.split(".")
        return f"block{int(rest[1]) // 4 + 1}" if room == "accumulator" else room

    return {layer_of(name) for name in different}


def test_layers_are_named_from_the_top():
    assert LAYERS == ("head", "block3", "block2", "block1", "detector")


@pytest.mark.parametrize("size", [(16, 16), (27, 28), (64, 20), (224, 224)])
def test_blocks_are_as_many_as_the_network_has(size):
    environment = make_environment("multi-color-sum", height=size[0], width=size[1], min_radius=1.0, max_radius=4.0)
    assert count_blocks(size) == len(environment.build_network().accumulator.blocks)


@pytest.mark.parametrize("layers", [LAYERS[:1], LAYERS[:3], LAYERS, *[(layer,) for layer in LAYERS[1:]]])
def test_only_the_named_layers_change_and_the_network_itself_stays(network, layers):
    before = copy.deepcopy(network)
    if layers == LAYERS:  # layers have other widths in a random detector
        layers = LAYERS[:-1]
    changed = reinitialize(network, layers, seed=0)
    if "detector" not in layers:
        assert changed_layers(network, changed) == set(layers)
    assert changed_layers(network, before) == set()


def test_weights_of_a_layer_do_not_depend_on_the_others_but_on_the_seed(network):
    alone, together, other = (
        reinitialize(network, layers, seed).accumulator.layers[4].weight
        for layers, seed in ((("block2",), 3), (LAYERS, 3), (LAYERS, 4))
    )
    assert torch.equal(alone, together)
    assert not torch.equal(alone, other)


def test_random_weights_are_dyadic(network):
    changed = reinitialize(network, LAYERS, seed=1)
    head = {round(float(value), 3) for value in changed.head[0].weight.detach().unique()}
    assert head == {-1.0, -0.5, 0.5, 1.0}
    for layer in changed.accumulator.layers[::2]:
        assert set(layer.weight.unique().tolist()) <= {-1.0, 0.0, 1.0}
        assert not layer.bias.any()


def test_a_random_detector_answers_0_or_1_at_every_integer_color_and_tells_colors_apart(network):
    random = torch.Generator().manual_seed(0)
    colors = torch.randint(0, 256, (4096, 3, 1, 1), generator=random).float()
    for seed in range(4):
        detector = reinitialize(network, ("detector",), seed).detector
        detected = detector(colors)
        assert ((detected == 0) | (detected == 1)).all()
        assert not detected[:, 4:].any()
        known = torch.tensor([*detector.colors, detector.background]).float()[:, :, None, None]
        assert len(detector(known).flatten(1).unique(dim=0)) > 1


def test_exchanged_outputs_are_exchanged_and_no_others():
    environment = make_environment("multi-color-sum[size=16]")
    inputs = environment.sample(2).inputs
    changed = exchange_outputs(environment.model, 1, 3)
    logits = environment.model.logits(inputs)
    assert torch.equal(changed.logits(inputs), logits[:, [0, 3, 2, 1]])
    assert torch.equal(environment.model.logits(inputs), logits)


def test_a_replaced_detector_counts_its_own_colors():
    environment = make_environment("multi-color-sum[n_redundant=0,size=16]")
    inputs = environment.sample(2).inputs
    reversed_colors = ColorDetector(environment.colors[::-1], environment.background, 0)
    changed = replace_detector(environment.model, reversed_colors)
    assert torch.equal(changed.counts(inputs), environment.model.counts(inputs).flip(1))


def test_a_head_that_could_round_is_refused():
    require_exact_head(4, (224, 224), LAYERS)
    require_exact_head(4, (4096, 4096), ("detector",))
    with pytest.raises(Inexact, match=r"the re-initialized head would not be exact in float32.*choose a smaller image"):
        require_exact_head(4, (512, 512), LAYERS)
