"""The faithfulness test: what it says, what decides, what it survives."""

import dataclasses
import itertools
import json
import sys
import warnings
from functools import cache
from importlib.metadata import version
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from wide import first_of, some_of

import attributionlab as al
from attributionlab.environments import make_environment
from attributionlab.errors import BadOption, MachineError, MissingFile, SaturationWarning, UnknownName
from attributionlab.judging import Summary, check
from attributionlab.machine import find_device
from attributionlab.measuring.applicable import deciding_truth
from attributionlab.methods import Declaration, declares, make_method
from attributionlab.methods.diagnostics import record
from attributionlab.truth import TRUTHS

MULTI = "multi-color-sum[size=16]"
LOGIT = "multi-color-sum[output=logit,size=16]"
SUM = "single-color-sum[size=16]"
MODULO = "single-color-modulo[size=16]"


@cache
def environment_of(spec):
    return make_environment(spec)


def quick(method, environments=MULTI, **options):
    """The verdict of the mean on two images under one network, or as the options say."""
    specs = [environments] if isinstance(environments, str) else environments
    return check(method, [environment_of(spec) for spec in specs], **{"n_samples": 2, "rule": "point", **options})


def reads_truth(change):
    """A method that returns the truth after a change."""

    @declares(needs=["batch"])
    def method(model, inputs, targets, *, batch):
        return change(batch.ground_truth.signed.float())

    return method


def strip_times(verdict):
    found = verdict.to_dict()
    for environment in found["environments"]:
        environment["seconds_per_image"] = None
    return found


# The JSON


def test_the_json_has_the_documented_keys_and_types():
    verdict = quick("gradient", [MULTI, SUM]).to_dict()
    assert {key: type(value) for key, value in verdict.items()} == {
        "schema": int,
        "method": str,
        "gamma": float,
        "deciding_truth": str,
        "rule": str,
        "outcome": str,
        "passed": bool,
        "report_as": str,
        "benchmark": type(None),
        "environments": list,
        "versions": dict,
    }
    assert [type(environment) for environment in verdict["environments"]] == [dict, dict]
    for environment, dependence in zip(verdict["environments"], (dict, type(None)), strict=True):
        assert {key: type(value) for key, value in environment.items()} == {
            "environment": str,
            "n_samples": int,
            "network_seeds": list,
            "seed": int,
            "device": str,
            "seconds_per_image": float,
            "n_zero_maps": int,
            "outcome": str,
            "passed": bool,
            "truths": dict,
            "network_dependence": dependence,
            "n_held": int,
            "ignores_target": bool if dependence is dict else type(None),
            "out_of_time": bool,
            "games": dict,
            "answers": list,
            "controls": dict,
            "diagnosis": list,
            "advice": str,
            "diagnostics": dict,
            "error": type(None),
        }
    dependence = verdict["environments"][0]["network_dependence"]
    assert list(dependence) == ["overall", "signed"]
    assert [list(both) for both in dependence.values()] == [["value", "low", "high", "counterpart_f1"]] * 2


@pytest.mark.wide
def test_every_kind_of_truth_has_scores_in_the_json_or_null():
    verdict = quick("gradient", LOGIT).to_dict()
    (environment,) = verdict["environments"]
    assert list(environment["controls"]) == ["random", "constant", "foreground"]
    for truths in (environment["truths"], *environment["controls"].values()):
        assert list(truths) == ["overall", "signed", "positive", "negative", "positive-smooth"]
        assert truths["negative"] is None
        for truth in ("overall", "signed", "positive", "positive-smooth"):
            kinds = {key: type(value) for key, value in truths[truth].items()}
            assert kinds == {**dict.fromkeys(["precision", "recall", "f1", "f1_low", "f1_high"], float), "state": str}


@pytest.mark.wide
@pytest.mark.parametrize("method", ["gradient", "constant", lambda _model, inputs, _targets: inputs * torch.nan])
def test_the_json_has_no_nan(method):
    verdict = quick(method, [MULTI, LOGIT], n_samples=1)
    assert json.loads(json.dumps(verdict.to_dict(), allow_nan=False)) == verdict.to_dict()


@pytest.mark.wide
def test_the_json_names_the_method_and_the_environments_by_their_canonical_specs():
    verdict = check(
        "integrated-gradients[n_steps=3,baseline=true]", "multi-color-sum[seed=5,size=16,n_redundant=0]", n_samples=4
    ).to_dict()
    assert verdict["method"] == "integrated-gradients[baseline=true,n_steps=3]"
    assert verdict["environments"][0]["environment"] == "multi-color-sum[n_redundant=0,seed=5,size=16]"
    assert verdict["environments"][0]["seed"] == 5


def test_the_seed_is_that_of_the_scenes():
    (environment,) = check("constant", "single-color-sum[data_seed=3,network_seed=4,size=16]", n_samples=4).environments
    assert (environment.seed, environment.network_seeds) == (3, (4, 5, 6, 7))


@pytest.mark.wide
def test_the_versions_of_what_was_used_are_reported():
    versions = quick("constant", n_samples=1).to_dict()["versions"]
    assert list(versions) == ["python", "attributionlab", "torch", "captum", "numpy", "scipy", "scikit-image"]
    assert versions["torch"] == version("torch")


@pytest.mark.wide
def test_the_number_of_images_and_the_device_are_reported():
    (environment,) = quick("constant", n_samples=3, device="cpu").environments
    assert (environment.n_samples, environment.device) == (3, "cpu")
    assert environment.seconds_per_image >= 0


@pytest.mark.wide
def test_the_time_is_that_of_the_method_per_image(monkeypatch):
    """With a clock that counts its readings, every batch takes one second."""
    clock = SimpleNamespace(perf_counter=itertools.count().__next__)
    monkeypatch.setattr(sys.modules["attributionlab.measuring.explain"], "time", clock)
    assert quick("constant", n_samples=4, batch_size=2).environments[0].seconds_per_image == 0.5


# What decides


@pytest.mark.parametrize(
    ("sign", "granularity", "truth"),
    [
        ("signed", "pixel", "signed"),
        ("signed", "coarse", "signed"),
        ("magnitude", "pixel", "overall"),
        ("magnitude", "coarse", "overall"),
        ("positive", "pixel", "positive"),
        ("positive", "coarse", "positive-smooth"),
    ],
)
def test_the_deciding_truth_follows_the_declaration(sign, granularity, truth):
    environment = make_environment("multi-color-sum[size=16]")
    assert deciding_truth(Declaration(sign=sign, granularity=granularity), environment) == truth

    @declares(sign=sign, granularity=granularity, needs=["batch"])
    def method(model, inputs, targets, *, batch):
        truth = batch.ground_truth
        return {"signed": truth.signed, "magnitude": truth.overall_mask, "positive": truth.positive_mask}[sign].float()

    verdict = quick(method, gamma=0.9)
    assert verdict.deciding_truth == truth
    assert verdict.passed is (verdict.environments[0].truths[truth].state == "reached")
    assert verdict.passed is (truth != "positive-smooth"), "that one also covers the gaps of a patch"


@pytest.mark.wide
@pytest.mark.parametrize(
    ("method", "truth"),
    [
        ("gradient", "signed"),
        ("guided-backprop", "positive"),
        ("gradcam", "positive-smooth"),
        ("foreground", "overall"),
        (lambda _model, inputs, _targets: inputs, "signed"),
    ],
)
def test_the_deciding_truth_of_methods(method, truth):
    assert quick(method, n_samples=1).deciding_truth == truth


@pytest.mark.wide
@pytest.mark.parametrize("truth", TRUTHS)
def test_the_deciding_truth_can_be_overridden(truth):
    verdict = quick(reads_truth(lambda signed: signed.clamp(min=0)), truth=truth, gamma=0.9)
    assert verdict.deciding_truth == truth
    assert verdict.passed is (verdict.environments[0].truths[truth].state == "reached")
    assert verdict.passed is (truth == "positive")


@pytest.mark.parametrize("environment", [MULTI, LOGIT, SUM, MODULO])
def test_the_truth_passes_everywhere_at_gamma_one(environment):
    verdict = quick("truth", environment, gamma=1)
    assert verdict.passed
    for truth in ("overall", "signed", "positive", "negative"):
        summary = verdict.environments[0].truths[truth]
        assert summary is None or summary == Summary(1, 1, 1, summary.f1_low, 1, "reached")


def test_by_the_point_rule_a_method_passes_exactly_from_gamma_on():
    f1 = quick("constant", SUM).environments[0].truths["overall"].f1
    assert quick("constant", SUM, gamma=f1, truth="overall").passed
    assert quick("constant", SUM, gamma=f1 + 1e-9, truth="overall").outcome == "failed"


@pytest.mark.wide
@pytest.mark.parametrize("method", first_of(["constant", lambda _model, inputs, _targets: torch.zeros_like(inputs)]))
def test_at_gamma_zero_everything_passes_that_looks_at_the_network(method):
    assert quick(method, SUM, gamma=0, rule="interval", n_samples=4).passed, "dependence cannot be tested there"
    assert quick(method, MULTI, gamma=0, rule="interval", n_samples=4).outcome == "blind"
    assert quick(method, MULTI, gamma=0).passed, "by the point rule the mean decides alone"


@pytest.mark.wide
def test_a_method_must_pass_in_every_environment():
    @declares(needs=["batch"])
    def honest_on_colors(model, inputs, targets, *, batch):
        return batch.ground_truth.signed.float() * (inputs.shape[1] == 3)

    verdict = quick(honest_on_colors, [MULTI, SUM])
    assert [environment.passed for environment in verdict.environments] == [True, False]
    assert not verdict.passed
    assert quick(honest_on_colors, MULTI).passed


@pytest.mark.wide
def test_environments_may_be_given_as_one_spec_one_environment_or_many_of_both():
    for environments in (SUM, environment_of(SUM), [SUM], (environment_of(SUM),)):
        assert [one.environment for one in check("truth", environments, n_samples=4).environments] == [SUM]
    both = check("truth", [MULTI, environment_of(SUM)], n_samples=4)
    assert [one.environment for one in both.environments] == [MULTI, SUM]


@pytest.mark.wide
def test_a_method_is_bound_to_each_environment_in_turn():
    """Its true baseline is gray in one and black in the other."""
    verdict = quick("occlusion[baseline=true,stride=1,window=1]", [MULTI, SUM])
    assert [one.truths["positive"].f1 for one in verdict.environments] == [1.0, 1.0]


# Truths that do not apply


@pytest.mark.wide
@pytest.mark.parametrize(
    ("method", "environment", "applies"),
    [
        ("gradient", MULTI, True),
        ("gradient", LOGIT, False),
        ("gradient", SUM, False),
        ("gradient", MODULO, False),
        ("gradcam", MULTI, False),
        ("random", MULTI, False),
        ("occlusion", MULTI, False),
        ("truth", MULTI, True),
    ],
)
def test_negative_truth_applies_to_signed_methods_that_explain_a_probability(method, environment, applies):
    (found,) = quick(method, environment, n_samples=1).environments
    assert (found.truths["negative"] is not None) == applies
    for truths in found.controls.values():
        assert (truths["negative"] is not None) == applies


@pytest.mark.parametrize(("method", "environment"), [("gradient", LOGIT), ("gradcam", MULTI), ("gradient", SUM)])
def test_a_deciding_truth_that_does_not_apply_is_refused(method, environment):
    with pytest.raises(BadOption, match=r"^`truth` must apply in .*, got 'negative'; .* cannot be judged by it there$"):
        quick(method, environment, truth="negative")


# Controls and diagnosis


@pytest.mark.wide
def test_the_controls_stand_beside_with_their_own_scores():
    (environment,) = quick("truth", n_samples=2).environments
    assert list(environment.controls) == ["random", "constant", "foreground"]
    for name in ("random[signed=true]", "constant", "foreground"):
        (own,) = quick(name, n_samples=2).environments
        for truth in ("overall", "positive", "positive-smooth"):
            assert environment.controls[name.partition("[")[0]][truth] == own.truths[truth]
    foreground = environment.controls["foreground"]
    assert (foreground["overall"].f1, foreground["overall"].state) == (1, "reached")
    assert foreground["signed"].f1 < foreground["positive"].f1 < 1, "it has no signs"


@pytest.mark.wide
def test_the_random_control_has_both_signs_where_signs_are_judged():
    for method, spec, control in (
        ("gradient", MULTI, "random[signed=true]"),
        ("gradient", SUM, "random[signed=true]"),
        ("guided-backprop", MULTI, "random"),
    ):
        (environment,) = quick(method, spec, n_samples=2).environments
        (own,) = quick(control, spec, n_samples=2).environments
        assert environment.controls["random"]["positive"] == own.truths["positive"]


def test_the_constant_control_scores_its_closed_form():
    batch = environment_of(SUM).sample(2)
    counts = batch.labels.double()
    (environment,) = quick("gradient", SUM).environments
    assert environment.controls["constant"]["overall"].f1 == pytest.approx(float((2 * counts / (256 + counts)).mean()))


def test_zero_maps_score_zero_and_are_counted():
    def zero_on_the_first(model, inputs, targets):
        maps = inputs.clone()
        maps[0] = 0
        return maps

    (environment,) = quick(zero_on_the_first, SUM, n_samples=4, batch_size=4).environments
    assert environment.n_zero_maps == 1
    assert environment.diagnosis == ("1 of 4 maps are zero everywhere",)
    assert environment.truths["overall"].f1 == 0.75


def test_maps_of_methods_that_find_something_have_no_diagnosis():
    (environment,) = quick("truth").environments
    assert (environment.n_zero_maps, environment.diagnosis, environment.advice) == (0, (), "")


def test_a_saturated_softmax_is_named_as_the_reason_for_zero_maps():
    """The gradient vanishes altogether where every other probability underflows: a lead above 103.98 temperatures."""
    spec = "multi-color-sum[max_margin=none,max_radius=9,min_radius=2,size=32,temperature=1/4]"
    with pytest.warns(SaturationWarning):
        saturated = make_environment(spec)
    counts = [sorted(scene.n_pixels) for scene in saturated.sample(4).scenes]
    expected = sum((first - second) * 4 > 104 for *_, second, first in counts)
    (environment,) = check("gradient", saturated, n_samples=4, rule="point").environments
    n = environment.n_zero_maps
    assert n == expected > 0
    (line,) = environment.diagnosis
    assert line.startswith(f"{n} of 4 maps are zero everywhere: on {n} of them the softmax is saturated")
    assert "output=logit" in line


@pytest.mark.wide
def test_a_saturated_softmax_is_not_blamed_for_zero_maps_on_a_live_one():
    (environment,) = quick(lambda _model, inputs, _targets: torch.zeros_like(inputs)).environments
    assert environment.diagnosis == ("2 of 2 maps are zero everywhere",)


def test_an_output_of_zero_is_named_as_the_reason_for_zero_maps():
    environment = make_environment("single-color-sum[size=16]")
    environment.model.head[2].weight.data.zero_()
    zeros = lambda _model, inputs, _targets: torch.zeros_like(inputs)  # noqa: E731  # one line is clearer
    (verdict,) = check(zeros, environment, n_samples=2, rule="point").environments
    assert verdict.diagnosis == ("2 of 2 maps are zero everywhere: the network's output is 0 there",)


# Signs


@pytest.mark.parametrize(
    ("change", "remedy"), [(torch.neg, "return the negative of the maps"), (torch.abs, "look for absolute values")]
)
def test_right_pixels_with_wrong_signs_do_not_pass_and_the_remedy_is_named(change, remedy):
    verdict = quick(reads_truth(change), gamma=0.6)
    (environment,) = verdict.environments
    assert (verdict.outcome, verdict.passed, verdict.exit_code) == ("pixels-only", False, 1)
    assert environment.truths["overall"].f1 == 1 and environment.truths["signed"].f1 < 0.6
    assert environment.advice.startswith("right pixels, wrong signs: ") and remedy in environment.advice


def test_right_pixels_with_right_signs_pass_without_advice():
    verdict = quick(reads_truth(torch.clone))
    assert (verdict.outcome, verdict.environments[0].advice) == ("passed", "")


@pytest.mark.wide
@pytest.mark.parametrize("part", [lambda signed: signed.clamp(min=0), lambda signed: signed.clamp(max=0)])
def test_one_sign_alone_has_right_signs(part):
    """It misses pixels; none of those that it credits has the wrong sign."""
    truths = quick(reads_truth(part)).environments[0].truths
    assert truths["signed"] == truths["overall"]
    assert truths["signed"].precision == 1 > truths["signed"].recall


# Results depend on nothing else


def f1_of(summary):
    return summary.precision, summary.recall, summary.f1, summary.f1_low, summary.f1_high


@cache
def in_batches(method, size):
    return quick(method, n_samples=4, batch_size=size).environments[0]


@pytest.mark.wide
@pytest.mark.parametrize(
    ("batch_size", "method"),
    some_of(
        [(1, "gradient"), (1, "random"), (3, "random"), (3, "deeplift"), (1, "integrated-gradients[n_steps=5]")],
        (3, "random"),
        (3, "deeplift"),
    ),
)
def test_results_do_not_depend_on_the_batch_size(batch_size, method):
    usual, again = (in_batches(method, size) for size in (4, batch_size))
    assert again.controls == usual.controls
    for truth in TRUTHS:
        if usual.truths[truth] is None:
            assert again.truths[truth] is None
        elif method == "gradient":  # the softmax of a batch rounds as it likes
            assert f1_of(again.truths[truth]) == pytest.approx(f1_of(usual.truths[truth]), rel=1e-5)
        else:
            assert again.truths[truth] == usual.truths[truth]


def test_results_are_the_same_when_asked_for_twice():
    assert strip_times(quick("gradient")) == strip_times(quick("gradient"))


def test_batches_have_the_size_that_was_asked_for():
    sizes = []

    def method(model, inputs, targets):
        sizes.append(len(inputs))
        return inputs

    quick(method, SUM, n_samples=5, batch_size=2)
    assert sizes == [2, 2, 1]


@pytest.mark.wide
def test_progress_is_told_of_every_image():
    done = []
    quick("constant", [MULTI, SUM], n_samples=3, batch_size=2, progress=done.append)
    assert done == [2, 1, 2, 1]


def test_the_first_images_are_explained_in_order():
    seen = []

    def method(model, inputs, targets):
        seen.append(inputs.clone())
        return inputs

    quick(method, SUM, n_samples=3, batch_size=2)
    assert torch.equal(torch.cat(seen), environment_of(SUM).sample(3).inputs)


def test_a_method_that_needs_the_batch_is_given_the_part_that_it_explains():
    def method(model, inputs, targets, *, batch):
        assert torch.equal(batch.inputs, inputs)
        assert torch.equal(batch.targets, targets)
        return batch.ground_truth.signed.float()

    assert quick(declares(needs=["batch"])(method), n_samples=3, batch_size=2, gamma=1).passed


# Methods that fail


def raises(model, inputs, targets):
    raise ValueError("I cannot\nexplain this")


def returns_lists(model, inputs, targets):
    return inputs.tolist()


def returns_nan(model, inputs, targets):
    return inputs * torch.nan


def returns_one_number(model, inputs, targets):
    return inputs.sum()


def zeroes_weights(model, inputs, targets):
    for parameter in model.parameters():
        parameter.data.zero_()
    return inputs


def trains(model, inputs, targets):
    model.train()
    return inputs


def hooks(model, inputs, targets):
    model.head[1].register_forward_hook(lambda *_: None)
    return inputs


def writes(model, inputs, targets):
    inputs.zero_()
    return inputs


FAILING = {
    raises: ("MethodRaised", "raised ValueError: I cannot"),
    returns_lists: ("WrongShape", "must return a torch.Tensor, got list"),
    returns_nan: ("NotFinite", "must return finite values, got NaN values in 2 of 2 maps"),
    returns_one_number: ("WrongShape", "must return real values of shape (2, 16, 16) or (2, 3, 16, 16)"),
    zeroes_weights: ("ModelChanged", "changed the model: the values of "),
    trains: ("ModelChanged", "changed the model: training mode of "),
    hooks: (
        "ModelChanged",
        "changed the model: hooks on head.1 changed from 0 to 1",
    ),
    writes: ("InputsChanged", "wrote into its inputs; work on `inputs.clone()`"),
}


@pytest.mark.parametrize("method", FAILING, ids=lambda method: method.__name__)
def test_a_method_that_fails_is_reported_by_the_kind_of_its_error(method):
    kind, message = FAILING[method]
    verdict = quick(method)
    (environment,) = verdict.environments
    assert not verdict.passed
    assert environment.error.type == kind
    assert message in environment.error.message
    assert "\n" not in environment.error.message
    assert set(environment.truths.values()) == {None}
    assert (environment.seconds_per_image, environment.n_zero_maps, environment.diagnosis) == (None, 0, ())
    assert (environment.outcome, environment.dependence, environment.ignores_target) == ("failed", None, None)
    assert environment.advice == "fix the error first; until then the check cannot judge the maps"
    assert environment.controls["constant"]["overall"].f1 > 0


@pytest.mark.parametrize("gamma", [0, 0.5])
def test_a_method_that_fails_never_passes(gamma):
    assert not quick(returns_nan, gamma=gamma).passed


def test_the_error_stands_in_the_json():
    (environment,) = quick(raises).to_dict()["environments"]
    assert environment["error"]["type"] == "MethodRaised"
    assert list(environment["error"]) == ["type", "message"]
    assert environment["truths"] == dict.fromkeys(TRUTHS)
    assert environment["seconds_per_image"] is None


def test_a_failure_in_one_environment_does_not_keep_the_others_from_running():
    @declares(needs=["batch"])
    def dislikes_colors(model, inputs, targets, *, batch):
        if inputs.shape[1] == 3:
            raise TypeError("too colorful")
        return batch.ground_truth.signed.float()

    verdict = quick(dislikes_colors, [SUM, MULTI, MODULO])
    assert [one.passed for one in verdict.environments] == [True, False, True]
    assert [one.error is None for one in verdict.environments] == [True, False, True]
    assert not verdict.passed


def test_a_failure_on_a_later_batch_is_a_failure():
    calls = []

    def method(model, inputs, targets):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("the second time")
        return inputs

    (environment,) = quick(method, n_samples=2, batch_size=1).environments
    assert environment.error.type == "MethodRaised"


@pytest.mark.wide
@pytest.mark.parametrize("method", [zeroes_weights, trains, hooks, writes], ids=lambda method: method.__name__)
def test_the_model_of_the_environment_is_never_changed(method):
    environment = make_environment(MULTI)
    before = {name: value.clone() for name, value in environment.model.state_dict().items()}
    batch = environment.sample(2)
    check(method, environment, n_samples=2, rule="point")
    assert all(torch.equal(value, before[name]) for name, value in environment.model.state_dict().items())
    assert not any(module.training or module._forward_hooks for module in environment.model.modules())
    assert torch.equal(environment.sample(2).inputs, batch.inputs)


@pytest.mark.wide
def test_a_destructive_method_does_not_reach_the_next_environment():
    environment = make_environment(MULTI)
    check(zeroes_weights, [environment, environment], n_samples=1, rule="point")
    occlusion = "occlusion[baseline=true,stride=1,window=1]"
    assert check(occlusion, environment, n_samples=1, truth="positive", rule="point").passed


@pytest.mark.wide
def test_changed_gradients_of_the_copy_are_no_change_of_the_model():
    def method(model, inputs, targets):
        model(inputs.requires_grad_()).sum().backward()
        return inputs.grad

    environment = make_environment(MULTI)
    (found,) = check(method, environment, n_samples=1, rule="point").environments
    assert found.error is None
    assert all(parameter.grad is None for parameter in environment.model.parameters())


def test_a_bad_option_that_shows_only_on_the_image_is_refused():
    with pytest.raises(BadOption, match=r"^`window` must be at most the image's smaller side"):
        quick("occlusion[window=17]")


# Bad input


@pytest.mark.parametrize("gamma", [-0.01, 1.01, float("nan"), float("inf"), "half", None])
def test_a_gamma_outside_of_the_unit_interval_is_refused(gamma):
    with pytest.raises(BadOption, match=r"^`gamma` must be in \[0, 1\], got "):
        quick("truth", gamma=gamma)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1, got 0"),
        ({"n_samples": 0}, "`n_samples` must be at least 1, got 0"),
        ({"n_samples": 3, "rule": "interval"}, "`n_samples` must be at least 4, got 3"),
        ({"n_samples": "all"}, "`n_samples` must be an integer, got 'all'"),
        ({"max_seconds": -1}, "`max_seconds` must be .*, got -1"),
        ({"rule": "bayes"}, "`rule` must be interval or point, got 'bayes'"),
    ],
)
def test_bad_options_are_refused_by_name(options, message):
    with pytest.raises(BadOption, match=f"^{message}$"):
        quick("truth", **options)


@pytest.mark.parametrize("truth", ["smooth", "positive_smooth", "", None])
def test_an_unknown_truth_is_refused(truth):
    message = "^`truth` must be auto, overall, signed, positive, negative or positive-smooth, got "
    with pytest.raises(BadOption, match=message):
        quick("truth", truth=truth)


@pytest.mark.parametrize("environments", [[], ()])
def test_no_environment_is_refused(environments):
    with pytest.raises(
        BadOption, match=r"^`environments` must be a list of environments or their specs, at least 1, got "
    ):
        check("truth", environments)


def test_an_unknown_environment_is_refused_with_a_hint():
    with pytest.raises(UnknownName, match=r"^`environment` must be a known name, got 'multi-colour-sum'; did you mean"):
        check("truth", "multi-colour-sum")


def test_an_unknown_method_is_refused_with_a_hint():
    with pytest.raises(UnknownName, match=r"^`method` must be a known name, got 'gradients'; did you mean"):
        quick("gradients")


def test_a_missing_file_is_refused():
    with pytest.raises(MissingFile, match=r"^`method` must name a file that exists, got 'nowhere.py'$"):
        quick("nowhere.py:method")


@pytest.mark.parametrize("device", ["gpu", "cuda:0", "", None])
def test_an_unknown_device_is_refused(device):
    with pytest.raises(BadOption, match=r"^`device` must be auto, cpu or cuda, got "):
        quick("truth", device=device)


def test_a_missing_gpu_is_the_machines_fault(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = "^`device` must be one that this machine has, got 'cuda'; torch sees no GPU here$"
    with pytest.raises(MachineError, match=message) as caught:
        quick("truth", device="cuda")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("name", "available", "found"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_a_gpu_is_taken_where_there_is_one_and_nobody_asked_for_the_cpu(monkeypatch, name, available, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert find_device(name).type == found


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("method", ["gradient", "integrated-gradients", "truth", "random"])
def test_a_gpu_gives_the_same_verdict(method):
    on_gpu, on_cpu = (quick(method, device=device).environments[0] for device in ("cuda", "cpu"))
    assert on_gpu.device == "cuda"
    for truth in ("overall", "positive"):
        mine, theirs = on_gpu.truths[truth].to_dict(), on_cpu.truths[truth].to_dict()
        assert mine == pytest.approx(theirs, rel=1e-5)


# The claims of the paper that the tool is for


@pytest.mark.wide
def test_integrated_gradients_of_50_nodes_passes_with_the_true_baseline_and_not_with_black():
    """Section 4 of the paper; from black 50 nodes are far from the integral, which `docs/choices.md` shows."""
    assert quick("integrated-gradients[baseline=true,n_steps=50]", n_samples=4).passed
    assert not quick("integrated-gradients[n_steps=50]", n_samples=4).passed


def test_the_public_check_is_this_one():
    assert al.check is check


def test_a_verdict_is_frozen():
    verdict = quick("constant", n_samples=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.gamma = 0


@pytest.mark.wide
def test_no_warning_is_raised_by_any_method():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("gradient", "guided-backprop", "deeplift", "gradcam"):
            quick(name, n_samples=1)


def test_a_method_object_can_be_checked():
    assert quick(make_method("truth")).method == "truth"


@pytest.mark.wide
def test_a_module_can_be_a_method():
    class Explainer(nn.Module):
        def forward(self, _model, inputs, _targets):
            return inputs

    assert quick(Explainer(), n_samples=1).method.endswith("Explainer")


def test_methods_that_explain_the_logit_are_judged_by_the_truth_of_the_logit():
    """A perfect map of the logit leaves out the other colors, which are in the truth of the probability."""

    @declares(explains="logit", needs=["batch"])
    def perfect(_model, _inputs, _targets, *, batch):
        return batch.ground_truth.positive_mask.float()

    verdict = quick(perfect, gamma=1)
    assert verdict.passed
    assert verdict.environments[0].truths["negative"] is None
    (dependence, _) = verdict.environments[0].dependence.values()
    assert dependence.value == 1


@pytest.mark.parametrize(("dust", "is_dust"), [(-1e-8, True), (-1e-5, False), (0.0, False)])
def test_rounding_of_the_other_sign_is_pointed_out(dust, is_dust):
    """It is scaled to full size: a perfect map but for dust fails."""

    @declares(explains="logit", needs=["batch"])
    def dusty(_model, inputs, _targets, *, batch):
        return torch.where(batch.ground_truth.positive_mask, 1.0, dust)

    (verdict,) = quick(dusty, LOGIT).environments
    assert verdict.passed == (dust == 0)
    about_dust = "on 2 of 2 maps the values of one sign are less than a millionth"
    assert any(about_dust in line for line in verdict.diagnosis) == is_dust


@pytest.mark.wide
def test_maps_that_fail_are_told_whether_they_credit_too_little_or_too_much():
    @declares(needs=["batch"], sign="positive")
    def one_pixel(_model, _inputs, _targets, *, batch):
        mask = batch.ground_truth.positive_mask.flatten(1)
        return (mask & (mask.cumsum(dim=1) == 1)).reshape(batch.ground_truth.signed.shape).float()

    @declares(needs=["batch"], sign="positive")
    def everything(_model, _inputs, _targets, *, batch):
        return 0.5 + batch.ground_truth.positive_mask / 2

    assert "many pixels that affect the output have small values in the map" in quick(one_pixel).environments[0].advice
    assert "much of the map lies on pixels that do not affect the output" in quick(everything).environments[0].advice


@pytest.mark.wide
def test_zero_maps_of_the_logit_are_not_blamed_on_the_softmax():
    environment = make_environment("multi-color-sum", size=16)

    @declares(explains="logit")
    def nothing(_model, inputs, _targets):
        return torch.zeros_like(inputs)

    (verdict,) = check(nothing, environment, n_samples=1, rule="point").environments
    assert verdict.diagnosis == ("1 of 1 maps are zero everywhere",)


# Diagnostics


def records(values):
    """A function that records one of these values per image, in the order of the images."""
    left = iter(values)

    def method(_model, inputs, _targets):
        record("effort", torch.tensor([next(left) for _ in inputs]))
        return inputs

    return method


def test_what_a_method_records_is_reported_over_all_images_and_batches():
    verdict = quick(records([1.0, -2.0, 4.0]), SUM, n_samples=3, batch_size=2).to_dict()
    assert verdict["environments"][0]["diagnostics"] == {
        "effort": {"mean": 1.0, "low": -2.0, "high": 4.0, "median_magnitude": 2.0, "largest_magnitude": 4.0}
    }


def test_environments_are_recorded_apart():
    first, second = quick(records([1.0, 2.0, 3.0, 5.0]), [SUM, MODULO]).environments
    assert (first.diagnostics["effort"]["low"], first.diagnostics["effort"]["high"]) == (1.0, 2.0)
    assert (second.diagnostics["effort"]["low"], second.diagnostics["effort"]["high"]) == (3.0, 5.0)


def test_values_that_are_not_finite_are_left_out():
    (environment,) = quick(records([torch.nan, 2.0, torch.inf]), SUM, n_samples=3).environments
    assert set(environment.diagnostics["effort"].values()) == {2.0}
    assert quick(records([torch.nan, torch.inf]), SUM).environments[0].diagnostics == {}


def test_methods_that_record_nothing_or_fail_have_no_diagnostics():
    def records_and_raises(_model, _inputs, _targets):
        record("effort", 1.0)
        raise ValueError

    assert quick("gradient").environments[0].diagnostics == {}
    assert quick(records_and_raises).environments[0].diagnostics == {}
