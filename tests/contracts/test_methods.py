"""What holds for every registered method: whoever adds one gets these tests for nothing."""

import contextlib
import copy
from functools import cache

import pytest
import torch
from few_draws import FEW_DRAWS
from torch import nn
from wide import first_of, some_of

from attributionlab.environments import Environment, make_environment
from attributionlab.methods import METHODS, Declaration, make_method
from attributionlab.specs.grammar import format_spec, parse_spec
from attributionlab.specs.options import convert_options, option_fields

PROBABILITY = "multi-color-sum[size=16]"
ENVIRONMENTS = (PROBABILITY, "single-color-modulo[size=16]", "single-color-sum[size=16]")
LOGIT = "multi-color-sum[output=logit,size=16]"

ALL = tuple(METHODS)
CONTROLS = ("constant", "edge", "exact", "foreground", "input", "random", "truth")
EVALUATING = tuple(name for name in ALL if name not in CONTROLS)
"""Methods that run the model, so that an exception in its forward pass reaches them."""

ONE_BY_ONE = (
    "deeplift",
    "deepshap",
    "expected-gradients",
    "extremal-perturbation",
    "iba",
    "integrated-gradients",
    "kernel-shap",
    "lime",
    "deep-taylor",
    "lrp-alpha-beta",
    "lrp-epsilon",
    "lrp-epsilon-alpha2-beta1-flat",
    "lrp-epsilon-plus-flat",
    "lrp-gamma",
    "lrp-z",
    "pattern-attribution",
    "pattern-net",
    "rise",
    "smoothgrad",
    "smoothgrad-squared",
    "vargrad",
)
"""Methods that give each image a call of its own: the same call, so the same bits."""

SUMS_OF_DYADICS = ("gradient", "guided-backprop", "input-x-gradient", "occlusion")
"""Methods that only add, multiply and halve: exact where the network's weights are, that is, before the softmax."""


@cache
def environment_of(spec):
    return make_environment(spec)


@cache
def batch_of(spec):
    return environment_of(spec).sample(2)


@cache
def quick_method(name, spec):
    return make_method(name, environment_of(spec), **FEW_DRAWS.get(name, {}))


@cache
def maps_of(name, spec):
    """Maps of the whole batch, to compare others with."""
    return explain(name, spec)


def explain(name, spec, model=None, rows=slice(None)):
    """Maps of a method that is built anew, so that it has seen no other images."""
    batch = batch_of(spec)[rows]
    method = make_method(name, environment_of(spec), **FEW_DRAWS.get(name, {}))
    context = {"batch": batch} if "batch" in method.declaration.needs else {}
    return method(model or environment_of(spec).model, batch.inputs, batch.targets, **context)


def fingerprint(model):
    """All that a method must leave alone, spelled out independently of the guard."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    modules = {
        name: (id(module), module.training, *(len(getattr(module, kind)) for kind in hooks))
        for name, module in model.named_modules()
    }
    parameters = {
        name: (id(value), value.requires_grad, value.grad, len(value._backward_hooks or ()))
        for name, value in model.named_parameters()
    }
    return modules, parameters, [value.numpy().tobytes() for value in model.state_dict().values()]


class Exploding(nn.Module):
    """Passes numbers on until it is called for the `last` time."""

    def __init__(self, last):
        super().__init__()
        self.left = last

    def forward(self, numbers):
        self.left -= 1
        if self.left <= 0:
            raise RuntimeError("the forward pass broke")
        return numbers


@pytest.mark.parametrize("spec", first_of(ENVIRONMENTS, 2))
@pytest.mark.parametrize("name", ALL)
def test_maps_have_one_finite_detached_value_per_pixel(name, spec):
    maps = maps_of(name, spec)
    assert maps.shape == (2, 16, 16)
    assert maps.isfinite().all()
    assert maps.is_floating_point()
    assert not maps.requires_grad
    assert maps.grad_fn is None


@pytest.mark.parametrize("name", ALL)
def test_maps_are_the_same_when_asked_for_twice(name):
    """On the probability; `test_assertions.py` has the logit, and random numbers do not depend on the network."""
    assert torch.equal(explain(name, PROBABILITY), maps_of(name, PROBABILITY))


ALONE = [
    (name, spec) for name in ALL for spec in ([LOGIT] if name in (*ONE_BY_ONE, *CONTROLS) else [*ENVIRONMENTS, LOGIT])
]
"""Methods that cut the batch before a network sees it do so for every network."""


@pytest.mark.parametrize(("name", "spec"), some_of(ALONE, *((name, spec) for name, spec in ALONE if spec == LOGIT)))
def test_an_image_has_the_same_map_alone_and_in_a_batch(name, spec):
    together = maps_of(name, spec)
    alone = torch.cat([explain(name, spec, rows=slice(row, row + 1)) for row in range(2)])
    exact = name in (*ONE_BY_ONE, *CONTROLS) or (name in SUMS_OF_DYADICS and spec != PROBABILITY)
    if exact:
        assert torch.equal(together, alone)
    else:
        torch.testing.assert_close(together, alone)


@pytest.mark.wide
@pytest.mark.parametrize("name", [name for name in ALL if "batch" not in METHODS.get(name).declaration.needs])
def test_maps_follow_the_order_of_the_batch(name):
    batch = batch_of(LOGIT)
    method, model = quick_method(name, LOGIT), environment_of(LOGIT).model
    backward = method(model, batch.inputs.flip(0), batch.targets.flip(0))
    torch.testing.assert_close(backward.flip(0), maps_of(name, LOGIT))


@pytest.mark.parametrize(("requires_grad", "training"), [(False, True), (True, False)])
@pytest.mark.parametrize("name", ALL)
def test_the_model_is_left_as_it_was(name, requires_grad, training):
    model = copy.deepcopy(environment_of(PROBABILITY).model).train(training).requires_grad_(requires_grad)
    before = fingerprint(model)
    explain(name, PROBABILITY, model)
    assert fingerprint(model) == before


@pytest.mark.parametrize("last", [1, 2])
@pytest.mark.parametrize("name", EVALUATING)
def test_the_model_is_left_as_it_was_by_a_forward_pass_that_raises(name, last):
    model = copy.deepcopy(environment_of(PROBABILITY).model)
    model.head.append(Exploding(last))
    before = fingerprint(model)
    with contextlib.suppress(RuntimeError):  # a method may need only one forward pass
        explain(name, PROBABILITY, model)
    assert model.head[-1].left in (0, 1)
    assert fingerprint(model) == before


@pytest.mark.parametrize("name", EVALUATING)
def test_an_exception_in_the_forward_pass_comes_out(name):
    model = copy.deepcopy(environment_of(PROBABILITY).model)
    model.head.append(Exploding(1))
    with pytest.raises(RuntimeError, match="the forward pass broke"):
        explain(name, PROBABILITY, model)


@pytest.mark.parametrize("requires_grad", first_of([True, False]))
@pytest.mark.parametrize("name", ALL)
def test_inputs_and_targets_are_left_as_they_were(name, requires_grad):
    batch = batch_of(PROBABILITY)
    inputs, targets = batch.inputs.clone().requires_grad_(requires_grad), batch.targets.clone()
    method = quick_method(name, PROBABILITY)
    context = {"batch": batch} if "batch" in method.declaration.needs else {}
    method(environment_of(PROBABILITY).model, inputs, targets, **context)
    assert torch.equal(inputs, batch.inputs)
    assert torch.equal(targets, batch.targets)
    assert inputs.requires_grad is requires_grad
    assert inputs.grad is None


@pytest.mark.parametrize("name", ALL)
def test_methods_work_where_gradients_are_switched_off(name):
    """A caller's `no_grad` must not turn a gradient method into an error or an empty map."""
    with torch.no_grad():
        maps = explain(name, PROBABILITY)
    assert torch.equal(maps, maps_of(name, PROBABILITY))


@pytest.mark.parametrize("name", ALL)
def test_random_number_generators_are_left_as_they_were(name):
    before = torch.get_rng_state()
    explain(name, PROBABILITY)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("spec", [*ENVIRONMENTS, LOGIT])
@pytest.mark.parametrize("name", ALL)
def test_maps_are_the_same_on_a_gpu(name, spec):
    batch = batch_of(spec).to("cuda")
    model = copy.deepcopy(environment_of(spec).model).to("cuda")
    method = make_method(name, environment_of(spec), **FEW_DRAWS.get(name, {}))
    context = {"batch": batch} if "batch" in method.declaration.needs else {}
    maps = method(model, batch.inputs, batch.targets, **context)
    assert maps.device.type == "cuda"
    torch.testing.assert_close(maps.cpu(), maps_of(name, spec))


@pytest.mark.parametrize("name", ALL)
def test_methods_declare_who_they_are(name):
    kind = METHODS.get(name)
    assert isinstance(kind, type)
    assert kind.name == name
    assert isinstance(kind.declaration, Declaration)
    assert kind.declaration.sign in ("signed", "positive", "magnitude")
    assert kind.declaration.granularity in ("pixel", "coarse")
    assert kind.declaration.explains in ("output", "logit")
    assert kind.declaration.randomness in ("none", "seeded")
    assert kind.declaration.needs <= {"gradients", "layer", "segments", "baseline", "batch"}
    assert kind.__doc__


@pytest.mark.wide
@pytest.mark.parametrize("name", ALL)
def test_reference_samples_are_drawn_once_for_all_batches(name, monkeypatch):
    environment, batch, sample, draws = environment_of(LOGIT), batch_of(LOGIT), Environment.sample, []
    monkeypatch.setattr(Environment, "sample", lambda self, n, start=0: draws.append(n) or sample(self, n, start))
    method = make_method(name, environment, **FEW_DRAWS.get(name, {}))
    maps, n_draws = [], []
    for start in range(2):
        part = batch[start : start + 1]
        context = {"batch": part} if method.needs_batch else {}
        maps.append(method(environment_of(LOGIT).model, part.inputs, part.targets, **context))
        n_draws.append(len(draws))
    assert n_draws in ([0, 0], [1, 1])
    assert torch.equal(maps[1], explain(name, LOGIT, rows=slice(1, 2)))


@pytest.mark.wide
@pytest.mark.parametrize("name", [name for name in ALL if "internal_batch_size" in option_fields(METHODS.get(name))])
def test_the_model_never_sees_more_images_than_the_internal_batch_size(name):
    """The model is wrapped, or occlusion would know it and cover nothing."""
    model, sizes = nn.Sequential(environment_of(LOGIT).model), set()
    model.register_forward_hook(lambda _module, given, _output: sizes.add(len(given[0])))
    batch, options = environment_of(LOGIT).sample(3), {**FEW_DRAWS.get(name, {}), "internal_batch_size": 3}
    make_method(name, environment_of(LOGIT), **options)(model, batch.inputs, batch.targets)
    assert max(sizes) == 3


@pytest.mark.parametrize("name", ["constant", "gradcam", "random"])
@pytest.mark.parametrize("spec", ENVIRONMENTS)
def test_methods_that_declare_no_negative_values_give_none(name, spec):
    """Not guided backpropagation: the first convolution may turn what it kept around once more."""
    assert METHODS.get(name).declaration.sign != "signed"
    assert (maps_of(name, spec) >= 0).all()


@pytest.mark.parametrize("name", ALL)
def test_seeded_methods_and_only_they_have_a_seed(name):
    kind = METHODS.get(name)
    assert ("seed" in option_fields(kind)) == (kind.declaration.randomness == "seeded")


@pytest.mark.parametrize("name", ALL)
def test_methods_that_need_a_baseline_and_only_they_have_the_option(name):
    kind = METHODS.get(name)
    has_no_choice = name == "foreground"  # by definition what differs from the true baseline
    assert ("baseline" in option_fields(kind)) == ("baseline" in kind.declaration.needs and not has_no_choice)


@pytest.mark.parametrize("name", ALL)
def test_the_spec_of_the_defaults_is_the_bare_name(name):
    assert make_method(name).spec == name


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in ALL for option in option_fields(METHODS.get(name))]
)
def test_an_option_has_a_default_that_its_type_allows(name, option):
    kind = METHODS.get(name)
    default = option_fields(kind)[option].default
    assert convert_options(kind, {option: default}) == {option: default}


CHANGED = {
    "baseline": ("20,20,20", (20, 20, 20)),
    "n_steps": ("7", 7),
    "tolerance": ("0.5", 0.5),
    "max_evaluations": ("900", 900),
    "quadrature": ("riemann_right", "riemann_right"),
    "internal_batch_size": ("3", 3),
    "n_baselines": ("3", 3),
    "layer": ("head.0", "head.0"),
    "relu": ("false", False),
    "interpolation": ("nearest", "nearest"),
    "window": ("6", 6),
    "stride": ("2", 2),
    "seed": ("5", 5),
    "signed": ("true", True),
    "game": ("alone", "alone"),
    "n_orders": ("9", 9),
    "alpha": ("3", 3),
    "area": ("0.2", 0.2),
    "area_weight": ("20", 20),
    "blur": ("9", 9),
    "cell": ("5", 5),
    "cells": ("4", 4),
    "epsilon": ("0.25", 0.25),
    "gamma": ("0.5", 0.5),
    "high": ("9", 9),
    "information_weight": ("5", 5),
    "learning_rate": ("0.5", 0.5),
    "low": ("-1", -1),
    "n_draws": ("9", 9),
    "n_masks": ("9", 9),
    "n_noises": ("9", 9),
    "n_samples": ("9", 9),
    "noise": ("0.5", 0.5),
    "probability": ("0.25", 0.25),
    "sam_checkpoint": (__file__, __file__),  # any file that exists
    "rule": ("captum", "captum"),
    "mask": ("bilinear", "bilinear"),
    "average": ("gradients", "gradients"),
    "statistics": ("cell", "cell"),
    "width": ("9", 9),
    "regression": ("lasso", "lasso"),
    "distance": ("image", "image"),
    "kernel_width": ("0.5", 0.5),
    "sam_model": ("vit_b", "vit_b"),
    "segments": ("sam", "sam"),
    "segment_error": ("0.25", 0.25),
    "smoothing": ("2", 2),
}
"""For every option another value, as text and as Python value; a new option has to be added here."""

_SAM = {"sam_checkpoint": __file__, "segments": "sam"}
TOGETHER = {
    "quadrature": {"n_steps": "7"},
    "sam_checkpoint": _SAM,
    "sam_model": _SAM,
    "segments": _SAM,
    "segment_error": {"segments": "oracle"},
}
"""Options that are refused alone, with those that they have to go with."""

APART = ("max_evaluations", "tolerance", "segment_error")
"""Options that are refused together with a number of nodes, or with segments of SAM."""


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in ALL for option in option_fields(METHODS.get(name))]
)
def test_an_option_goes_through_the_spec_and_back(name, option):
    text, value = CHANGED[option]
    others = TOGETHER.get(option, {})
    texts = {**others, option: text}
    method = make_method(format_spec(name, texts))
    assert getattr(method, option) == value
    assert method.spec == f"{name}[{','.join(f'{key}={texts[key]}' for key in sorted(texts))}]"
    assert parse_spec(method.spec).options == texts
    assert make_method(method.spec) == method == make_method(name, **{**others, option: value})


@pytest.mark.parametrize("name", ALL)
def test_all_options_together_go_through_the_spec_and_back(name):
    options = {option: CHANGED[option][1] for option in option_fields(METHODS.get(name)) if option not in APART}
    method = make_method(name, **options)
    assert make_method(method.spec) == method
    assert list(parse_spec(method.spec).options) == sorted(options)
