"""Section 5.1: do saliency maps find the manipulation? (Figure 5, footnote 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attributionlab.papers.claims import JudgedClaim, within
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.papers.zhou2022.claims import claim, finding
from attributionlab.papers.zhou2022.figures import attr_figures
from attributionlab.papers.zhou2022.networks import (
    LEFT_ALONE,
    MANIPULATED,
    MeasuredNetwork,
    attr_table,
    measure_networks,
)
from attributionlab.papers.zhou2022.paper import PACKAGE
from attributionlab.papers.zhou2022.pictures import MANIPULATIONS, SIMILAR, methods_of, network_task

ALL_OF_IT = 0.9
"""Attr% from which a map counts as about 1; ours."""

RANDOM = "random"

NOTES = (
    (
        "The paper's pictures are birds from Flickr; ours are crops of photographs that come with scikit-image and scikit-learn, by default of a "
        "cat and of coffee. Its network is ResNet-34; ours has seven convolutions."
    ),
    "Attr% = 1 is an expectation, not an exact truth: pixels outside of the region may serve as reference (docs/modification.md).",
    "The paper prints no bounds of regions and no numbers for most of its points; thresholds in the conditions are ours, and a random map is measured beside.",
)


def measure_similar(setting: StudySetting) -> list[MeasuredNetwork]:
    """The networks of sections 5.1 and 5.2: each manipulation with each seed, on similar pairs in turn."""
    pairs = SIMILAR[: setting.preset.details["pairs"]]
    tasks = [
        network_task(setting, name, seed=seed, pair=pairs[seed % len(pairs)])
        for name in MANIPULATIONS
        for seed in setting.preset.network_seeds
    ]
    return measure_networks(setting, tasks, "zhou-attr")


def attributions(setting: StudySetting) -> StudyReport:
    """Section 5.1."""
    networks, methods = measure_similar(setting), tuple(methods_of(setting))
    accurate = [network for network in networks if network.is_accurate]
    papers = [name for name in methods if name != RANDOM]
    claims = (
        _share_of_accurate(networks),
        _none_is_perfect(accurate, papers),
        _best(accurate, papers),
        _shap_value(accurate),
        _unequal(accurate, papers),
        _presence("watermark", accurate, papers),
        _hiding(accurate),
        _control(accurate),
    )
    tables = (attr_table(networks, methods, "Attr%, with the manipulation / without it, averaged over networks"),)
    figures = attr_figures(networks, "attributions", "zhou-attr.png", "Attr% against %ER, as in Figures 5 and 15")
    return StudyReport("zhou-attr", "Section 5.1: Attr% by methods and manipulations", claims, tables, NOTES, figures)


def _by_seed(networks: Sequence[MeasuredNetwork], method: str) -> list[float]:
    """Mean Attr% over manipulations and classes, for each seed."""
    seeds = sorted({network.seed for network in networks})
    return [
        float(np.mean([network.mean_attr(method) for network in networks if network.seed == seed])) for seed in seeds
    ]


def _share_of_accurate(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    published = load_published(PACKAGE)["attr"]["share_of_accurate_runs"]
    share = sum(network.is_accurate for network in networks) / len(networks) if networks else float("nan")
    return claim(
        "zhou-attr.accurate-runs",
        "section 5.1",
        "70 % of all runs achieve a test accuracy of over 95 %",
        f"{published:.0%}",
        "within 10 points",
        [finding([share], within(published, 0.1), direction=lambda value: value >= published)],
        "at least as many",
    )


def _none_is_perfect(networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> JudgedClaim:
    findings = [
        finding([network.mean_attr(method) for network in networks], lambda value: value < ALL_OF_IT, method)
        for method in methods
    ]
    statement = "No method consistently scores Attr% of about 1"
    return claim("zhou-attr.none", "section 5.1, Figure 5", statement, "none", f"Attr% below {ALL_OF_IT}", findings)


def _best(networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> JudgedClaim:
    shap = np.array(_by_seed(networks, "SHAP"))
    findings = [
        finding((shap - np.array(_by_seed(networks, method))).tolist(), lambda value: value > 0, f"against {method}")
        for method in methods
        if method != "SHAP"
    ]
    return claim(
        "zhou-attr.shap-best", "section 5.1", "SHAP performs the best", "the best", "its mean Attr% is higher", findings
    )


def _shap_value(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    published = load_published(PACKAGE)["attr"]
    values = _by_seed(networks, "SHAP")
    region = float(np.mean([network.region_share for network in networks])) if networks else float("nan")
    printed = published["shap_attr"]
    return claim(
        "zhou-attr.shap-value",
        "section 5.1",
        "SHAP has Attr% = 69 % at %ER = 40 % on average",
        f"{printed:.0%}",
        "within 5 points",
        [finding(values, within(printed, 0.05), direction=lambda value: value > region, note=f"at %ER {region:.0%}")],
        "above %ER",
    )


def _unequal(networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> JudgedClaim:
    seeds = sorted({network.seed for network in networks})
    findings = []
    for method in methods:
        above = [
            [network.mean_attr(method) - network.region_share for network in networks if network.seed == seed]
            for seed in seeds
        ]
        spread = [max(values) - min(values) for values in above]
        findings.append(finding(spread, lambda value: value > 0.1, method))
    return claim(
        "zhou-attr.unequal",
        "section 5.1",
        "Not all manipulations are detected equally well",
        "unequal",
        "Attr% less %ER differs by more than 0.1 between manipulations",
        findings,
    )


def _presence(manipulation: str, networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> JudgedClaim:
    chosen = [network for network in networks if network.manipulation == manipulation]
    findings = [
        finding(
            [network.attr(method, MANIPULATED) - network.attr(method, LEFT_ALONE) for network in chosen],
            lambda value: value > 0,
            method,
        )
        for method in methods
    ]
    return claim(
        "zhou-attr.presence",
        "section 5.1",
        "The presence of a watermark is often better detected than its absence",
        "presence",
        "Attr% with the watermark is higher than without",
        findings,
    )


def _hiding(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    findings = [
        finding(
            [
                network.attr("LIME", MANIPULATED) - network.attr("LIME", LEFT_ALONE)
                for network in networks
                if network.manipulation == name
            ],
            lambda value: value > 0,
            name,
        )
        for name in MANIPULATIONS
    ]
    return claim(
        "zhou-attr.hiding",
        "section 5.1",
        "LIME hides a manipulation more easily than it constructs one",
        "presence",
        "LIME's Attr% with the manipulation is higher than without",
        findings,
    )


def _control(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    values = [network.mean_attr(RANDOM) - network.region_share for network in networks]
    return claim(
        "zhou-attr.random",
        "Figure 5, diagonal",
        "A random map has Attr% = %ER",
        "%ER",
        "within 2 points",
        [finding(values, within(0.0, 0.02))],
    )
