"""Strength of the redundant channels: section 4 and Tables 5 and 6 at five scales, because the paper does not give it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from fractions import Fraction

from attributionlab.papers.claims import NotMeasured
from attributionlab.papers.measuring import F1_COLUMN, MeasuredScores, RankedScores, measure_plan
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhang2024.lime import LIME_OF_CAPTUM
from attributionlab.papers.zhang2024.published import METRIC_NAMES, GammaClaim, gamma_claims, published_ranks
from attributionlab.papers.zhang2024.scales_figure import ScalePanel, scales_figure
from attributionlab.papers.zhang2024.unseen_data import (
    BASELINES,
    METHODS,
    OFF,
    RULES,
    TRUTHS,
    UNIFORM,
    WITH,
    measure_effect,
    perturbation_metrics,
)
from attributionlab.specs.grammar import format_spec

KEY = "scales"
FOLDER = "redundant-scale"
SCALES = tuple(Fraction(1, divisor) for divisor in (64, 32, 16, 8, 4))
"""Largest weight of a redundant channel; the environment's default is 1/16."""

Measured = Mapping[tuple[str, Fraction], MeasuredScores]
"""Scores by accumulator and scale."""

ACCUMULATORS: Mapping[str, dict[str, object]] = {WITH: {}, UNIFORM: {"accumulator": "uniform"}}

DEFAULT = SCALES.index(Fraction(1, 16))
"""Place of the scale of the environment."""

FELZENSZWALB = {
    f"{name} (felzenszwalb)": format_spec("lime", {"baseline": baseline, "segments": "felzenszwalb", **LIME_OF_CAPTUM})
    for name, baseline in (("LIME", "black"), ("LIME*", "true"))
}


def measure_scales(setting: StudySetting) -> dict[tuple[str, Fraction], MeasuredScores]:
    """The scores by accumulator and scale, on the first images and networks of the other studies."""
    preset = setting.preset
    fewer = dataclasses.replace(
        preset,
        n_samples=min(preset.n_samples, preset.details["scale_images"]),
        n_network_seeds=min(preset.n_network_seeds, preset.details["scale_networks"]),
    )
    environments = {
        f"{name}, {scale}": fewer.sized("multi-color-sum", redundant_scale=float(scale), **options)
        for name, options in ACCUMULATORS.items()
        for scale in SCALES
    }
    methods = {**METHODS, **FELZENSZWALB}
    part = dataclasses.replace(setting, preset=fewer)
    measured = measure_plan(part, FOLDER, environments, methods, perturbation_metrics(setting))
    return {(name, scale): measured[f"{name}, {scale}"] for name in ACCUMULATORS for scale in SCALES}


def scales(setting: StudySetting) -> StudyReport:
    """Findings by scale; no claim, because the paper makes none about it."""
    measured = measure_scales(setting)
    off = measure_effect(setting, OFF)
    tables = (
        _verdicts(measured),
        *(_correlations(name, measured, off) for name in ACCUMULATORS),
        _orders(measured),
    )
    some = next(iter(measured.values()))
    note = NOTE.format(n_images=some.records.plan.n_samples, n_networks=len(some.environments))
    return StudyReport(
        KEY,
        "Strength of the redundant channels",
        (),
        tables,
        (note, READ_NOTE),
        (scales_figure(_panels(measured), list(map(str, SCALES)), DEFAULT),),
    )


NOTE = (
    "The scale is the largest weight of a redundant channel. With two channels, a pixel of unknown color adds half of the scale to every count on average. "
    "Each scale has {n_images} images and {n_networks} networks, the first of the other studies. Section 4 does not give the scale. Ours, 1/16, was chosen by "
    "its verdicts on DeepSHAP."
)
READ_NOTE = (
    "`yes` and `no` say whether the mean F1 is on the published side of gamma. A verdict that is as published at one scale only "
    "says nothing about the others."
)


def _verdicts(measured: Measured) -> ReportTable:
    """Section 4: mean F1 of each verdict by scale."""
    rows: list[tuple[Cell, ...]] = []
    for claim, method, truth in verdict_readings():
        cells: list[Cell] = [claim.statement, f"{method}, {truth} truth"]
        for scale in SCALES:
            f1, _, _ = measured[WITH, scale].cells(method, f"{truth}.f1")
            cells.append(None if f1 is None else f"{f1:.2f} {'yes' if (f1 >= claim.gamma) == claim.passes else 'no'}")
        rows.append(tuple(cells))
    return ReportTable("Verdicts of section 4, mean F1", ("claim", "reading", *map(str, SCALES)), tuple(rows))


def verdict_readings() -> list[tuple[GammaClaim, str, str]]:
    """The verdicts of section 4 with our method and the truth of each reading; without SAM and without LIME of its package."""
    names = {"LIME (quickshift)": ("LIME", "LIME*"), "LIME (felzenszwalb)": tuple(FELZENSZWALB)}
    names["DeepSHAP"] = tuple(RULES.values())
    return [
        (claim, method, truth)
        for claim in gamma_claims()
        if claim.method != "LIME (sam)"
        for method in names.get(claim.method, (claim.method,))
        for truth in claim.truths
    ]


def _correlations(accumulator: str, measured: Measured, off: MeasuredScores) -> ReportTable:
    """Tables 5 and 6: correlations of the metrics with F1 by scale, and without redundancy."""
    rows: list[tuple[Cell, ...]] = []
    for truth, (baselines, methods), column in itertools.product(TRUTHS, BASELINES.items(), METRIC_NAMES):
        cells = [
            measured[accumulator, scale].ranked(methods, truth).mean_correlation(F1_COLUMN, column) for scale in SCALES
        ]
        some = measured[accumulator, SCALES[0]]
        part = off.ranked(methods, truth).part(len(some.environments), some.records.plan.n_samples)
        rows.append((column, f"{truth} truth, {baselines}", *cells, part.mean_correlation(F1_COLUMN, column)))
    title = f"Spearman's correlation of metrics with F1, {'non-uniform weights' if accumulator == WITH else 'uniform weights'}"
    return ReportTable(title, ("metric", "reading", *map(str, SCALES), "redundancy off"), tuple(rows))


def _orders(measured: Measured) -> ReportTable:
    """Table 5: agreement of our orders with the printed ones by scale."""
    printed = published_ranks("table5").table
    rows: list[tuple[Cell, ...]] = []
    for (baselines, methods), column in itertools.product(BASELINES.items(), printed.columns):
        cells: list[Cell] = []
        for scale in SCALES:
            ranked = measured[WITH, scale].ranked(methods, "positive")
            try:
                cells.append(ranked.agreement(column, printed.column(column)).value)
            except NotMeasured:
                cells.append(None)
        rows.append((column, f"positive truth, {baselines}", *cells))
    title = "Spearman's correlation of our order with that of Table 5"
    return ReportTable(title, ("order by", "reading", *map(str, SCALES)), tuple(rows))


def _panels(measured: Measured) -> list[ScalePanel]:
    """Curves of F1 and of correlations by scale; what could not be measured is left out."""
    f1 = {
        "F1 of DeepSHAP (captum's rule)": [("DeepSHAP", truth) for truth in ("overall", "positive", "negative")],
        "F1 on overall truth": [(name, "overall") for name in ("IG", "IG*", "Occlusion", "Occlusion*")],
        "F1 on positive smooth truth": [(name, "positive-smooth") for name in ("GradCAM", "ExPerturb", "IBA")],
    }
    panels = []
    for title, names in f1.items():
        curves = {
            truth if method == "DeepSHAP" else method: [
                measured[WITH, scale].cells(method, f"{truth}.f1") for scale in SCALES
            ]
            for method, truth in names
        }
        panels.append(ScalePanel(title, curves, 0.5))
    methods = BASELINES["true baselines"]
    for truth in TRUTHS:
        curves = {
            column: [_interval(measured[WITH, scale].ranked(methods, truth), column) for scale in SCALES]
            for column in METRIC_NAMES
        }
        panels.append(ScalePanel(f"Spearman with F1, {truth} truth", curves, None))
    shares = [_share_as_published(measured, scale) for scale in SCALES]
    panels.append(ScalePanel("verdicts of section 4 as published", {"share of the readings": shares}, None))
    return panels


def _interval(ranked: RankedScores, column: str) -> tuple[float | None, float | None, float | None]:
    try:
        evidence = ranked.correlation(F1_COLUMN, column)
    except NotMeasured:
        return None, None, None
    return evidence.value, evidence.low, evidence.high


def _share_as_published(measured: Measured, scale: Fraction) -> tuple[float | None, None, None]:
    means = [
        (claim, measured[WITH, scale].cells(method, f"{truth}.f1")[0]) for claim, method, truth in verdict_readings()
    ]
    verdicts = [(f1 >= claim.gamma) == claim.passes for claim, f1 in means if f1 is not None]
    return (sum(verdicts) / len(verdicts) if verdicts else None), None, None
