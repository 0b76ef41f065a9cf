"""Where commands write, and what they do where they cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
from wide import first_of

from attributionlab.cli.app import app
from attributionlab.exchange import dataset

PROGRAM = (sys.executable, "-c", "from attributionlab.cli.app import run; run()")
SMALL = ("--size", "16", "-n", "1")


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    "command",
    [
        ("generate", "multi-color-sum"),
        ("show", "multi-color-sum"),
        ("audit",),
        ("run", "plan.toml"),
        ("report", "run"),
        ("reproduce", "table1"),
    ],
    ids=lambda command: command[0],
)
def test_an_empty_output_is_refused(command):
    result = call(*command, "-o", "")
    assert result.exit_code == 2
    assert "`output` must be a path, got ''" in result.stderr


@pytest.mark.parametrize(
    "command", [("generate", "multi-color-sum"), ("show", "multi-color-sum"), ("reproduce", "table1")]
)
def test_the_root_is_refused(command):
    assert call(*command, "-o", "/").exit_code == 2


def test_the_current_folder_is_filled_where_it_is_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("generate", "multi-color-sum", "-o", ".", *SMALL).exit_code == 0
    assert {"manifest.json", "truth.npz"} <= {path.name for path in tmp_path.iterdir()}
    assert Path.cwd() == tmp_path
    assert Path.cwd().samefile(tmp_path)


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_the_current_folder_is_refused_where_it_is_not_empty(tmp_path, monkeypatch, force):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    result = call("generate", "multi-color-sum", "-o", ".", *SMALL, *force)
    assert result.exit_code == 2
    assert "it has mine.txt" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failure_leaves_the_current_folder_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        dataset, "write_weights", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    assert call("generate", "multi-color-sum", "-o", ".", *SMALL).exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_reproduce_refuses_a_folder_with_other_things(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    result = call("reproduce", "table1", "-o", tmp_path)
    assert result.exit_code == 2
    assert "it has mine.txt" in result.stderr


@pytest.mark.wide
def test_force_does_not_delete_files_of_the_user(tmp_path):
    folder = tmp_path / "data"
    assert call("generate", "multi-color-sum", "-o", folder, *SMALL).exit_code == 0
    (folder / "maps.npy").write_bytes(b"mine")
    result = call("generate", "multi-color-sum", "-o", folder, *SMALL, "--force")
    assert result.exit_code == 2
    assert "maps.npy would be deleted" in result.stderr
    assert (folder / "maps.npy").read_bytes() == b"mine"
    (folder / "maps.npy").unlink()
    assert call("generate", "multi-color-sum", "-o", folder, *SMALL, "--force").exit_code == 0


def test_a_file_that_comes_while_force_writes_is_kept(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    assert call("generate", "multi-color-sum", "-o", folder, *SMALL).exit_code == 0
    write = dataset.write_weights

    def late(*arguments):
        write(*arguments)
        (folder / "maps.npy").write_bytes(b"mine")

    monkeypatch.setattr(dataset, "write_weights", late)
    assert call("generate", "multi-color-sum", "-o", folder, *SMALL, "--force").exit_code == 2
    assert (folder / "maps.npy").read_bytes() == b"mine"


def test_show_overwrites_only_what_it_wrote(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"mine")
    result = call("show", "multi-color-sum", "-o", path, *SMALL)
    assert result.exit_code == 2
    assert "use --force to replace it" in result.stderr
    assert path.read_bytes() == b"mine"
    for force in (("--force",), ()):
        assert call("show", "multi-color-sum", "-o", path, *SMALL, *force).exit_code == 0


def program(*arguments, **options):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*PROGRAM, *arguments], check=False, stderr=subprocess.PIPE, text=True, env=environment, **options
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "metrics"),
        *(
            pytest.param(each, marks=pytest.mark.wide)
            for each in [("--help",), ("list", "metrics", "--format", "json")]
        ),
    ],
)
def test_a_full_device_is_one_line_and_exit_code_3(arguments):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = program(*arguments, stdout=full)
    assert result.returncode == 3
    assert result.stderr.startswith("error: the system reported an error")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("form", first_of(["table", "json", "csv"]))
def test_a_reader_that_has_gone_is_no_error(form):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        result = program("list", "methods", "--format", form, stdout=closed)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.wide
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_verdict_that_nobody_reads_keeps_its_exit_code(form):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        result = program("check", "constant", "--size", "16", "-n", "4", "--format", form, stdout=closed)
    assert (result.returncode, result.stderr) == (1, "")


@pytest.mark.wide
def test_a_terminal_of_few_letters_gets_escapes():
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "OMP_NUM_THREADS": "1"}
    command = [*PROGRAM, "list", "methods", "gradient"]
    result = subprocess.run(command, check=False, capture_output=True, env=environment)
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "truth", "--size", "1000000000"), "`size` must be at most 4,096, got 1000000000"),
        (("check", "truth", "--size", "16", "--n-samples", "1000000000"), "`n_samples` must be at most 1,000,000"),
        (
            ("verify", "multi-color-sum", "--size", "16", "--n-samples", "1000000000"),
            "`n_samples` must be at most 100,000",
        ),
        (("generate", "multi-color-sum", "-o", "g", "-n", "1000000000"), "`n_samples` must be at most 100,000"),
        (("audit", "--size", "16", "--network-seeds", "1000000000"), "`network_seeds` must be at most 1,000"),
        (("check", "truth", "--size", "9" * 5000), "Invalid value for '--size'"),
        (("check", "truth", "--env", f"multi-color-sum[seed={'9' * 5000}]"), "`seed` must be an integer"),
    ],
    ids=["size", "check", "verify", "generate", "audit", "digits", "spec"],
)
def test_numbers_that_are_too_large_are_refused_with_the_limit(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr or message in str(result.exception)
    assert len(result.stderr) <= 2_100
