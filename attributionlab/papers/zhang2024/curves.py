"""Statements about curves and orders: Figures 9 and 20."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from attributionlab.papers.claims import Direction, Finding, attempt, judge_evidence
from attributionlab.papers.evidence import Evidence, Values, average_images, average_networks
from attributionlab.papers.measuring import F1_COLUMN, MeasuredScores, RankedScores
from attributionlab.papers.zhang2024.effects import MeasuredEffects, at_least, below, judge_number
from attributionlab.papers.zhang2024.modulo import METHODS as MODULO_METHODS
from attributionlab.papers.zhang2024.modulo import TRUTH
from attributionlab.papers.zhang2024.published import threshold
from attributionlab.papers.zhang2024.unseen_data import BASELINES, CHOICES, RULES, TRUTHS

Findings = Iterator[Finding]

CURVES = "Sensitivity-N"
NEGATIVE = 0.9
"""Share of the points of a curve that is called negative."""

CROSSING = (("GradCAM", "GuidedBP"), ("GradCAM", "Occlusion"), ("GuidedBP", "Occlusion"))


def deepshap_curve(effects: MeasuredEffects) -> Findings:
    """The share of the points of the mean curve that are below 0."""
    for rule, method in RULES.items():

        def judge(method: str = method, rule: str = rule) -> Finding:
            curves = effects.present.curves(method, CURVES)
            shares = average_networks([float(np.mean(curve[np.isfinite(curve)] < 0)) for curve in curves], None, curves)
            mean = average_images(effects.present.scores(method, "score", effects.present.metrics[CURVES]))
            note = f"share of the points below 0; the mean of the curve is {mean.value:.2f}"
            return judge_evidence(shares, at_least(NEGATIVE), Direction(mean, below(0)), reading=rule, note=note)

        yield attempt(rule, judge)


def curves_intersect(effects: MeasuredEffects) -> Findings:
    """How often two mean curves cross; appendix G.2 gives Occlusion the true baseline, section 4.3 black."""
    for methods in BASELINES.values():
        for first, second in CROSSING:
            names = tuple(methods[name] for name in (first, second))
            if names == (first, second) or "Occlusion" in (first, second):
                yield judge_number(
                    " and ".join(names), partial(_crossings, effects.present, *names), at_least(2), at_least(1)
                )


def _crossings(measured: MeasuredScores, first: str, second: str) -> Evidence:
    curves = [measured.curves(method, CURVES) for method in (first, second)]
    return average_networks(
        [count_crossings(*pair) for pair in zip(*curves, strict=True)], None, np.stack(curves, axis=1)
    )


def count_crossings(first: Values, second: Values) -> int:
    """How often the difference of two curves (steps,) changes its sign; undefined and equal points are left out."""
    difference = first - second
    signs = np.sign(difference[np.isfinite(difference) & (difference != 0)])
    return int((np.diff(signs) != 0).sum())


def less_consistent(effects: MeasuredEffects) -> Findings:
    """The correlation of Sensitivity-N with F1 in multi-color-sum less that in single-color-modulo."""
    modulo = effects.modulo.ranked({name: name for name in MODULO_METHODS}, TRUTH)
    tenth = -threshold("correlation", "reproduced")
    for truth, (choice, methods) in itertools.product(TRUTHS, CHOICES.items()):
        ranked = effects.present.ranked(methods, truth)
        reading = f"{truth} truth, {choice}"
        yield judge_number(reading, partial(_less, ranked, modulo), lambda value: value <= tenth, below(0))


def _less(first: RankedScores, second: RankedScores) -> Evidence:
    pair = [ranked.correlation(F1_COLUMN, CURVES, has_interval=False) for ranked in (first, second)]
    differences = [a - b for a, b in zip(*(evidence.by_seed for evidence in pair), strict=True)]
    return average_networks(differences, None, np.stack([evidence.by_seed for evidence in pair], axis=1))


def order_changes(effects: MeasuredEffects) -> Findings:
    """The largest move of a method by Insertion where the effect is taken away."""
    places = threshold("order", "places")
    for (name, absent), (choice, methods) in itertools.product(effects.absent.items(), CHOICES.items()):
        pair = [measured.ranked(methods, TRUTHS[0]) for measured in (effects.present, absent)]
        yield judge_number(
            f"{name}, {choice}",
            partial(_largest_move, *pair),
            lambda value: value > places,
            lambda value: value > 0,
            "places that the method which moves farthest moves",
        )


def _largest_move(first: RankedScores, second: RankedScores) -> Evidence:
    places = np.stack([ranked.places("Insertion") for ranked in (first, second)], axis=1)
    moves = np.abs(places[:, 0] - places[:, 1]).max(axis=1)
    return average_networks(moves.tolist(), None, places)


def lines_overlap(effects: MeasuredEffects) -> Findings:
    """The number of pairs of methods whose mean curves of Insertion are one line in print."""
    for (name, absent), (baselines, methods) in itertools.product(effects.absent.items(), BASELINES.items()):
        reading = f"{name}, {baselines}"
        yield attempt(reading, _judge_overlaps, absent, effects.present, methods, reading)


def _judge_overlaps(
    absent: MeasuredScores, present: MeasuredScores, methods: Mapping[str, str], reading: str
) -> Finding:
    ours, with_effect = (_overlaps(measured, methods) for measured in (absent, present))
    note = f"pairs; with the effect {with_effect.value:.2g}"
    return judge_evidence(ours, at_least(3), Direction(ours, at_least(1)), reading=reading, note=note)


def _overlaps(measured: MeasuredScores, methods: Mapping[str, str]) -> Evidence:
    curves = np.stack([measured.curves(method, "Insertion") for method in methods.values()], axis=1)
    pairs = np.array(list(itertools.combinations(range(curves.shape[1]), 2)))
    distances = np.abs(curves[:, pairs[:, 0]] - curves[:, pairs[:, 1]]).max(axis=-1)
    counts = (distances <= threshold("overlap", "most")).sum(axis=1)
    return average_networks(counts.tolist(), None, curves)
