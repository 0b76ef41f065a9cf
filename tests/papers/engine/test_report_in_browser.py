"""The HTML report of a reproduction in a real, headless Chromium: it finds what failed, and asks nobody for anything."""

import base64

import pytest
from chromium import as_phone, choose, find, needs_chromium, opened

from attributionlab.papers.claims import JudgedClaim, PublishedClaim, judge_evidence, unchecked, within
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.reports import ReproductionReport, to_html
from attributionlab.papers.studies import ReportTable, StudyReport

pytestmark = needs_chromium

PRESET = Preset("quick", size=64, n_samples=16)
PAPER = Paper("nobody2024", "Nobody 2024, nothing", {}, {"quick": PRESET, "paper": Preset("paper", 224, 100)})
HOSTILE = "</script><img src=x onerror=alert(1)>"


def study(key, *values):
    results = [
        JudgedClaim(
            PublishedClaim(f"{key}.{place}", "page 1", f"{HOSTILE} {place}", "1", "close"),
            (judge_evidence(average_networks([value]), within(1, 0.1)),),
        )
        for place, value in enumerate(values)
    ]
    results.append(
        JudgedClaim(PublishedClaim(f"{key}.x", "page 2", "Unseen", "by eye", "none"), (unchecked("no weights"),))
    )
    table = ReportTable("Side by side", ("method", "ours"), (("GradCAM", 0.88),))
    return StudyReport(key, f"{key}: invented", tuple(results), (table,), ("about `it`",))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("reproduction") / "reproduction.html"
    report = ReproductionReport(
        PAPER, (study("one", 1.0, 0.2), study("two", 1.0, 1.0, 0.1)), PRESET, "cpu", {"torch": "2"}
    )
    path.write_text(to_html(report), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    with opened(browser, address):
        yield browser


def shown(page, selector=".findings tr.one"):
    """Ids of what is visible."""
    return page.execute_script(
        "return [...document.querySelectorAll(arguments[0])].filter(one => one.offsetParent !== null).map(one => one.id)",
        selector,
    )


def test_claims_are_filtered_by_status_and_by_study(page):
    assert len(shown(page)) == 7
    choose(page, "#filter-status", "not reproduced")
    assert shown(page) == ["one.1", "two.2"]
    assert find(page, "#count").text == "2 of 7 claims"
    choose(page, "#filter-study", "two")
    assert shown(page) == ["two.2"]
    assert shown(page, ".study h2") == ["two"]
    choose(page, "#filter-status", "direction only")
    assert shown(page) == []
    assert find(page, "#nothing").is_displayed()


def test_tables_and_notes_step_aside_while_one_status_is_looked_for(page):
    assert len(shown(page, ".background")) == 4
    choose(page, "#filter-status", "reproduced")
    assert shown(page, ".background") == []


def test_a_count_shows_what_it_counts(page):
    find(page, ".count[data-study='two'][data-status='reproduced']").click()
    assert shown(page) == ["two.0", "two.1"]
    assert page.switch_to.active_element.get_attribute("id") == "filter-status"


def test_a_link_to_a_study_that_is_filtered_away_shows_it(page):
    from selenium.webdriver.support.wait import WebDriverWait

    choose(page, "#filter-study", "two")
    assert shown(page, ".study h2") == ["two"]
    find(page, ".matrix a[href='#one']").click()
    WebDriverWait(page, 30).until(lambda page: "one" in shown(page, ".study h2"))  # the page hears of it a little later


def test_a_phone_shows_it_without_scrolling_sideways(page):
    as_phone(page)
    for box in ("document.documentElement", "document.querySelector('main .scroll')"):
        assert page.execute_script(f"return {box}.scrollWidth <= {box}.clientWidth"), box
    assert not find(page, ".findings thead").is_displayed()


def test_paper_has_all_claims_and_no_filters(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not find(page, ".filters").is_displayed()
    assert len(shown(page)) == 7
    printed = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF-")


def test_hostile_text_runs_nothing(page):
    assert HOSTILE in find(page, ".findings .claim").text
    assert page.execute_script("return [document.scripts.length, document.images.length]") == [1, 0]
