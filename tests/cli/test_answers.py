"""`attributionlab answers`: exit codes and forms."""

import json

import pytest
from typer.testing import CliRunner

from attributionlab.cli.app import app

PIXEL = "occlusion[stride=1,window=1]"


def call(*arguments):
    return CliRunner().invoke(app, ["answers", *arguments, "--size", "16", "-n", "1"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((PIXEL,), 0, "answers removal@black"),
        (("gradient", "-e", "single-color-sum"), 0, "answers no game; the nearest is removal@true"),
        (("integrated-gradients[n_steps=1]",), 1, "misses its values"),
    ],
)
def test_the_exit_code_says_whether_the_declared_game_is_answered(arguments, code, words):
    result = call(*arguments)
    assert result.exit_code == code
    assert words in " ".join(result.stdout.split())


def test_json_and_csv_have_the_same_games():
    stored = json.loads(call(PIXEL, "--format", "json", "--baseline", "true").stdout)
    rows = call(PIXEL, "--format", "csv", "--baseline", "true").stdout.splitlines()
    assert rows[0].startswith("game,answered,cosine,rank,sign,l1,")
    assert [row.split(",")[0] for row in rows[1:]] == list(stored["games"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gradint",), "`method` must be a known name, got 'gradint'; did you mean gradient?"),
        (
            ("gradient", "--baseline", "red"),
            "`baselines` must be black or true or a list of numbers or a tensor, got 'red'",
        ),
        (("gradient", "--n-orders", "1"), "`n_orders` must be at least 2, got 1"),
        (("gradient", "--env", "nowhere"), "`environment` must be a known name, got 'nowhere'"),
    ],
)
def test_wrong_calls_get_one_line_and_exit_code_2(arguments, message):
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
    assert result.stderr.count("error:") == 1
