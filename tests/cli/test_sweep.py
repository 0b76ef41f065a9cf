"""`attributionlab sweep`: forms, the picture, bad input."""

import json

import pytest
from typer.testing import CliRunner

from attributionlab.cli.app import app
from attributionlab.cli.watched import is_watched

GRADIENT = ("gradient", "--vary", "noise", "--values", "0,1/2")


def call(*arguments):
    return CliRunner().invoke(app, ["sweep", *arguments, "--size", "16", "-n", "1"])


def test_table_csv_and_json_have_the_same_numbers():
    table = call(*GRADIENT, "--metrics", "deletion")
    assert (table.exit_code, table.stderr) == (0, "")
    stored = json.loads(call(*GRADIENT, "--metrics", "deletion", "--format", "json").stdout)
    (curve,) = stored["curves"]
    assert "answers: games whose exact values" in table.stdout
    f1 = [point["truths"]["signed"]["mean"] for point in curve["points"]]
    rows = [line.split() for line in table.stdout.splitlines() if line.strip().startswith("0")]
    assert [row[:2] for row in rows] == [["0", f"{f1[0]:.3f}"], ["0.5", f"{f1[1]:.3f}"]]
    header, *lines = call(*GRADIENT, "--metrics", "deletion", "--format", "csv").stdout.splitlines()
    assert header == "method,value,score,mean,low,high,n,answers,error"
    assert [line.split(",")[3] for line in lines if ",signed.f1," in line] == [str(each) for each in f1]


def test_the_figure_has_a_panel_for_f1_each_metric_and_games(tmp_path):
    path = tmp_path / "sweep.svg"
    result = call(*GRADIENT, "--metrics", "insertion", "-o", str(path))
    assert result.exit_code == 0
    assert "figure: " in result.stderr
    assert all(f"<!-- {title} -->" in path.read_text() for title in ("insertion", "games", "agreement with the truth"))


def test_values_with_commas_are_separated_by_semicolons():
    arguments = (
        "occlusion",
        "--vary",
        "method.baseline",
        "--values",
        "1,2,3;true",
        "--format",
        "json",
        "--metrics",
        "",
    )
    (curve,) = json.loads(call(*arguments).stdout)["curves"]
    assert [point["value"] for point in curve["points"]] == ["1,2,3", "true"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gradint", *GRADIENT[1:]), "`method` must be a known name, got 'gradint'; did you mean gradient?"),
        (("gradient", "--vary", "baseline", "--values", "0"), "`vary` must be an option of every method"),
        (("gradient", "--vary", "modulus", "--values", "0"), "`vary` must be a known name, got 'modulus'"),
        (("gradient", "--vary", "noise", "--values", ","), "`values` must be a list of values, at least 1"),
        ((*GRADIENT, "-o", "x.txt"), "`output` must end in"),
    ],
)
def test_wrong_calls_get_one_line_and_exit_code_2(arguments, message):
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
    assert result.stderr.count("error:") == 1


def test_a_failed_method_gives_exit_code_1(tmp_path):
    (tmp_path / "own.py").write_text("def broken(*_):\n    raise RuntimeError('no map')\n")
    result = call(f"{tmp_path / 'own.py'}:broken", *GRADIENT[1:])
    assert result.exit_code == 1
    assert "no map" in result.stdout


def test_the_command_is_watched():
    assert is_watched(["sweep"]) == is_watched(["check"])
