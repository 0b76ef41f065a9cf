"""Styles: every method looks the same everywhere, and like no other."""

import pytest

from attributionlab.reports.figures.styles import method_styles, plain


@pytest.mark.parametrize("pair", [("color", "dash"), ("color", "marker"), ("dash", "marker")])
def test_no_two_of_32_methods_look_the_same_not_as_lines_nor_as_points_nor_in_gray(pair):
    styles = method_styles(map(str, range(32))).values()
    assert len({tuple(getattr(style, part) for part in pair) for style in styles}) == 32


def test_twelve_methods_have_twelve_markers():
    assert len({style.marker for style in method_styles(map(str, range(12))).values()}) == 12


def test_styles_come_in_the_order_of_the_methods():
    assert list(method_styles(["c", "a", "b"])) == ["c", "a", "b"]


def test_a_solid_line_has_no_dash():
    assert method_styles(["a"])["a"].line["linestyle"] == "-"


@pytest.mark.parametrize(("name", "shown"), [("a$b$c", r"a\$b\$c"), ("_a", "\u200b_a"), ("a_b", "a_b")])
def test_names_are_shown_letter_by_letter(name, shown):
    assert plain(name) == shown
