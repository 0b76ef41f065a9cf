"""`attributionlab reproduce`: calls that are wrong, and one tiny run from records to the three files."""

import json

import pytest
from typer.testing import CliRunner

from attributionlab.cli.app import app

TINY = ["--size", "32", "--n-samples", "2", "--network-seeds", "1"]


def run(*arguments):
    return CliRunner().invoke(app, ["reproduce", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["table9"], 2, "`study` must be a known name, got 'table9'; did you mean"),
        (["table1", "--preset", "slow"], 2, "`preset` must be a known name, got 'slow'"),
        (["table1", "--workers", "0"], 2, "`workers` must be at least 1, got 0"),
        (["table1", "--n-samples", "0"], 2, "`n_samples` must be at least 1, got 0"),
        (["table1", "--sam-model", "vit_b"], 2, "`sam_model` must go with --sam-checkpoint"),
        (["table1", "--sam-checkpoint", "none.pth"], 2, "`sam_checkpoint` must name a file that exists"),
    ],
)
def test_a_wrong_call_gets_one_line(tmp_path, arguments, code, message):
    result = run(*arguments, "-o", tmp_path / "new")
    assert result.exit_code == code
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("below", ["", "folder"])
def test_an_output_that_is_a_file_is_refused(tmp_path, below):
    file = tmp_path / "file"
    file.write_text("mine")
    result = run("table1", "-o", file / below)
    assert result.exit_code == 2
    assert "`output` must name a folder" in result.stderr
    assert file.read_text() == "mine"


def test_table_1_writes_markdown_json_and_html(tmp_path):
    result = run("table1", "-o", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "675,033" in result.stdout
    assert "675,033" in (tmp_path / "reproduction.md").read_text()
    assert "675,033" in (tmp_path / "reproduction.html").read_text()
    assert json.loads((tmp_path / "reproduction.json").read_text())["counts"]["reproduced"] == 4


def test_a_tiny_run_measures_says_how_little_and_resumes(tmp_path):
    result = run("table4", "-o", tmp_path, *TINY)
    assert result.exit_code == 0, result.stderr
    first = {path.name: path.read_bytes() for path in tmp_path.glob("reproduction.*")}
    found = json.loads(first["reproduction.json"])
    assert found["preset"] == {"name": "quick, changed", "size": 32, "n_samples": 2, "n_network_seeds": 1}
    areas = {claim["id"]: claim["findings"][0] for claim in found["studies"][0]["claims"]}
    assert areas["table4.insertion.lrp"]["ours"]["value"] > areas["table4.insertion.random"]["ours"]["value"] + 0.3
    assert "32x32 pixels, 2 images, 1 network; the paper has 224x224" in first["reproduction.md"].decode()
    again = run("table4", "-o", tmp_path, *TINY)
    assert again.exit_code == 0, again.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.glob("reproduction.*")} == first
