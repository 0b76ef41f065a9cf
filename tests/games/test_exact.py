from __future__ import annotations

import copy
import itertools
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from oracles import shapley
from tiny_scenes import tiny_scene
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption, SaturationWarning
from attributionlab.games.input_game import InputGame
from attributionlab.networks import logits_of
from attributionlab.truth import GAMES, LabeledImages

sys.path.insert(0, str(Path(__file__).parents[1]))
from table_environment import WeightedColumns

SPECS = (
    "multi-color-sum[size=16]",
    "multi-color-sum[height=17,width=24,n_redundant=0]",
    "multi-color-sum[output=logit,size=16]",
    "single-color-sum[size=16]",
    "single-color-modulo[size=16]",
)
ROUNDING = 1e-13
"""Rounding of sums of a few hundred values of at most 1 (a count: 30)."""


@cache
def environment_of(spec):
    return al.make_environment(spec)


@cache
def batch_of(spec):
    return environment_of(spec).sample(2)


def from_the_network(spec, game, index=0, baseline=None):
    """Values without the closed form."""
    environment, batch = environment_of(spec), batch_of(spec)
    end = batch.inputs[index : index + 1]
    color = environment.true_baseline if baseline is None else baseline
    start = color[None, :, None, None].expand_as(end).contiguous()
    input_game = InputGame(environment.model, environment.explains, start, end, int(batch.targets[index]))
    return input_game.exactly(game).values


# Closed forms


@pytest.mark.parametrize("game", ["removal", "alone"])
@pytest.mark.parametrize("spec", SPECS)
def test_effects_of_single_features_are_those_of_one_evaluation_per_feature(spec, game):
    environment, batch = environment_of(spec), batch_of(spec)
    exact = al.exact_values(environment, batch, game)
    assert exact.standard_error is exact.total is None
    for index, scene in enumerate(batch.scenes):
        shape, target = exact.values[index].shape, int(batch.targets[index])
        expected = np.zeros(shape)
        for place in itertools.product(*map(range, shape)):
            before, after = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
            before[:] = after[:] = game == "removal"
            before[place], after[place] = False, True
            logits = (environment.logits(scene, shown) for shown in (before, after))
            expected[place] = environment.difference(*logits, target)
        assert (exact.values[index].numpy() == expected).all()
        assert (from_the_network(spec, game, index) == expected).all()


@pytest.mark.parametrize("n_redundant", [0, 2])
@pytest.mark.parametrize("spec", ["multi-color-sum", "single-color-sum", "single-color-modulo"])
def test_shapley_values_are_those_of_all_coalitions_shown_to_the_network(spec, n_redundant):
    options = {"n_redundant": n_redundant} if spec == "multi-color-sum" else {"modulus": 3} if "modulo" in spec else {}
    environment = al.make_environment(spec, size=16, **options)
    batch = environment.batch((tiny_scene(environment, (3, 2, 2, 1)),))
    players = batch.ground_truth.overall_mask[0].nonzero()
    coalitions = list(itertools.product([False, True], repeat=len(players)))
    shown = torch.zeros(len(coalitions), 16, 16, dtype=torch.bool)
    shown[:, players[:, 0], players[:, 1]] = torch.tensor(coalitions)
    network = copy.deepcopy(environment.model).double()
    with torch.no_grad():
        outputs = network(environment.shown(batch.inputs, shown).double())[:, batch.targets[0]]
    table = {
        frozenset(np.flatnonzero(coalition).tolist()): Fraction(float(output))
        for coalition, output in zip(coalitions, outputs, strict=True)
    }
    values = al.exact_values(environment, batch, "shapley").values[0]
    expected = [float(value) for value in shapley(len(players), table.__getitem__)]
    np.testing.assert_allclose(values[players[:, 0], players[:, 1]], expected, atol=1e-15)  # float64 outputs
    assert (values[~batch.ground_truth.overall_mask[0]] == 0).all()


@pytest.mark.parametrize(
    "spec",
    [
        *SPECS,
        "multi-color-sum[colors=1,2,3;4,5,6,n_redundant=0,size=16]",
        "multi-color-sum[colors=255,0,0;0,255,0;0,0,255;9,9,9;1,1,1;0,99,0,size=20,max_radius=3,min_radius=2]",
        "multi-color-sum[height=24,temperature=1/4,width=16]",
        "multi-color-sum[height=16,temperature=64,width=24]",
    ],
)
def test_values_add_up_and_are_equal_in_a_color_and_0_on_the_background(spec):
    environment = environment_of(spec)
    batch = environment.sample(2)
    outputs = copy.deepcopy(environment.model).double()
    for target in range(1 if environment.explains == "value" else len(environment.palette)):
        targets = torch.full((2,), target)
        retargeted = type(batch)(batch.inputs, targets, batch.labels, batch.ground_truth, batch.scenes)
        baseline = environment.true_baseline[None, :, None, None].expand_as(batch.inputs)
        with torch.no_grad():
            totals = (outputs(batch.inputs.double()) - outputs(baseline.double()))[:, target]
        for game in ("shapley", "aumann-shapley"):
            exact = al.exact_values(environment, retargeted, game)
            assert exact.values.dtype == exact.total.dtype == torch.float64
            torch.testing.assert_close(exact.total, totals, rtol=0, atol=ROUNDING)
            torch.testing.assert_close(exact.values.flatten(1).sum(1), exact.total, rtol=0, atol=1e-9)
            background = (batch.inputs == baseline).all(dim=1)
            assert (exact.values[background] == 0).all()
        values = al.exact_values(environment, retargeted, "shapley").values
        for index, image in enumerate(batch.inputs):
            colors = image.flatten(1).T.unique(dim=0)
            assert all(
                len(values[index][(image.permute(1, 2, 0) == color).all(dim=2)].unique()) == 1 for color in colors
            )


@pytest.mark.parametrize(
    "spec", ["multi-color-sum[n_redundant=0,output=logit,size=16]", "single-color-sum[accumulator=signed,size=16]"]
)
def test_all_games_agree_exactly_where_the_network_only_adds(spec):
    environment, batch = environment_of(spec), environment_of(spec).sample(2)
    expected = batch.ground_truth.signed * environment.output_per_feature
    for game in GAMES:
        assert torch.equal(al.exact_values(environment, batch, game).values, expected.double())


def test_white_pixels_of_a_modulo_image_share_the_remainder():
    spec = "single-color-modulo[size=16]"
    environment, batch = environment_of(spec), batch_of(spec)
    numbers = batch.ground_truth.positive_mask.flatten(1).sum(dim=1)
    shares = (batch.labels.double() / numbers)[:, None, None] * batch.ground_truth.signed
    for game in ("shapley", "aumann-shapley"):
        assert torch.equal(al.exact_values(environment, batch, game).values, shares)


def test_the_sign_of_a_shapley_value_is_that_of_the_mask():
    spec = "multi-color-sum[size=16]"
    values = al.exact_values(environment_of(spec), batch_of(spec), "shapley").values
    assert torch.equal(values.sign(), batch_of(spec).ground_truth.signed.double())


# Baselines


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("output", ["probability", "logit"])
def test_redundancy_matters_from_black_only(output, game):
    environments = [
        al.make_environment("multi-color-sum", size=16, output=output, n_redundant=number) for number in (0, 2)
    ]
    batch = environments[0].sample(1)
    on_path = game == "aumann-shapley"  # the path passes unknown colors, wherever it begins
    for baseline, differs in (("true", on_path), ("black", True)):
        off, on = (
            al.exact_values(each, batch, game, baseline, n_orders=None).values
            if game != "shapley" or each.n_redundant == 0
            else al.exact_values(each, batch, game, baseline).values
            for each in environments
        )
        assert torch.equal(off, on) != differs
    assert torch.equal(
        al.exact_values(environments[0], batch, "shapley", "black").values,
        al.exact_values(environments[0], batch, "shapley", "true").values,
    )


@pytest.mark.parametrize("baseline", [(255, 0, 0), (0, 255, 0), (7, 7, 7)])
def test_a_logit_relative_to_any_color_is_linear_without_redundancy(baseline):
    spec = "multi-color-sum[n_redundant=0,output=logit,size=16]"
    environment, batch = environment_of(spec), batch_of(spec)
    for game in ("removal", "alone"):
        exact = al.exact_values(environment, batch, game, baseline).values[0]
        color = torch.tensor(baseline, dtype=torch.float32)
        assert (exact.numpy() == from_the_network(spec, game, baseline=color)).all()
    assert torch.equal(al.exact_values(environment, batch, "shapley", baseline).values[0], exact)


@pytest.mark.parametrize("n_redundant", [0, 2])
@pytest.mark.parametrize("baseline", [(255, 0, 0), (7, 7, 7)])
def test_a_probability_relative_to_any_color_is_that_of_the_network(baseline, n_redundant):
    spec = f"multi-color-sum[n_redundant={n_redundant},size=16]"
    environment, batch = environment_of(spec), batch_of(spec)
    color = torch.tensor(baseline, dtype=torch.float32)
    for game in ("removal", "alone"):
        exact = al.exact_values(environment, batch, game, baseline).values[0]
        assert (exact.numpy() == from_the_network(spec, game, baseline=color)).all()
    has_closed_form = n_redundant == 0 and baseline not in environment.palette
    assert al.exact_values(environment, batch[:1], "shapley", baseline).is_estimated != has_closed_form


def test_pixels_that_look_alike_have_equal_colors_and_equal_places_in_their_cells():
    spec = "multi-color-sum[height=17,width=24,n_redundant=0]"
    environment, batch = environment_of(spec), batch_of(spec)
    end = batch.inputs[:1]
    fine, coarse = InputGame(environment.model, "probability", torch.zeros_like(end), end, 0).groupings
    rows, columns = np.divmod(np.arange(17 * 24), 24)
    colors = end[0].flatten(1).T.numpy()
    alike = (colors[:, None] == colors).all(axis=2)
    in_place = ((rows[:, None] - rows) % 3 == 0) & ((columns[:, None] - columns) % 3 == 0)
    assert ((coarse[:, None] == coarse) == alike).all()
    assert ((fine[:, None] == fine) == (alike & in_place)).all()


def test_black_pixels_lower_a_count_relative_to_white():
    spec = "single-color-sum[size=16]"
    environment, batch = environment_of(spec), batch_of(spec)
    for game in GAMES:
        exact = al.exact_values(environment, batch, game, (1,))
        assert torch.equal(exact.values, batch.inputs[:, 0].double() - 1)
    assert (exact.total == batch.labels - 256).all()


def test_inputs_as_baselines_are_what_a_color_is():
    spec = "multi-color-sum[size=16]"
    environment, batch = environment_of(spec), batch_of(spec)
    inputs = torch.zeros_like(batch.inputs)
    for game in ("removal", "aumann-shapley"):
        named, given = (al.exact_values(environment, batch, game, baseline) for baseline in ("black", inputs))
        assert torch.equal(named.values, given.values)
    assert (named.baseline, given.baseline) == ("black", "inputs")


def test_values_of_a_sample_do_not_depend_on_its_batch():
    spec = "multi-color-sum[size=16]"
    environment, batch = environment_of(spec), batch_of(spec)
    for game, baseline, n_orders in (
        ("shapley", "true", None),
        ("shapley", "black", 8),
        ("aumann-shapley", "black", None),
    ):
        together, alone = (
            al.exact_values(environment, part, game, baseline, n_orders=n_orders).values for part in (batch, batch[1:])
        )
        assert torch.equal(together[1:], alone)


# Other environments and networks


def test_columns_of_a_table_have_values():
    environment = WeightedColumns()
    batch = environment.sample(3)
    expected = torch.from_numpy(environment.weights)[batch.targets] * batch.inputs[:, 0]
    for game in ("removal", "alone", "shapley"):
        exact = al.exact_values(environment, batch, game)
        torch.testing.assert_close(exact.values, expected, rtol=0, atol=ROUNDING)
    estimated = al.exact_values(environment, batch, "shapley", n_orders=3)
    torch.testing.assert_close(estimated.values, expected, rtol=0, atol=ROUNDING)
    with pytest.raises(
        BadOption, match="`game` must be removal, alone or shapley for this network, got 'aumann-shapley'"
    ):
        al.exact_values(environment, batch, "aumann-shapley")


def test_an_environment_without_a_closed_form_asks_its_network():
    class Unknown(WeightedColumns):
        logits = al.Environment.logits

    environment = Unknown()
    batch = environment.sample(2)
    for game in ("removal", "alone", "shapley"):
        known, unknown = (al.exact_values(each, batch, game) for each in (WeightedColumns(), environment))
        torch.testing.assert_close(known.values, unknown.values, rtol=0, atol=ROUNDING)
        assert unknown.is_estimated == (game == "shapley")


def test_any_network_has_estimated_values():
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, dtype=torch.float64))
    inputs = torch.arange(24, dtype=torch.float64).view(2, 3, 2, 2)
    trained = al.TrainedNetwork(network, torch.ones(3))
    images = LabeledImages(inputs, torch.tensor([1, 0]))
    exact = al.exact_values(trained, images, "shapley", n_orders=2)
    weights = network[1].weight.detach()[images.targets].view(2, 3, 2, 2)
    torch.testing.assert_close(exact.values, (weights * (inputs - 1)).sum(dim=1))
    assert exact.n_orders == 2


def test_a_designed_network_is_evaluated_by_events_wherever_it_comes_from():
    spec = "multi-color-sum[size=16]"
    environment, batch = environment_of(spec), batch_of(spec)
    trained = al.TrainedNetwork(environment.model, environment.true_baseline)
    images = LabeledImages(batch.inputs, batch.targets)
    one, two = (
        al.exact_values(*pair, "shapley", "black", n_orders=4) for pair in ((environment, batch), (trained, images))
    )
    assert torch.equal(one.values, two.values)


def test_other_weights_are_evaluated_by_forward_passes():
    environment = al.make_environment("multi-color-sum[size=16,temperature=4]")
    batch = environment.sample(1)
    expected = al.exact_values(environment, batch, "removal", "black").values
    environment.model.accumulator.layers[0].weight.data[0, 0, 0, 0] += 0.25
    changed = al.exact_values(environment, batch, "removal", "black").values
    assert not torch.equal(expected, changed)
    pixel = (batch.inputs[0] != 20).any(dim=0).nonzero()[0]
    without = batch.inputs.clone()
    without[0, :, pixel[0], pixel[1]] = 0
    logits = logits_of(environment.model)(torch.cat([without, batch.inputs])).detach().double().numpy()
    assert changed[0, pixel[0], pixel[1]] == environment.difference(logits[0], logits[1], int(batch.targets[0]))
    with pytest.raises(BadOption, match="`game` must be removal, alone or shapley for this network"):
        al.exact_values(environment, batch, "aumann-shapley")


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"game": "nash"}, "`game` must be removal, alone, shapley or aumann-shapley, got 'nash'"),
        ({"baseline": "white"}, "`baseline` must be black or true or a list of numbers or a tensor, got 'white'"),
        ({"baseline": (1, 2)}, "`baseline` must"),
        ({"baseline": (1, 2, 300)}, "`baseline` must have values in 0..255"),
        ({"baseline": torch.zeros(1, 3, 16, 16)}, r"`baseline` must have the shape of the inputs, \(2, 3, 16, 16\)"),
        ({"n_orders": 1}, "`n_orders` must be at least 2, got 1"),
        ({"n_orders": 2.5}, "`n_orders` must be an integer"),
        ({"target_error": 0}, "`target_error` must be above 0, got 0"),
        ({"target_error": -1}, "`target_error` must be a finite number of at least 0"),
        ({"seed": -1, "n_orders": 2}, "`seed` must be at least 0"),
        ({"progress": 3}, r"`progress` must be a function \(n_orders\), or none"),
        ({"game": "removal", "n_orders": 9}, "`n_orders` must be none for the game removal, whose values are exact"),
        ({"game": "alone", "target_error": 0.1}, "`target_error` must be none for the game alone"),
        ({"environment": "multi-color-sum"}, "`environment` must be an environment or a TrainedNetwork"),
        ({"batch": 3}, "`batch` must be a Batch of the environment"),
    ],
)
def test_bad_input_is_named(arguments, message):
    spec = "multi-color-sum[size=16]"
    usual = {"environment": environment_of(spec), "batch": batch_of(spec), "game": "shapley"}
    with pytest.raises(BadOption, match=message):
        al.exact_values(**{**usual, **arguments})


def test_batches_of_other_inputs_targets_and_colors_are_refused():
    spec = "multi-color-sum[size=16]"
    environment, batch = environment_of(spec), batch_of(spec)
    parts = (batch.labels, batch.ground_truth, batch.scenes)
    with pytest.raises(BadOption, match="`batch` must hold the inputs of its scenes"):
        al.exact_values(environment, type(batch)(batch.inputs + 1, batch.targets, *parts), "shapley")
    with pytest.raises(BadOption, match="`targets` must be indices of the model's outputs, 0 to 3, got 4"):
        al.exact_values(environment, type(batch)(batch.inputs, batch.targets * 0 + 4, *parts), "shapley")
    others = environment.changed(colors=((1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4)))
    with pytest.raises(BadOption, match="`scenes` must have the colors of the environment"):
        al.exact_values(others, batch, "shapley")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`n_orders` must be set for a network without an environment, or `target_error`, got None"),
        ({"game": "removal"}, "`game` must be shapley for a network without an environment, got 'removal'"),
        ({"batch": 3}, "`batch` must be a Batch or LabeledImages"),
        ({"n_orders": 1}, "`n_orders` must be at least 2"),
    ],
)
def test_bad_input_for_a_network_without_an_environment_is_named(arguments, message):
    network = al.TrainedNetwork(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.zeros(1))
    usual = {"batch": LabeledImages(torch.zeros(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64)), "game": "shapley"}
    with pytest.raises(BadOption, match=message):
        al.exact_values(network, **{**usual, **arguments})


def test_values_say_what_they_are():
    spec = "multi-color-sum[size=16]"
    exact = al.exact_values(environment_of(spec), batch_of(spec), "removal", (255, 0, 0))
    assert repr(exact) == "ExactValues(removal@255,0,0, 2x16x16, exact)"
    estimated = al.exact_values(environment_of(spec), batch_of(spec), "shapley", "black", n_orders=2)
    assert repr(estimated) == "ExactValues(shapley@black, 2x16x16, from 2 orders)"


def test_a_saturated_softmax_has_values_like_any_other():
    with pytest.warns(SaturationWarning):
        environment = al.make_environment("multi-color-sum[max_margin=none,size=16,temperature=1/4]")
    batch = environment.sample(1)
    for game in ("shapley", "aumann-shapley"):
        exact = al.exact_values(environment, batch, game, "true")
        assert abs(exact.values.sum() - exact.total[0]) < 1e-9
