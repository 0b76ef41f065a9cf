"""`attributionlab attr-percent`: exit codes, forms, one line for each mistake, nothing half-written."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from attributionlab.cli.app import COMMANDS, app
from attributionlab.cli.attr_percent import DEFAULT_METHODS, parse_questions
from attributionlab.cli.watched import is_watched
from attributionlab.errors import BadOption, UnknownName
from attributionlab.exchange.modified_folder import write_modified
from attributionlab.modification import flat_pictures, modify

NETWORKS = """
import numpy as np
import torch
from torch import nn
from attributionlab.modification import make_manipulation, region_network

def sees(n_classes):
    return region_network(make_manipulation("spot").region(32, 32))

def blind(n_classes):
    layer = nn.Linear(3 * 32 * 32, n_classes)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return nn.Sequential(nn.Flatten(), layer)

def broken(model, inputs, targets):
    raise ValueError("no idea")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    (folder / "mine.py").write_text(NETWORKS)
    (folder / "loop").symlink_to("loop")
    for name, seed in (("spots", 0), ("others", 1)):
        write_modified(modify(flat_pictures(40), "spot", seed=seed), folder / name)
    return folder


@pytest.fixture(autouse=True)
def _there(folder, monkeypatch):
    monkeypatch.chdir(folder)


def call(*arguments):
    return CliRunner().invoke(app, ["attr-percent", *map(str, arguments)])


SEES = ("--model", "mine.py:sees", "--epochs", "0", "-n", "2", "--methods", "gradient,random")


@pytest.mark.wide
def test_the_table_says_what_the_network_must_use_and_what_methods_show():
    result = call("spots", "others", *SEES)
    assert result.exit_code == 0, result.output
    assert "networks" in result.stdout
    assert "spots" in result.stdout
    assert "others" in result.stdout
    assert "1.00" in result.stdout


def test_json_and_csv_have_the_same_points_and_results_are_written(tmp_path):
    output = tmp_path / "new"
    result = call("spots", *SEES, "--format", "json", "-o", output)
    stored = json.loads(result.stdout)
    rows = list(csv.DictReader(io.StringIO(call("spots", *SEES, "--format", "csv").stdout)))
    assert [float(row["attr"]) for row in rows] == [point["attr"]["mean"] for point in stored["points"]]
    assert stored == json.loads((output / "attr-percent.json").read_text())
    assert (output / "figure5-region.png").exists()
    assert f"figures: {output}" in result.stderr
    again = call("spots", *SEES, "-o", output)
    assert again.exit_code == 2
    assert "`output` must be a new or an empty folder" in again.stderr


def test_without_an_accuracy_above_p_star_the_exit_code_is_4_and_nothing_is_written(tmp_path):
    result = call("spots", "--model", "mine.py:blind", "--epochs", "0", "--methods", "gradient", "-o", tmp_path / "new")
    assert result.exit_code == 4
    assert result.stderr.startswith("error: `model` must beat p* for a verdict, got spots: accuracy 0.")
    assert result.stderr.count("\n") == 1
    assert "has a probability of" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_method_that_fails_is_named_and_the_exit_code_is_1():
    result = call("spots", *SEES[:-1], "gradient,mine.py:broken")
    assert result.exit_code == 1
    assert "no idea" in result.stdout
    assert "gradient" in result.stdout


@pytest.mark.wide
def test_a_small_network_is_trained_by_default():
    result = call("spots", "-n", "2", "--methods", "gradcam,random", "--questions", "accuracy")
    assert result.exit_code == 0, result.output
    assert "section 5.2" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "`folder` must be one that `attributionlab modify` wrote, got 'nowhere'"),
        (("spots", "./spots"), "`folders` must be different"),
        (("loop",), "`folder` must be one that `attributionlab modify` wrote, got 'loop'"),
        (("spots", "--methods", "gradeint"), "`method` must be a known name, got 'gradeint'; did you mean"),
        (
            ("spots", "--methods", "gradcam[layer=x]"),
            "`layer` must be the dotted path of a module of the model, got 'x'",
        ),
        (("spots", "--methods", "deeplift[baseline=1,2]"), "`baseline` must have 3 "),
        (("spots", "--methods", ","), "`methods` must name at least 1"),
        (
            ("spots", "--questions", "accuracies"),
            "`questions` must be a known name, got 'accuracies'; did you mean accuracy?",
        ),
        (("spots", "--questions", ","), "`questions` must name at least one of attributions"),
        (
            ("spots", "--questions", "visibility"),
            "`questions` must fit the data: its manipulation has no levels of visibility",
        ),
        (("spots", "--model", "missing.py:f"), "`model` must name a file that exists, got 'missing.py'"),
        (("spots", "--model", "mine"), "`model` must be file.py:function or package.module:function, got 'mine'"),
        (("spots", "-n", "0"), "`n_samples` must be at least 1"),
        (("spots", "--epochs", "-1"), "`epochs` must be at least 0"),
        (("spots", "--seed", "-1"), "`seed` must be at least 0"),
        (("spots", "-o", "mine.py"), "`output` must be a folder, or nothing yet"),
    ],
)
def test_a_mistake_is_one_line(arguments, message, folder):
    before = sorted(folder.iterdir())
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_questions_come_in_their_own_order_and_the_first_is_always_asked():
    assert parse_questions("correlation,accuracy") == ("attributions", "accuracy", "correlation")
    assert parse_questions("all") == ("attributions", "accuracy", "visibility", "correlation")
    with pytest.raises(UnknownName):
        parse_questions("size")
    with pytest.raises(BadOption):
        parse_questions("")


def test_commands_that_call_functions_of_others_are_watched():
    assert {"modify", "attr-percent"} <= COMMANDS.keys()
    assert is_watched(["attr-percent"]) == is_watched(["check"]) == is_watched(["modify"])
    assert "random" in DEFAULT_METHODS
