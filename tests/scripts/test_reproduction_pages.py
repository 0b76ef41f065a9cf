"""README and docs repeat what the reproduction wrote, and nothing else."""

import importlib.util
import sys
from pathlib import Path

import pytest

from attributionlab.papers.claims import Status

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("reproduction_pages", ROOT / "scripts" / "reproduction_pages.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def pages(script):
    return {size: script.read_page(name) for size, name in script.PAGES.items()}


def test_every_region_is_as_the_reports_fill_it(script, pages):
    for name in script.FILLED:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "<!-- reproduction: " in text
        assert script.filled(text, pages, "docs/" if name == "README.md" else "") == text, name


def test_statuses_before_and_after_are_those_of_the_reports(script, pages):
    assert script.changes(pages) == script.CHANGES.read_text(encoding="utf-8")


def test_each_report_has_every_claim_and_the_differences_that_the_headline_needs(script, pages):
    for page in pages.values():
        assert len(page.claims) > 90
        assert {metric for metric, _ in page.drops} == {"Insertion", "Deletion", "Sensitivity-N"}
    rows = [line for line in script.headline(pages).splitlines() if "pixels" in line]
    for page in pages.values():
        readings = [row.split(" | ")[1] for row in rows if page.scope in row]
        truths_and_baselines = {tuple(reading.split(", ")[:2]) for reading in readings}
        assert len(truths_and_baselines) == 4
        assert (
            len(readings)
            == len(set(readings))
            == sum(metric == "Deletion" and "off, " in reading for metric, reading in page.drops)
        )
    assert not any("| - |" in row for row in rows)


def test_the_headline_shows_every_rule_of_deepshap(script, pages):
    quick = {"64": pages["64"]}
    assert script.headline(quick).count("captum's rule") == script.headline(quick).count("shap's rule") == 4


def test_claims_that_are_no_longer_counted_stand_last(script, pages):
    quick = {"64": pages["64"]}
    rows = script.changes(quick).splitlines()
    assert sum(row.endswith("| reproduced | - |") and row.startswith("| 64 |") for row in rows) == 4


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("reproduced", Status.reproduced),
        ("not reproduced (reproduced 3 of 4, not reproduced 1 of 4)", Status.not_reproduced),
        ("cannot be checked here (fitted 1 of 2, cannot be checked here 1 of 2)", Status.unchecked),
        ("direction only 3 of 4, reproduced 1 of 4", Status.direction),
    ],
)
def test_the_worst_status_of_a_text_counts(script, text, status):
    assert script.worst(text) is status
