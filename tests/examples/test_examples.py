"""Every example runs, prints something and draws what it says."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from skimage.io import imread

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(example)])
    runpy.run_path(str(example), run_name="__main__")
    printed = capsys.readouterr().out
    assert printed
    for line in printed.splitlines():
        if line.startswith("wrote "):
            picture = imread(tmp_path / line.removeprefix("wrote "))
            assert picture.shape[0] > 100
            assert picture.std() > 10


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short(example):
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60


def test_there_are_three_examples():
    assert len(EXAMPLES) == 3
