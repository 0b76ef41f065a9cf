"""Network dependence: 1 for the truth, exactly 0 for maps that do not look at the network."""

from __future__ import annotations

import itertools
from functools import cache

import pytest
import torch
from wide import first_of

import attributionlab as al
from attributionlab.environments import make_environment
from attributionlab.judging import check
from attributionlab.judging.dependence import (
    Dependence,
    DependenceTest,
    is_blind,
    is_right_without_network,
    sharing_maps,
)
from attributionlab.judging.units import Source, Tally
from attributionlab.measuring.progress import no_progress
from attributionlab.methods import make_method
from attributionlab.truth import TRUTHS

MULTI = "multi-color-sum[size=16]"
LOGIT = "multi-color-sum[output=logit,size=16]"
KINDS = ("overall", "signed", "positive", "positive-smooth")


@cache
def environment_of(spec):
    return make_environment(spec)


def tally_of(method, environment=MULTI):
    bound = make_method(method, environment_of(environment))
    return Tally(Source(environment_of(environment), bound, torch.device("cpu"), one_network=False, batch_size=1))


def dependence_of(method, environment=MULTI, *, truths=KINDS, n=2):
    """N on kinds of truth, over the first scenes."""
    test = DependenceTest(truths)
    failure = test.measure(tally_of(method, environment), n)
    assert failure is None, failure
    return test.results()


# Maps that do not look at the network


def signless_foreground(_model, inputs, _targets):
    """Every pixel that differs from the corner; an attack that needs no baseline."""
    return (inputs != inputs[:, :, :1, :1]).any(dim=1).float()


def center(_model, inputs, _targets):
    side = torch.linspace(-1, 1, inputs.shape[-1])
    return torch.exp(-(side[:, None] ** 2 + side**2)).expand(len(inputs), -1, -1)


def gradient_of_another_network(_model, inputs, targets):
    stranger = environment_of("multi-color-sum[network_seed=999,size=16]")
    return make_method("gradient", stranger)(stranger.model, inputs, targets)


def color_of_the_target(_model, inputs, targets):
    """Reads the colors of the task off the target alone."""
    colors = torch.tensor(environment_of(MULTI).colors).to(inputs)[targets]
    return (inputs == colors[:, :, None, None]).all(dim=1).float() * 2 - signless_foreground(_model, inputs, targets)


def most_frequent_color(_model, inputs, _targets):
    """The task itself, solved on the image: +1 for the color with the most pixels, -1 for the others."""
    colors = torch.tensor(environment_of(MULTI).colors).to(inputs)
    shown = (inputs[:, None] == colors[:, :, None, None]).all(dim=2)  # b, colors, h, w
    winner = shown.flatten(2).sum(dim=2).argmax(dim=1)
    return shown[torch.arange(len(inputs)), winner] * 2.0 - shown.any(dim=1).float()


def modulated_foreground(model, inputs, targets):
    """Looks at the network's output, which changes all values alike."""
    outputs = model(inputs).gather(1, targets[:, None]).detach()
    return signless_foreground(model, inputs, targets) * outputs[:, :, None]


def with_gradient(blind, share):
    """A blind map with a little of the gradient."""
    gradient = make_method("gradient")

    def mixed(model, inputs, targets):
        values = gradient(model, inputs, targets)
        return blind(model, inputs, targets) + share * values / values.abs().amax(dim=(1, 2), keepdim=True)

    return mixed


BLIND = [
    "foreground",
    "edge",
    "input",
    "constant",
    "random",
    "random[signed=true]",
    signless_foreground,
    center,
    gradient_of_another_network,
    color_of_the_target,
    most_frequent_color,
    modulated_foreground,
]


@pytest.mark.parametrize("environment", first_of([MULTI, LOGIT]))
@pytest.mark.parametrize("method", BLIND, ids=lambda method: getattr(method, "__name__", method))
def test_maps_that_do_not_look_at_the_network_have_dependence_exactly_0(method, environment):
    assert set(dependence_of(method, environment).values()) == {Dependence(0, 0, 0)}


@pytest.mark.wide
def test_the_color_of_the_target_is_the_truth_and_blind():
    """It scores 1 on the truth that decides; only the second network gives it away."""
    verdict = check(color_of_the_target, environment_of(MULTI), n_samples=4, gamma=0.9)
    (environment,) = verdict.environments
    assert environment.truths["signed"].f1 == 1
    assert (verdict.outcome, verdict.exit_code) == ("blind", 1)
    assert "do not depend on the network" in environment.advice
    assert "`attributionlab show " in environment.advice


# Maps that do


@pytest.mark.parametrize("environment", [MULTI, LOGIT])
def test_the_truth_has_dependence_exactly_1(environment):
    dependence = dependence_of("truth", environment, truths=("overall", "signed", "positive"))
    assert set(dependence.values()) == {Dependence(1, 1, 1)}


@pytest.mark.parametrize("method", ["gradient", "integrated-gradients[baseline=true]", "deeplift", "gradcam"])
def test_methods_that_look_at_the_network_are_not_blind(method):
    dependence = dependence_of(method, truths=("overall",), n=2)
    assert not is_blind(dependence)
    assert dependence["overall"].value > 0.2


@pytest.mark.wide
def test_a_blind_map_with_a_little_of_the_gradient_is_not_blind_and_its_signs_give_it_away():
    verdict = check(with_gradient(signless_foreground, 0.3), environment_of(MULTI), n_samples=8, gamma=0.6)
    (environment,) = verdict.environments
    assert not is_blind(environment.dependence)
    assert environment.truths["overall"].f1 > 0.8
    assert environment.truths["signed"].f1 < 0.6
    assert not verdict.passed


@pytest.mark.wide
def test_a_solution_of_the_task_with_a_little_of_the_gradient_is_blind_although_it_depends_on_the_network():
    """Less than half of its F1 follows the network; of honest methods that pass, 0.9 and more does."""
    (fooling,), (honest,) = (
        check(method, environment_of(MULTI), n_samples=8).environments
        for method in (with_gradient(most_frequent_color, 0.3), "gradient")
    )
    assert (fooling.outcome, honest.outcome) == ("blind", "passed")
    assert fooling.truths["signed"].state == "reached"
    assert not is_blind(fooling.dependence)
    assert 0.02 < fooling.dependence["signed"].high < 0.5 < honest.dependence["signed"].low
    assert fooling.dependence["signed"].counterpart_f1 < 0.5 < honest.dependence["signed"].counterpart_f1
    assert fooling.diagnosis[-1].startswith("the maps depend on the network only weakly")
    assert honest.diagnosis == ()
    assert "less than half of their F1 does" in fooling.advice


@pytest.mark.parametrize(
    ("highs", "expected"), [((0.29, 0.39), True), ((0.3, 0.39), False), ((0.29, 0.4), False), ((0.0, 0.0), True)]
)
def test_maps_are_right_without_the_network_if_less_than_half_of_every_f1_follows_it(highs, expected):
    f1 = {"overall": 0.6, "signed": 0.8}
    results = {truth: Dependence(0, -1, high) for truth, high in zip(f1, highs, strict=True)}
    assert is_right_without_network(results, f1) is expected
    assert is_right_without_network(None, f1) is False


@pytest.mark.wide
def test_what_is_right_without_the_network_is_told_of_maps_that_would_pass_only():
    mixed = with_gradient(most_frequent_color, 0.3)
    undecided = check(mixed, environment_of(MULTI), n_samples=4, gamma=0.8)
    assert undecided.outcome == "undecided"
    assert check(mixed, environment_of(MULTI), n_samples=4, rule="point").outcome == "passed", "the mean decides alone"


def test_the_f1_under_the_counterparts_is_that_of_the_second_maps_against_the_second_truth():
    scenes = environment_of(MULTI).sample(2).scenes
    inputs = environment_of(MULTI).sample(2).inputs
    gradient = make_method("gradient")
    scores = []
    for scene, image in zip(scenes, inputs, strict=True):
        network, truth = environment_of(MULTI).counterpart(scene)
        maps = gradient(network, image[None], torch.tensor([environment_of(MULTI).label(scene)]))
        scores.append(float(al.score(maps, truth).signed.f1))
    found = dependence_of_one_network("gradient")
    assert found["signed"].counterpart_f1 == pytest.approx(sum(scores) / 2, rel=1e-12)


def dependence_of_one_network(method):
    """N over two scenes under the environment's own network."""
    source = Source(environment_of(MULTI), make_method(method, environment_of(MULTI)), torch.device("cpu"), True, 1)
    test = DependenceTest(("signed",))
    assert test.measure(Tally(source), 2) is None
    return test.results()


# The formula


def test_dependence_is_the_difference_of_scores_relative_to_that_of_the_truth():
    """D of a map that is right about its own network and constant under the other, from its definition."""
    environment = environment_of(MULTI)
    batch = environment.sample(1)
    own = batch.ground_truth
    counterpart = environment.counterpart(batch.scenes[0])
    first, second = own.signed.float(), torch.ones_like(own.signed).float()
    is_counterpart = knows_the_counterpart(environment)

    def f1(maps, truth):
        return float(al.score(maps, truth).overall.f1)

    def difference(first, second):
        other = counterpart.truth
        return ((f1(first, own) + f1(second, other)) - (f1(first, other) + f1(second, own))) / 2

    test = DependenceTest(("overall",))
    test.measure(tally_of(lambda model, *_: second if is_counterpart(model) else first), 1)
    ((of_method, of_truth, of_second),) = test.differences["overall"]
    assert of_second == f1(second, counterpart.truth)
    assert of_method == difference(first, second)
    assert of_truth == difference(own.signed, counterpart.truth.signed) > of_method > 0
    test.differences["overall"] = [(0.1, 0.5, 1.0), (0.3, 0.3, 0.0), (0.2, 0.4, 0.5)]
    result = test.results()["overall"]
    assert result.value == pytest.approx(0.2 / 0.4)
    assert result.counterpart_f1 == 0.5
    # t(.975, 2) = 4.302653; of 0.1, 0.3, 0.2 the truth's half is 0.25, 0.15, 0.2, which leaves -0.15, 0.15, 0
    assert result.high - result.value == pytest.approx(4.302653 * 0.15 / 0.4 / 3**0.5, rel=1e-6)
    assert result.value - result.low == pytest.approx(result.high - result.value)


@pytest.mark.parametrize(
    ("highs", "blind"), [((0.0, 0.0), True), ((0.0199, 0.0), True), ((0.02, 0.0), False), ((0.0, 0.5), False)]
)
def test_maps_are_blind_if_the_interval_ends_below_two_percent_on_every_truth(highs, blind):
    results = {truth: Dependence(-0.1, -0.2, high) for truth, high in zip(("overall", "signed"), highs, strict=True)}
    assert is_blind(results) is blind


def test_what_was_not_tested_is_not_blind():
    assert is_blind(None) is False
    assert is_blind({}) is False


# What a check does with it


@pytest.mark.wide
@pytest.mark.parametrize("spec", ["single-color-sum[size=16]", "single-color-modulo[size=16]"])
def test_without_counterparts_dependence_is_not_tested(spec):
    (environment,) = check("foreground", environment_of(spec), n_samples=4).environments
    assert environment.dependence is None
    assert environment.outcome != "blind"


@pytest.mark.wide
def test_it_is_tested_on_overall_truth_and_on_the_one_that_decides():
    for truth, kinds in (
        ("auto", ["overall", "signed"]),
        ("overall", ["overall"]),
        ("positive", ["overall", "positive"]),
    ):
        verdict = check("truth", environment_of(MULTI), n_samples=2, rule="point", truth=truth)
        assert list(verdict.environments[0].dependence) == kinds
    assert set(kinds) < set(TRUTHS)


def test_maps_of_the_tally_are_not_computed_again():
    calls = itertools.count()

    def method(_model, inputs, _targets):
        next(calls)
        return inputs

    tally = tally_of(method)
    tally.extend(2, no_progress)
    DependenceTest(("overall",)).measure(tally, 3)
    assert next(calls) == 2 + (1 + 1 + 2), (
        "one call for the counterpart of a scene whose map exists, two for a new scene"
    )


def knows_the_counterpart(environment):
    """A function that says whether a model is another one than the environment's own."""
    own = [parameter.detach().clone() for parameter in environment.model.parameters()]
    return lambda model: any(not torch.equal(*pair) for pair in zip(model.parameters(), own, strict=True))


def test_tests_that_share_maps_explain_each_scene_under_its_counterpart_once():
    networks = []

    def noting(model, inputs, _targets):
        networks.append(model)
        return inputs

    environment = make_environment("multi-color-sum", size=16)
    source = Source(environment, make_method(noting, environment), torch.device("cpu"), one_network=False, batch_size=1)

    def dependence():
        networks.clear()
        test = DependenceTest(("overall",))
        assert test.measure(Tally(source), 2) is None
        return test.results(), len(networks)

    apart, n_apart = dependence()
    with sharing_maps():
        first, shared = dependence(), dependence()
    assert (n_apart, first, shared, dependence()) == (4, (apart, 4), (apart, 2), (apart, 4))


def gradient_of(model, inputs, targets):
    inputs = inputs.clone().requires_grad_()
    model(inputs).gather(1, targets[:, None]).sum().backward()
    return inputs.grad * inputs


def inputs_of(_model, inputs, _targets):
    return inputs


@pytest.mark.wide
def test_functions_of_one_name_share_no_maps():
    def dependence(function):
        test = DependenceTest(("overall",))
        assert test.measure(tally_of(function), 2) is None
        return test.results()

    functions = [lambda *call: gradient_of(*call), lambda *call: inputs_of(*call)]  # noqa: PLW0108  # of one name
    assert len({tally_of(function).source.method.spec for function in functions}) == 1
    apart = [dependence(function) for function in functions]
    with sharing_maps():
        assert [dependence(function) for function in functions] == apart


def test_a_method_that_fails_under_the_counterpart_has_failed():
    is_counterpart = knows_the_counterpart(environment_of(MULTI))

    def method(model, inputs, _targets):
        return inputs * (torch.nan if is_counterpart(model) else 1)

    (environment,) = check(method, environment_of(MULTI), n_samples=2, rule="point").environments
    assert (environment.outcome, environment.error.type) == ("failed", "NotFinite")


def test_a_method_that_destroys_the_counterpart_does_not_reach_the_next_check():
    environment = make_environment(MULTI)
    is_counterpart = knows_the_counterpart(environment)

    def method(model, inputs, _targets):
        if is_counterpart(model):
            for parameter in model.parameters():
                parameter.data.zero_()
        return inputs

    (verdict,) = check(method, environment, n_samples=2, rule="point").environments
    assert verdict.error.type == "ModelChanged"
    (verdict,) = check("gradient", environment, n_samples=2, rule="point").environments
    assert verdict.dependence["overall"].value > 0.5


@pytest.mark.wide
def test_by_the_point_rule_the_mean_decides_alone_and_the_dependence_is_only_reported():
    """As in the paper, which has no such test."""
    for rule, outcome in (("interval", "blind"), ("point", "passed")):
        verdict = check("foreground", environment_of(MULTI), n_samples=4, rule=rule, gamma=0.9)
        assert verdict.outcome == outcome
        assert verdict.environments[0].dependence["overall"].value == 0
