"""`scripts/reproduce.py --stored` writes a page from stored runs, and of unfinished ones nothing."""

import importlib
import re
import sys
from pathlib import Path

import pytest

from attributionlab.errors import UnknownName
from attributionlab.papers.catalog import PAPERS
from attributionlab.papers.claims import JudgedClaim, PublishedClaim, judge_evidence, within
from attributionlab.papers.measuring import measure_plan
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.running import reproduce
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.runs.executors import Executor

SCRIPTS = Path(__file__).parents[2] / "scripts"
QUICK = Preset("quick", size=16, n_samples=2, n_network_seeds=2, images_per_job=2)
RUNS = ("first", "second")


def measure(setting, name):
    environment = {"sum": setting.preset.sized("single-color-sum")}
    return measure_plan(setting, name, environment, {"Truth": "truth"})["sum"]


def study(setting, name):
    claim = PublishedClaim(f"{name}.f1", "Table 9", f"The truth of the {name} is perfect", "1", "equal")
    finding = judge_evidence(measure(setting, name).mean("Truth", "overall.f1"), within(1, 0))
    return StudyReport(name, f"Table of the {name}", (JudgedClaim(claim, (finding,)),))


def first(setting):
    return study(setting, "first")


def second(setting):
    return study(setting, "second")


PAPER = Paper("fake2000", "Fake 2000", {name: f"{__name__}:{name}" for name in RUNS}, {"quick": QUICK})


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(SCRIPTS))
        module = importlib.import_module("reproduce")
        patched.setitem(PAPERS.entries, "fake2000", lambda: PAPER)
        patched.setitem(module.RUNS, "fake2000", {f"{__name__}:measure": RUNS})
        patched.setitem(module.PAGES, ("fake2000", "quick"), ("page.md", "", "A page"))
        yield module
    for name in ("reproduce", "reproduction_pages"):
        sys.modules.pop(name, None)


@pytest.fixture
def docs(script, tmp_path, monkeypatch):
    """An empty folder for the page, beside which nothing is filled or measured."""
    folder = tmp_path / "docs"
    folder.mkdir()
    monkeypatch.setattr(script, "DOCS", folder)
    monkeypatch.setattr(script.reproduction_pages, "main", lambda: None)
    return folder


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A finished folder, after which every job is an error."""
    folder = tmp_path / "stored"
    reproduce(PAPER, list(RUNS), StudySetting(folder, QUICK, device="cpu"))

    def refuse(*_):
        pytest.fail("a job was done")

    monkeypatch.setattr(Executor, "do", refuse)
    return folder


@pytest.mark.wide
def test_a_finished_folder_becomes_the_page(script, docs, stored):
    script.from_stored(stored)
    page = (docs / "page.md").read_text()
    (jobs,) = [line for line in page.splitlines() if line.startswith("The 4 jobs ")]
    assert re.fullmatch(r"The 4 jobs took \d+ seconds, added up over processes\.", jobs)
    assert page.replace(f"{jobs}\n\n", "") == (stored / "reproduction.md").read_text().replace(
        "# Reproduction", "# A page", 1
    )
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## Table of the first",
        "## Table of the second",
    ]


def test_an_unfinished_folder_names_all_missing_runs_and_writes_nothing(script, docs, stored):
    records = stored / "first" / "records.jsonl"
    records.write_text("".join(records.read_text().splitlines(keepends=True)[:1]))
    (stored / "second" / "records.jsonl").write_text("")
    with pytest.raises(SystemExit) as stopped:
        script.from_stored(stored)
    assert str(stopped.value).splitlines()[1:] == [
        "first: 1 of 2 jobs are missing",
        "second: all 2 jobs are missing",
    ]
    assert not list(docs.iterdir())
    assert not (stored / "reproduction.md").exists()


def test_a_study_that_is_left_out_is_named_on_the_page(script, docs, stored):
    (stored / "second" / "records.jsonl").write_text("")
    script.from_stored(stored, ["second"])
    page = (docs / "page.md").read_text()
    assert "1 reproduced, " in page
    assert "Left out, because not all of their runs are finished: `second`." in page
    assert "Table of the second" not in page


def test_a_study_that_does_not_exist_cannot_be_left_out(script, docs, stored):
    with pytest.raises(UnknownName, match="`study` must be a known name, got 'secnod'; did you mean second"):
        script.from_stored(stored, ["secnod"])
    assert not list(docs.iterdir())
