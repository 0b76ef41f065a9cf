"""The HTML report as a text: escaped, self-contained, the same every time; `test_html_in_browser.py` uses it."""

import base64
import errno
import hashlib
import html
import io
import os
import re
from copy import copy
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pytest
import torch
from PIL import Image

from attributionlab.errors import BadOption, MachineError
from attributionlab.reports.figures.looks import look_of
from attributionlab.reports.figures.pictures import SIGNED, picture
from attributionlab.reports.page.glance import glance
from attributionlab.reports.page.pictures import LEVELS, image_uri, map_uri
from attributionlab.reports.page.provenance import provenance
from attributionlab.reports.page.report import DASH, report_html, write_report
from attributionlab.reports.run_view import RunView


class Page(HTMLParser):
    """The tags and texts of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.inside, self.blocks, self.text = [], None, {"style": [], "script": []}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag if tag in self.blocks else None

    def handle_endtag(self, tag):  # noqa: ARG002  # of the base class
        self.inside = None

    def handle_data(self, data):
        (self.blocks[self.inside] if self.inside else self.text).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="session")
def text(small_run):
    return report_html(small_run.records)


@pytest.fixture(scope="session")
def page(text):
    return Page(text)


def decoded(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))


@pytest.mark.wide
def test_the_same_records_give_the_same_bytes(small_run, text):
    assert report_html(small_run.records) == text


def test_the_page_may_run_its_own_script_and_style_and_load_nothing(page):
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for kind in ("style", "script"):
        (block,) = page.blocks[kind]
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_nothing_in_the_page_points_outside(page, text):
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/png;base64,", "data:,", "#")), (tag, value)
        assert "style" not in attributes, "the policy would not let it through"
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"https?://", text)


def test_hostile_names_and_messages_are_text(page, small_run):
    assert [len(page.all(tag)) for tag in ("script", "style")] == [1, 1]
    assert page.all("b") == []
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    shown = "".join(page.text)
    assert small_run.hostile in shown
    assert "<b>small</b> & odd" in shown
    assert "</dialog><img src=x onerror=alert(2)>" in shown
    assert "{{ 7 * 7 }}" in shown


def test_every_verdict_has_a_row(page, small_run):
    rows = [attributes for attributes in page.all("tr") if "data-truth" in attributes]
    decisive = [row for row in rows if "data-decides" in row]
    assert len(decisive) == len(small_run.records.summaries()) == 16
    assert all("hidden" not in row for row in decisive)
    assert all("hidden" in row for row in rows if "data-decides" not in row)


@pytest.mark.wide
def test_a_verdict_says_in_how_many_networks_it_held_with_all_states_and_answers(small_run):
    summary, *_ = small_run.records.summaries()
    text = report_html(small_run.records)
    rows = re.findall(r"<tr.*?</tr>", text, re.DOTALL)
    (held, *_) = [row for row in rows if f'data-truth="signed" data-environment="{summary.environment}"' in row]
    assert "2 of 2" in held
    states = text[text.index('id="states-title"') :]
    (cells, *_) = [re.sub("<[^>]*>", " ", row).split() for row in re.findall(r"<tr>.*?</tr>", states)[1:]]
    every = [part for scores in summary.truths.values() for part in (f"{scores.f1:.3f}", scores.state)]
    assert "".join(cells) == "".join(
        [summary.method, summary.environment, *every, "shapley@true", "+1", summary.environment]
    )


def test_every_image_is_in_the_file_once(page):
    sources = [image["src"] for image in page.all("img")]
    n_images, n_methods_with_maps = 2 * 2, 3
    assert len(sources) == n_images * (2 + n_methods_with_maps)


@pytest.mark.wide
def test_the_gallery_shows_as_many_images_as_asked_for(small_run):
    cards = Page(report_html(small_run.records, n_images=1)).all("article")
    assert len(cards) == 2


@pytest.mark.wide
def test_without_saved_maps_the_page_says_how_to_save_them(run_without_maps):
    page = Page(report_html(run_without_maps.records))
    assert "save_maps = 4" in "".join(page.text)
    assert len(page.all("img")) == 2 * len(page.all("article")) > 0


def test_provenance_names_versions_device_seeds_and_failures(page, small_run):
    shown = " ".join("".join(page.text).split())
    for package, number in next(iter(small_run.records)).versions.items():
        assert f"{package}{number}" in shown
    assert re.search(r"cpu\d+ records", shown)
    assert "RuntimeError" in shown
    assert "seeds0 1" in shown


def test_the_gallery_names_answers_scales_and_largest_values(page, small_run):
    shown = " ".join("".join(page.text).split())
    assert re.search(r"red \d+, green \d+, blue \d+, yellow \d+; \w+ wins, probability [\d.]+", shown)
    assert re.search(r"white \d+; value \d+", shown)
    assert re.search(r"\+ \d+ pixels raise the output, \N{MINUS SIGN} \d+ pixels lower the output", shown)
    assert re.search(r"overall F1 0\.\d+ \S+ to \S+", shown)
    assert [len(page.all(tag)) for tag in ("linearGradient", "lineargradient")] == [0, 2]
    assert all(text in shown for text in ("lowers the output", "raises the output", "affects the output"))
    assert {slider["value"] for slider in page.all("input") if slider.get("type") == "range"} == {"100"}


@pytest.mark.parametrize("n_images", [0, -1, 1.5])
def test_a_number_of_images_that_makes_no_sense_is_refused(small_run, n_images):
    with pytest.raises(BadOption, match=r"^`n_images` must be"):
        report_html(small_run.records, n_images=n_images)


def test_templates_are_part_of_the_package():
    folder = files("attributionlab.reports.page") / "templates"
    assert {entry.name for entry in folder.iterdir()} == {"report.css", "report.html.j2", "report.js"}


def test_an_image_is_kept_bit_for_bit():
    image = torch.randint(0, 256, (3, 5, 7), generator=torch.Generator().manual_seed(0)).float()
    assert np.array_equal(np.array(decoded(image_uri(image))), picture(image))


def test_a_map_has_the_colors_of_the_figures():
    values = torch.tensor([[-2.0, 0.0, 4.0, 2.0]])
    shown = np.array(decoded(map_uri(look_of(values))).convert("RGB"))[0].tolist()
    expected = [[round(255 * part) for part in SIGNED(place)[:3]] for place in (0.25, 0.5, 1.0, 0.75)]
    assert np.abs(np.array(shown) - np.array(expected)).max() <= 255 / LEVELS


@pytest.mark.parametrize(("size", "most"), [(64, 5_500), (224, 55_000)])
def test_a_map_of_noise_is_as_large_as_the_docs_say(size, most):
    noise = torch.randn(size, size, generator=torch.Generator().manual_seed(0))
    assert 0.8 * most < len(map_uri(look_of(noise))) < most


@pytest.mark.parametrize("name", ["report.txt", "report", ".html"])
def test_another_ending_is_refused(small_run, tmp_path, name):
    with pytest.raises(BadOption, match=r"^`output` must end in \.html, got "):
        write_report(small_run.records, tmp_path / name)


def test_a_full_disk_leaves_the_earlier_report_and_nothing_else(small_run, tmp_path, monkeypatch):
    earlier = '<meta name="generator" content="attributionlab">'
    (tmp_path / "report.html").write_text(earlier)

    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match=r"^`output` must be writable, got '.*'; No space left on device$"):
        write_report(small_run.records, tmp_path / "report.html")
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("report.html", earlier)]


def test_at_a_glance_every_method_has_a_cell_per_environment_over_all_seeds(small_run):
    view = RunView(small_run.records)
    found = glance(small_run.records.summaries(), view.methods, view.seeds)
    assert found.families == view.families
    assert list(found.rows) == list(view.methods)
    assert {cell.look for cell in found.rows[small_run.broken]} == {"broken"}
    assert found.rows[small_run.broken][0].verdict == "MethodRaised"
    assert found.passing_methods == []
    cells = [cell for row in ("input-x-gradient", "random") for cell in found.rows[row]]
    assert {cell.look for cell in cells} == {cell.verdict for cell in cells} == {"undecided"}, (
        "few images, wide intervals"
    )


def test_at_a_glance_a_method_passes_whose_interval_is_above_gamma_with_every_seed(small_run):
    view = RunView(small_run.records)
    summaries = [
        replace(summary, outcome="passed") if summary.method == "input-x-gradient" else summary
        for summary in small_run.records.summaries()
    ]
    assert glance(summaries, view.methods, view.seeds).passing_methods == ["input-x-gradient"]


@pytest.mark.parametrize("outcome", ["passed", "undecided", "pixels-only", "blind", "failed"])
def test_the_page_says_each_outcome_in_words_with_its_interval(small_run, outcome):
    run = copy(small_run.records)
    first = next(summary for summary in run.done if summary.method == "random")
    scores = replace(first.truths[first.deciding_truth], f1=0.75, f1_low=0.625, f1_high=0.875)
    changed = replace(first, outcome=outcome, truths={**first.truths, first.deciding_truth: scores})
    run.done = [changed if summary is first else summary for summary in run.done]
    page = Page(report_html(run))
    assert any(f"badge {outcome}" == attributes.get("class") for attributes in page.all("span"))
    shown = " ".join("".join(page.text).split())
    assert f"{outcome} 0.750 0.625 to 0.875" in shown


def test_where_seeds_differ_the_glance_counts_them(small_run):
    view = RunView(small_run.records)
    first, *rest = small_run.records.summaries()
    summaries = [replace(first, outcome="passed"), *rest]
    cell = glance(summaries, view.methods, view.seeds).rows[first.method][0]
    assert (cell.look, cell.verdict) == ("mixed", "1 of 2 passed")


def test_failures_that_are_alike_are_told_once_with_their_measures_and_images(small_run):
    some = copy(small_run.records)
    failed = next(one for one in some if one.error is not None)
    parts = (("agreement", 0, 4), ("agreement", 4, 8), ("insertion", 9, 10), ("insertion", 0, 4))
    some.records = [
        replace(failed, job=replace(failed.job, measure=measure, start=start, stop=stop))
        for measure, start, stop in parts
    ]
    about = provenance(some)
    assert about.n_failed == 4
    assert "facts" in some.plan.to_dict()
    assert "facts" not in about.plan, "a dictionary is not for readers"
    assert [(one.measures, one.images) for one in about.failures] == [(("agreement", "insertion"), "0 to 7, 9")]


def test_an_image_has_no_score_on_a_truth_that_does_not_apply(small_run):
    cells = re.findall(r"<tr><th scope=\"row\">.*?> random</th>(.*?)</tr>", report_html(small_run.records))
    negative = [re.findall(r"<td[^>]*>(.*?)</td>", row)[3] for row in cells if row.count("<td") == 7]
    assert negative == [DASH] * 4


def test_a_truth_that_does_not_apply_has_no_verdict(page):
    truths = [row["data-truth"] for row in page.all("tr") if row.get("data-method") == "random"]
    assert truths == ["overall", "positive", "positive-smooth"] * 4


@pytest.mark.wide
def test_what_to_do_next_stands_below_the_verdicts_once_for_each_method_and_environment(small_run):
    text = html.unescape(re.sub(r"<wbr>|\u200b", "", report_html(small_run.records)))
    assert text.count("note: random in multi-color-sum[size=16]: a note") == 1, "of two seeds"
    assert "what now: random in multi-color-sum[size=16], " in text
