"""The report says everything, escapes what it is given, and is the same every time."""

import json

import numpy as np
import pytest

from attributionlab.papers.claims import JudgedClaim, PublishedClaim, judge_evidence, unchecked, within
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.reports import ReproductionReport, to_html, to_json, to_markdown
from attributionlab.papers.running import write_report
from attributionlab.papers.studies import ReportFigure, ReportTable, StudyReport

PRESET = Preset("quick", size=64, n_samples=16)
PAPER = Paper("nobody2024", "Nobody 2024, nothing", {}, {"quick": PRESET, "paper": Preset("paper", 224, 100)})
NASTY = "<script>alert('x')</script> | a*b"


def finding(value, target, direction=None, reading=""):
    return judge_evidence(
        average_networks([value] * 5, np.full(10, value)), within(target, 0.1), direction, reading=reading
    )


@pytest.fixture
def report():
    claim = PublishedClaim("table9.x", "Table 9", NASTY, "0.94", "close")
    results = (
        JudgedClaim(claim, (finding(0.9, 0.94, reading="one way"), finding(0.2, 0.94, reading="another"))),
        JudgedClaim(
            PublishedClaim("table9.y", "Table 9", "It cannot be seen", "by eye", "none"), (unchecked("no weights"),)
        ),
        JudgedClaim(
            PublishedClaim("table9.z", "Table 9", "Undefined", "1", "close"),
            (judge_evidence(average_networks([np.nan]), within(1, 0)),),
        ),
    )
    table = ReportTable(
        "Side by side", ("method", "published", "ours"), (("GradCAM", 0.8827, float("nan")), ("n", 675033, None))
    )
    figure = ReportFigure("table9.png", NASTY, b"pixels")
    study = StudyReport("table9", "Table 9: invented", results, (table,), (NASTY,), (figure,))
    return ReproductionReport(PAPER, (study,), PRESET, "cpu", {"torch": "2"})


def test_json_is_valid_and_counts_findings_and_claims_by_status(report):
    found = json.loads(to_json(report))
    assert {status: n for status, n in found["counts"].items() if n} == {
        "reproduced": 1,
        "not reproduced": 2,
        "cannot be checked here": 1,
    }
    assert {status: n for status, n in found["claim_counts"].items() if n} == {
        "not reproduced": 2,
        "cannot be checked here": 1,
    }
    first = found["studies"][0]["claims"][0]
    assert first["status"] == "not reproduced", "the worst of its readings"
    assert (first["published"], first["findings"][0]["status"], first["findings"][0]["share"]) == (
        "0.94",
        "reproduced",
        1.0,
    )
    assert found["studies"][0]["tables"][0]["rows"][0] == ["GradCAM", 0.8827, None]


def test_markdown_tables_are_not_broken_by_text(report):
    lines = to_markdown(report).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 12
    for line in rows:
        assert line.replace("\\|", "").count("|") in (4, 5, 9)
    assert "<script>" not in "\n".join(lines)


def test_every_status_and_reason_is_written(report):
    for text in (to_markdown(report), to_html(report)):
        for part in (
            "reproduced",
            "not reproduced",
            "cannot be checked here",
            "no weights",
            "one way",
            "0.900 (0.900 to 0.900)",
            "5/5",
        ):
            assert part in text


def test_html_escapes_and_loads_nothing(report):
    html = to_html(report)
    assert html.count("<script") == 1, "its own"
    assert "&lt;script&gt;" in html
    for loading in ("http://", "https://", "@import", "url("):
        assert loading not in html
    assert html.count("src=") == html.count('src="data:image/png;base64,cGl4ZWxz"') == 1


@pytest.mark.wide
def test_pictures_lie_beside_the_report_and_are_named_everywhere(report, tmp_path):
    written = write_report(report, tmp_path)
    assert [path.name for path in written] == ["reproduction.md", "reproduction.json", "reproduction.html"]
    assert (tmp_path / "table9.png").read_bytes() == b"pixels"
    assert "(table9.png)" in to_html(report)
    (line,) = (line for line in to_markdown(report).splitlines() if line.startswith("!["))
    assert line.endswith("](table9.png)")
    assert json.loads(to_json(report))["studies"][0]["figures"] == [{"file": "table9.png", "title": NASTY}]


def test_quick_says_that_it_is_not_the_size_of_the_paper(report):
    for text in (to_markdown(report), to_html(report)):
        assert "64x64 pixels, 16 images, 5 networks; the paper has 224x224" in text


def test_the_same_results_give_the_same_bytes(report):
    for write in (to_markdown, to_json, to_html):
        assert write(report) == write(report)


def test_readings_stand_below_their_claim_and_claims_with_one_reading_have_none(report):
    html = to_html(report)
    assert html.count('<tr class="one"') == 3
    assert html.count('<tr class="readings">') == 1
    assert html.index('id="table9.x"') < html.index('id="table9.x.1"') < html.index('id="table9.x.2"')
    assert "the worst of its readings: reproduced 1 of 2, not reproduced 1 of 2" in html
