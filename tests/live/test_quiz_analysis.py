"""Answers of the quiz: statistics against scipy's and by hand, and files that cannot be read."""

import csv
import io
import itertools

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from attributionlab.cli.app import app
from attributionlab.live.quiz_analysis import analyze_answers
from attributionlab.live.quiz_answers import COLUMNS, read_answers

HEADER = ",".join(COLUMNS)
ROW = "anna,none,1,normal,multi-color-sum,gradient,0,4,expected-map,"

ANSWERS = {"gradient": [4, 5, 4, 3], "integrated-gradients": [3, 2, 3, 2], "smoothgrad": [4, 4, 5, 5]}


def participant_file(folder, index, *rows):
    """A file with a row per method for the condition spurious, and `rows`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for place, (method, answers) in enumerate(ANSWERS.items(), start=1):
        environment = "background-sum[bug=spurious-background]"
        cells = (f"p{index}", "none", place, "spurious", environment, method, 0, answers[index], "unexpected-map", "")
        writer.writerow(cells)
    writer.writerows([f"p{index}", "none", *row] for row in rows)
    path = folder / f"p{index}.csv"
    path.write_text(text.getvalue())
    return path


@pytest.fixture
def files(tmp_path):
    return [participant_file(tmp_path, index) for index in range(4)]


def test_anova_is_the_formula_and_the_pairs_are_those_of_tukey(files):
    (result,) = analyze_answers(read_answers(files)).conditions
    groups = [np.array(values, dtype=float) for values in ANSWERS.values()]
    grand = np.concatenate(groups).mean()
    between = sum(len(group) * (group.mean() - grand) ** 2 for group in groups) / (len(groups) - 1)
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / (sum(map(len, groups)) - len(groups))
    assert result.statistic == pytest.approx(between / within, rel=1e-12)  # sums in another order
    assert result.p == pytest.approx(stats.f.sf(between / within, 2, 9), rel=1e-9)  # the tail of another F
    assert [(pair.first, pair.second) for pair in result.pairs] == list(itertools.combinations(ANSWERS, 2))
    for pair in result.pairs:
        difference = np.mean(ANSWERS[pair.first]) - np.mean(ANSWERS[pair.second])
        assert pair.difference == difference
        # Tukey and Kramer: the studentized range of three means with nine degrees of freedom
        spread = abs(difference) / np.sqrt(within / 4)
        assert pair.p == pytest.approx(stats.studentized_range.sf(spread, 3, 9), rel=1e-6)  # an integral


def test_a_participant_counts_once_and_a_repeat_not_at_all(tmp_path):
    second_model = (4, "spurious", "another", "gradient", 0, 2, "other", "")
    repeat = (5, "spurious", "background-sum", "gradient", 1, 1, "other", "")
    report = analyze_answers(read_answers([participant_file(tmp_path, 0, second_model, repeat)]))
    assert report.conditions[0].answers["gradient"] == (3.0,)
    assert (report.n_repeated, report.n_consistent) == (1, 0)
    assert report.conditions[0].statistic is None


@pytest.mark.parametrize(("second", "is_tested"), [(4, False), (5, True)])
def test_answers_that_do_not_vary_within_any_method_have_no_test(tmp_path, second, is_tested):
    rows = [
        f"{name},none,{place},normal,e,{method},0,{answer},other,"
        for name, gradient in (("a", 4), ("b", second))
        for place, (method, answer) in enumerate((("gradient", gradient), ("edge", 2)), start=1)
    ]
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *rows]))
    (result,) = analyze_answers(read_answers([tmp_path / "a.csv"])).conditions
    assert (result.statistic is not None) == (len(result.pairs) == 1) == is_tested


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`files` must have the columns participant,"),
        (HEADER, "`files` must have answers below the header, got 'no row'; FILE, row 1"),
        (f"{HEADER}\n{ROW}\n{ROW},x", "`files` must have 10 cells in each row, got 11; FILE, row 3"),
        (f"{HEADER}\n{ROW}\n{ROW}", "`files` must hold each answer of a participant once, got 'anna, place 1'; FILE, row 3"),
        (f"{HEADER}\n{ROW.replace(',4,', ',6,')}", "`files` must have as answer one of 1, 2, 3, 4, 5, got '6'; FILE, row 2"),
        (f"{HEADER}\n{ROW.replace('normal', 'odd')}", "`files` must have as condition one of normal, top-layer,"),
        (f"{HEADER}\n{ROW.replace('anna', ' ')}", "`files` must have a participant of 1 to 200 letters, got ' '; FILE, row 2"),
        (f"{HEADER}\n{ROW.replace(',1,', ',first,')}", "`files` must have a number as place, got 'first'; FILE, row 2"),
        (f'{HEADER}\n"anna"x', "`files` must be CSV, got"),
        (f"{HEADER}\n\xff".encode("latin-1"), "`files` must be UTF-8 text, got 'other bytes'; FILE, row 2"),
        ("x" * 1_000_001, "`files` must have at most 1000000 bytes, got 1000001; FILE, row 1"),
        (None, "`files` must be CSV files of the quiz, got 'FILE'"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = CliRunner().invoke(app, ["quiz", "--analyze", str(path)])
    assert result.exit_code == 2
    assert message.replace("FILE", str(path)) in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_table_picture_and_json_have_the_same_tests(files, tmp_path):
    output = tmp_path / "answers.svg"
    paths = [str(file) for file in files]
    table = CliRunner().invoke(app, ["quiz", "--analyze", *paths, "-o", str(output)])
    assert table.exit_code == 0
    assert "4 participants" in table.stdout
    drawn = output.read_text()
    assert "spurious" in drawn and "integrated-gradients" in drawn
    rows = list(
        csv.DictReader(CliRunner().invoke(app, ["quiz", "--analyze", *paths, "--format", "csv"]).stdout.splitlines())
    )
    (result,) = analyze_answers(read_answers(files)).conditions
    (anova,) = [row for row in rows if row["quantity"] == "anova"]
    assert (float(anova["value"]), float(anova["p"])) == (result.statistic, result.p)
    pairs = [(row["method"], row["other_method"], float(row["p"])) for row in rows if row["quantity"] == "tukey"]
    assert pairs == [(pair.first, pair.second, pair.p) for pair in result.pairs]
    stored = CliRunner().invoke(app, ["quiz", "--analyze", *paths, "--format", "json"]).stdout
    assert f'"F": {result.statistic}' in stored


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "`output` must be a file that ends in .html, got None; write -o quiz.html"),
        (("-o", "quiz.png"), "`output` must be a file that ends in .html, got 'quiz.png'; write -o quiz.html"),
        (("a.csv",), "`files` must go with --analyze, got 'a.csv'"),
        (("a.csv", "--analyze", "--size", "32"), "`size` must go without --analyze, got 32"),
        (("-o", "quiz.html", "--format", "json"), "`format` must go with --analyze, got 'json'"),
        (("--analyze",), "`files` must be the CSV files of at least one participant"),
        (("--methods", "gradint", "-o", "quiz.html"), "did you mean gradient?"),
    ],
)
def test_wrong_calls_are_refused(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["quiz", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
