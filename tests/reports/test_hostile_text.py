"""Control characters in names and messages, in every format that people look at."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import unicodedata

import pytest
from rich.console import Console

from attributionlab.judging import check
from attributionlab.measuring.failure import Failure
from attributionlab.reports.figures.curves import curves_figure
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.violins import violin_figure
from attributionlab.reports.page.report import report_html
from attributionlab.reports.run_view import RunView
from attributionlab.reports.tables.cells import csv_cell, to_csv
from attributionlab.reports.tables.run_rows import run_table
from attributionlab.reports.tables.run_tables import to_csv_text, to_latex, to_markdown, to_rich
from attributionlab.reports.tables.verdicts import CSV_COLUMNS, verdict_rows, verdict_table

HOSTILE = "\x1b[31mred\x1b[0m\x07\x9b31m\u202egnp\udcff\x7f"


def control_characters(text):
    return {
        character for character in text if character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Cs")
    }


def printed(renderable):
    console = Console(width=300, file=io.StringIO(), highlight=False)
    console.print(renderable)
    return console.file.getvalue()


@pytest.fixture
def verdict():
    """A verdict on a method of a hostile name with a hostile message."""
    whole = check("truth", "multi-color-sum[size=16]", n_samples=4)
    environment = dataclasses.replace(whole.environments[0], error=Failure("MethodRaised", f"=1+1 {HOSTILE}"))
    return dataclasses.replace(whole, method=f"=cmd() {HOSTILE}", environments=(environment,))


@pytest.fixture
def table(small_run):
    """The table of a run whose rows and columns have hostile texts."""
    whole = run_table(small_run.records)
    rows = tuple(
        dataclasses.replace(row, method=HOSTILE, environment=HOSTILE, error=Failure(HOSTILE, HOSTILE))
        for row in whole.rows
    )
    columns = tuple(dataclasses.replace(column, title=column.title and HOSTILE) for column in whole.columns)
    return dataclasses.replace(whole, rows=rows, columns=columns)


@pytest.mark.parametrize("writer", [to_csv_text, to_latex, to_markdown, lambda table: printed(to_rich(table))])
def test_tables_of_runs_have_no_control_characters(writer, table):
    text = writer(table)
    assert control_characters(text) == set()
    assert "x1b" in text


def test_tables_of_verdicts_have_no_control_characters(verdict):
    text = printed(verdict_table(verdict))
    assert control_characters(text) == set()
    assert r"\x1b" in text


def test_cells_of_csv_are_no_formulas_and_have_no_control_characters(verdict):
    text = to_csv(verdict_rows(verdict), CSV_COLUMNS)
    assert control_characters(text) == set()
    assert not [cell for row in csv.reader(io.StringIO(text)) for cell in row if re.match(r"[=+@\t\r]|-\D", cell)]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@x", "\tx", "\rx", " =1"])
def test_text_that_begins_as_a_formula_is_preceded_by_an_apostrophe(text):
    assert csv_cell(text).startswith("'") or "\\" in csv_cell(text)[:2]


@pytest.mark.parametrize("number", [-1, -0.5, True, None])
def test_numbers_stay_numbers(number):
    assert csv_cell(number) is number


def test_a_header_of_csv_is_no_formula():
    assert to_csv([], ("=x", "y")) == "'=x,y\n"


def test_the_title_of_the_page_has_no_control_characters(small_run):
    plan = dataclasses.replace(small_run.records.plan, name=HOSTILE)
    records = type(small_run.records)(plan)
    assert control_characters(report_html(records, n_images=1)) <= {"\u200b", "\xad"}


def test_figures_have_no_control_characters(small_run):
    view = RunView(small_run.records)
    batch_figure = attribution_figure(_batch(), {HOSTILE: HOSTILE}, title=HOSTILE, captions={})
    family = view.families[0]
    figures = [batch_figure, violin_figure(view, family), curves_figure(view, "insertion")]
    texts = [
        text.get_text() for figure in figures for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))
    ]
    assert control_characters("".join(texts)) <= {"\u200b"}
    assert any("x1b" in text for text in texts)


def _batch():
    import attributionlab as al

    return al.make_environment("multi-color-sum", size=16).sample(1)
