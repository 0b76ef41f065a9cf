from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pytest
import torch

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.games import permutations
from attributionlab.games.permutations import Contributions, Sampling
from attributionlab.perturbation import random_orders
from attributionlab.seeding import generator

SPEC = "multi-color-sum[size=24,temperature=4]"


@cache
def environment_and_batch():
    environment = al.make_environment(SPEC)
    return environment, environment.sample(2)


def z_scores(estimated, exact):
    """Errors in standard errors, of the features that have any effect."""
    return ((estimated.values - exact) / estimated.standard_error)[exact != 0]


@pytest.mark.parametrize("n_orders", [16, 64, 400])
def test_errors_are_as_large_as_the_standard_errors_say(n_orders):
    environment, batch = environment_and_batch()
    exact = al.exact_values(environment, batch, "shapley").values
    scores = z_scores(al.exact_values(environment, batch, "shapley", n_orders=n_orders), exact)
    assert len(scores) > 80
    assert 0.8 < scores.square().mean().sqrt() < 1.2  # 1 +- 0.07 were the errors independent
    assert scores.abs().max() < 5


@pytest.mark.wide
def test_errors_from_black_are_as_large_as_the_standard_errors_say():
    environment, batch = environment_and_batch()
    first, second = (
        al.exact_values(environment, batch, "shapley", "black", n_orders=200, seed=seed) for seed in (0, 1)
    )
    scores = (first.values - second.values) / (first.standard_error**2 + second.standard_error**2).sqrt()
    assert 0.85 < scores.square().mean().sqrt() < 1.1  # 1,152 features
    assert scores.abs().max() < 5


def test_features_without_effect_have_no_error():
    environment, batch = environment_and_batch()
    estimated = al.exact_values(environment, batch, "shapley", n_orders=8)
    background = batch.ground_truth.signed == 0
    assert (estimated.values[background] == 0).all()
    assert (estimated.standard_error[background] == 0).all()
    assert (estimated.standard_error[~background] > 0).all()


def test_values_are_means_over_the_orders_of_what_each_pixel_adds():
    environment, batch = environment_and_batch()
    estimated = al.exact_values(environment, batch[:1], "shapley", "black", n_orders=3, seed=5)
    network, image = copy.deepcopy(environment.model).double(), batch.inputs[0].double()
    expected = torch.zeros(576, dtype=torch.float64)
    for order in random_orders(3, 576, seed=5):
        steps = [torch.zeros_like(image)]
        for pixel in order.tolist():
            steps.append(steps[-1].clone())
            steps[-1][:, pixel // 24, pixel % 24] = image[:, pixel // 24, pixel % 24]
        with torch.no_grad():
            outputs = network(torch.stack(steps))[:, batch.targets[0]]
        expected[order] += outputs.diff() / 3
    torch.testing.assert_close(estimated.values[0].flatten(), expected, rtol=0, atol=1e-15)
    torch.testing.assert_close(estimated.values.sum(), estimated.total[0], rtol=0, atol=1e-14)


def test_orders_in_small_parts_give_the_same(monkeypatch):
    environment, batch = environment_and_batch()
    together = al.exact_values(environment, batch, "shapley", "black", n_orders=5)
    monkeypatch.setattr(permutations, "CHUNK", 1)
    apart = al.exact_values(environment, batch, "shapley", "black", n_orders=5)
    torch.testing.assert_close(together.values, apart.values, rtol=0, atol=1e-15)
    torch.testing.assert_close(together.standard_error, apart.standard_error)


def test_a_longer_estimate_begins_with_the_orders_of_a_shorter_one():
    first, further = random_orders(3, 20, seed=1), random_orders(2, 20, seed=1, first=1)
    assert torch.equal(first[1:], further)


def test_orders_are_added_until_the_error_is_small_enough():
    environment, batch = environment_and_batch()
    finished = []
    estimated = al.exact_values(environment, batch, "shapley", target_error=0.25, progress=finished.append)
    errors = estimated.standard_error.flatten(1).amax(1) / estimated.values.abs().flatten(1).amax(1)
    assert (errors <= 0.25).all()
    assert estimated.n_orders in (64 * 2**step for step in range(10))
    assert sum(finished) <= 2 * estimated.n_orders


def test_an_error_that_is_not_reached_says_how_far_it_came():
    environment, batch = environment_and_batch()
    with pytest.raises(BadOption, match=r"`target_error` must be reached within 70 orders.*, got 0\.001") as raised:
        al.exact_values(environment, batch, "shapley", n_orders=70, target_error=0.001)
    reached = float(str(raised.value).split("give ")[1].split(",")[0])
    estimated = al.exact_values(environment, batch[:1], "shapley", n_orders=70)
    assert reached == pytest.approx(float(estimated.standard_error.max() / estimated.values.abs().max()), rel=1e-2)


def test_progress_counts_every_order_of_every_sample():
    environment, batch = environment_and_batch()
    finished = []
    al.exact_values(environment, batch, "shapley", n_orders=7, progress=finished.append)
    assert sum(finished) == 14


def test_from_black_without_a_closed_form_400_orders_are_the_default():
    assert Sampling.checked(None, None, 0) == Sampling(400, None, 0)
    assert list(Sampling.checked(None, None, 0).rounds()) == [400]
    assert list(Sampling.checked(300, 0.1, 0).rounds()) == [64, 128, 256, 300]
    assert Sampling.checked(None, 0.1, 0).n_orders == 10_000


def summed(draws):
    contributions = Contributions(0, np.zeros(draws.shape[1]), np.zeros(draws.shape[1]))
    contributions.add(draws[:2])
    contributions.add(draws[2:])
    return contributions


def test_features_that_look_alike_share_their_variance():
    draws = generator(0, "contributions").standard_normal((50, 100)) * np.repeat([1.0, 5.0], [60, 40])
    variances = draws.var(axis=0, ddof=1)
    errors = summed(draws).standard_errors([np.arange(100), np.repeat([0, 1], [60, 40])])
    expected = np.repeat([variances[:60].mean(), variances[60:].mean()], [60, 40])
    np.testing.assert_allclose(errors**2, expected / 50, rtol=1e-12)


def test_the_finest_group_with_400_contributions_counts():
    draws = generator(0, "contributions").standard_normal((100, 10))
    variances = draws.var(axis=0, ddof=1)
    fine, coarse = np.repeat([0, 1, 2], [4, 3, 3]), np.repeat([0, 1], [7, 3])
    errors = summed(draws).standard_errors([fine, coarse])
    alone = np.maximum(variances[7:], variances.mean())
    expected = [*[variances[:4].mean()] * 4, *[variances[:7].mean()] * 3, *alone]
    np.testing.assert_allclose(errors**2, np.array(expected) / 100, rtol=1e-12)
