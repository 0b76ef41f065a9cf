"""The table of docs/findings.md, at a small size."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path

import pytest
from torchvision_shim import install_where_missing

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def findings():
    with warnings.catch_warnings():  # what other libraries warn of when they are imported is theirs
        warnings.simplefilter("ignore")
        install_where_missing()
        for package in ("zennit", "shap", "pytorch_grad_cam"):
            pytest.importorskip(package)
        sys.path.insert(0, str(ROOT / "scripts"))
        try:
            yield importlib.import_module("findings")
        finally:
            sys.path.remove(str(ROOT / "scripts"))


def rows_of(findings, names, **functions):
    chosen = {name: findings.FUNCTIONS[name] for name in names} | functions
    table, _, notes = findings.table(chosen, size=16, n_samples=2).partition("\n\n")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert [len(line) for line in lines] == [len(findings.COLUMNS)] * len(lines)
    return {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[2:]}, notes


@pytest.mark.wide
def test_each_library_does_what_the_page_says(findings):
    names = ["captum DeepLift", "zennit EpsilonPlus", "shap DeepExplainer", "grad-cam GradCAM"]
    rows, notes = rows_of(findings, names)
    deeplift, epsilon, explainer, gradcam = rows.values()
    assert deeplift["functional"].startswith("**2")
    assert deeplift["shared"].startswith("raises [")
    assert "your module is being used more than once" in notes
    assert deeplift["batch"].startswith("**0.")
    assert epsilon["residual"].startswith("**0.5** (F1 ")
    assert epsilon["residual"].endswith(", 1.5 times)")
    assert epsilon["traces"] == "none"
    assert explainer["functional"].startswith("raises [")
    assert "do not sum up to the model's output" in notes
    assert gradcam["shared"].startswith("**")
    for row in rows.values():
        assert row["flatten-module"] == "same"


def test_errors_are_told_once_with_type_and_number(findings):
    def broken(model, inputs, targets):
        raise KeyError("x" * 30)

    rows, notes = rows_of(findings, ["captum Saliency"], broken=broken, again=broken)
    assert set(rows["captum Saliency"].values()) == {"captum Saliency", "1.00", "same", "none"}
    assert rows["broken"]["F1"] == rows["again"]["F1"] == "raises [1]"
    assert notes == f"1. raises KeyError: '{'x' * 30}'"


def test_the_page_has_a_row_for_each_method_that_is_measured(findings):
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    assert [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")][2:] == list(
        findings.FUNCTIONS
    )
