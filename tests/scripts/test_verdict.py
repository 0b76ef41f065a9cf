"""The simulation whose tables stand in docs/verdict.md."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.judging import checking
from attributionlab.judging.statistics import mean_interval, state_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "verdict.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def verdict():
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        yield importlib.import_module("verdict")
    finally:
        sys.path.remove(str(ROOT / "scripts"))


def test_it_looks_where_the_checklooks_of(verdict):
    assert checking.looks_of("auto", "interval") == verdict.LOOKS


def test_the_docs_have_the_table_of_coverage(verdict):
    assert f"\n{verdict.coverage_table()}\n" in PAGE


def test_the_docs_have_the_table_of_outcomes(verdict, monkeypatch):
    """Fewer checks than in the table, which takes seconds: shares of 400 checks are within 4 standard errors, 0.1."""
    monkeypatch.setattr(verdict, "N_CHECKS", 400)
    starts = tuple(f"| {name} | 0." for name in verdict.SCORES)
    shown = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if "%" in line and line.startswith(starts)]
    simulated = [line.strip("| ").split(" | ") for line in verdict.decision_table().splitlines()[2:]]
    assert [row[:2] for row in shown] == [row[:2] for row in simulated]
    for row, other in zip(shown, simulated, strict=True):
        shares, others = ([float(cell.rstrip("%")) / 100 for cell in cells[2:5]] for cells in (row, other))
        assert shares == pytest.approx(others, abs=0.1), row


def test_the_docs_have_a_row_for_every_attack(verdict):
    table = PAGE.partition("### What can still fool it")[2].partition("What remains possible")[0]
    shown = [line.strip("| ").split(" | ")[:2] for line in table.splitlines() if line.startswith("| ")][1:]
    assert shown == [[name, sign] for name, sign, _ in verdict.attacks()]


def test_attacks_give_maps_of_the_images(verdict):
    environment = make_environment("multi-color-sum[size=16]")
    batch = environment.sample(2)
    truth = batch.ground_truth.signed.float()
    maps = {name: attack(environment.model, batch.inputs, batch.targets) for name, attack in verdict.ATTACKS.items()}
    for name in ("the most frequent color", "the target's color"):
        assert torch.equal(maps[name], truth), name
    assert torch.equal(maps["foreground x logit"] != 0, truth != 0)
    mixed = verdict.blended("the most frequent color", "gradient", 0.25)(environment.model, batch.inputs, batch.targets)
    assert mixed.abs().amax(dim=(1, 2)).tolist() == [1, 1], "both are largest on the same pixels"


@pytest.mark.parametrize("name", ["bell-shaped", "skewed", "bimodal", "two-point"])
def test_scores_have_the_mean_that_they_are_drawn_with(verdict, name):
    scores = verdict.SCORES[name](np.random.default_rng(0), 0.45, (1000, 100))
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert scores.mean() == pytest.approx(0.45, abs=0.01)  # 6 standard errors of the widest, 0.5 / sqrt(100,000)


def test_a_check_ends_at_the_first_look_whose_interval_leaves_gamma(verdict):
    scores = np.random.default_rng(0).beta(3, 2, (20, 256))
    expected = []
    for row in scores:
        for look in verdict.LOOKS:
            part = row[:look]
            state = state_of(part.mean(), mean_interval(look, part.sum(), (part**2).sum()), verdict.GAMMA, "interval")
            if state != "open":
                break
        expected.append((state, look))
    shares, n_scenes = verdict.decisions(scores)
    states = [state for state, _ in expected]
    assert shares.tolist() == [states.count(state) / 20 for state in ("reached", "below", "open")]
    assert n_scenes == np.mean([look for _, look in expected])


def test_a_method_contradicts_itself_if_it_passes_on_one_set_and_fails_on_another(verdict):
    outcomes = {
        "gradient": ["passed", "undecided", "passed"],
        "deeplift": ["passed", "pixels-only", "passed"],
        "occlusion": ["failed", "undecided", "blind"],
    }
    rows = [
        {"method": method, "outcome": outcome, "n": 8 * (index + 1), "set": index, "size": 32}
        for method, row in outcomes.items()
        for index, outcome in enumerate(row)
    ]
    lines = verdict.sets_table(rows).splitlines()
    assert lines[0] == "| method | passed | undecided | pixels-only | blind | failed | scenes | contradiction |"
    assert "| `gradient` | 2 | 1 | 0 | 0 | 0 | 16 | no |" in lines
    assert "| `deeplift` | 2 | 0 | 1 | 0 | 0 | 16 | yes |" in lines
    assert "| `occlusion` | 0 | 1 | 0 | 1 | 1 | 16 | no |" in lines
    assert lines[-1].startswith("1 of 12 methods contradict themselves; 2 of 9 verdicts are undecided")


@pytest.mark.wide
def test_no_declaration_lets_the_solution_of_the_task_pass(verdict):
    """It is the truth under every network of the environment, and never looks at one; the script has the other maps."""
    for sign, granularity in (
        ("signed", "pixel"),
        ("positive", "pixel"),
        ("positive", "coarse"),
        ("magnitude", "pixel"),
    ):
        method = verdict.declared(verdict.most_frequent_color, sign, granularity, "output")
        assert verdict.check(method, "multi-color-sum[size=16]", n_samples=4).outcome == "blind"


def test_the_environments_of_sets_share_neither_scenes_nor_networks(verdict):
    first, second = (verdict.environment_of(index, 16) for index in (1, 2))
    assert first.data_seed != second.data_seed
    assert abs(first.network_seed - second.network_seed) > verdict.LAST_LOOK
