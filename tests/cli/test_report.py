"""`attributionlab report`: the table by default, files where they are asked for, one line per mistake."""

import csv
import io
import json

import pytest
from memory_run import MemoryRun
from typer.testing import CliRunner

from attributionlab import runs
from attributionlab.cli.app import app
from attributionlab.errors import MachineError, MissingFile
from attributionlab.runs.plan import Plan


@pytest.fixture(scope="module")
def run():
    return MemoryRun(
        Plan.of(
            environments=["multi-color-sum[size=16]"],
            methods=["input-x-gradient", "random"],
            metrics=["insertion"],
            n_samples=2,
            save_maps=1,
        )
    )


@pytest.fixture
def folder(run, monkeypatch):
    """The name of a folder that has the run."""
    monkeypatch.setattr(runs, "load_records", lambda _: run, raising=False)
    return "run"


def report(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_the_table_is_printed(folder):
    result = report(folder)
    assert result.exit_code == 0
    assert "input-x-gradient" in result.stdout
    assert "multi-color-sum[size=16]" in result.stdout


def test_every_format_is_printed(folder):
    rows = json.loads(report(folder, "--format", "json").stdout)["rows"]
    assert [row["method"] for row in rows] == ["input-x-gradient", "random"]
    read = list(csv.DictReader(io.StringIO(report(folder, "--format", "csv").stdout)))
    assert [row["method"] for row in read] == ["input-x-gradient", "random"]
    assert report(folder, "--format", "latex").stdout.rstrip().endswith(r"\end{tabular}")
    assert report(folder, "--format", "markdown").stdout.startswith("**multi-color-sum")


def test_the_report_and_the_figures_are_written_and_the_table_only_where_it_is_asked_for(folder, tmp_path):
    result = report(
        folder, "-o", tmp_path / "new" / "report.html", "--figures", tmp_path / "figures", "--figure-format", "svg"
    )
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "new" / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".svg"}
    both = report(folder, "-o", tmp_path / "report.html", "--format", "csv")
    assert both.stdout.startswith("environment,method,")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{folder}", "-o", "report.pdf"], 2, "error: `output` must end in .html, got 'report.pdf'"),
        (["{folder}", "-o", "file/report.html"], 2, "error: `output` must lie in a folder"),
        (["{folder}", "--figures", "file/figures"], 2, "error: `figures` must lie in a folder"),
        (["{folder}", "-o", "report.html", "--n-images", "0"], 2, "error: `n_images` must be at least 1, got 0"),
        (["{folder}", "-o", "folder.html"], 2, "error: `output` must be a file, or nothing yet"),
    ],
)
def test_a_mistake_is_one_line(folder, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder.html").mkdir()
    result = report(*(argument.format(folder=folder) for argument in arguments))
    assert result.exit_code == code
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder.html"]


@pytest.mark.parametrize("error", [MissingFile, MachineError])
def test_a_folder_that_cannot_be_read_is_one_line_with_the_exit_code_of_its_error(monkeypatch, error):
    def refuse(path):
        raise error(f"`folder` must be one that can be read, got {str(path)!r}")

    monkeypatch.setattr(runs, "load_records", refuse, raising=False)
    result = report("nowhere")
    assert (result.exit_code, result.stdout) == (error.exit_code, "")
    assert result.stderr == "error: `folder` must be one that can be read, got 'nowhere'\n"
