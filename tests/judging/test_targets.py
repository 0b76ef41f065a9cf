"""Whether a method looks at the output that it is asked to explain."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.judging import check
from attributionlab.judging.targets import ignores_target
from attributionlab.judging.units import Source
from attributionlab.methods import declares, make_method

MULTI = "multi-color-sum[size=16]"
LOGIT = "multi-color-sum[output=logit,size=16]"


@cache
def environment_of(spec):
    return make_environment(spec)


def ignored(method, environment=MULTI):
    bound = make_method(method, environment_of(environment))
    return ignores_target(
        Source(environment_of(environment), bound, torch.device("cpu"), one_network=True, batch_size=4)
    )


def of_the_winner(model, inputs, _targets):
    """The gradient of the largest output, whatever the target."""
    leaf = inputs.clone().requires_grad_()
    return torch.autograd.grad(model(leaf).amax(dim=1).sum(), leaf)[0]


@declares(sign="magnitude")
def magnitude_of_the_winner(model, inputs, targets):
    return of_the_winner(model, inputs, targets).abs().sum(dim=1)


@declares(sign="positive")
def positive_part_of_the_winner(model, inputs, targets):
    return of_the_winner(model, inputs, targets).sum(dim=1).clamp(min=0)


@pytest.mark.parametrize(
    ("method", "environment", "result"),
    [
        ("truth", MULTI, False),
        ("gradient", MULTI, False),
        (of_the_winner, MULTI, True),
        (positive_part_of_the_winner, MULTI, True),
        (magnitude_of_the_winner, LOGIT, True),
        (magnitude_of_the_winner, MULTI, None),
        ("gradient", "single-color-sum[size=16]", None),
    ],
)
def test_a_method_whose_maps_are_the_winners_for_another_target_is_found(method, environment, result):
    """Magnitudes on a probability cannot tell: all colors take part in every output. A regression has one output."""
    assert ignored(method, environment) is result


@pytest.mark.wide
def test_it_is_reported_even_where_the_scores_are_good():
    """On the winner, which is the default target, the maps are right."""
    (environment,) = check(of_the_winner, environment_of(MULTI), n_samples=4).environments
    (of_target,) = check("gradient", environment_of(MULTI), n_samples=4).environments
    assert environment.truths["signed"].f1 == pytest.approx(of_target.truths["signed"].f1)
    assert (environment.ignores_target, of_target.ignores_target) == (True, False)
    assert "use `targets`" in environment.advice


def test_a_method_that_fails_for_another_target_does_not_ignore_it():
    def method(_model, inputs, targets):
        return inputs * (1 if int(targets[0]) == winner else torch.nan)

    winner = int(environment_of(MULTI).sample(1).targets[0])
    assert ignored(method) is False
