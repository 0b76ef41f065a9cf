"""Section 5.3: does Attr% depend on how visible the manipulation is? (Figures 7 and 17)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attributionlab.papers.claims import Finding, JudgedClaim
from attributionlab.papers.studies import StudyReport, StudySetting
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
from attributionlab.papers.zhou2022.pictures import MANIPULATIONS, levels_of, methods_of, network_task
from attributionlab.papers.zhou2022.saliency import NOTES, RANDOM

MOST_GROUPS = 4
"""Groups of five networks for each manipulation in the paper."""


def visibility(setting: StudySetting) -> StudyReport:
    """Section 5.3."""
    groups = max(1, min(MOST_GROUPS, setting.preset.n_network_seeds // 2))
    tasks = [
        network_task(setting, name, level=level, seed=seed)
        for name in MANIPULATIONS
        for seed in range(groups)
        for level in levels_of(name)
    ]
    networks = measure_networks(setting, tasks, "zhou-visibility")
    accurate = [network for network in networks if network.is_accurate]
    methods = tuple(methods_of(setting))
    papers = [name for name in methods if name != RANDOM]
    claims = (_shap_on_watermarks(accurate), _others(accurate, papers), _less_visible(accurate, papers))
    figures = attr_figures(
        networks, "visibility", "zhou-visibility.png", "Attr% against visibility, as in Figures 7 and 17"
    )
    tables = (attr_table(networks, methods, "Attr%, with the manipulation / without it, by level of visibility"),)
    title = "Section 5.3: Attr% by visibility"
    return StudyReport("zhou-visibility", title, claims, tables, (*NOTES, LEVELS), figures)


LEVELS = (
    "Levels are those of appendix B.5; lengths scale with the pictures, fonts do not. Networks that are not 95 % accurate at a level, which is "
    "normal for the least visible ones, are in the table and not in the claims."
)


def _trends(
    networks: Sequence[MeasuredNetwork], manipulation: str, method: str, label: int = MANIPULATED
) -> list[float]:
    """Rank correlation of level and Attr% of the pictures of a class, one per group."""
    trends = []
    for seed in sorted({network.seed for network in networks}):
        group = [each for each in networks if (each.manipulation, each.seed) == (manipulation, seed)]
        trends.append(trend([each.level for each in group], [each.attr(method, label) for each in group]))
    return trends


def _shap_on_watermarks(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    return claim(
        "zhou-visibility.shap-watermark",
        "section 5.3, Figure 7",
        "SHAP's Attr% of watermarks increases with visibility",
        "a consistent increase",
        f"rank correlation of at least {CONSISTENT}",
        [
            finding(
                _trends(networks, "watermark", "SHAP", label),
                lambda value: value >= CONSISTENT,
                reading,
                direction=lambda value: value > 0,
            )
            for label, reading in ((MANIPULATED, "pictures with it"), (LEFT_ALONE, "pictures without it"))
        ],
        "it is positive",
    )


def _others(networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> JudgedClaim:
    findings: list[Finding] = []
    for method in methods:
        means = {
            name: float(np.nanmean(trends))
            for name in MANIPULATIONS
            if (method, name) != ("SHAP", "watermark")
            and (trends := [value for value in _trends(networks, name, method) if np.isfinite(value)])
        }
        note = ", ".join(f"{name} {value:.2f}" for name, value in means.items())
        findings.append(
            finding([min(means.values())] if means else [], lambda value: value < CONSISTENT, method, note=note)
        )
    return claim(
        "zhou-visibility.others",
        "section 5.3",
        "Other methods do not consistently give more attribution to more visible manipulations",
        "no consistent trend",
        f"not every manipulation has a rank correlation of at least {CONSISTENT}",
        findings,
    )


def _less_visible(networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> JudgedClaim:
    findings = []
    for method in methods:
        lowest = []
        for name in MANIPULATIONS:
            group = [network for network in networks if network.manipulation == name]
            if group:
                level = min(network.level for network in group)
                lowest += [network.attr(method, MANIPULATED) for network in group if network.level == level]
        findings.append(finding(lowest, lambda value: value < 0.9, method))
    return claim(
        "zhou-visibility.least-visible",
        "section 5.3",
        "No method uncovers the less visible manipulations",
        "none",
        "Attr% below 0.9 at the least visible level that a network learned",
        findings,
    )
