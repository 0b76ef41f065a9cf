from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytest

from attributionlab.errors import BadOption, UnknownName
from attributionlab.specs.grammar import Spec, format_spec, format_value, parse_options, parse_spec, split_specs
from attributionlab.specs.options import changed_options, convert, convert_options, describe, option_fields

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Options:
    """Every type that an option can have."""

    switch: bool = False
    number: int = 1
    ratio: float | Literal["auto"] | None = "auto"
    mode: Literal["a", "b"] = "a"
    power: Literal[1, 2, "2.5", True] = 1
    color: Color = (1, 2, 3)
    palette: tuple[Color, ...] = ((1, 2, 3),)
    word: str = ""
    internal: int = field(default=0, metadata={"hidden": True})
    computed: int = field(default=0, init=False)


# Parsing


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("lime", "lime", {}),
        ("lime[]", "lime", {}),
        ("  lime  ", "lime", {}),
        ("lime[segments=sam]", "lime", {"segments": "sam"}),
        ("lime[ segments = sam , n = 5 ]", "lime", {"segments": "sam", "n": "5"}),
        ("ig[baseline=20,20,20,n_steps=5]", "ig", {"baseline": "20,20,20", "n_steps": "5"}),
        ("x[colors=1,2,3;4,5,6]", "x", {"colors": "1,2,3;4,5,6"}),
        ("x[a=,b=1]", "x", {"a": "", "b": "1"}),
        ("x[a=b=c]", "x", {"a": "b=c"}),
        ("x[a=1,,]", "x", {"a": "1"}),
    ],
)
def test_a_spec_is_taken_apart(text, name, options):
    assert parse_spec(text) == Spec(name, options)


@pytest.mark.parametrize("text", ["", "[a=1]", "x[a=1", "x]", "x[a=1]]", "x[[a=1]", "x[a=1]y", "x[a=[1]]"])
def test_text_that_is_no_spec_is_refused(text):
    with pytest.raises(BadOption, match=r"`spec` must look like name\[option=value,option=value\], got "):
        parse_spec(text)


@pytest.mark.parametrize("text", ["a=1,a=2", "=1", "a=1,=2"])
def test_options_that_come_twice_or_have_no_name_are_refused(text):
    with pytest.raises(BadOption, match="`spec` must name each option once, as option=value, got "):
        parse_options(text)


def test_a_value_without_an_option_is_refused():
    with pytest.raises(BadOption, match="`spec` must list options as option=value, got 'sam'"):
        parse_options("sam,n=5")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        ("a[x=1,y=2], b ,c[z=3]", ["a[x=1,y=2]", "b", "c[z=3]"]),
        ("", []),
        (",a,", ["a"]),
    ],
)
def test_a_list_of_specs_is_split_outside_of_brackets(text, parts):
    assert split_specs(text) == parts


# Formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (None, "none"),
        (3, "3"),
        (3.0, "3"),
        (0.125, "0.125"),
        (1e-7, "1e-07"),
        ("auto", "auto"),
        ((1, 2, 3), "1,2,3"),
        (((1, 2, 3), (4, 5, 6)), "1,2,3;4,5,6"),
    ],
)
def test_values_are_written_as_users_write_them(value, text):
    assert format_value(value) == text


def test_a_spec_lists_its_options_sorted():
    assert format_spec("x", {"b": 1, "a": None}) == "x[a=none,b=1]"
    assert format_spec("x", {}) == "x"


def test_changed_options_are_those_that_differ_from_their_defaults():
    assert changed_options(Options()) == {}
    assert changed_options(Options(number=2, color=(0, 0, 0))) == {"number": 2, "color": (0, 0, 0)}


def test_hidden_and_computed_fields_are_no_options():
    assert set(option_fields(Options)) == {"switch", "number", "ratio", "mode", "power", "color", "palette", "word"}
    assert changed_options(Options(internal=5)) == {}


# Converting


@pytest.mark.parametrize(
    ("name", "value", "converted"),
    [
        ("switch", "true", True),
        ("switch", "False", False),
        ("switch", True, True),
        ("number", "12", 12),
        ("number", -3, -3),
        ("number", 4.0, 4),
        ("number", np.int64(7), 7),
        ("ratio", "0.5", 0.5),
        ("ratio", "1/8", 0.125),
        ("ratio", "1e-07", 1e-7),
        ("ratio", 2, 2.0),
        ("ratio", "auto", "auto"),
        ("ratio", "none", None),
        ("ratio", None, None),
        ("mode", "b", "b"),
        ("color", "20,30,40", (20, 30, 40)),
        ("color", [20, 30, 40], (20, 30, 40)),
        ("palette", "1,2,3;4,5,6", ((1, 2, 3), (4, 5, 6))),
        ("palette", [[1, 2, 3]], ((1, 2, 3),)),
        ("word", "any text", "any text"),
    ],
)
def test_values_are_converted_to_the_type_of_the_option(name, value, converted):
    result = convert_options(Options, {name: value})[name]
    assert result == converted
    assert type(result) is type(converted)


@pytest.mark.parametrize(
    ("name", "value", "expectation"),
    [
        ("switch", "yes", "true or false"),
        ("switch", 1, "true or false"),
        ("number", "1.5", "an integer"),
        ("number", 1.5, "an integer"),
        ("number", True, "an integer"),
        ("number", None, "an integer"),
        ("number", float("inf"), "an integer"),
        ("number", float("nan"), "an integer"),
        ("number", [1], "an integer"),
        ("ratio", "big", "a number or auto or none"),
        ("ratio", True, "a number or auto or none"),
        ("ratio", "nan", "a number or auto or none"),
        ("ratio", float("inf"), "a number or auto or none"),
        ("ratio", "1/0", "a number or auto or none"),
        ("ratio", "1e999", "a number or auto or none"),
        ("mode", "c", "a or b"),
        ("mode", 1, "a or b"),
        ("color", "1,2", "a color R,G,B"),
        ("color", (1, 2, 3, 4), "a color R,G,B"),
        ("color", "1,2,x", "a color R,G,B"),
        ("color", 5, "a color R,G,B"),
        ("palette", "1,2,3;4", "colors R,G,B;R,G,B;..."),
        ("palette", 5, "colors R,G,B;R,G,B;..."),
        ("word", 5, "a text"),
    ],
)
def test_values_that_do_not_fit_are_refused_in_words(name, value, expectation):
    with pytest.raises(BadOption) as refused:
        convert_options(Options, {name: value})
    assert str(refused.value) == f"`{name}` must be {expectation}, got {value!r}"


def test_unknown_options_are_refused_with_the_closest_name():
    with pytest.raises(UnknownName, match=r"`option` must be a known name, got 'numbr'; did you mean number\?"):
        convert_options(Options, {"numbr": 1})


@pytest.mark.parametrize("name", ["internal", "computed"])
def test_fields_that_are_no_options_are_unknown(name):
    with pytest.raises(UnknownName, match=f"got '{name}'"):
        convert_options(Options, {name: 1})


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (bool, "true or false"),
        (int, "an integer"),
        (float | None, "a number or none"),
        (str, "a text"),
        (tuple[int, ...], "a list of integers"),
        (tuple[int | float, ...], "a list of numbers"),
        (tuple[int, int], "a pair of integers"),
        (Color, "a color R,G,B"),
        (Literal["a", "b"] | int, "a or b or an integer"),
    ],
    ids=str,
)
def test_types_are_described_in_words(annotation, words):
    assert describe(annotation) == words


def test_the_first_type_of_a_union_that_fits_is_taken():
    assert convert("x", "3", int | float) == 3
    assert type(convert("x", "3", int | float)) is int
    assert convert("x", "3.5", int | float) == 3.5


def test_an_option_list_of_integers_may_have_any_length():
    assert convert("x", "1,2", tuple[int, ...]) == (1, 2)
    assert convert("x", "1", tuple[int, ...]) == (1,)


def test_options_are_kept_by_a_round_trip():
    options = Options(switch=True, number=5, ratio=None, mode="b", color=(0, 9, 8), palette=((1, 1, 1), (2, 2, 2)))
    text = format_spec("x", changed_options(options))
    assert Options(**convert_options(Options, parse_spec(text).options)) == dataclasses.replace(options)


@pytest.mark.parametrize(("text", "value"), [("2", 2), (2, 2), ("2.5", "2.5"), ("true", True)])
def test_a_text_stands_for_a_literal_of_any_type(text, value):
    power = convert_options(Options, {"power": text})["power"]
    assert (type(power), power) == (type(value), value)
    assert parse_spec(format_spec("x", changed_options(Options(power=2)))).options == {"power": "2"}


@pytest.mark.parametrize("text", ["3", 2.5, "", "True"])
def test_a_text_that_stands_for_no_literal_is_refused(text):
    with pytest.raises(BadOption, match=r"^`power` must be 1 or 2 or 2\.5 or true, got "):
        convert_options(Options, {"power": text})
