from __future__ import annotations

import pytest

from attributionlab import errors
from attributionlab.errors import AttributionLabError, bad_option, unknown_name


@pytest.mark.parametrize(
    ("name", "builtin", "exit_code"),
    [
        ("BadOption", ValueError, 2),
        ("UnknownName", LookupError, 2),
        ("Inexact", ValueError, 2),
        ("MissingFile", FileNotFoundError, 2),
        ("MethodRaised", RuntimeError, 1),
        ("WrongShape", RuntimeError, 1),
        ("NotFinite", RuntimeError, 1),
        ("ModelChanged", RuntimeError, 1),
        ("InputsChanged", RuntimeError, 1),
        ("TorchChanged", RuntimeError, 1),
        ("BelowBound", ValueError, 4),
        ("MachineError", RuntimeError, 3),
    ],
)
def test_every_error_is_ours_and_the_builtin_that_callers_expect(name, builtin, exit_code):
    kind = getattr(errors, name)
    assert issubclass(kind, AttributionLabError)
    assert issubclass(kind, builtin)
    assert kind.exit_code == exit_code


def test_messages_are_shown_as_they_were_written():
    assert str(errors.UnknownName("no `x`")) == "no `x`"
    assert str(errors.MissingFile("no file")) == "no file"
    assert str(AttributionLabError()) == ""


def test_a_bad_option_says_name_expectation_and_value():
    assert str(bad_option("size", "be at least 16", 3)) == "`size` must be at least 16, got 3"
    assert str(bad_option("size", "be big", "3", "try 16")) == "`size` must be big, got '3'; try 16"


def test_an_unknown_name_suggests_the_closest_ones_first():
    message = str(unknown_name("method", "gradint", ["gradient", "lime", "guided-gradient"]))
    assert message.startswith("`method` must be a known name, got 'gradint'; did you mean gradient")


@pytest.mark.parametrize("name", ["GradCAM", "GRADCAM", "gradCam"])
def test_an_unknown_name_in_another_case_suggests_the_right_one(name):
    known = ["gradcam", "lime", "rise"]
    assert str(unknown_name("method", name, known)).endswith(f"got {name!r}; did you mean gradcam?")


def test_a_part_of_names_suggests_the_shortest_three():
    names = ["ab-cd-efgh", "ab-cd-e", "ab-cd-ef", "ab-cd", "x"]
    assert str(unknown_name("method", "abc", names)).endswith("; did you mean ab-cd or ab-cd-e or ab-cd-ef?")


def test_names_that_are_much_less_alike_than_the_nearest_are_left_out():
    assert str(unknown_name("option", "--preste", ["--preset", "--prune"])).endswith("; did you mean --preset?")


def test_more_than_five_names_are_not_listed():
    message = str(unknown_name("method", "zzz", [f"name{index}" for index in range(6)]))
    assert message.endswith("; known: name0, name1, name2, name3, name4 and 1 more")


def test_an_unknown_name_that_is_like_none_lists_all():
    assert str(unknown_name("method", "zzz", ["b", "a"])) == "`method` must be a known name, got 'zzz'; known: a, b"
