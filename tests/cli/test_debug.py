"""`attributionlab debug`: exit codes, forms, the picture."""

import csv
import json

import pytest
from typer.testing import CliRunner

from attributionlab.cli.app import app


def call(*arguments):
    return CliRunner().invoke(app, ["debug", *arguments, "--size", "16"])


@pytest.mark.parametrize(
    ("method", "bug", "code", "word"),
    [
        ("truth", "mislabeled", 0, "revealed"),
        ("constant", "mislabeled", 1, "no map"),
        ("vargrad", "scaled", 4, "undecided"),
    ],
)
def test_the_exit_code_says_what_the_table_says(method, bug, code, word):
    result = call(method, "--bug", bug, "-n", "3")
    assert result.exit_code == code
    assert word in result.stdout


def test_json_csv_and_picture_have_the_same_bugs(tmp_path):
    arguments = ("truth", "--bug", "mislabeled,cascade[layer=head]", "--bug", "normalized", "-n", "2")
    stored = json.loads(call(*arguments, "--format", "json", "-o", str(tmp_path / "bugs.png")).stdout)
    assert [bug["bug"] for bug in stored["bugs"]] == ["mislabeled", "cascade[layer=head]", "normalized"]
    assert (tmp_path / "bugs.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(call(*arguments, "--format", "csv").stdout.splitlines()))
    assert {row["bug"] for row in rows} == {bug["bug"] for bug in stored["bugs"]}
    first = next(row for row in rows if row["quantity"] == "follows")
    assert float(first["value"]) == stored["bugs"][0]["follows"]["value"]


@pytest.mark.wide
def test_a_panel_without_a_map_says_so(tmp_path):
    """Unknown colors give the gradient nothing to go back through."""
    output = tmp_path / "bugs.svg"
    call("gradient", "--bug", "out-of-distribution", "-n", "2", "--size", "16", "-o", str(output))
    assert "zero" in output.read_text() and "everywhere" in output.read_text()


def test_a_picture_of_a_method_that_fails_says_why(tmp_path):
    (tmp_path / "broken.py").write_text("def broken(model, inputs, targets):\n    raise ValueError('no idea')\n")
    output = tmp_path / "bugs.svg"
    result = call(f"{tmp_path}/broken.py:broken", "--bug", "mislabeled", "-n", "2", "-o", str(output))
    assert result.exit_code == 1
    assert "no idea" in " ".join(result.stdout.split())
    assert output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gradint",), "`method` must be a known name, got 'gradint'; did you mean gradient?"),
        (
            ("gradient", "--bug", "mislabelled"),
            "`bug` must be a known name, got 'mislabelled'; did you mean mislabeled?",
        ),
        (
            ("gradient", "--bug", "cascade[layer=blok1]"),
            "`layer` must be a known name, got 'blok1'; did you mean block1?",
        ),
        (("gradient", "--bug", ""), "`bug` must be a known name, got ''"),
        (("gradient", "-n", "1"), "`n_samples` must be at least 2, got 1"),
        (("gradient", "-o", "x.txt"), "`output` must end in"),
    ],
)
def test_wrong_calls_get_one_line_and_exit_code_2(arguments, message):
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
    assert result.stderr.count("error:") == 1
