"""The tables of docs/testing.md: parts, files that are joined, missing libraries."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def table(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    return importlib.import_module("table_of_faults")


def assert_named(method, seed):
    if method.__name__ == "breaking":
        raise ZeroDivisionError("a mistake in an assertion")
    assert method.__name__ == "right", f"seed {seed} names it"


def assert_all(method, seed):
    """Like the report of `assert_all` on a method whose library is missing."""
    if method.__name__ != "right":
        raise AssertionError(
            "x: 0 assertions hold\n  FAILS    assert_values\n\nassert_values: x raises ModuleNotFoundError: No module named 'there'"
        )


def of_name(name):
    return type(name, (), {})


@pytest.fixture
def kinds(table, monkeypatch):
    """A kind of three faults, and a right method and another one whose library is missing."""
    faults, correct = ModuleType("faulty.targets"), ModuleType("faulty.correct")
    faults.FAULTS = {of_name(name): (assert_named, "names it") for name in ("wrong", "right", "breaking")}
    correct.CORRECT, correct.KNOWN = (of_name("right"), of_name("elsewhere")), {}
    for module in (faults, correct):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(table.testing, "assert_all", assert_all)
    monkeypatch.setattr(table.importlib, "reload", lambda module: module)  # these have no files
    return ["--kinds", "targets", "correct", "nothing_of_this_name"]


def run(table, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["table_of_faults.py", *map(str, arguments)])
    table.main()


def test_the_files_of_all_parts_are_joined(table, kinds, monkeypatch, tmp_path, capsys):
    files = [tmp_path / f"{part}.jsonl" for part in (1, 2, 3)]
    for part, file in enumerate(files, start=1):
        run(table, monkeypatch, "--seeds", 4, "--results", file, "--part", f"{part}/3", *kinds)
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert [len(file.read_text().splitlines()) for file in files] == [7, 7, 6]
    assert len({line.split('"')[1] for line in lines}) == (3 + 2) * 4
    (joined := tmp_path / "joined.jsonl").write_text("\n".join(lines) + "\n")
    capsys.readouterr()
    run(table, monkeypatch, "--seeds", 4, "--results", joined, *kinds)
    output = capsys.readouterr()
    assert joined.read_text() == "\n".join(lines) + "\n"
    assert "| target and baseline | 3 | 4 of 12 | 4 of 12 |" in output.out
    assert "<!-- breaking: alarm: ZeroDivisionError: a mistake in an assertion" in output.out
    assert "<!-- correct/elsewhere (1)/3: not measured: No module named 'there' -->" in output.out
    assert "1 correct methods: 4 of 4 runs green" in output.out
    assert output.err == "nothing_of_this_name: not measured, No module named 'faulty.nothing_of_this_name'\n"


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "x/2"])
def test_a_part_that_does_not_exist_is_refused(table, kinds, monkeypatch, capsys, part):
    with pytest.raises(SystemExit):
        run(table, monkeypatch, "--part", part)
    assert f"must be I/N with 1 <= I <= N, got '{part}'" in capsys.readouterr().err
