"""Names, registration, entry points of other packages, and the way from a name to an object."""

from __future__ import annotations

import abc
import dataclasses
import importlib.metadata
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from attributionlab.errors import BadOption, MissingFile, PluginWarning, UnknownName
from attributionlab.specs.catalog import Catalog
from attributionlab.specs.rules import Rules


@dataclass(frozen=True, kw_only=True)
class Fruit(abc.ABC):
    """A base class as methods, metrics and environments have one."""

    owner: str | None = dataclasses.field(default=None, metadata={"hidden": True})
    name: ClassVar[str]
    color: ClassVar[str]

    @abc.abstractmethod
    def taste(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Pear(Fruit):
    """A pear."""

    name: ClassVar[str] = "pear"
    color: ClassVar[str] = "green"
    shorthands: ClassVar[dict[str, tuple[str, ...]]] = {"size": ("height", "width")}
    weight: int = 100
    height: int = 8
    width: int = 6

    def taste(self) -> str:
        return "sweet"


@dataclass(frozen=True, kw_only=True)
class Juice:
    """A function as an object."""

    function: object
    spec: str

    def __post_init__(self):
        if getattr(self.function, "poisonous", False):
            raise BadOption("`fruit` must not be poisonous")


def smoothie(pear):
    return pear


def shake(pear):
    return pear


@dataclass
class Package:
    name: str


@dataclass
class Point:
    """An entry point of an installed package."""

    name: str
    entry: object = None
    error: BaseException | None = None
    dist: Package | None = dataclasses.field(default_factory=lambda: Package("orchard"))

    @property
    def value(self):
        return f"orchard.fruits:{self.name}"

    def load(self):
        if self.error is not None:
            raise self.error
        return self.entry


class Installed(list):
    """Entry points of the group `attributionlab.fruits`, and the groups that were asked for."""

    def __init__(self):
        super().__init__()
        self.groups = []

    def entry_points(self, group):
        self.groups.append(group)
        return list(self) if group == "attributionlab.fruits" else []


@pytest.fixture
def installed(monkeypatch):
    points = Installed()
    monkeypatch.setattr(importlib.metadata, "entry_points", points.entry_points)
    return points


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """This module as one that can be imported, so that its classes have import strings."""
    import sys

    monkeypatch.setitem(sys.modules, "fruits_of_a_test", sys.modules[__name__])


@pytest.fixture
def catalog(installed):
    rules = Rules(
        base="fruits_of_a_test:Fruit",
        facts={"color": "builtins:str"},
        wrapper="fruits_of_a_test:Juice",
        signature="(pear) -> pear",
    )
    return Catalog(
        kind="fruit",
        built_in={"pear": "fruits_of_a_test:Pear", "never-imported": "no_such_module:Nothing"},
        rules=rules,
        aliases={"pyrus": ("pear",)},
        reserved=("stone",),
    )


@pytest.fixture
def functions(installed):
    return Catalog(kind="fruit", built_in={}, rules=Rules(signature="(pear) -> pear"))


def subclass(name="kiwi", /, **attributes):
    attributes = {"name": name, "color": "brown", "taste": lambda _: "sour", **attributes}
    return type("Kiwi", (Fruit,), attributes)


# Names


def test_names_are_known_without_importing_what_they_stand_for(catalog):
    assert list(catalog) == ["pear", "never-imported"]
    assert catalog.names == ["pear", "never-imported"]
    catalog.require("never-imported[a=1]")


def test_an_entry_is_imported_when_it_is_asked_for(catalog):
    assert catalog.get("pear") is Pear


def test_an_unknown_name_is_refused_with_the_closest_one(catalog):
    message = r"^`fruit` must be a known name, got 'paer'; did you mean pear\?$"
    with pytest.raises(UnknownName, match=message):
        catalog.get("paer")
    with pytest.raises(UnknownName, match=message):
        catalog.require("paer[weight=2]")


@pytest.mark.parametrize("name", ["pyrus", "Pyrus", "PEAR", "p-e_a r"])
def test_names_of_other_libraries_and_spellings_are_suggested(catalog, name):
    with pytest.raises(UnknownName, match=r"; did you mean pear\?$"):
        catalog.get(name)


def test_few_names_are_listed_and_many_are_not(catalog):
    with pytest.raises(UnknownName, match=r"; known: never-imported, pear$"):
        catalog.get("zzz")
    for name in "abcd":
        catalog.register(name, smoothie)
    with pytest.raises(UnknownName, match=r"; `attributionlab list fruits` lists them$"):
        catalog.get("zzz")


def test_an_address_is_not_looked_up_among_the_names(catalog):
    catalog.require("some_module:function")


@pytest.mark.parametrize("text", ["", "mine.py"])
def test_text_that_names_nothing_is_refused_with_what_to_write(catalog, text):
    for use in (catalog.require, lambda text: catalog.build(text, {})):
        with pytest.raises(BadOption, match=rf"^`fruit` must be a name, file.py:function .*, got '{text}'$"):
            use(text)


# Registration


def test_a_class_is_registered_under_its_own_name(catalog):
    kiwi = subclass()
    assert catalog.register(kiwi) is kiwi
    assert catalog.get("kiwi") is kiwi
    assert list(catalog) == ["pear", "never-imported", "kiwi"]


def test_a_class_may_be_registered_with_its_name_beside_it(catalog):
    kiwi = subclass()
    assert catalog.register("kiwi", kiwi) is kiwi
    assert catalog.get("kiwi") is kiwi


def test_registration_is_a_decorator(catalog):
    @catalog.register
    class Kiwi(Pear):
        name: ClassVar[str] = "kiwi"

    @catalog.register("berry")
    def squeezed(pear):
        return pear

    @catalog.register
    def apple_juice(pear):
        return pear

    assert catalog.get("kiwi") is Kiwi
    assert catalog.get("berry") is squeezed
    assert catalog.get("apple-juice") is apple_juice


@pytest.mark.parametrize("name", ["pear", "stone"])
def test_our_own_names_cannot_be_registered(catalog, name):
    message = f"`name` must not be registered as a fruit already, got '{name}'; it is taken by attributionlab itself"
    with pytest.raises(BadOption, match=f"^{message}$"):
        catalog.register(name, smoothie)


def test_a_name_cannot_be_registered_twice(catalog):
    catalog.register("drink", smoothie)
    with pytest.raises(BadOption, match=rf"got 'drink'; it is taken by {re.escape(__name__)}\.smoothie$"):
        catalog.register("drink", shake)
    assert catalog.get("drink") is smoothie


def test_registering_the_same_thing_again_changes_nothing(catalog):
    catalog.register("drink", smoothie)
    catalog.register("drink", smoothie)
    assert catalog.names.count("drink") == 1


def test_a_class_cannot_be_registered_under_another_name(catalog):
    with pytest.raises(BadOption, match=r"^`name` must be the own name of Kiwi, 'kiwi', got 'kivi'$"):
        catalog.register("kivi", subclass())


@pytest.mark.parametrize("name", ["", "a b", "a[b]", "a:b", "a,b", "a=b", "mine.py"])
def test_a_name_that_no_spec_could_hold_is_refused(catalog, name):
    with pytest.raises(BadOption, match=r"^`name` must have no spaces, brackets or any of"):
        catalog.register(name, smoothie)


@pytest.mark.parametrize("entry", [int, 3, "text", dict])
def test_what_is_neither_such_a_class_nor_a_function_is_refused(catalog, entry):
    message = r"^`fruit` must be a subclass of attributionlab\.Fruit or a function \(pear\) -> pear, got "
    with pytest.raises(BadOption, match=message):
        catalog.register("kiwi", entry)


def test_a_catalog_of_classes_takes_no_functions(installed):
    classes = Catalog(kind="fruit", built_in={}, rules=Rules(base="fruits_of_a_test:Fruit"))
    with pytest.raises(BadOption, match=r"^`fruit` must be a subclass of attributionlab\.Fruit, got <function"):
        classes.register("kiwi", smoothie)


def test_a_catalog_of_functions_takes_no_classes(functions):
    functions.register("drink", smoothie)
    assert functions.get("drink") is smoothie
    with pytest.raises(BadOption, match=r"^`fruit` must be a function \(pear\) -> pear, got <class"):
        functions.register("kiwi", int)


def test_a_function_that_the_wrapper_refuses_is_refused(catalog):
    def nightshade(pear):
        return pear

    nightshade.poisonous = True
    with pytest.raises(BadOption, match=r"^`fruit` must not be poisonous$"):
        catalog.register(nightshade)


def test_a_class_without_a_name_is_refused(catalog):
    with pytest.raises(BadOption, match=r"^`class` must have a class attribute `name`, a str, got 'Fruit'$"):
        catalog.register(Fruit)


def test_a_function_without_a_name_needs_one(catalog):
    with pytest.raises(BadOption, match=r"^`function` must have a name, or be registered under one, got <function"):
        catalog.register(lambda pear: pear)


def test_an_abstract_class_is_refused_with_what_it_must_define(catalog):
    class Kiwi(Fruit):
        name = "kiwi"
        color = "brown"

    with pytest.raises(BadOption, match=r"^`fruit` must define taste, got 'Kiwi'$"):
        catalog.register(Kiwi)


@pytest.mark.parametrize("facts", [{"color": None}, {"color": 3}])
def test_a_class_that_declares_less_than_it_must_is_refused(catalog, facts):
    with pytest.raises(BadOption, match=r"^`fruit` must have a class attribute `color`, a str, got 'Kiwi'$"):
        catalog.register(subclass(**facts))


def test_a_class_whose_options_are_not_fields_is_refused(catalog):
    kiwi = subclass(__annotations__={"hair": "int", "name": "ClassVar[str]"}, hair=3)
    message = r"^`class` must be decorated with @dataclass\(frozen=True, kw_only=True\), got 'Kiwi'; it defines hair$"
    with pytest.raises(BadOption, match=message):
        catalog.register(kiwi)


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        (Path, Path(), "`hair` must have a type that text can be converted to in Kiwi, got <class 'pathlib"),
        (dict, None, "`hair` must have a type that text can be converted to in Kiwi, got <class 'dict'>"),
        (tuple[Path, ...], (), "`hair` must have a type that text can be converted to in Kiwi"),
        (
            "NoSuchType",
            3,
            "`class` must have annotations that can be evaluated, got 'Kiwi'; NameError: name 'NoSuchType'",
        ),
        (int, dataclasses.MISSING, "`hair` must have a default that is not made by a factory, got 'Kiwi'"),
    ],
    ids=lambda value: "missing" if value is dataclasses.MISSING else str(value),
)
def test_a_class_with_an_option_that_no_spec_could_hold_is_refused(catalog, annotation, default, message):
    attributes = {"__annotations__": {"hair": annotation}}
    if default is not dataclasses.MISSING:
        attributes["hair"] = default
    kiwi = dataclass(frozen=True, kw_only=True)(subclass(**attributes))
    with pytest.raises(BadOption, match=f"^{re.escape(message)}"):
        catalog.register(kiwi)


# Entry points


def test_entries_of_installed_packages_are_added(catalog, installed):
    kiwi = subclass()
    installed.extend([Point("kiwi", kiwi), Point("drink", smoothie)])
    assert list(catalog) == ["pear", "never-imported", "kiwi", "drink"]
    assert catalog.get("kiwi") is kiwi
    assert catalog.get("drink") is smoothie


def test_an_entry_point_is_loaded_only_when_its_name_is_used(catalog, installed):
    installed.append(Point("drink", error=AssertionError("must not be loaded")))
    assert catalog.get("pear") is Pear
    assert catalog.names == ["pear", "never-imported", "drink"]
    with pytest.raises(UnknownName, match=r"did you mean drink\?"):
        catalog.get("drnk")


def test_installed_packages_are_asked_once_and_not_before_they_are_needed(catalog, installed):
    catalog.get("pear")
    assert installed.groups == []
    list(catalog)
    list(catalog)
    assert installed.groups == ["attributionlab.fruits"]


BROKEN = {
    "import error": (Point("bad", error=ImportError("no module\nnamed x")), "ImportError: no module named x"),
    "exit": (Point("bad", error=SystemExit(0)), "SystemExit: 0"),
    "not callable": (Point("bad", 3), "BadOption: `fruit` must be a subclass of attributionlab.Fruit or a function"),
    "class of something else": (Point("bad", dict), "BadOption: `fruit` must be a subclass of attributionlab.Fruit"),
    "another name": (
        Point("bad", subclass("kiwi")),
        "BadOption: `name` must be the own name of Kiwi, 'kiwi', got 'bad'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_entry_point_costs_one_warning_line_that_names_it_and_nothing_else(catalog, installed, case):
    point, reason = BROKEN[case]
    installed.extend([point, Point("drink", smoothie)])
    message = f"the fruit 'bad' of package orchard (orchard.fruits:bad) cannot be used: {reason}"
    with pytest.warns(PluginWarning) as caught:
        assert list(catalog) == ["pear", "never-imported", "drink"]
    assert [str(each.message).startswith(message) for each in caught] == [True]
    assert "\n" not in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(catalog) == ["pear", "never-imported", "drink"]
        assert catalog.get("drink") is smoothie
        with pytest.raises(
            UnknownName, match=r"^`fruit` must be usable, got 'bad'; package orchard .*registers it, but "
        ):
            catalog.get("bad")


def test_a_warning_about_an_entry_point_is_printed_as_one_line(catalog, installed):
    installed.append(Point("bad", error=ImportError("x" * 5000)))
    with pytest.warns(PluginWarning) as caught:
        list(catalog)
    printed = warnings.formatwarning(caught[0].message, caught[0].category, caught[0].filename, caught[0].lineno)
    assert len(printed.splitlines()) == 1
    assert len(printed) < 500


def test_our_own_names_win_over_entry_points_with_a_warning(catalog, installed):
    installed.extend([Point("pear", smoothie), Point("stone", smoothie)])
    with pytest.warns(PluginWarning, match=r"the name is taken by attributionlab itself") as caught:
        assert catalog.names == ["pear", "never-imported"]
    assert len(caught) == 2
    assert catalog.get("pear") is Pear


def test_of_two_packages_with_one_name_the_first_wins_with_a_warning(catalog, installed):
    second = Point("drink", shake, dist=Package("meadow"))
    installed.extend([Point("drink", smoothie), second])
    second.__class__ = type("Second", (Point,), {"value": "meadow.fruits:drink"})
    with pytest.warns(PluginWarning, match=r"of package meadow .* is taken by package orchard \(orchard") as caught:
        assert catalog.get("drink") is smoothie
    assert len(caught) == 1


def test_a_package_may_be_listed_twice(catalog, installed):
    """As where its folder is twice on the path."""
    installed.extend([Point("drink", smoothie), Point("drink", smoothie)])
    assert catalog.get("drink") is smoothie


def test_a_package_may_register_what_its_entry_point_names(catalog, installed):
    installed.append(Point("drink", smoothie))
    catalog.register("drink", smoothie)
    assert list(catalog) == ["pear", "never-imported", "drink"]


def test_what_was_registered_here_wins_over_an_entry_point_with_a_warning(catalog, installed):
    installed.append(Point("drink", smoothie))
    catalog.register("drink", shake)
    with pytest.warns(PluginWarning, match=r"cannot be used: BadOption: .* got 'drink'; it is taken by .*shake"):
        list(catalog)
    assert catalog.get("drink") is shake


def test_an_entry_point_without_a_package_can_be_warned_of(catalog, installed):
    installed.append(Point("bad", 3, dist=None))
    with pytest.warns(PluginWarning, match=r"the fruit 'bad' of an installed package \(orchard"):
        list(catalog)


# Building


def test_an_object_is_built_from_all_that_may_stand_for_it(catalog):
    heavy = Pear(weight=200)
    assert catalog.build("pear[weight=200]", {}) == heavy
    assert catalog.build("pear", {"weight": "200"}) == heavy
    assert catalog.build({"name": "pear", "weight": 200}, {}) == heavy
    assert catalog.build({"name": "pear[weight=200]"}, {}) == heavy
    assert catalog.build(Pear, {"weight": 200}) == heavy
    assert catalog.build(Pear(), {"weight": 200}) == heavy
    assert catalog.build(heavy, {}) is heavy


def test_arguments_that_are_not_options_reach_the_class_and_none_leaves_them_out(catalog):
    for thing in ("pear", Pear, Pear(), {"name": "pear"}):
        assert catalog.build(thing, {}, owner="me").owner == "me"
    assert catalog.build(Pear(owner="me"), {}, owner=None).owner == "me"


def test_a_shorthand_sets_the_options_that_it_stands_for(catalog):
    expected = Pear(height=3, width=3)
    assert catalog.build("pear[size=3]", {}) == expected
    assert catalog.build(Pear(height=9), {"size": "3"}) == expected


def test_a_shorthand_together_with_an_option_that_it_sets_is_refused(catalog):
    with pytest.raises(BadOption, match=r"^`size` must not come together with `width`, got '3'$"):
        catalog.build("pear[size=3,width=4]", {})


def test_shorthands_are_among_the_options_that_are_suggested(catalog):
    with pytest.raises(UnknownName, match=r"^`option` must be a known name, got 'volume'; known: height, size, weight"):
        catalog.build("pear[volume=3]", {})


@pytest.mark.parametrize("options", [{"weight": 2}, {"weight": 1, "height": 3}])
def test_options_beside_a_spec_or_table_must_not_contradict_it(catalog, options):
    if options["weight"] == 1:
        assert catalog.build("pear[weight=1]", options) == Pear(weight=1, height=3)
        return
    with pytest.raises(BadOption, match=r"^`weight` must agree with pear\[weight=1\], got 2$"):
        catalog.build("pear[weight=1]", options)
    with pytest.raises(BadOption, match=r"^`weight` must agree with the table, got 2$"):
        catalog.build({"name": "pear", "weight": 1}, options)


def test_functions_become_objects_under_their_name_or_address(catalog):
    catalog.register("drink", smoothie)
    assert catalog.build("drink", {}) == Juice(function=smoothie, spec="drink")
    assert catalog.build(smoothie, {}) == Juice(function=smoothie, spec=f"{__name__}:smoothie")
    assert catalog.build("fruits_of_a_test:smoothie", {}) == Juice(function=smoothie, spec="fruits_of_a_test:smoothie")
    juice = Juice(function=smoothie, spec="juice")
    assert catalog.build(juice, {}) is juice


@pytest.mark.parametrize(
    "thing", ["drink", smoothie, Juice(function=smoothie, spec="juice"), "fruits_of_a_test:smoothie"]
)
def test_functions_take_no_options(catalog, thing):
    catalog.register("drink", smoothie)
    with pytest.raises(BadOption, match=r"^`options` must be empty for .*, got \{'weight': 1\}$"):
        catalog.build(thing, {"weight": 1})


@pytest.mark.parametrize("thing", [3, None, 2.5, ["pear"], dict, Fruit.__class__])
def test_what_cannot_stand_for_an_object_is_refused(catalog, thing):
    with pytest.raises(BadOption, match=r"^`fruit` must be a spec or a function \(pear\) -> pear, got "):
        catalog.build(thing, {})


def test_a_table_without_a_name_is_refused(catalog):
    with pytest.raises(BadOption, match=r"^`fruit` must have a name, got \{'weight': 3\}$"):
        catalog.build({"weight": 3}, {})


def test_a_class_behind_an_address_is_refused_with_what_to_do(catalog):
    hint = "a class is registered under its name, by attributionlab.register_fruit or an entry point"
    with pytest.raises(BadOption, match=f"^`fruit` must name a function, got 'fruits_of_a_test:Pear'; {hint}$"):
        catalog.build("fruits_of_a_test:Pear", {})


def test_an_address_that_does_not_exist_is_refused(catalog):
    with pytest.raises(MissingFile, match=r"^`fruit` must name a function that exists"):
        catalog.build("fruits_of_a_test:cider", {})


def test_where_functions_are_not_taken_an_address_is_an_unknown_name(installed):
    classes = Catalog(kind="fruit", built_in={}, rules=Rules(base="fruits_of_a_test:Fruit"))
    with pytest.raises(UnknownName, match=r"^`fruit` must be a known name, got 'fruits_of_a_test:smoothie'"):
        classes.build("fruits_of_a_test:smoothie", {})
    with pytest.raises(BadOption, match=r"^`fruit` must be a spec, got <function"):
        classes.build(smoothie, {})
