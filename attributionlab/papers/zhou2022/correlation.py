"""Section 5.4: how does Attr% depend on r, the probability that a label is kept? (Figures 8 and 18, Eq. 1 to 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from attributionlab.modification import shapley_range
from attributionlab.papers.claims import Finding, JudgedClaim, within
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhou2022.claims import CONSISTENT, claim, finding
from attributionlab.papers.zhou2022.figures import attr_figures
from attributionlab.papers.zhou2022.networks import (
    LEFT_ALONE,
    MANIPULATED,
    MeasuredNetwork,
    attr_table,
    measure_networks,
)
from attributionlab.papers.zhou2022.on_the_way import trend
from attributionlab.papers.zhou2022.pictures import DISTINCT, MANIPULATIONS, SIMILAR, methods_of, network_task
from attributionlab.papers.zhou2022.saliency import NOTES, RANDOM

Kinds = Mapping[tuple[str, ...], str]
"""`similar` or `distinct` by pair of classes."""

KEPT = {6: (0.5, 0.6, 0.7, 0.8, 0.9, 1.0), 4: (0.5, 0.7, 0.9, 1.0)}
"""Values of r, by their number: all of the paper's, or fewer."""

EQUATIONS = (
    "Where Eq. 2 is explained the paper prints a(F_O) <= m; the bound is r, as in its appendix B.6. a(F_O) is estimated by Eq. 9 on pairs of one "
    "picture with and without the manipulation, because no two pictures agree outside of the region. At r = 1 nothing can beat p* = 1: such "
    "networks may ignore the manipulation."
)


def correlation(setting: StudySetting) -> StudyReport:
    """Section 5.4."""
    n_pairs, kept = setting.preset.details["pairs"], KEPT[setting.preset.details["kept"]]
    kinds: Kinds = dict.fromkeys(SIMILAR[:n_pairs], "similar") | dict.fromkeys(DISTINCT[:n_pairs], "distinct")
    tasks = [
        network_task(setting, name, reassign=r, pair=pair) for name in MANIPULATIONS for pair in kinds for r in kept
    ]
    networks = measure_networks(setting, tasks, "zhou-correlation")
    accurate = [network for network in networks if network.is_accurate]
    methods = tuple(methods_of(setting))
    papers = [name for name in methods if name != RANDOM]
    claims = (
        _accurate(networks),
        _equation(),
        _original_accuracy(accurate, kinds),
        _shap_decreases(accurate),
        _gradient(accurate),
        _others_do_not(accurate),
        _pairs_alike(accurate, kinds, papers),
        _outside(accurate, papers),
    )
    figures = attr_figures(
        networks, "correlation", "zhou-correlation.png", "Attr% against r, as in Figures 8 and 18", kinds
    )
    tables = (
        attr_table(networks, methods, "Attr%, with the manipulation / without it, averaged over pairs of classes"),
        _original_table(networks, kinds),
    )
    title = "Section 5.4: Attr% by the correlation of the original features"
    return StudyReport("zhou-correlation", title, claims, tables, (*NOTES, EQUATIONS), figures)


def _groups(networks: Sequence[MeasuredNetwork], manipulation: str) -> list[list[MeasuredNetwork]]:
    """The networks of each pair of classes."""
    own = [network for network in networks if network.manipulation == manipulation]
    pairs = dict.fromkeys(tuple(network.arguments["classes"]) for network in own)
    return [[network for network in own if tuple(network.arguments["classes"]) == pair] for pair in pairs]


def _trends(networks: Sequence[MeasuredNetwork], manipulation: str, method: str) -> list[float]:
    """Rank correlation of r and mean Attr%, one per pair of classes."""
    return [
        trend([network.reassign for network in group], [network.mean_attr(method) for network in group])
        for group in _groups(networks, manipulation)
    ]


def _accurate(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    findings = [
        finding(
            [network.test.accuracy for network in networks if network.manipulation == name],
            lambda value: value > 0.95,
            name,
        )
        for name in MANIPULATIONS
    ]
    statement = "All models achieve a test accuracy of over 95 %"
    return claim("zhou-correlation.accurate", "section 5.4", statement, "all", "accuracy above 95 %", findings)


def _equation() -> JudgedClaim:
    gaps = [abs(shapley_range(1.0, r).manipulated - (1.5 - r)) for r in KEPT[6]]
    return claim(
        "zhou-correlation.equation",
        "Eq. 3, Figure 8",
        "At p = 1 the Shapley share of the manipulated features is at least 1.5 - r",
        "1.5 - r",
        "equal for all r",
        [finding([max(gaps)], within(0.0, 0.0))],
    )


def _original_accuracy(networks: Sequence[MeasuredNetwork], kinds: Kinds) -> JudgedClaim:
    chosen = [network for network in networks if kinds[tuple(network.arguments["classes"])] == "distinct"]
    below = [network.value["original"] - network.reassign for network in networks]
    gaps = [abs(network.value["original"] - network.reassign) for network in chosen]
    return claim(
        "zhou-correlation.original",
        "section 5.4, appendix B.6",
        "a(F_O), the expected accuracy by the original features alone, is at most r, and close to it for distinct pairs",
        "at most r; close to r",
        "at most r plus 5 points; within 5 points of r",
        [
            finding(below, lambda value: value <= 0.05, "at most r, all pairs"),
            finding(gaps, lambda value: value <= 0.05, "close to r, distinct pairs"),
        ],
    )


def _shap_decreases(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    return claim(
        "zhou-correlation.shap-watermark",
        "section 5.4, Figure 8",
        "SHAP's Attr% of watermarks decreases as r grows",
        "a clear decrease",
        f"rank correlation of at most -{CONSISTENT}",
        [
            finding(
                _trends(networks, "watermark", "SHAP"),
                lambda value: value <= -CONSISTENT,
                direction=lambda value: value < 0,
            )
        ],
        "it is negative",
    )


def _inside(networks: Sequence[MeasuredNetwork], method: str, label: int) -> float:
    """Share of the networks whose Attr% is in the range of the Shapley axioms."""
    values = [network.attr(method, label) >= 1.5 - network.reassign for network in networks]
    return float(np.mean(values)) if values else float("nan")


def _gradient(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    chosen = [network for network in networks if network.manipulation == "watermark"]
    present, absent = (_inside(chosen, "Gradient", label) for label in (MANIPULATED, LEFT_ALONE))
    return claim(
        "zhou-correlation.gradient-watermark",
        "section 5.4",
        "The gradient tracks the range of the Shapley axioms for watermarks, but only where they are present",
        "present: inside, absent: outside",
        "more networks are inside with the watermark than without",
        [
            finding(
                [present - absent], lambda value: value > 0, note=f"inside: {present:.0%} with, {absent:.0%} without"
            )
        ],
    )


def _others_do_not(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    findings = [
        finding(_trends(networks, name, "SHAP"), lambda value: value > -CONSISTENT, name)
        for name in MANIPULATIONS
        if name != "watermark"
    ]
    return claim(
        "zhou-correlation.others",
        "section 5.4",
        "The decrease is not seen for other manipulations, even by SHAP",
        "no decrease",
        f"rank correlation above -{CONSISTENT}",
        findings,
    )


def _pairs_alike(networks: Sequence[MeasuredNetwork], kinds: Kinds, methods: Sequence[str]) -> JudgedClaim:
    findings: list[Finding] = []
    for method in methods:
        differences = []
        for name in MANIPULATIONS:
            means = [
                [
                    network.mean_attr(method)
                    for network in networks
                    if network.manipulation == name and kinds[tuple(network.arguments["classes"])] == kind
                ]
                for kind in ("similar", "distinct")
            ]
            if all(means):
                differences.append(abs(float(np.mean(means[0]) - np.mean(means[1]))))
        findings.append(finding(differences, lambda value: value <= 0.1, method))
    return claim(
        "zhou-correlation.pairs",
        "section 5.4",
        "There is no clear difference of Attr% between similar and distinct pairs",
        "no clear difference",
        "means differ by at most 0.1 for four of five manipulations",
        findings,
    )


def _outside(networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> JudgedClaim:
    chosen = [network for network in networks if network.reassign < 1]
    findings = [
        finding(
            [float(np.mean([_inside(chosen, method, label) for label in (0, 1)]))], lambda value: value < 0.5, method
        )
        for method in methods
    ]
    return claim(
        "zhou-correlation.inconsistent",
        "section 5.4",
        "Many saliency maps are inconsistent with the Shapley axioms",
        "many",
        "less than half of the values for r < 1 are at least 1.5 - r",
        findings,
    )


def _original_table(networks: Sequence[MeasuredNetwork], kinds: Kinds) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for r in sorted({network.reassign for network in networks}):
        cells: list[Cell] = [f"{r:g}"]
        for kind in ("similar", "distinct"):
            own = [each for each in networks if each.reassign == r and kinds[tuple(each.arguments["classes"])] == kind]
            cells += [float(np.mean([each.value["original"] for each in own])) if own else None]
        rows.append(tuple(cells))
    title = "a(F_O) by r, averaged over manipulations: the expected accuracy by the original features alone (Eq. 9)"
    return ReportTable(title, ("r", "similar", "distinct"), tuple(rows))
