"""Groups of features as players, and other explained outputs than the environment's own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.games import groups as module

SPEC = "multi-color-sum[size=16]"


def quadrants(batch, n=4):
    """n columns of equal width."""
    return (torch.arange(16) * n // 16).expand(batch.inputs[:, 0].shape)


def by_definition(environment, batch, mask, color):
    """The mean over all orders of the groups, from float32 outputs; one sample."""
    groups = mask[0].unique().tolist()
    values = dict.fromkeys(groups, 0.0)
    orders = list(itertools.permutations(groups))
    for order in orders:
        image = color[:, None, None].expand_as(batch.inputs[0]).clone()
        before = None
        for group in [None, *order]:
            if group is not None:
                image = torch.where(mask[0] == group, batch.inputs[0], image)
            with torch.no_grad():
                after = float(environment.model(image[None])[0, batch.targets[0]])
            if group is not None:
                values[group] += (after - before) / len(orders)
            before = after
    return torch.tensor([[values[int(group)] for group in row] for row in mask[0]])


@pytest.mark.parametrize("baseline", ["true", "black"])
def test_groups_have_the_mean_of_what_they_add_over_all_orders(baseline):
    environment = al.make_environment(SPEC)
    batch = environment.sample(1)
    mask = quadrants(batch)
    exact = al.exact_values(environment, batch, "shapley", baseline, feature_mask=mask)
    color = environment.true_baseline if baseline == "true" else torch.zeros(3)
    expected = by_definition(environment, batch, mask, color)
    torch.testing.assert_close(exact.values[0].float(), expected, rtol=0, atol=1e-6)  # float32 outputs
    assert exact.total is None
    assert not exact.is_estimated
    assert exact.values.abs().max() > 0.01


@pytest.mark.wide
def test_many_groups_are_estimated_with_true_errors(monkeypatch):
    environment = al.make_environment(SPEC)
    batch = environment.sample(2)
    arguments = (environment, batch, "shapley", "black")
    mask = quadrants(batch, 5)
    exact = al.exact_values(*arguments, feature_mask=mask)
    monkeypatch.setattr(module, "ELEMENTS_AT_ONCE", 1)  # one order at a time
    estimate = al.exact_values(*arguments, feature_mask=mask, n_orders=400)
    scores = ((estimate.values - exact.values) / estimate.standard_error)[:, 0].unique()
    assert estimate.n_orders == 400
    assert scores.abs().max() < 4  # z-scores of ten values
    assert (scores != 0).any()


def test_groups_of_one_feature_have_the_values_of_features():
    environment = al.make_environment(SPEC)
    batch = environment.sample(1)
    mask = torch.arange(256).reshape(1, 16, 16)
    grouped = al.exact_values(environment, batch, "shapley", "black", feature_mask=mask, n_orders=6)
    single = al.exact_values(environment, batch, "shapley", "black", n_orders=6)
    assert torch.equal(grouped.values, single.values)


def test_numbers_of_groups_may_have_gaps():
    environment = al.make_environment(SPEC)
    batch = environment.sample(1)
    mask = quadrants(batch, 3)
    values = [
        al.exact_values(environment, batch, "shapley", feature_mask=numbers).values for numbers in (mask, 7 * mask - 2)
    ]
    assert torch.equal(*values)


@pytest.mark.wide
@pytest.mark.parametrize("game", ["removal", "alone", "shapley", "aumann-shapley"])
@pytest.mark.parametrize("options", ["", ",n_redundant=0"])
@pytest.mark.parametrize("baseline", ["true", "black"])
def test_the_logit_of_a_network_with_a_softmax_has_the_values_of_one_without(game, options, baseline):
    probability = al.make_environment(f"multi-color-sum[size=16{options}]")
    logit = probability.changed(output="logit")
    batch = probability.sample(1)
    orders = {"n_orders": 5} if (game, options, baseline) == ("shapley", "", "black") else {}
    values = al.exact_values(probability, batch, game, baseline, explains="logit", **orders)
    expected = al.exact_values(logit, logit.sample(1), game, baseline, **orders)
    np.testing.assert_allclose(values.values, expected.values, rtol=0, atol=1e-13)  # sums of float64 in another order
    assert values.values.abs().max() > 1  # no probability


def test_bad_arguments_get_one_line():
    environment = al.make_environment(SPEC)
    batch = environment.sample(1)
    mask = quadrants(batch)
    for options, message in (
        ({"feature_mask": mask[:, 1:]}, r"`feature_mask` must have shape \(1, 16, 16\), got \(1, 15, 16\)"),
        ({"feature_mask": mask.float()}, "`feature_mask` must be integers"),
        ({"feature_mask": mask, "game": "removal"}, "`game` must be shapley for groups of features, got 'removal'"),
        ({"explains": "value"}, "`explains` must be"),
    ):
        with pytest.raises(BadOption, match=message):
            al.exact_values(environment, batch, options.pop("game", "shapley"), **options)
    network = al.TrainedNetwork(environment.model, environment.true_baseline)
    with pytest.raises(BadOption, match="`explains` must be none for a network without an environment"):
        al.exact_values(network, batch, "shapley", "black", n_orders=2, explains="logit")
