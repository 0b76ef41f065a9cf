"""What there is, as data and as tables."""

import io
import json

import pytest
from rich.console import Console

from attributionlab._specs import option_fields
from attributionlab.environments import ENVIRONMENTS
from attributionlab.methods import METHODS
from attributionlab.reports.catalog import CSV_COLUMNS, catalog, catalog_tables


def test_the_catalog_has_every_registered_name():
    entries = catalog(["environments", "methods"])
    assert [entry["name"] for entry in entries["environments"]] == list(ENVIRONMENTS)
    assert [entry["name"] for entry in entries["methods"]] == list(METHODS)


@pytest.mark.parametrize("kind", ["environments", "methods"])
def test_one_kind_may_be_asked_for(kind):
    assert list(catalog([kind])) == [kind]


def test_every_option_is_listed_with_its_default_and_its_type():
    for entry in catalog(["methods"])["methods"]:
        assert list(entry["options"]) == list(option_fields(METHODS.get(entry["name"])))
    options = next(entry for entry in catalog(["methods"])["methods"] if entry["name"] == "integrated-gradients")[
        "options"
    ]
    assert options["n_steps"] == "50 (an integer)"
    assert options["baseline"].startswith("black (black or true or ")


def test_methods_are_listed_with_what_they_declare():
    entries = {entry["name"]: entry for entry in catalog(["methods"])["methods"]}
    assert entries["gradcam"]["sign"] == "positive"
    assert entries["gradcam"]["granularity"] == "coarse"
    assert entries["occlusion"]["explains"] == "logit"
    assert entries["random"]["randomness"] == "seeded"
    assert entries["integrated-gradients"]["needs"] == ["baseline", "gradients"]
    assert all(entry["summary"] for entry in entries.values())


def test_the_catalog_is_json():
    entries = catalog(["environments", "methods"])
    assert json.loads(json.dumps(entries)) == entries


def test_every_entry_fits_the_columns_of_csv():
    for entries in catalog(["environments", "methods"]).values():
        assert all({"kind", *entry} <= set(CSV_COLUMNS) for entry in entries)


def test_shorthands_are_listed_with_what_they_set():
    (entry, *_) = catalog(["environments"])["environments"]
    assert entry["options"]["size"] == "sets height and width"
    assert entry["options"]["seed"] == "sets data_seed and network_seed"


def test_a_function_of_another_package_is_listed_with_default_facts(monkeypatch):
    def blur(model, inputs, targets):
        """Blur the image.

        And more.
        """

    monkeypatch.setitem(METHODS.entries, "blur", blur)
    entry = catalog(["methods"])["methods"][-1]
    assert (entry["name"], entry["summary"], entry["sign"], entry["options"]) == (
        "blur",
        "Blur the image.",
        "signed",
        {},
    )


def test_the_tables_show_every_name():
    console = Console(file=io.StringIO(), width=140, color_system=None)
    for table in catalog_tables(catalog(["environments", "methods"])):
        console.print(table)
    text = console.file.getvalue()
    for name in (*ENVIRONMENTS, *METHODS):
        assert name in text
    assert "[dim]" not in text
