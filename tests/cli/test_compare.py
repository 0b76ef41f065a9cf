"""`attributionlab compare`: exit codes, forms, the picture."""

import json
import re

import pytest
from typer.testing import CliRunner

from attributionlab.cli.app import app
from attributionlab.reports.figures import maps
from attributionlab.reports.figures.maps import attribution_figure


def call(*arguments):
    return CliRunner().invoke(app, ["compare", *arguments, "--size", "16"])


@pytest.mark.parametrize(
    ("methods", "code", "word"),
    [
        (("truth", "random"), 0, "BETTER"),
        (("random", "truth"), 1, "WORSE"),
        (("gradient", "gradient"), 0, "EQUAL"),
        (("occlusion", "gradient", "-n", "4"), 4, "UNDECIDED"),
    ],
)
def test_the_exit_code_says_what_the_table_says(methods, code, word):
    result = call(*methods)
    assert result.exit_code == code
    assert word in result.stdout


def test_the_picture_shows_where_they_differ_most(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        maps, "attribution_figure", lambda *a, **k: drawn.append(attribution_figure(*a, **k)) or drawn[0]
    )
    result = call("truth", "random", "-o", str(tmp_path / "worst.png"))
    assert (tmp_path / "worst.png").read_bytes().startswith(b"\x89PNG")
    assert "wrote" in result.stdout
    stated = re.findall(r"image (\d+)\n", "".join(axis.get_xlabel() for axis in drawn[0].axes))
    table = result.stdout.partition("differ most")[2].splitlines()[3:7]
    assert stated == [row.split()[0] for row in table]
    title = drawn[0].get_suptitle().splitlines()[-1]
    assert re.fullmatch(
        r"mean difference of F1 on overall truth over 8 images: \+0\.\d{3}, 95 % interval \+0\.\d{3} to \+\d\.\d{3}",
        title,
    )


@pytest.mark.wide
def test_json_and_csv_have_the_same_images():
    stored = json.loads(call("truth", "random", "-n", "4", "--format", "json").stdout)
    rows = call("truth", "random", "-n", "4", "--format", "csv").stdout.splitlines()
    assert rows[0] == "scene,network_seed,first,second,difference"
    assert [row.split(",")[0] for row in rows[1:]] == [str(scene["index"]) for scene in stored["most_different"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gradint", "gradient"), "`method` must be a known name, got 'gradint'; did you mean gradient?"),
        (("gradient", "nowhere.py:f"), "`method` must name a file that exists, got 'nowhere.py'"),
        (("gradient", "truth", "-n", "3"), "`n_samples` must be at least 4, got 3"),
        (("gradient", "truth", "-o", "x.txt"), "`output` must end in"),
        (("gradient", "truth", "--max-seconds", "-1"), "`max_seconds` must be"),
    ],
)
def test_wrong_calls_get_one_line_and_exit_code_2(arguments, message):
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
    assert result.stderr.count("error:") == 1
