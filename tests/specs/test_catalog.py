from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import Any

import pytest

from attributionlab.errors import UnknownName
from attributionlab.specs.catalog import Registry


@dataclass
class Point:
    """An entry point of some installed package."""

    name: str
    entry: Any

    def load(self):
        return self.entry


@pytest.fixture
def installed(monkeypatch):
    """Entry points by group, as other packages would declare them; filled by the test."""
    points: dict[str, list[Point]] = {}
    calls: list[str] = []

    def entry_points(group):
        calls.append(group)
        return points.get(group, [])

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    points["calls"] = calls
    return points


@pytest.fixture
def registry(installed):
    fruit: Registry[str] = Registry("fruit", "some.group")
    fruit.register("pear", "our pear")
    fruit.register("apple", "our apple")
    return fruit


def test_entries_are_found_by_name(registry):
    assert registry.get("pear") == "our pear"


def test_registering_returns_the_entry(registry):
    assert registry.register("plum", "our plum") == "our plum"
    assert registry.get("plum") == "our plum"


def test_names_come_in_order_of_registration(registry):
    assert list(registry) == ["pear", "apple"]


def test_a_name_cannot_be_taken_twice(registry):
    with pytest.raises(AssertionError, match="fruit 'pear' is registered twice"):
        registry.register("pear", "another pear")


def test_an_unknown_name_is_refused_with_the_closest_ones(registry):
    with pytest.raises(UnknownName) as refused:
        registry.get("appel")
    assert str(refused.value) == "`fruit` must be a known name, got 'appel'; did you mean apple?"


def test_a_name_that_is_like_none_is_refused_with_all_of_them(registry):
    with pytest.raises(UnknownName) as refused:
        registry.get("zzz")
    assert str(refused.value) == "`fruit` must be a known name, got 'zzz'; known: apple, pear"


def test_entries_of_installed_packages_are_added(registry, installed):
    installed["some.group"] = [Point("kiwi", "their kiwi")]
    installed["other.group"] = [Point("nut", "not a fruit")]
    assert registry.get("kiwi") == "their kiwi"
    assert list(registry) == ["pear", "apple", "kiwi"]


def test_our_own_names_win(registry, installed):
    installed["some.group"] = [Point("pear", "their pear")]
    assert registry.get("pear") == "our pear"


def test_installed_packages_are_asked_once_and_not_before_they_are_needed(registry, installed):
    assert installed["calls"] == []
    registry.get("pear")
    list(registry)
    assert installed["calls"] == ["some.group"]


def test_registries_do_not_share_their_entries():
    assert list(Registry("fruit", "some.group").entries) == []
