"""The standing table: what it lists, what it stores, and that its page is made from that."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from attributionlab.benchmarks import freeze
from attributionlab.methods import METHODS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def standing():
    spec = importlib.util.spec_from_file_location("standing", ROOT / "scripts" / "standing.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["standing"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["standing"]


@pytest.fixture(scope="module")
def small(standing):
    """A method, a control and a method of a library that is not there, on one small environment."""
    benchmark = freeze("small-1", ["single-color-sum[size=16]"], n_samples=4)
    return standing.Listed(benchmark, ("input-x-gradient", "constant", "captum:Saliency"), n_fast=2)


def test_the_page_is_made_from_what_is_stored(standing):
    assert standing.PAGE.read_text(encoding="utf-8") == standing.page(standing.Listed.read(), standing.read_stored())


def test_every_method_of_this_package_is_listed_once(standing):
    methods = standing.Listed.read().methods
    assert len(methods) == len(set(methods))
    assert {method.partition("[")[0] for method in methods if ":" not in method} == set(METHODS.built_in)
    assert {standing.library_of(method) for method in methods} == set(standing.LIBRARIES)


def test_every_environment_has_a_column_and_every_outcome_a_symbol_of_its_own(standing):
    listed = standing.Listed.read()
    assert tuple(standing.COLUMNS) == listed.benchmark.specs
    assert standing.SYMBOLS.keys() == standing.MEANINGS.keys()
    assert len(set(standing.SYMBOLS.values())) == len(standing.SYMBOLS)
    stored = standing.read_stored()["methods"].values()
    assert {cell["outcome"] for row in stored for cell in row["cells"].values()} <= set(standing.SYMBOLS)


def test_verdicts_are_stored_one_by_one_and_measured_once(standing, small, tmp_path, monkeypatch):
    path = tmp_path / "standing.json"
    monkeypatch.setattr(standing, "STORED", path)
    monkeypatch.setattr(standing, "PAGE", tmp_path / "standing.md")
    monkeypatch.setattr(standing, "COLUMNS", dict.fromkeys(small.benchmark.specs, "count"))
    monkeypatch.setattr(standing, "cost", lambda *_: 1.5)
    original = standing.version_of
    monkeypatch.setattr(standing, "version_of", lambda method: None if ":" in method else original(method))
    stored = standing.read_stored()
    standing.measure_missing(small, stored)
    assert json.loads(path.read_text()) == stored
    (spec,) = small.benchmark.specs
    cell = stored["methods"]["input-x-gradient"]["cells"][spec]
    assert (cell["outcome"], cell["deciding_truth"], cell["answers"][0]) == ("passed", "signed", "removal@true")
    assert stored["methods"]["input-x-gradient"]["cost"] == 1.5
    assert "captum:Saliency" not in stored["methods"], "it is not installed"
    monkeypatch.setattr(standing, "measure", lambda *_: {"outcome": "refused", "error": "measured again"})
    standing.measure_missing(small, stored)
    assert cell == stored["methods"]["input-x-gradient"]["cells"][spec]
    stored["methods"]["input-x-gradient"]["version"] = "0.0.1"
    standing.measure_missing(small, stored)
    assert stored["methods"]["input-x-gradient"]["cells"][spec]["error"] == "measured again"


def test_refusals_and_errors_are_told_apart(standing, small, tmp_path):
    (spec,) = small.benchmark.specs
    cell = standing.measure("no-such-method", spec, small.benchmark)
    assert (cell["outcome"], cell["error"][:30]) == ("refused", "`method` must be a known name,")
    file = tmp_path / "broken.py"
    file.write_text("def broken(model, inputs, targets):\n    raise RuntimeError('no hook')\n")
    cell = standing.measure(f"{file}:broken", spec, small.benchmark)
    assert cell == {"outcome": "broke", "error": f"{file}:broken raised RuntimeError: no hook"}


def test_a_row_has_symbol_and_score_of_every_environment(standing, small, monkeypatch):
    (spec,) = small.benchmark.specs
    monkeypatch.setattr(standing, "COLUMNS", {spec: "count"})
    measured = {
        "outcome": "pixels-only",
        "f1": [0.25, 0.125, 0.375],
        "deciding_truth": "signed",
        "answers": ["alone@true"],
    }
    methods = {
        "input-x-gradient": {"version": "0.1.0", "cells": {spec: measured}, "cost": 1234.5},
        "captum:Saliency": {"version": "0.9.0", "cells": {spec: {"outcome": "broke", "error": "A<b>|*"}}},
    }
    text = standing.page(small, {"methods": methods, "versions": {"torch": "2.13.0"}})
    assert "| `input-x-gradient` | ±\u00a00.25 | signed | 1,234 |\n" in text
    assert "| `constant` | · |  |  |\n" in text
    assert "## captum 0.9.0\n" in text
    assert "| `captum:Saliency` | ✗! |  |  |\n" in text
    assert "| `input-x-gradient` | `alone@true` |\n" in text
    assert r"* `captum:Saliency` (count): A&lt;b>\|\*" in text


@pytest.mark.parametrize("method", ["gradient", "truth"])
def test_the_cost_of_a_method_is_a_ratio_of_times(standing, method):
    """The second is given the batch. How long they take is not tested."""
    assert standing.cost(method, "single-color-sum[size=16]") > 0
