"""Tables of a run: five writers, one set of rows."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

from attributionlab.reports.tables.run_rows import run_table
from attributionlab.reports.tables.run_tables import (
    escape_latex,
    escape_markdown,
    to_csv_text,
    to_json,
    to_latex,
    to_markdown,
    to_rich,
)


@pytest.fixture
def table(small_run):
    return run_table(small_run.records)


def rich_text(table, width=220):
    console = Console(width=width, file=io.StringIO(), highlight=False)
    console.print(to_rich(table))
    return console.file.getvalue()


def test_there_is_a_row_for_every_environment_and_method_in_the_order_of_the_plan(table, small_run):
    plan = small_run.records.plan
    rows = to_json(table)["rows"]
    assert [(row["environment"], row["method"]) for row in rows] == [
        (environment, method) for environment in plan.expanded for method in plan.methods
    ]


def test_csv_has_the_same_rows_as_json(table):
    read = list(csv.DictReader(io.StringIO(to_csv_text(table))))
    expected = [
        {key: "" if value is None else str(value) for key, value in row.items()} for row in to_json(table)["rows"]
    ]
    assert read == expected


def test_json_is_json_without_nan(table):
    assert json.loads(json.dumps(to_json(table), allow_nan=False))["gamma"] == 0.5


def test_a_row_says_what_the_summary_says(table, small_run):
    (summary,) = [one for one in small_run.records.summaries() if (one.environment, one.method) == KEY]
    (row,) = [one for one in to_json(table)["rows"] if (one["environment"], one["method"]) == KEY]
    assert row["f1"] == row["signed_f1"] == summary.truths["signed"].f1
    assert (row["f1_low"], row["f1_high"]) == (summary.truths["signed"].f1_low, summary.truths["signed"].f1_high)
    assert row["overall_f1"] == summary.truths["overall"].f1
    assert row["negative_f1"] == summary.truths["negative"].f1
    assert row["insertion"] == summary.metrics["insertion"]
    assert row["outcome"] == row["verdict"] == summary.outcome


KEY = ("multi-color-sum[size=16]", "input-x-gradient")


def test_a_method_that_failed_has_its_error_and_no_scores(table, small_run):
    rows = [row for row in to_json(table)["rows"] if row["method"] == small_run.broken]
    assert len(rows) == 4
    for row in rows:
        assert row["verdict"] == "MethodRaised"
        assert "RuntimeError" in row["error"]
        assert row["f1"] is row["insertion"] is None


@pytest.mark.parametrize("write", [rich_text, to_latex, to_markdown])
def test_people_read_the_same_numbers(table, write):
    text = write(table)
    for row in to_json(table)["rows"]:
        for key in ("overall_f1", "positive_f1", "insertion"):
            if row[key] is not None:
                assert f"{row[key]:.3f}" in text


def test_latex_has_as_many_cells_in_every_row_and_only_escaped_text(table):
    text = to_latex(table)
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert len(rows) == 1 + len(table.rows)
    counts = {len(re.findall(r"(?<!\\)&", line)) for line in rows}
    assert counts == {len(table.shown) - 1}
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert rule in text
    for letter in "#%$_":
        assert not re.search(rf"(?<!\\){re.escape(letter)}", "\n".join(rows))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b & 50 %", r"a\_b \& 50 \%"),
        ("x[size=16]", "x{[}size=16{]}"),
        ("\\{}~^", r"\textbackslash{}\{\}\textasciitilde{}\textasciicircum{}"),
        ('<a>|"$#', r"\textless{}a\textgreater{}\textbar{}{\ttfamily\char34}\$\#"),
        ("a---b", "a-{}-{}-b"),  # not a dash
        ("``?`''", "`{}`?{}`{}'{}'"),  # neither quotes nor a Spanish question mark
        ("two\nlines", "two lines"),
    ],
)
def test_latex_is_escaped(text, escaped):
    assert escape_latex(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a|b", r"a\|b"), ("<b>&", "&lt;b&gt;&amp;"), ("a_b*c`[x](y)", r"a\_b\*c\`\[x\]\(y\)"), ("a\n|", r"a \|")],
)
def test_markdown_is_escaped(text, escaped):
    assert escape_markdown(text) == escaped


def test_every_row_of_markdown_has_the_same_cells(table):
    rows = [line for line in to_markdown(table).splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {len(table.shown) + 1}


@pytest.mark.parametrize(
    ("write", "separator", "bold"), [(to_markdown, " | ", r"**{}**"), (to_latex, " & ", r"\textbf{{{}}}")]
)
def test_papers_read_what_decides_its_interval_and_the_outcome_in_words(table, write, separator, bold):
    row, *_ = [row for row in table.rows if row.method == "input-x-gradient"]
    scores, overall = row.truths["signed"], row.truths["overall"]
    f1, interval = f"{scores.f1:.3f}", f"{scores.f1_low:.3f}-{scores.f1_high:.3f}"
    line, *_ = [line for line in write(table).splitlines() if line.strip("| ").startswith("input-x")]
    cells = line.replace("\\+", "+").strip("|\\ ").split(separator)
    assert cells[:4] == ["input-x-gradient", "signed", f1, interval]
    signs = {"reached": "+", "below": "-", "open": "?"}
    marks = {truth: signs[row.truths[truth].state] for truth in ("overall", "signed")}
    assert cells[4:6] == [f"{overall.f1:.3f} {marks['overall']}", bold.format(f"{f1} {marks['signed']}")]
    assert cells[-3:] == ["2/2", "shapley@true +1", row.outcome]


@pytest.mark.parametrize("write", [rich_text, to_latex, to_markdown])
def test_the_note_explains_every_outcome_of_a_run(table, write):
    text = " ".join(write(table).replace("\\", "").split())
    assert "passed: the 95 % interval of F1 is above 0.5; undecided: it contains 0.5" in text
    assert "failed: it is below; pixels-only: right pixels, wrong signs" in text
    assert "After an F1: + its interval is above 0.5 (reached), - it is below, ? it contains 0.5 (open)" in text
    assert "held: networks whose mean F1 reaches 0.5" in text
    assert "answers: the nearest game whose exact values the first maps equal" in text


@pytest.mark.parametrize("write", [rich_text, to_latex, to_markdown])
def test_what_to_do_next_stands_below_the_table_once_for_each_method_and_environment(table, write, small_run):
    text = write(table).replace("\\", "").replace("\n% ", "\n")
    family = "multi-color-sum[size=16]"
    (outcome, *_) = [row.outcome for row in table.rows if row.method == "random" and row.environment == family]
    assert text.count(f"note: random in {family}: a note") == 1, "of two seeds"
    assert f"what now: random in {family}, {outcome}: do it" in text


def test_every_row_has_the_states_of_all_truths_and_in_how_many_networks_the_mean_held(table):
    for row, summary in zip(to_json(table)["rows"], table.rows, strict=True):
        states = {truth: None if scores is None else scores.state for truth, scores in summary.truths.items()}
        assert {truth: row[f"{truth}_state"] for truth in states} == states
        family = [
            other
            for other in table.rows
            if other.method == summary.method and other.environment[:6] == row["environment"][:6]
        ]
        n_held = sum(other.n_held for other in family)
        assert row["held"] == (f"{n_held}/2" if summary.n_images else None)
        assert row["answers"] == (None if summary.answers is None else "; ".join(summary.answers))


def test_what_decides_stands_in_a_column_with_its_interval(table):
    (summary, *_) = [row for row in table.rows if row.method == "input-x-gradient"]
    scores = summary.truths["signed"]
    cells = ["input-x-gradient", "signed", f"{scores.f1:.3f}", f"{scores.f1_low:.3f}-{scores.f1_high:.3f}"]
    line, *_ = [line for line in rich_text(table).splitlines() if line.startswith("input-x")]
    assert line.split()[:4] == cells


def test_a_terminal_of_80_columns_shows_every_number_and_verdict_whole(small_run):
    table = run_table(small_run.records)
    rows = tuple(row for row in table.rows if row.method in ("input-x-gradient", "random"))
    table = replace(table, rows=rows)
    text = rich_text(table, width=80)
    assert max(map(len, text.splitlines())) <= 80
    words = text.split()
    for row in rows:
        for column in table.shown:
            assert set(column.text(row).split()) <= set(words), column.title
    assert text.count("continued") == 2 * len(table.groups), "five truths, two metrics and seconds take two more tables"
    assert "continued" not in rich_text(table)


def test_a_failure_is_told_once_for_all_environments(table, small_run):
    text = rich_text(table)
    assert text.count("MethodRaised:") == 1
    assert "4 environments)" in text


def test_a_number_below_zero_has_a_minus_in_latex(small_run):
    table = run_table(small_run.records)
    row = replace(table.rows[0], metrics={"insertion": -0.25})
    assert r" & \(-\)0.250 & " in to_latex(replace(table, rows=(row,)))
