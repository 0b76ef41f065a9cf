"""`attributionlab audit`, as a user calls it."""

from __future__ import annotations

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from attributionlab.cli.app import app

ARGUMENTS = ["audit", "--size", "16", "--n-samples", "2", "--methods", "truth,occlusion[window=3],constant"]


def run(*arguments):
    return CliRunner().invoke(app, [*ARGUMENTS, *arguments])


def test_the_json_is_as_documented():
    result = run(
        "--format", "json", "--metrics", "insertion,deletion", "--env", "multi-color-sum", "--truth", "overall"
    )
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["f1_truth"] == "overall"
    (environment,) = report["environments"]
    assert environment["environment"] == "multi-color-sum[size=16]"
    assert set(environment["methods"]) == {"truth", "occlusion[window=3]", "constant"}
    assert set(environment["methods"]["truth"]) == {"f1", "insertion", "deletion", "error"}
    assert environment["methods"]["truth"]["f1"] == 1
    assert set(environment["correlations"]["deletion"]) == {"spearman", "low", "high", "kendall"}


def test_the_table_shows_scores_and_correlations():
    result = run("--env", "multi-color-sum[n_redundant=0]", "--env", "single-color-modulo")
    assert result.exit_code == 0
    for text in ("multi-color-sum[n_redundant=0,size=16]", "single-color-modulo[size=16]", "spearman", "F1 (positive)"):
        assert text in result.stdout


def test_rows_as_csv():
    rows = list(csv.DictReader(io.StringIO(run("--format", "csv", "--metrics", "deletion").stdout)))
    assert len(rows) == 3 * 2 + 2
    assert {row["score"] for row in rows} == {"f1", "deletion"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics", "delition"], "deletion"),
        (["--methods", "truth"], "`methods` must be at least 2"),
        (["--truth", "negative"], "`truth` must be auto or positive or overall"),
    ],
)
def test_wrong_calls_get_one_line_and_exit_code_2(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
