"""Text from outside reaches no terminal, table or figure as it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import attributionlab
from attributionlab.printable import LONGEST_VALUE, one_line, printable, value_text

HOSTILE = "\x1b[31mred\x1b[0m \x07\x9b31m \u202egnp \udcff\x7f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain [text] µ·é", "plain [text] µ·é"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\tb\r", r"a\tb\r"),
        ("\x9b\x7f", r"\x9b\x7f"),
        ("\u202e\u2066", r"\u202e\u2066"),
        ("\udcff", r"\udcff"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_is_not_printed_as_itself_is_escaped(text, expected):
    assert printable(text) == expected


def test_one_line_has_no_breaks_and_a_limit():
    assert one_line(" a\n b\t c ") == "a b c"
    assert one_line("ab " * 5_000_000) == one_line("ab " * 10_000)
    assert len(one_line("ab " * 10_000, 100)) == 100


class Silent:
    def __repr__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "'x'"),
        ("\x1b", r"'\x1b'"),
        (Silent(), "an object of type Silent that has no text"),
        (10**5000, "an integer of about 5,000 digits"),
        (list(range(1000)), "list of 1,000 items, first [0, 1, 2, 3, 4]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_text_of_a_value_is_one_printable_line(value, expected):
    assert value_text(value) == expected


@pytest.mark.parametrize(
    "value",
    ["x" * 5_000_000, [[10**5000]], b"y" * 10_000, (Silent(),), [["x" * 1000] * 50] * 50],
    ids=lambda value: type(value).__name__,
)
def test_the_text_of_a_value_is_short(value):
    assert len(value_text(value)) <= LONGEST_VALUE


def test_the_length_of_a_long_text_is_shown():
    assert value_text("x" * 5000).endswith("x'... (5,000 characters)")


def test_rich_is_given_text_by_one_function_only():
    """Every table escapes with `cells.escape`, which also takes care of control characters."""
    package = Path(attributionlab.__file__).parent
    users = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.ImportFrom, ast.Import)) and "rich.markup" in ast.unparse(node)
    ]
    assert users == ["reports/tables/cells.py"]
