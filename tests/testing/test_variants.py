"""Implementation invariance: of our own methods, and messages about others'."""

from __future__ import annotations

import re

import pytest
import torch
from few_draws import with_few_draws
from wide import first_of, some_of

import attributionlab as al
from attributionlab.errors import BadOption, MethodRaised
from attributionlab.methods import METHODS
from attributionlab.testing import assert_all, assert_implementation_invariant
from attributionlab.testing.everything import ALL

REFUSES = {
    "activation=functional": {"guided-backprop", "deconvnet", "deeplift", "deepshap", "guided-gradcam"},
    "activation=shared": {"deeplift", "deepshap", "gradcam", "guided-gradcam", "iba"},
}
"""Which of our methods refuse which variant; elsewhere their maps are the same, but for those below."""

NOT_INVARIANT = {
    ("lrp-alpha-beta", "multi-color-sum"),
    ("lrp-alpha-beta", "single-color-sum"),
    ("pattern-net", "single-color-sum"),
}
"""Methods that a residual block of the identity and half of it changes, as their rules have it: a layer without negative
contributions multiplies relevance by alpha, and PatternNet reconstructs the input of each branch."""


HOOKED = {"gradient", *set().union(*REFUSES.values()), *(name for name, _ in NOT_INVARIANT)}
"""Methods that take hold of modules, and the plainest one. The others see a network as a function: in a second one they repeat the first."""

FIRST = (
    "gradient",
    "integrated-gradients",
    "guided-backprop",
    "deeplift",
    "lrp-epsilon",
    "lrp-alpha-beta",
    "pattern-net",
    "gradcam",
    "occlusion",
    "truth",
)
"""One method of each family."""

CASES = [
    *some_of([(name, "multi-color-sum") for name in METHODS], *((name, "multi-color-sum") for name in FIRST)),
    *(
        pytest.param(name, "single-color-sum", marks=pytest.mark.wide if name in HOOKED else pytest.mark.slow)
        for name in METHODS
    ),
]


@pytest.mark.parametrize(("name", "environment"), CASES)
def test_every_method_gives_the_same_map_on_a_variant_or_refuses_it(name, environment):
    options = {
        "size": 16,
        "n_samples": 1,
        "tolerance": 1e-6 if name.startswith("lrp-epsilon") else 0,
    }  # epsilon is 1e-6
    method = with_few_draws(name)
    if (name, environment) in NOT_INVARIANT:
        with pytest.raises(AssertionError, match=r"with structure=residual by up to 0\.5 of its largest value"):
            assert_implementation_invariant(method, environment, **options)
        options["structures"] = ["flatten-module", "inplace"]
    refusals = assert_implementation_invariant(method, environment, **options)
    assert set(refusals) == {variant for variant, names in REFUSES.items() if name in names}


def gradient(model, inputs, targets):
    return al.make_method("gradient")(model, inputs, targets)


def is_functional(model):
    return not any(isinstance(module, torch.nn.ReLU) for module in model.modules())


@pytest.mark.parametrize("kind", first_of([ValueError, NotImplementedError]))
def test_a_refusal_is_no_failure_but_is_told(kind):
    def refusing(model, inputs, targets):
        if is_functional(model):
            raise kind("this method needs nn.ReLU modules")
        return gradient(model, inputs, targets)

    told = {"activation=functional": "this method needs nn.ReLU modules"}
    assert assert_implementation_invariant(refusing, size=16) == told
    others = [assertion.__name__ for assertion in ALL if assertion is not assert_implementation_invariant]
    report = assert_all(refusing, size=16, skip=others)
    assert report.refused == told
    assert "\n  refused  activation=functional: this method needs nn.ReLU modules" in str(report)


def message_of(method, **options):
    with pytest.raises(AssertionError) as caught:
        assert_implementation_invariant(method, size=16, **options)
    return str(caught.value)


def test_an_error_from_within_is_no_refusal():
    def broken(model, inputs, targets):
        if is_functional(model):
            raise RuntimeError("size mismatch")
        return gradient(model, inputs, targets)

    message = message_of(broken)
    assert re.search(
        "broken fails where the same function is put together from other modules: activation=func", message
    )
    assert "raised RuntimeError: size mismatch" in message
    assert "picture" not in message, "there is no map to draw"


def test_the_worst_variant_is_named_with_the_factor():
    def depending(model, inputs, targets):
        maps = gradient(model, inputs, targets)
        return 3 * maps if is_functional(model) else maps + 0.5 * maps * hasattr(model.head[0], "linear")

    message = message_of(depending)
    assert re.search("with activation=functional by up to 2 of its largest value\n", message)
    assert re.search("activation=functional +differs by 2: it is 3 times the other\n", message)
    assert re.search("activation=shared +the same\n", message)
    assert re.search("structure=residual +differs by 0.5: it is 1.5 times the other\n", message)
    assert message.count("\n-> ") == 2, "one reason for each variant that differs"
    assert re.search(r"picture of the worst images: .*\.png", message)


def test_a_change_that_is_no_factor_is_only_a_difference():
    def depending(model, inputs, targets):
        maps = gradient(model, inputs, targets)
        return maps.flip(2) if is_functional(model) else maps

    assert re.search(r"activation=functional +differs by [\d.]+\n", message_of(depending))


def test_only_the_variants_that_are_asked_for_are_tried():
    def on_modules(model, inputs, targets):
        assert not is_functional(model)
        return gradient(model, inputs, targets)

    assert assert_implementation_invariant(on_modules, size=16, activations=["shared"]) == {}
    with pytest.raises(BadOption, match="`activations` must be"):
        assert_implementation_invariant("gradient", size=16, activations=["modul"])
    with pytest.raises(MethodRaised, match="raised AssertionError"):
        assert_implementation_invariant(on_modules, "multi-color-sum[activation=functional]", size=16)


def test_noise_from_the_global_generators_is_no_difference():
    def noisy(model, inputs, targets):
        return gradient(model, inputs, targets) + torch.rand(inputs[:, 0].shape)

    before = torch.get_rng_state()
    assert assert_implementation_invariant(noisy, size=16) == {}
    assert torch.equal(torch.get_rng_state(), before)
