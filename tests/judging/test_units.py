"""Units: scenes under their own networks, and how many of them a check looks at."""

from __future__ import annotations

import itertools
import sys
from functools import cache
from types import SimpleNamespace

import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.judging import check
from attributionlab.judging.checking import looks_of
from attributionlab.judging.units import N_KEPT, Source, Tally
from attributionlab.measuring.progress import no_progress
from attributionlab.methods import declares, make_method

SUM = "single-color-sum[size=16]"
MULTI = "multi-color-sum[size=16]"


@cache
def environment_of(spec):
    return make_environment(spec)


def verdict_of(method, environment=SUM, **options):
    """The verdict in one environment."""
    return check(method, environment_of(environment), **options).environments[0]


def weights_of(model):
    return model.accumulator.layers[0].weight.clone()


def zeros(_model, inputs, _targets):
    return torch.zeros_like(inputs)


# One network per scene


def seen_networks(**options):
    """The first weights of the network at every call, and the images."""
    weights, images = [], []

    def method(model, inputs, targets):
        weights.append(weights_of(model))
        images.append(inputs.clone())
        return inputs

    verdict = verdict_of(method, "single-color-sum[network_seed=4,size=16]", n_samples=4, **options)
    return weights, torch.cat(images), verdict.network_seeds


def test_scene_i_is_explained_under_the_network_with_seed_plus_i():
    weights, images, seeds = seen_networks()
    environment = environment_of("single-color-sum[network_seed=4,size=16]")
    assert seeds == (4, 5, 6, 7)
    assert torch.equal(images, environment.sample(4).inputs)
    for index, first_weights in enumerate(weights):
        assert torch.equal(first_weights, weights_of(environment.changed(network_seed=4 + index).model))
    assert not any(torch.equal(*pair) for pair in itertools.combinations(weights, 2))


@pytest.mark.parametrize("options", [{"one_network": True}, {"rule": "point"}])
def test_on_request_and_by_the_point_rule_all_scenes_share_the_environments_network(options):
    weights, images, seeds = seen_networks(batch_size=2, **options)
    environment = environment_of("single-color-sum[network_seed=4,size=16]")
    assert seeds == (4,)
    assert torch.equal(images, environment.sample(4).inputs)
    assert len(weights) == 2, "batches of two"
    assert all(torch.equal(first_weights, weights_of(environment.model)) for first_weights in weights)


def test_a_bound_method_is_bound_to_every_network_anew():
    environment = environment_of(MULTI)
    bound, by_name = (
        check(method, environment, n_samples=4).environments[0].truths
        for method in (make_method("gradcam", environment), "gradcam")
    )
    assert bound == by_name


@pytest.mark.wide
def test_networks_that_reach_gamma_are_counted():
    """The truth on even scenes and nothing on odd ones."""
    numbers = itertools.count()

    @declares(needs=["batch"])
    def every_other(_model, _inputs, _targets, *, batch):
        return batch.ground_truth.signed.float() * (next(numbers) % 2 == 0)

    assert verdict_of(every_other, n_samples=5).n_held == 3
    assert verdict_of("truth", n_samples=4, one_network=True).n_held == 1
    assert verdict_of(zeros, n_samples=4, one_network=True).n_held == 0


# Looks


def test_looks_are_powers_of_two_from_8_to_256_or_a_given_number():
    assert looks_of("auto", "interval") == (8, 16, 32, 64, 128, 256)
    assert looks_of("auto", "point") == (16,)
    assert looks_of(5, "interval") == (5,)


@pytest.mark.parametrize(
    ("method", "gamma", "n_samples", "outcome"),
    [("truth", 0.5, 8, "passed"), (zeros, 0.5, 8, "failed"), ("truth", 0.8, 16, "passed")],
)
def test_a_check_ends_at_the_first_look_that_decides(method, gamma, n_samples, outcome):
    """Of n perfect scores the interval begins at 1 - t / (n + 2): 0.77 for 8, 0.88 for 16."""
    verdict = verdict_of(method, gamma=gamma)
    assert (verdict.n_samples, verdict.outcome, verdict.out_of_time) == (n_samples, outcome, False)


@pytest.mark.wide
def test_scenes_of_earlier_looks_are_not_explained_again():
    steps = []
    assert verdict_of("truth", gamma=0.8, progress=steps.append).n_samples == 16
    assert steps == [1] * 16


def test_a_number_of_scenes_that_does_not_decide_leaves_it_undecided():
    verdict = check("truth", environment_of(SUM), n_samples=8, gamma=0.8)
    (environment,) = verdict.environments
    assert (verdict.outcome, verdict.passed, verdict.exit_code) == ("undecided", False, 4)
    assert environment.truths["signed"].f1 == 1
    assert environment.truths["signed"].state == "open"
    assert environment.advice.startswith("the interval of the mean contains 0.8: use more scenes (")
    assert (
        "`attributionlab check truth --env 'single-color-sum[size=16]' --gamma 0.8 --n-samples 32`"
        in environment.advice
    )


# Time


def test_after_the_time_limit_no_further_look_begins_and_the_verdict_says_so():
    verdict = verdict_of("truth", gamma=0.8, max_seconds=0)
    assert (verdict.n_samples, verdict.outcome, verdict.out_of_time) == (8, "undecided", True)
    assert (
        "`attributionlab check truth --env 'single-color-sum[size=16]' --gamma 0.8 --max-seconds 120`" in verdict.advice
    )


def test_the_first_look_is_completed_and_may_decide_whatever_the_limit():
    verdict = verdict_of("truth", max_seconds=0)
    assert (verdict.n_samples, verdict.outcome, verdict.out_of_time) == (8, "passed", False)


@pytest.mark.wide
def test_looks_go_on_as_long_as_there_is_time(monkeypatch):
    """A clock that counts its readings: the limit is over at the third look, which is at 32 scenes."""
    clock = SimpleNamespace(monotonic=itertools.count().__next__)
    monkeypatch.setattr(sys.modules["attributionlab.judging.checking"], "time", clock)
    verdict = verdict_of("truth", gamma=0.97, max_seconds=1)
    assert (verdict.n_samples, verdict.out_of_time) == (16, True)


@pytest.mark.wide
def test_where_the_time_is_up_dependence_is_measured_on_half_of_the_scenes_and_targets_are_left_out():
    calls = []

    @declares(needs=["batch"])
    def method(_model, _inputs, targets, *, batch):
        calls.append(targets)
        return batch.ground_truth.signed.float()

    verdict = verdict_of(method, MULTI, max_seconds=0)
    assert len(calls) == 8 + 8, "each scene under its own network and under its counterpart"
    assert verdict.dependence["signed"].value == 1
    assert verdict.ignores_target is None


# A tally


def test_a_tally_has_the_scores_of_single_scenes():
    environment = environment_of(MULTI)
    tally = Tally(Source(environment, make_method("truth", environment), torch.device("cpu"), True, 2))
    tally.extend(3, no_progress)
    assert tally.n == tally.n_begun == 3
    assert tally.scores.f1("signed").tolist() == [1, 1, 1]
    assert torch.equal(torch.cat(tally.maps), environment.sample(3).ground_truth.signed.float())
    assert tally.source.network_seeds(3) == (0,)


def test_a_method_that_fails_later_says_on_how_many_scenes_it_was_called():
    calls = itertools.count()

    def method(_model, inputs, _targets):
        return inputs * (torch.nan if next(calls) == 2 else 1)

    verdict = verdict_of(method)
    assert (verdict.outcome, verdict.error.type, verdict.n_samples) == ("failed", "NotFinite", 3)
    assert set(verdict.truths.values()) == {None}


def test_networks_of_the_first_scenes_only_are_kept():
    environment = environment_of(SUM)
    source = Source(
        environment, make_method("truth", environment), torch.device("cpu"), one_network=False, batch_size=1
    )
    assert source.with_network(N_KEPT - 1) is source.with_network(N_KEPT - 1)
    later = source.with_network(N_KEPT)
    assert later is not source.with_network(N_KEPT)
    assert later.network_seed == environment.network_seed + N_KEPT
