"""Statements of the text on invented scores and curves: what each concludes."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from attributionlab.papers.claims import Status
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.measuring import MeasuredScores, RankedScores
from attributionlab.papers.presets import find_preset
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import curves, modulo, statements, unseen_data
from attributionlab.papers.zhang2024.effects import MeasuredEffects
from attributionlab.papers.zhang2024.paper import PRESETS
from attributionlab.papers.zhang2024.published import published

N_IMAGES = 3
NETWORKS = ("network 0", "network 1")
METRICS = {**unseen_data.METRIC_NAMES, unseen_data.BACKGROUND_SIGNS: "signs"}
R, D, N, F = Status.reproduced, Status.direction, Status.not_reproduced, Status.fitted


class Invented:
    """Records with one number per method and score, and one curve per method, the same for all images."""

    def __init__(self, scores=None, lines=None):
        self.known, self.lines = scores or {}, lines or {}
        self.plan = SimpleNamespace(n_samples=N_IMAGES)

    def scores(self, environment, method, _measure, name):
        return np.full(N_IMAGES, self.known.get((method, name), 0.4) + 1e-3 * NETWORKS.index(environment))

    def all_scores(self, *_):
        return {}

    def curves(self, environment, method, _metric):
        values = np.asarray(self.lines[method], float) + 1e-3 * NETWORKS.index(environment)
        return np.arange(len(values)), np.tile(values, (N_IMAGES, 1))


def scores(known=None, lines=None, methods=unseen_data.METHODS):
    return MeasuredScores(NETWORKS, {name: name for name in methods}, METRICS, Invented(known, lines))


def judged(key, *, single=None, multi=None, lines=None, without=None):
    """Statuses of a statement by reading."""
    setting = StudySetting(Path("unused"), find_preset(PRESETS, "quick", size=16, n_samples=2, n_network_seeds=2))
    absent = {unseen_data.OFF: scores(lines=without)}
    effects = MeasuredEffects(
        setting, scores(single, methods=modulo.METHODS), scores(multi, lines), {} if without is None else absent
    )
    return {finding.reading: finding.status for finding in statements.JUDGES[key](effects)}


def of(method, **by_score):
    return {
        (method, name.replace("__", ".").replace("smooth", "positive-smooth")): value
        for name, value in by_score.items()
    }


def test_every_statement_has_a_function_that_judges_it():
    assert [entry["key"] for entry in published()["statements"]] == list(statements.JUDGES)


@pytest.mark.parametrize(
    ("key", "single", "multi", "statuses"),
    [
        ("guidedbp-recall", of("GuidedBP", overall__recall=0.5), {}, [R]),
        ("guidedbp-recall", of("GuidedBP", overall__recall=0.4), {}, [N]),
        ("guidedbp-precision", of("GuidedBP", overall__precision=0.9), {}, [R]),
        ("guidedbp-precision", of("GuidedBP", overall__precision=0.995), {}, [N]),
        ("guidedbp-black", of("GuidedBP", positive__precision=0.5, smooth__precision=0.8), {}, [R]),
        ("guidedbp-black", of("GuidedBP", positive__precision=0.5, smooth__precision=0.7), {}, [N]),
        ("coarse-precision", of("IBA", overall__precision=0.6), {}, [R, N]),
        ("deepshap-right-pixels", {}, of("DeepSHAP", overall__precision=0.6, overall__recall=0.7), [R, R, N, N]),
        ("deepshap-wrong-signs", {}, of("DeepSHAP", negative__recall=0.7), [R, R, R, N, R, R, R, R]),
        ("positive-only", {}, of("LRP", positive__recall=0.46) | of("IBA", positive__recall=0.41), [N, N, R, D]),
        ("iba-multi-color", of("IBA", overall__precision=0.3), {}, [R]),
        ("iba-multi-color", of("IBA", overall__precision=0.5), {}, [N]),
        ("ig-background", {}, of("IG", score=0.7), [R]),
        ("ig-background", {}, of("IG", score=0.8), [N]),
        ("iba-recall", {}, of("IBA", smooth__recall=0.44), [R]),
        ("iba-recall", {}, of("IBA", smooth__recall=0.32), [D]),
        ("iba-recall", {}, of("IBA", smooth__recall=0.6), [N]),
        ("iba-precision", {}, of("IBA", smooth__precision=0.6), [R]),
        ("promising-recall", {}, of("ExPerturb", smooth__recall=0.6), [N, R, N]),
        ("experturb-precision", {}, of("ExPerturb", smooth__precision=0.6), [N]),
    ],
)
def test_scores_decide(key, single, multi, statuses):
    assert list(judged(key, single=single, multi=multi).values()) == statuses


@pytest.mark.parametrize(("precision", "f1", "status"), [(0.995, 0.5, R), (0.98, 0.995, D), (0.98, 0.98, N)])
def test_optimal_means_precision_and_recall_of_nearly_every_image(precision, f1, status):
    single = of("LRP", overall__precision=precision, overall__recall=0.999, overall__f1=f1)
    found = judged("optimal", single=single)
    assert (found["LRP"], found["IG"]) == (status, N)


@pytest.mark.parametrize(
    ("line", "mean", "status"), [([-0.1] * 9 + [0.2], -0.1, R), ([-0.1, 0.2], -0.1, D), ([-0.1, 0.2], 0.1, N)]
)
def test_a_negative_curve_is_below_zero_nearly_everywhere(line, mean, status):
    found = judged(
        "deepshap-curve", multi=of("DeepSHAP", score=mean), lines={"DeepSHAP": line, "DeepSHAP (shap)": [1.0]}
    )
    assert found == {"captum's rule": status, "shap's rule": N}


@pytest.mark.parametrize(
    ("first", "second", "n_crossings"),
    [
        ([0, 0, 0], [1, 1, 1], 0),
        ([0, 2, 0, 2], [1, 1, 1, 1], 3),
        ([0, 1, 2], [1, 1, 1], 1),
        ([0, 1, 0], [1, 1, 1], 0),
        ([0, np.nan, 2], [1, 1, 1], 1),
    ],
)
def test_crossings_leave_out_undefined_and_equal_points(first, second, n_crossings):
    assert curves.count_crossings(np.array(first, float), np.array(second, float)) == n_crossings


def test_curves_intersect_pair_by_pair():
    lines = {"GradCAM": [0, 2, 0, 2], "GuidedBP": [1, 1, 1, 1], "Occlusion": [1, 3, 1, 3], "Occlusion*": [0, 3, 3, 3]}
    assert judged("curves-intersect", lines=lines) == {
        "GradCAM and GuidedBP": R,
        "GradCAM and Occlusion": N,
        "GuidedBP and Occlusion": N,
        "GradCAM and Occlusion*": N,
        "GuidedBP and Occlusion*": D,
    }


def test_overlapping_lines_are_pairs_that_are_nowhere_apart():
    apart = {name: [place, place] for place, name in enumerate(unseen_data.METHODS)}
    together = {**apart, "GradCAM": [0.0, 0.5], "GuidedBP": [0.01, 0.5], "LIME": [0.02, 0.5], "LIME*": [0.3, 0.5]}
    assert judged("lines-overlap", lines=apart, without=together) == {
        "redundancy off, black baselines": R,
        "redundancy off, true baselines": D,
    }


def ranked(*values):
    columns = {"Insertion": np.array(values, float)[:, :, None]}
    return RankedScores(tuple("abcd"), columns)


def test_the_largest_move_is_that_of_the_method_which_moves_farthest():
    first, second = ranked([4, 3, 2, 1], [4, 3, 2, 1]), ranked([4, 3, 1, 2], [1, 3, 2, 4])
    assert curves._largest_move(first, second).by_seed == (1, 3)


@pytest.mark.parametrize(("places", "status"), [(0, N), (1, D), (2, R)])
def test_an_order_changes_where_a_method_moves_by_more_than_one_place(monkeypatch, places, status):
    monkeypatch.setattr(curves, "_largest_move", lambda *_: average_networks([places] * 2))
    monkeypatch.setattr(MeasuredScores, "ranked", lambda *_: None)
    assert set(judged("order-changes", without={}).values()) == {status}


def correlated(*signs):
    """Scores whose correlation with F1 is 1 or -1, network by network."""
    f1 = np.tile(np.array([1.0, 2.0, 3.0])[:, None], (len(signs), 1, 1))
    return RankedScores(tuple("abc"), {"F1": f1, "Sensitivity-N": f1 * np.array(signs)[:, None, None]})


def test_less_consistent_is_the_correlation_here_minus_that_there():
    assert curves._less(correlated(-1, 1), correlated(1, 1)).by_seed == pytest.approx((-2, 0))


def test_designed_networks_are_right_on_their_images():
    found = judged("accuracy")
    assert len(found) == 4
    assert set(found.values()) == {R}
