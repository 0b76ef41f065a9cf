"""`attributionlab audit`, as a user calls it."""

from __future__ import annotations

import csv
import io
import json

import pytest
from typer.testing import CliRunner

import attributionlab as al
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
    assert set(report) == {"schema", "f1_truth", "n_samples", "target", "environments", "comparisons", "versions"}
    assert (report["f1_truth"], report["n_samples"], report["comparisons"]) == ("overall", 2, [])
    (environment,) = report["environments"]
    assert set(environment) == {"environment", "methods", "references", "correlations", "metric_errors"}
    assert set(environment["references"]) == {"exact", "exact[game=removal]"}
    assert environment["environment"] == "multi-color-sum[size=16]"
    assert set(environment["methods"]) == {"truth", "occlusion[window=3]", "constant"}
    assert set(environment["methods"]["truth"]) == {"f1", "insertion", "deletion", "ignores_target", "error"}
    assert environment["methods"]["truth"]["f1"] == 1
    assert environment["methods"]["truth"]["error"] is None
    assert set(environment["correlations"]) == {"insertion", "deletion"}
    correlation = environment["correlations"]["deletion"]
    assert set(correlation) == {"spearman", "low", "high", "kendall", "n_methods", "n_images"}
    assert (correlation["n_methods"], correlation["n_images"]) == (3, 2)


@pytest.mark.wide
def test_a_method_and_a_metric_that_fail_are_named_and_the_exit_code_is_0(tmp_path):
    """An audit that could measure is done, whatever it found."""
    path = tmp_path / "mine.py"
    path.write_text(
        "import attributionlab as al\n\n\ndef broken(model, inputs, targets):\n    return inputs / 0\n\n\n"
        "@al.metric(higher_is_better=True)\ndef refusing(environment, batch, attribution):\n    raise ValueError('no')\n"
    )
    arguments = ["--methods", f"truth,random,{path}:broken", "--metrics", f"deletion,{path}:refusing"]
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0
    (environment,) = json.loads(result.stdout)["environments"]
    assert environment["methods"][f"{path}:broken"]["error"]["type"] == "NotFinite"
    assert environment["methods"][f"{path}:broken"]["f1"] is None
    assert environment["metric_errors"] == {f"{path}:refusing": f"{path}:refusing raised ValueError: no"}
    undefined = dict.fromkeys(("spearman", "low", "high", "kendall"))
    assert environment["correlations"][f"{path}:refusing"] == {**undefined, "n_methods": 0, "n_images": 0}
    assert environment["correlations"]["deletion"]["kendall"] == 1
    table = run(*arguments)
    assert table.exit_code == 0
    assert "must return finite values" in table.stdout.replace("\n", " ") and "raised ValueError: no" in table.stdout


@pytest.mark.wide
@pytest.mark.parametrize(("truth", "taken"), [("auto", "positive"), ("positive", "positive"), ("overall", "overall")])
def test_f1_is_taken_against_the_truth_that_was_asked_for(truth, taken):
    report = json.loads(run("--metrics", "deletion", "--truth", truth, "--format", "json").stdout)
    assert report["f1_truth"] == taken
    environment = al.make_environment("multi-color-sum[size=16]")
    batch = environment.sample(2)
    maps = al.make_method("constant")(environment.model, batch.inputs, batch.targets)
    expected = getattr(al.score(maps, batch.ground_truth), taken).f1.mean()
    assert report["environments"][0]["methods"]["constant"]["f1"] == pytest.approx(float(expected))


@pytest.mark.wide
def test_the_table_shows_scores_and_correlations():
    result = run("--env", "multi-color-sum[n_redundant=0]", "--env", "single-color-modulo")
    assert result.exit_code == 0
    for text in ("multi-color-sum[n_redundant=0,size=16]", "single-color-modulo[size=16]", "spearman", "F1 (positive)"):
        assert text in result.stdout


def test_rows_as_csv():
    rows = list(csv.DictReader(io.StringIO(run("--format", "csv", "--metrics", "deletion").stdout)))
    assert [row["role"] for row in rows] == ["method"] * 3 * 2 + ["reference"] * 2 * 2 + [""] * 2
    assert {row["score"] for row in rows} == {"f1", "deletion"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics", "delition"], "deletion"),
        (["--methods", "truth"], "`methods` must name at least 2"),
        (["--truth", "negative"], "`truth` must be auto, overall or positive"),
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
