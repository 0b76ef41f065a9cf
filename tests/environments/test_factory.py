from __future__ import annotations

import re

import pytest

from attributionlab.environments import MultiColorSum, SingleColorModulo, SingleColorSum, make_environment
from attributionlab.errors import BadOption, Inexact, UnknownName


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("multi-color-sum", MultiColorSum),
        ("single-color-modulo", SingleColorModulo),
        ("single-color-sum", SingleColorSum),
    ],
)
def test_each_name_stands_for_its_class(name, kind):
    assert type(make_environment(name)) is kind
    assert make_environment(name).name == name
    assert make_environment(name).spec == name


def test_the_paper_size_is_the_default():
    environment = make_environment("single-color-modulo")
    assert (environment.height, environment.width) == (224, 224)


def test_size_sets_both_sides_and_seed_sets_both_seeds():
    environment = make_environment("multi-color-sum", size=20, seed=3)
    assert (environment.height, environment.width) == (20, 20)
    assert (environment.data_seed, environment.network_seed) == (3, 3)


def test_options_can_stand_in_the_spec_or_beside_it():
    written = make_environment("multi-color-sum[size=20,n_redundant=0,colors=1,2,3;4,5,6]")
    given = make_environment("multi-color-sum", size=20, n_redundant=0, colors=[(1, 2, 3), (4, 5, 6)])
    assert written == given


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("multi-color-sum[size=20]", {"size": 32}, "`height` must agree with multi-color-sum[size=20], got 32"),
        ("multi-color-sum[size=20]", {"width": 64}, "`width` must agree with multi-color-sum[size=20], got 64"),
        (
            "multi-color-sum[data_seed=4]",
            {"seed": 1},
            "`data_seed` must agree with multi-color-sum[data_seed=4], got 1",
        ),
    ],
)
def test_options_beside_a_spec_must_not_contradict_it(spec, options, message):
    with pytest.raises(BadOption, match=f"^{re.escape(message)}$"):
        make_environment(spec, **options)


def test_options_beside_a_spec_may_repeat_it():
    assert make_environment("multi-color-sum[size=20]", height=20, seed=1).spec == "multi-color-sum[seed=1,size=20]"


def test_an_unknown_option_of_an_environment_is_told_the_shorthands():
    message = "got 'modulus'; `attributionlab list environments single-color-sum` lists them$"
    with pytest.raises(UnknownName, match=message):
        make_environment("single-color-sum[modulus=3]")
    with pytest.raises(UnknownName, match=r"did you mean size"):
        make_environment("single-color-sum[sise=16]")


@pytest.mark.parametrize(
    ("options", "spec"),
    [
        ({"size": 16}, "multi-color-sum[size=16]"),
        ({"height": 16}, "multi-color-sum[height=16]"),
        ({"height": 16, "width": 16}, "multi-color-sum[size=16]"),
        ({"height": 16, "width": 20}, "multi-color-sum[height=16,width=20]"),
        ({"data_seed": 2, "network_seed": 2}, "multi-color-sum[seed=2]"),
        ({"data_seed": 2}, "multi-color-sum[data_seed=2]"),
        ({"size": 224, "seed": 0}, "multi-color-sum"),
        ({"output": "logit", "n_redundant": "0", "size": 64}, "multi-color-sum[n_redundant=0,output=logit,size=64]"),
        ({"max_margin": "none", "output": "logit"}, "multi-color-sum[max_margin=none,output=logit]"),
        ({"background": [0, 0, 0]}, "multi-color-sum[background=0,0,0]"),
        ({"colors": "1,2,3;4,5,6"}, "multi-color-sum[colors=1,2,3;4,5,6]"),
        ({"redundant_scale": "1/4"}, "multi-color-sum[redundant_scale=0.25]"),
    ],
    ids=str,
)
def test_the_canonical_spec_lists_what_differs_from_the_defaults_sorted(options, spec):
    assert make_environment("multi-color-sum", **options).spec == spec


def test_an_unknown_environment_is_refused_with_the_closest_name():
    with pytest.raises(
        UnknownName, match="`environment` must be a known name, got 'multi-colour'; did you mean multi-color-sum"
    ):
        make_environment("multi-colour")


def test_an_unknown_option_is_refused_with_the_closest_name():
    with pytest.raises(UnknownName, match="`option` must be a known name, got 'n_redundnt'; did you mean n_redundant"):
        make_environment("multi-color-sum", n_redundnt=0)


@pytest.mark.parametrize(("shorthand", "name"), [("size", "height"), ("size", "width"), ("seed", "data_seed")])
def test_a_shorthand_together_with_what_it_stands_for_is_refused(shorthand, name):
    with pytest.raises(BadOption, match=f"`{shorthand}` must not come together with `{name}`, got 16"):
        make_environment("multi-color-sum", **{shorthand: 16, name: 32})


@pytest.mark.parametrize("text", ["multi-color-sum[size=16", "multi-color-sum]", "", "[size=16]"])
def test_a_spec_that_does_not_follow_the_grammar_is_refused(text):
    with pytest.raises(BadOption, match=r"`spec` must look like name\[option=value,option=value\], got"):
        make_environment(text)


@pytest.mark.parametrize(
    "options",
    [
        {"size": 224, "redundant_scale": "3/1024"},
        {"height": 90, "width": 85, "redundant_scale": "3/1024", "n_redundant": 4, "n_kernels": 5},
    ],
    ids=str,
)
def test_options_for_which_no_network_would_be_exact_are_refused_at_once(options):
    with pytest.raises(Inexact, match="would not be exact in float32"):
        make_environment("multi-color-sum", **options)


@pytest.mark.parametrize("options", ["modulus=1000000000", "max_count=10000000", "modulus=9000000,size=16"])
def test_a_modulo_network_that_cannot_be_built_is_refused_at_once(options):
    with pytest.raises((BadOption, Inexact), match="`max_count`"):
        make_environment(f"single-color-modulo[{options}]")


def test_too_few_kernels_are_refused_at_once():
    with pytest.raises(BadOption, match="`n_kernels` must be at least 2 for accumulator 'signed', got 1"):
        make_environment("multi-color-sum[accumulator=signed,n_kernels=1,size=16]")
