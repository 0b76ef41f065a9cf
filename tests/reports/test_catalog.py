"""What there is, as data and as tables."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from attributionlab.environments import ENVIRONMENTS
from attributionlab.methods import METHODS, SEGMENTERS
from attributionlab.metrics import METRICS
from attributionlab.modification import MANIPULATIONS
from attributionlab.reports.tables.catalog import CSV_COLUMNS, catalog, catalog_rows, catalog_tables, entry_table
from attributionlab.reports.tables.descriptions import describe, describe_class
from attributionlab.specs.options import option_fields

KINDS = ("environments", "methods", "metrics", "segmenters", "manipulations")
ROOT = Path(__file__).parents[2]


def test_the_catalog_has_every_registered_name():
    entries = catalog(KINDS)
    assert [entry["name"] for entry in entries["environments"]] == list(ENVIRONMENTS)
    assert [entry["name"] for entry in entries["methods"]] == list(METHODS)
    assert [entry["name"] for entry in entries["metrics"]] == list(METRICS)
    assert [entry["name"] for entry in entries["segmenters"]] == list(SEGMENTERS)
    assert [entry["name"] for entry in entries["manipulations"]] == list(MANIPULATIONS)


@pytest.mark.parametrize("kind", KINDS)
def test_stored_descriptions_are_those_of_the_classes(kind):
    """After a change: `python scripts/describe_built_in.py`."""
    for entry in catalog([kind])[kind]:
        described = describe_class(kind, entry["name"])
        if kind == "methods":
            described["seconds_per_image"] = entry["seconds_per_image"]
        assert list(entry.items()) == list(described.items())


def test_a_described_entry_may_be_changed_without_changing_the_next():
    describe("methods", "gradient")["name"] = "other"
    assert describe("methods", "gradient")["name"] == "gradient"


IMPORTED = "import sys; print([name for name in ('torch', 'numpy', 'captum', 'matplotlib', 'skimage', 'scipy') if name in sys.modules])"


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("list", "methods", "lime"), ("check", "gradeint"), ("verify", "multi-color-som")],
    ids=" ".join,
)
def test_names_are_listed_and_refused_without_importing_torch(arguments):
    code = f"from typer.testing import CliRunner; from attributionlab.cli.app import app; CliRunner().invoke(app, {arguments})"
    done = subprocess.run([sys.executable, "-c", f"{code}; {IMPORTED}"], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_may_be_asked_for(kind):
    assert list(catalog([kind])) == [kind]


def test_every_option_is_listed_with_its_default_and_its_type():
    for entry in catalog(["methods"])["methods"]:
        assert list(entry["options"]) == list(option_fields(METHODS.get(entry["name"])))
    options = next(entry for entry in catalog(["methods"])["methods"] if entry["name"] == "integrated-gradients")[
        "options"
    ]
    assert options["n_steps"] == "auto (auto or an integer)"
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
    entries = catalog(KINDS)
    assert json.loads(json.dumps(entries)) == entries


def test_every_entry_fits_the_columns_of_csv():
    assert all(set(row) <= set(CSV_COLUMNS) for row in catalog_rows(catalog(KINDS)))


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
    for table in catalog_tables(catalog(KINDS)):
        console.print(table)
    text = console.file.getvalue()
    for name in (*ENVIRONMENTS, *METHODS, *METRICS, *SEGMENTERS):
        assert name in text
    assert "[dim]" not in text


def test_every_method_of_ours_was_timed_and_the_documentation_has_the_same_figures():
    """`scripts/bench_methods.py` writes one and prints the other."""
    lines = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8").splitlines()
    for entry in catalog(["methods"])["methods"]:
        seconds = entry["seconds_per_image"]
        assert list(seconds) == ["64", "224"]
        assert f"| `{entry['name']}` | {seconds['64']:g} | {seconds['224']:g} |" in lines


def shown(renderable):
    console = Console(file=io.StringIO(), width=140, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_is_shown_with_every_option_and_fact(kind):
    for entry in catalog([kind])[kind]:
        text = shown(entry_table(entry))
        for option in entry["options"]:
            assert f"  {option} " in text
        assert entry["summary"] in " ".join(text.split())
        assert "None" not in text


def test_a_method_that_was_not_timed_is_shown_with_dashes(monkeypatch):
    monkeypatch.setitem(METHODS.entries, "blur", lambda *arguments: arguments[1])
    entries = {"methods": catalog(["methods"], "blur")["methods"]}
    table, footer = catalog_tables(entries)
    assert shown(table).splitlines()[-1].split()[-2:] == ["-", "-"]
    assert "not measured" in footer
    assert "seconds" not in shown(entry_table(entries["methods"][0]))
