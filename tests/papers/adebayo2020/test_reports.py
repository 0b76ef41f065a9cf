"""Reports about concepts and training images from invented measurements: nothing is trained."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from attributionlab.papers.adebayo2020 import designed_concepts, influence, influence_scores, score_figures
from attributionlab.papers.adebayo2020.concepts_report import (
    ANOTHER_SEED,
    DESIGNED_LAYERS,
    LAYERS,
    NETWORKS,
    report_concepts,
)
from attributionlab.papers.adebayo2020.influence_report import report_influence
from attributionlab.papers.adebayo2020.influence_scores import INPUTS, READINGS, MeasuredInfluence
from attributionlab.papers.claims import Status

N_SETS = 6
AT_CHANCE = np.where(np.eye(N_SETS, dtype=bool), np.nan, np.linspace(0, 1, N_SETS**2).reshape(N_SETS, N_SETS)).tolist()
AT_LAYER = {"concepts": {"background": [0.5] * N_SETS, "object": [0.5] * N_SETS}, "random": AT_CHANCE}
DESIGNED = {network: dict.fromkeys(DESIGNED_LAYERS, AT_LAYER) for network in NETWORKS}


def concepts_of(background, *, contaminated=0.5, noise=1.0):
    """A seed whose background scores this much, by network, at every layer; the object scores half."""
    scores = {
        network: {
            layer: {"concepts": {"background": [value] * N_SETS, "object": [0.5] * N_SETS}, "random": AT_CHANCE}
            for layer in LAYERS
        }
        for network, value in background.items()
    }
    stages = {ANOTHER_SEED: noise, "head": contaminated}
    return {
        "reached": True,
        "scores": scores,
        "contaminated": {stage: {layer: [value, value] for layer in LAYERS} for stage, value in stages.items()},
    }


def statuses(study, key):
    (claim,) = (claim for claim in study.claims if claim.claim.key.endswith(key))
    return {finding.status for finding in claim.findings}


@pytest.mark.parametrize(
    ("background", "status"),
    [
        ({"spurious": 1.0, "healthy": 0.5}, Status.reproduced),
        ({"spurious": 1.0, "healthy": 1.0}, Status.direction),
        ({"spurious": 0.0, "healthy": 0.5}, Status.not_reproduced),
    ],
)
def test_a_background_is_detected_above_random_sets_and_not_in_the_healthy_network(background, status):
    study = report_concepts([concepts_of(background)], DESIGNED)
    assert statuses(study, ".spurious") == {status}
    leads = Status.reproduced if background["spurious"] > 0.5 else Status.not_reproduced
    assert statuses(study, ".ranking") == {leads}


@pytest.mark.parametrize(("noise", "status"), [(0.9, Status.reproduced), (0.3, Status.not_reproduced)])
def test_random_weights_must_change_a_score_by_more_than_another_seed_does(noise, status):
    seed = concepts_of(dict.fromkeys(NETWORKS, 1.0), contaminated=0.5, noise=noise)
    assert statuses(report_concepts([seed], DESIGNED), ".contamination-head") == {status}


def influence_of(share, base=0.5, position=0.1):
    """A seed with these shares for every network and kind of input."""
    shares = {"base": [base, base], **{reading: {"spurious": [share] * 2, "class": [1.0] * 2} for reading in READINGS}}
    networks = influence_scores.NETWORKS
    positions = {reading: {"self-influence": [position] * 4, "loss": [0.3] * 4} for reading in READINGS}
    return {
        "reached": True,
        "shares": {network: dict.fromkeys(INPUTS, shares) for network in networks},
        "positions": positions,
        "areas": {reading: {"self-influence": 0.9, "loss": 0.8} for reading in READINGS},
    }


@pytest.mark.parametrize(
    ("share", "of_printed", "association"),
    [
        (0.9, Status.reproduced, Status.reproduced),
        (0.6, Status.direction, Status.reproduced),
        (0.4, Status.not_reproduced, Status.not_reproduced),
    ],
)
def test_a_share_of_spurious_points_counts_above_its_base_rate_only(share, of_printed, association):
    study = report_influence([influence_of(share)])
    assert statuses(study, ".spurious-share") == {of_printed}
    assert statuses(study, ".association") == {association}
    assert [claim.claim.key.rsplit(".", 1)[1] for claim in study.arithmetic] == ["top-points", "printed-error"]


@pytest.mark.parametrize(
    ("position", "status"), [(0.1, Status.reproduced), (0.3, Status.direction), (0.6, Status.not_reproduced)]
)
def test_positions_of_mislabeled_images_are_judged_against_the_printed_one_and_chance(position, status):
    assert statuses(report_influence([influence_of(0.9, position=position)]), ".self-influence") == {status}


def test_the_figure_of_positions_shows_the_share_that_is_met(monkeypatch):
    figures = []
    monkeypatch.setattr(score_figures, "_png", lambda figure: figures.append(figure) or b"png")
    values = np.array([0.5, 0.1, 0.25, 0.2])
    assert score_figures.positions_figure({"last": {"loss": values}}).file == "influence.png"
    (axes,) = figures[0].axes
    _, line = axes.get_lines()
    assert line.get_xdata().tolist() == [0, 0.1, 0.2, 0.25, 0.5, 1]
    assert line.get_ydata().tolist() == [0, 0.25, 0.5, 0.75, 1, 1]


def test_the_figure_of_concepts_shows_means_over_seeds_at_every_layer(monkeypatch):
    figures = []
    monkeypatch.setattr(score_figures, "_png", lambda figure: figures.append(figure) or b"png")
    seeds = [concepts_of({"spurious": value, "healthy": 0.25}) for value in (1.0, 0.5)]
    (figure,) = report_concepts(seeds, DESIGNED).figures
    assert (figure.file, figure.png) == ("concepts.png", b"png")
    panels = {axes.get_title(): axes for axes in figures[0].axes}
    lines = {line.get_label(): line.get_ydata() for line in panels["spurious network"].get_lines()}
    assert lines["background"].tolist() == [0.75] * len(LAYERS)
    assert report_concepts([], DESIGNED).figures == ()


def test_the_share_is_that_of_the_most_influential_training_images(monkeypatch):
    course = SimpleNamespace(model=None, images=SimpleNamespace(targets=torch.tensor([0, 1] * 50)))
    influences = torch.zeros(2, 100)
    influences[0, 7], influences[1, 40] = 1.0, 1.0
    monkeypatch.setattr(influence, "own_class", lambda *_: SimpleNamespace(targets=torch.tensor([1, 1])))
    monkeypatch.setattr(
        influence, "readings", lambda _: {"last": SimpleNamespace(influences=lambda _explained: influences)}
    )
    spurious = torch.zeros(2, 100, dtype=torch.bool)
    spurious[0, 7] = True
    shares = influence.InfluenceStudy(None)._shares(course, SimpleNamespace(labeled=None), spurious)
    assert shares == {"base": [0.01, 0.0], "last": {"spurious": [1.0, 0.0], "class": [1.0, 0.0]}}
    measured = MeasuredInfluence([influence_of(0.7)])
    assert measured.shares("half spurious", INPUTS[0], READINGS[0]).tolist() == [[0.7, 0.7]]


def test_a_concept_shares_one_part_and_balances_the_other():
    parts = {"background": torch.tensor([0, 0, 0, 1, 0]), "object": torch.tensor([0, 1, 1, 0, 0])}
    inputs = torch.arange(5.0)
    assert designed_concepts._concept(inputs, parts, "background", 4).tolist() == [0, 4, 1, 2]
    assert designed_concepts._concept(inputs, parts, "object", 2).tolist() == [0, 3]
