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


def test_pairs_seeds_and_a_figure(tmp_path):
    figure = tmp_path / "new" / "audit.png"
    result = run(
        "--metrics", "deletion,sensitivity-n[n_orders=5]", "--paired", "--network-seeds", "2", "-o", str(figure)
    )
    assert result.exit_code == 0, result.stderr
    for text in ("spearman over network seeds", "with and without redundant channels", "lower in", "of 2"):
        assert text in result.stdout
    assert figure.read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(run("--metrics", "deletion", "--paired", "--format", "csv").stdout)))
    assert [row["statistic"] for row in rows[-5:]] == [
        *("spearman", "kendall") * 2,
        "spearman less without redundant channels",
    ]


def test_a_metric_from_a_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import attributionlab as al\n\n\n@al.metric(higher_is_better=True)\n"
        "def mass(environment, batch, attribution):\n    return attribution.flatten(1).sum(dim=1)\n\n\n"
        "def bare(environment, batch, attribution):\n    return attribution\n"
    )
    result = run("--metrics", f"{path}:mass", "--format", "json")
    assert result.exit_code == 0, result.stderr
    assert f"{path}:mass" in json.loads(result.stdout)["environments"][0]["correlations"]
    undeclared = run("--metrics", f"{path}:bare")
    assert undeclared.exit_code == 2
    assert "`metric` must declare in which direction it is better" in undeclared.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-memory", "much"], "`max_memory` must be a size like 500MB or 2GB, got 'much'"),
        (["--max-memory", "1KB"], "`max_memory` must be at least"),
        (["-o", "audit.txt"], "`output` must end in .png or .svg or .pdf"),
        (["--env", "single-color-modulo", "--paired"], "`paired` must be left out"),
        (["--metrics", "none.py:f"], "`metric` must name a file that exists"),
        (["--metrics", "insertion[canvas=white]"], "`canvas` must be black or background or blur"),
    ],
)
def test_wrong_options_get_one_line_and_exit_code_2(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
