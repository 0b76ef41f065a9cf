"""The tables of distances to exact values, and their page."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import attributionlab as al
from attributionlab.methods import METHODS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def games_table():
    spec = importlib.util.spec_from_file_location("games_table", ROOT / "scripts" / "games_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_table_has_a_row_per_method_and_marks_what_is_answered(games_table, monkeypatch):
    monkeypatch.setattr(games_table, "specs", lambda: ["occlusion[stride=1,window=1]", "constant"])
    lines = list(games_table.table("single-color-sum", ("true",), 16, 1))
    assert lines[0] == "`single-color-sum`:\n"
    assert lines[1] == "| method | removal | alone | shapley | aumann-shapley | declares |"
    assert lines[3].count("**0.00**") == 5
    assert lines[3].endswith("| `removal@black`: **0.00** |")
    assert "**" not in lines[4]


def test_failures_and_missing_games_have_cells_of_their_own(games_table):
    assert games_table.cell(None) == "-"
    agreement = al.answers("input", "multi-color-sum[size=16]", n_samples=1).games["removal@true"]
    assert games_table.cell(agreement) == ">100"


def test_the_page_has_every_method_in_every_environment(games_table):
    page = games_table.PAGE.read_text(encoding="utf-8")
    tables = page.partition(games_table.BEGIN)[2].partition(games_table.END)[0]
    for environment in games_table.ENVIRONMENTS:
        rows = tables.partition(f"`{environment}`:")[2].partition("\n`")[0]
        assert re.findall(r"^\| `([a-z0-9-]+)", rows, re.MULTILINE) == [
            spec.partition("[")[0] for spec in games_table.specs()
        ]
    assert {spec.partition("[")[0] for spec in games_table.specs()} == set(METHODS.built_in)
