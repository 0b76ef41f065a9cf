"""Section 5.2: does Attr% grow with accuracy during the training? (Figures 6 and 16)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from attributionlab.papers.claims import JudgedClaim
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhou2022.claims import CONSISTENT, claim, finding
from attributionlab.papers.zhou2022.figures import attr_figures
from attributionlab.papers.zhou2022.networks import MANIPULATED, MeasuredNetwork
from attributionlab.papers.zhou2022.pictures import MANIPULATIONS, methods_of
from attributionlab.papers.zhou2022.saliency import NOTES, RANDOM, measure_similar

CLEAR = 0.1
"""Gain of Attr% over the training from which a trend is more than mild; ours."""


def on_the_way(setting: StudySetting) -> StudyReport:
    """Section 5.2."""
    networks = [network for network in measure_similar(setting) if network.is_accurate]
    methods = [name for name in methods_of(setting) if name != RANDOM]
    claims = (_shap_on_watermarks(networks), _most_consistent(networks, methods), _others_are_mild(networks, methods))
    figures = attr_figures(
        networks,
        "accuracy",
        "zhou-accuracy.png",
        "Attr% against accuracy on the way of the training, as in Figures 6 and 16",
    )
    tables = (_table(networks, methods),)
    title = "Section 5.2: Attr% on the way of the training"
    return StudyReport("zhou-accuracy", title, claims, tables, NOTES, figures)


def _series(network: MeasuredNetwork, method: str) -> tuple[list[float], list[float]]:
    """Accuracy and Attr% of manipulated pictures for each state."""
    states = [state for state in network.value["way"] if method in state["attr"]]
    return [state["accuracy"] for state in states], [state["attr"][method][MANIPULATED]["mean"] for state in states]


def trend(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's correlation; 0 where the second is constant, NaN for fewer than three values."""
    if len(first) < 3 or len(set(first)) < 2:
        return float("nan")
    return 0.0 if len(set(second)) < 2 else float(spearmanr(first, second).statistic)


def _gain(network: MeasuredNetwork, method: str) -> float:
    """Attr% at the end less that of the untrained network."""
    _, attr = _series(network, method)
    return attr[-1] - attr[0] if attr else float("nan")


def _shap_on_watermarks(networks: Sequence[MeasuredNetwork]) -> JudgedClaim:
    gains = [_gain(network, "SHAP") for network in networks if network.manipulation == "watermark"]
    return claim(
        "zhou-accuracy.shap-watermark",
        "section 5.2, Figure 6",
        "SHAP's Attr% of watermarks increases with accuracy",
        "an increase",
        f"it gains more than {CLEAR}, from the untrained network to the last",
        [finding(gains, lambda value: value > CLEAR, direction=lambda value: value > 0)],
        "it gains",
    )


def _most_consistent(networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> JudgedClaim:
    gains = {
        (method, name): np.nanmean([_gain(network, method) for network in networks if network.manipulation == name])
        for method in methods
        for name in MANIPULATIONS
        if any(network.manipulation == name for network in networks)
    }
    own = gains.get(("SHAP", "watermark"), float("nan"))
    others = {key: value for key, value in gains.items() if key != ("SHAP", "watermark")}
    best = max(others, key=lambda key: others[key], default=("", ""))
    note = f"the largest other gain is {others[best]:.2f}, of {best[0]} with {best[1]}" if others else ""
    return claim(
        "zhou-accuracy.most-consistent",
        "section 5.2",
        "SHAP with watermarks shows the largest increase of all",
        "the largest",
        "its mean gain is the largest",
        [finding([float(own - max(others.values(), default=np.nan))], lambda value: value > 0, note=note)],
    )


def _others_are_mild(networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> JudgedClaim:
    findings = []
    for method in methods:
        values = [
            float(_gain(network, method) > CLEAR and trend(*_series(network, method)) >= CONSISTENT)
            for network in networks
            if (method, network.manipulation) != ("SHAP", "watermark")
        ]
        findings.append(finding([float(np.mean(values))] if values else [], lambda value: value < 0.5, method))
    return claim(
        "zhou-accuracy.mild",
        "section 5.2",
        "For other methods and manipulations the trend is mild or noisy",
        "mild or noisy",
        f"less than half of the networks have a gain above {CLEAR} with a rank correlation of at least {CONSISTENT}",
        findings,
    )


def _table(networks: Sequence[MeasuredNetwork], methods: Sequence[str]) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for name in MANIPULATIONS:
        chosen = [network for network in networks if network.manipulation == name]
        if chosen:
            states = float(np.mean([len(network.value["way"]) for network in chosen]))
            gains = [float(np.mean([_gain(network, method) for network in chosen])) for method in methods]
            rows.append((name, str(len(chosen)), states, *gains))
    title = "Attr% of manipulated pictures at the end less that of the untrained network"
    return ReportTable(title, ("manipulation", "networks", "states", *methods), tuple(rows))
