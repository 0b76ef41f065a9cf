"""Set functions that are read off a network, against those that its environment declares and against the network itself."""

from __future__ import annotations

import copy
import itertools
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import torch
from oracles import shapley
from tiny_scenes import tiny_scene
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.games.additive import identity_temperature, network_set_function
from attributionlab.networks import build_identity_head, build_modulo

SPECS = (
    "multi-color-sum[size=16]",
    "multi-color-sum[layout=dense,n_redundant=0,size=16,structure=residual]",
    "multi-color-sum[output=logit,size=16]",
    "single-color-sum[accumulator=signed,size=16]",
    "single-color-modulo[activation=functional,size=16]",
)


@cache
def environment_and_batch(spec):
    environment = al.make_environment(spec)
    return environment, environment.sample(2)


def read_off(environment, start, end, target):
    return network_set_function(environment.model, environment.explains, start, end, target)


@pytest.mark.parametrize("spec", SPECS)
def test_the_network_plays_the_game_that_its_environment_declares(spec):
    environment, batch = environment_and_batch(spec)
    color = environment.true_baseline
    for index, scene in enumerate(batch.scenes):
        end, target = batch.inputs[index : index + 1], int(batch.targets[index])
        function = read_off(environment, color[None, :, None, None].expand_as(end), end, target)
        declared = environment.set_function(scene, target, tuple(color.tolist()))
        for game in ("removal", "alone", "shapley"):
            values, expected = (each.spread(getattr(each, game)()) for each in (function, declared))
            assert (values == expected).all()
        assert function.total == declared.total


def test_the_shapley_values_of_a_counterpart_are_those_of_its_coalitions():
    environment = al.make_environment("multi-color-sum[size=16]")
    batch = environment.batch((tiny_scene(environment, (3, 2, 2, 1)),))
    network = environment.counterpart(batch.scenes[0]).network
    exact = al.exact_values(environment, batch, "shapley", network=network)
    players = batch.ground_truth.overall_mask[0].nonzero()
    coalitions = list(itertools.product([False, True], repeat=len(players)))
    shown = torch.zeros(len(coalitions), 16, 16, dtype=torch.bool)
    shown[:, players[:, 0], players[:, 1]] = torch.tensor(coalitions)
    with torch.no_grad():
        precise = copy.deepcopy(network).double()
        outputs = precise(environment.shown(batch.inputs, shown).double())[:, batch.targets[0]]
    table = {
        frozenset(np.flatnonzero(coalition).tolist()): Fraction(float(output))
        for coalition, output in zip(coalitions, outputs, strict=True)
    }
    expected = [float(value) for value in shapley(len(players), table.__getitem__)]
    assert not exact.is_estimated
    np.testing.assert_allclose(exact.values[0][players[:, 0], players[:, 1]], expected, atol=1e-15)
    assert torch.equal(exact.values.sign().to(torch.int8), environment.counterpart(batch.scenes[0]).truth.signed)


@pytest.mark.parametrize("game", ["removal", "shapley"])
def test_the_exact_control_follows_the_network_that_it_is_given(game):
    environment, batch = environment_and_batch("multi-color-sum[size=16]")
    method = al.make_method("exact", environment, game=game)
    for index, scene in enumerate(batch.scenes):
        network, truth = environment.counterpart(scene)
        part = batch[index : index + 1]
        maps = method(network, part.inputs, part.targets, batch=part)
        assert torch.equal(maps, al.exact_values(environment, part, game, network=network).values)
        assert torch.equal(maps.sign().to(torch.int8), truth.signed)


def test_a_copy_of_the_network_in_another_precision_is_the_same_network():
    environment, batch = environment_and_batch("multi-color-sum[size=16]")
    expected = al.exact_values(environment, batch, "shapley").values
    for network in (copy.deepcopy(environment.model).double(), nn.Sequential(environment.model)):
        maps = al.make_method("exact", environment)(network, batch.inputs, batch.targets, batch=batch)
        assert torch.equal(maps, expected)


def test_between_two_images_of_known_colors_a_logit_is_linear():
    environment, batch = environment_and_batch("multi-color-sum[output=logit,size=16]")
    other = batch.inputs.flip(0)
    for game in ("removal", "alone", "shapley"):
        exact = al.exact_values(environment, batch, game, other)
        assert not exact.is_estimated
        color = torch.tensor([environment.colors[target] for target in batch.targets])[:, :, None, None].float()
        gained = (batch.inputs == color).all(dim=1).double() - (other == color).all(dim=1).double()
        assert torch.equal(exact.values, gained / environment.counts_per_logit)


def test_what_has_no_closed_form_is_none():
    environment, batch = environment_and_batch("multi-color-sum[size=16]")
    end = batch.inputs[:1]
    background = environment.true_baseline[None, :, None, None].expand_as(end)
    assert read_off(environment, torch.zeros_like(end), end, 0) is None, "black wakes redundant channels"
    assert read_off(environment, background, end, 0) is not None
    assert network_set_function(nn.Sequential(environment.model), "probability", background, end, 0) is None
    gray, white = al.make_environment("single-color-sum[size=16]"), torch.ones(1, 1, 16, 16)
    assert read_off(gray, white * 0, white, 0) is not None
    assert read_off(gray, white / 2, white, 0) is None, "half a pixel is not counted exactly"


def test_a_probability_from_a_counted_color_is_enumerated_only_where_coalitions_are_few():
    environment = al.make_environment("multi-color-sum[size=16]")
    batch = environment.batch((tiny_scene(environment, (2, 2, 1, 1)),))
    start = torch.tensor(environment.colors[0], dtype=torch.float32)[None, :, None, None].expand_as(batch.inputs)
    few = torch.where(batch.ground_truth.overall_mask[:, None], start, batch.inputs)  # differs in the patches only
    function = read_off(environment, few, batch.inputs, 1)
    values = function.spread(function.shapley())
    assert abs(values.sum() - function.total) < 1e-15
    assert (values != 0).sum() == 4, "pixels of the first color are the same in both"
    everywhere = read_off(environment, start, batch.inputs, 1)
    assert everywhere.sizes.max() == 250, "the background differs, too"


@pytest.mark.parametrize(
    ("head", "temperature"),
    [
        (build_identity_head(3, 16.0), 16.0),
        (build_identity_head(1), 1.0),
        (build_modulo(3, 9), None),
        (nn.Sequential(nn.Linear(2, 2)), None),
        (nn.Sequential(nn.Flatten()), None),
    ],
)
def test_the_temperature_of_a_head_is_known_if_it_only_divides(head, temperature):
    assert identity_temperature(head) == temperature


def test_bad_networks_are_named():
    environment, batch = environment_and_batch("multi-color-sum[size=16]")
    with pytest.raises(BadOption, match=r"`network` must be a torch.nn.Module"):
        al.exact_values(environment, batch, "shapley", network=3)
    foreign = nn.Sequential(nn.Flatten(), nn.Linear(768, 4))
    with pytest.raises(BadOption, match="`n_orders` must be set for a network without an environment"):
        al.exact_values(environment, batch, "shapley", network=foreign)
    with pytest.raises(BadOption, match="`targets` must be indices of the model's outputs, 0 to 0"):
        al.exact_values(environment, batch, "removal", network=nn.Sequential(nn.Flatten(), nn.Linear(768, 1)))
