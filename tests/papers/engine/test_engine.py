"""A paper of a few lines runs through the whole engine, which knows no paper of its own."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import attributionlab
from attributionlab.errors import BadOption, UnknownName
from attributionlab.papers import catalog
from attributionlab.papers.catalog import PAPERS, find_studies
from attributionlab.papers.claims import JudgedClaim, PublishedClaim, judge_evidence, within
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset, find_preset
from attributionlab.papers.running import reproduce, write_report
from attributionlab.papers.studies import StudyReport, StudySetting

FOLDER = Path(attributionlab.__file__).parent / "papers"

PRESETS = {"quick": Preset("quick", size=16, n_samples=2, n_network_seeds=2), "paper": Preset("paper", 32, 4)}


def fake2000():
    studies = {"fake-table": f"{__name__}:fake_table"}
    prepare = f"{__name__}:check_factor"
    return Paper("fake2000", "Fake 2000, Nothing", studies, PRESETS, {"table9": "fake-table"}, ("factor",), prepare)


def check_factor(setting, studies):
    assert studies == ["fake-table"]
    return float(setting.options.get("factor", 1))


def fake_table(setting):
    from attributionlab.papers.measuring import measure_plan

    environment = {"sum": setting.preset.sized("single-color-sum")}
    measured = measure_plan(setting, "fake", environment, {"Truth": "truth"})["sum"]
    claim = PublishedClaim("fake.f1", "Table 9", "The truth is perfect", "1", "equal")
    finding = judge_evidence(measured.mean("Truth", "overall.f1"), within(setting.prepared, 0))
    return StudyReport("fake-table", "Table 9: fake", (JudgedClaim(claim, (finding,)),))


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(PAPERS.entries, "fake2000", fake2000)


@pytest.fixture
def setting(tmp_path):
    return StudySetting(tmp_path, PRESETS["quick"], device="cpu")


@pytest.mark.wide
@pytest.mark.parametrize(("factor", "status"), [(None, "reproduced"), (2, "not reproduced")])
def test_a_fake_paper_becomes_markdown_json_and_html(registered, tmp_path, factor, status):
    paper, studies = find_studies(["table9"])
    options = {} if factor is None else {"factor": factor}
    setting = StudySetting(tmp_path, PRESETS["quick"], device="cpu", options=options)
    paths = write_report(reproduce(paper, studies, setting), tmp_path)
    markdown, stored, html = (path.read_text() for path in paths)
    finding = json.loads(stored)["studies"][0]["claims"][0]["findings"][0]
    assert (json.loads(stored)["paper"], finding["status"]) == ("Fake 2000, Nothing", status)
    for text in (markdown, html):
        assert "Fake 2000, Nothing: the published numbers and ours" in text
        assert "16x16 pixels, 2 images, 2 networks; the paper has 32x32" in text
        assert "The truth is perfect" in text


def test_a_report_of_a_paper_without_images_of_its_own_names_no_size(registered, tmp_path):
    paper = Paper("fake2000", "Fake", {"fake-table": f"{__name__}:fake_table"}, {"quick": PRESETS["quick"]})
    setting = StudySetting(tmp_path, PRESETS["quick"], device="cpu", prepared=1.0)
    report = reproduce(Paper(**{**vars(paper), "studies": {}}), [], setting)
    (markdown, *_) = write_report(report, tmp_path)
    assert "; the paper has" not in markdown.read_text()


def test_an_option_of_another_paper_is_refused(tmp_path):
    setting = StudySetting(tmp_path / "new", PRESETS["quick"], options={"vit": "net.py:net"})
    with pytest.raises(BadOption, match="`vit` must be left out for fake2000, which has no such option"):
        reproduce(fake2000(), ["fake-table"], setting)
    assert not setting.folder.exists()


def test_a_folder_of_another_paper_is_refused_and_one_that_names_none_goes_on(setting):
    stored = setting.folder / "preset.json"
    reproduce(fake2000(), ["fake-table"], setting)
    named = json.loads(stored.read_text())
    assert named["paper"] == "fake2000"
    stored.write_text(json.dumps({**named, "paper": "zhang2024"}))
    with pytest.raises(
        BadOption, match="it holds zhang2024 with preset 'quick', 16x16 pixels, 2 images, 2 networks, not fake2000"
    ):
        reproduce(fake2000(), ["fake-table"], setting)
    stored.write_text("damaged")
    with pytest.raises(BadOption, match=r"it holds an unreadable preset\.json, not fake2000"):
        reproduce(fake2000(), ["fake-table"], setting)
    del named["paper"]
    stored.write_text(json.dumps(named))
    reproduce(fake2000(), ["fake-table"], setting)
    assert json.loads(stored.read_text())["paper"] == "fake2000"


ZHANG = ["table1", "table3", "table4", "table5", "table6", "section4", "statements", "scales", "figure3", "appendix-k"]


@pytest.mark.parametrize(
    ("names", "key", "studies"),
    [
        ([], "zhang2024", ZHANG),
        (["all"], "zhang2024", ZHANG),
        (["zhang2024", "table3"], "zhang2024", ZHANG),
        (["table6", "table1", "table6"], "zhang2024", ["table1", "table6"]),
        (["table2"], "zhang2024", ["table6"]),
        (["fake2000"], "fake2000", ["fake-table"]),
    ],
)
def test_names_mean_studies_of_one_paper_in_the_order_of_the_report(registered, names, key, studies):
    paper, chosen = find_studies(names)
    assert (paper.key, chosen) == (key, studies)


def test_unknown_studies_are_answered_with_the_closest_names(registered):
    with pytest.raises(UnknownName, match="`study` must be a known name, got 'fake-tabel'; did you mean fake-table"):
        find_studies(["fake-tabel"])
    with pytest.raises(UnknownName, match="`paper` must be a known name"):
        catalog.find_paper("nobody1999")


def test_studies_of_two_papers_are_refused(registered):
    with pytest.raises(BadOption, match="`studies` must belong to one paper, got 'table1, fake-table'; they are of"):
        find_studies(["table1", "fake-table"])


def test_changed_presets_keep_their_other_numbers():
    preset = find_preset({"quick": Preset("quick", 64, 16, details={"n_orders": 7})}, "quick", n_samples=2, size=None)
    assert preset.to_dict() == {
        "name": "quick, changed",
        "size": 64,
        "n_samples": 2,
        "n_network_seeds": 5,
        "images_per_job": 4,
        "n_orders": 7,
    }


def imports(file):
    """The modules that a file imports, and the names that it takes from each."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_the_engine_imports_no_paper(file):
    packages = {f"attributionlab.papers.{folder.parent.name}" for folder in FOLDER.glob("*/__init__.py")}
    assert packages
    assert not [module for module, _ in imports(file) if any(module.startswith(package) for package in packages)]


PUBLIC = {
    "attributionlab",
    *(f"attributionlab.{room}" for room in ("environments", "errors", "judging", "machine", "methods", "metrics")),
    *(
        f"attributionlab.{room}"
        for room in ("measuring", "modification", "runs", "scenes", "text", "training", "truth")
    ),
}
BEHIND = {
    "attributionlab.files": "measurements are written whole or not at all",
    "attributionlab.methods.base": "captum's chatter is silenced in one place",
    "attributionlab.seeding": "concepts are drawn by seeds of their own",
    "attributionlab.training.loop": "the type of stored weights",
    "attributionlab.measuring.guard": "images of a user have no ground truth, which `attribute` asks for",
    "attributionlab.methods.segmenters": "a segmenter is lent for a while, not registered for good",
    "attributionlab.modification.explaining": "one place gives methods a trained network's background",
    "attributionlab.modification.attr_report": "the names of the questions",
    "attributionlab.modification.attr_study": "the accuracy on original features is measured in one place",
    "attributionlab.modification.training": "networks of a study are trained as those of the command, and stored",
    "attributionlab.text.articles": "the roles of words",
    "attributionlab.text.word_shares": "methods that give values to words have no public names yet",
    "attributionlab.reports.figures.attr_percent": "figures have no public names yet",
    "attributionlab.reports.figures.rationales": "figures have no public names yet",
    "attributionlab.networks.efficientnet": "whether weights are installed is asked before they are loaded",
    "attributionlab.methods.sam": "weights are checked before anything is measured",
    "attributionlab.printable": "exceptions of a user's function read as everywhere else",
    "attributionlab.reports.figures.looks": "figures have no public names yet",
    "attributionlab.reports.figures.maps": "figures have no public names yet",
    "attributionlab.reports.figures.panels": "figures have no public names yet",
    "attributionlab.reports.figures.pictures": "figures have no public names yet",
    "attributionlab.reports.figures.styles": "figures have no public names yet",
    "attributionlab.runs.executors": "studies choose where their tasks run",
    "attributionlab.specs.grammar": "a spec is put together from the preset's options",
    "attributionlab.specs.functions": "the one way to import a user's function",
}
"""Modules that a paper imports although users do not, with the reason."""


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*/*.py")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_paper_uses_what_a_user_could_use(file):
    paper = f"attributionlab.papers.{file.parent.name}"
    engine = {f"attributionlab.papers.{module.stem}" for module in FOLDER.glob("*.py")}
    ours = [module for module, _ in imports(file) if module.startswith("attributionlab")]
    deep = {module for module in ours if module not in PUBLIC | engine and not module.startswith(paper)}
    assert deep <= BEHIND.keys()


def test_names_of_studies_are_found_without_torch():
    program = (
        "import sys; from attributionlab.papers.catalog import find_studies;"
        "find_studies(['table2']); assert not {'torch', 'captum'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
