"""Section 4: claims and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attributionlab.papers.adebayo2020.judged import RANKS
from attributionlab.papers.adebayo2020.methods import MODIFIED, SPECS
from attributionlab.papers.adebayo2020.scores import ComparedMaps
from attributionlab.papers.adebayo2020.subjects import LITE, NO_WEIGHTS
from attributionlab.papers.claims import (
    Direction,
    Finding,
    JudgedClaim,
    PublishedClaim,
    judge_evidence,
    unchecked,
    unmeasured,
)
from attributionlab.papers.evidence import Evidence, Values, average_images
from attributionlab.papers.studies import Cell, ReportFigure, ReportTable, StudyReport

KEY = "adebayo-cascade"
CASCADING, INDEPENDENT = "cascading", "independent"
HEALTHY_CLASS, OWN_CLASS = "healthy network's class", "own class"
FROZEN = ("first convolution", "last convolution", "first linear layer", "another seed", "Gaussian")

ALIKE = 0.8
"""Mean SSIM with the healthy map from which a method counts as invariant; ours, because Figure 26 has no numbers."""

SIMILARITY = {"ssim_magnitude": "SSIM of magnitudes", **RANKS, "norm_difference": "normalized difference of norms"}
"""The four quantities of Figure 26."""

NOTES = (
    (
        "The paper re-initializes VGG-16; no VGG-16 is installed here, so the networks are BVD-CNN and, with the extra `pretrained`, "
        "EfficientNet-Lite0 with BatchNorm folded into its layers; `--network FILE.py:FUNCTION` adds yours, which returns "
        "(TrainedNetwork, LabeledImages). Layers are named by their modules: of BVD-CNN 16 is the head and 1 the first convolution. Random weights are normal with the variance of He et al., biases 0."
    ),
    (
        "Higher layers are the upper half of the shown layers. A zero or constant map is no map, not a similar one; it is left out, "
        "and its cell is empty."
    ),
    "Both networks explain the class that the healthy one predicts, or each its own: both are shown.",
    (
        "Frozen layers are a bug of Table 4 (appendix A) for which the paper prints no result; another seed says how much maps "
        "differ between two healthy trainings."
    ),
)


def report_cascade(
    measured: Mapping[str, dict[str, Any]], pictures: Mapping[str, bytes], frozen: dict[str, Any]
) -> StudyReport:
    """The report of measurements, one per network."""
    tables = [table for name, each in measured.items() for table in _tables(name, each)]
    figures = [
        ReportFigure(f"{KEY}-{index}.png", f"{name}: random weights from the output down; rows: methods", png)
        for index, (name, png) in enumerate(pictures.items())
    ]
    title = "Section 4: layers with random weights"
    tables += [_frozen_accuracies(frozen), _frozen_table(frozen)]
    return StudyReport(KEY, title, tuple(_claims(measured)), tuple(tables), NOTES, tuple(figures))


def _tables(name: str, measured: dict[str, Any]) -> list[ReportTable]:
    """Tables of one network: rows methods, columns layers."""
    scores = ComparedMaps([measured], list(SPECS))
    tables = []
    for kind in (CASCADING, INDEPENDENT):
        for choice in (HEALTHY_CLASS, OWN_CLASS):
            layers = list(measured["scores"][f"{kind}, {choice}"])
            for similarity, label in SIMILARITY.items():
                if similarity != "ssim_magnitude" and (kind, choice) != (CASCADING, HEALTHY_CLASS):
                    continue
                table = scores.table(
                    f"{name}, {kind}, {choice}: {label} with the healthy map",
                    f"{kind}, {choice}",
                    layers,
                    {similarity: "down to" if kind == CASCADING else "only"},
                    errors=False,
                )
                tables.append(_with_floor(table, scores, similarity))
    return [_class_table(name, measured), *tables]


def _with_floor(table: ReportTable, scores: ComparedMaps, similarity: str) -> ReportTable:
    """The table with a column of Gaussian maps."""
    floor = scores.table("", "floor", ["Gaussian"], {similarity: "floor"}, errors=False)
    rows = tuple((*row, other[1]) for row, other in zip(table.rows, floor.rows, strict=True))
    return ReportTable(table.title, (*table.columns, "Gaussian"), rows)


def _class_table(name: str, measured: dict[str, Any]) -> ReportTable:
    columns = ("layers", *(layer for layer in measured["same_class"][CASCADING]))
    rows: list[tuple[Cell, ...]] = []
    for kind, counts in measured["same_class"].items():
        rows.append((kind, *(counts.get(layer) for layer in columns[1:])))
    title = (
        f"{name}: images, of {measured['n_images']}, of which the network with random layers predicts the same class"
    )
    return ReportTable(title, columns, tuple(rows))


def _frozen_accuracies(frozen: dict[str, Any]) -> ReportTable:
    accuracies = frozen["accuracies"]
    return ReportTable(
        "Frozen layers: accuracy on test images, by the layer", tuple(accuracies), (tuple(accuracies.values()),)
    )


def _frozen_table(frozen: dict[str, Any]) -> ReportTable:
    scores = ComparedMaps([frozen], list(SPECS))
    names = {"ssim_magnitude": "SSIM of magnitudes", "rank": "ranks of values"}
    title = "Frozen layers: similarity with the maps of the healthy network, each network explained for its own class"
    return scores.table(title, "frozen", FROZEN, names, errors=False)


def _claims(measured: Mapping[str, dict[str, Any]]) -> list[JudgedClaim]:
    claims = []
    for method in SPECS:
        is_modified = method in MODIFIED
        claim = PublishedClaim(
            key=f"{KEY}.{'invariant' if is_modified else 'sensitive'}.{method}",
            source="section 4, Figures 7 and 26",
            statement=f"{method} is {'invariant' if is_modified else 'sensitive'} to higher layers",
            published="by eye, and by similarities in a figure",
            test=f"mean SSIM of magnitudes with the healthy map {'at least' if is_modified else 'below'} {ALIKE}, upper half, cascading",
            direction="more similar than Grad" if is_modified else "less similar than GBP",
        )
        findings = [
            _finding(name, each, method, choice)
            for name, each in measured.items()
            for choice in (HEALTHY_CLASS, OWN_CLASS)
        ]
        findings += [] if LITE in measured else [unchecked(NO_WEIGHTS, reading=LITE)]
        claims.append(
            JudgedClaim(
                claim, (*findings, unchecked("needs VGG-16 and ImageNet: give yours by --network", reading="VGG-16"))
            )
        )
    return claims


def _finding(name: str, measured: dict[str, Any], method: str, choice: str) -> Finding:
    reading = f"{name}, {choice}"
    scores = upper_half(measured, method, choice)
    if isinstance(scores, str):
        return unmeasured(scores, reading=reading)
    if not np.isfinite(scores).any():
        return unmeasured("no map in the upper half", reading=reading)
    is_modified = method in MODIFIED
    other = upper_half(measured, "Grad" if is_modified else "GBP", choice)
    direction = None
    if not isinstance(other, str):
        difference = (scores - other) if is_modified else (other - scores)
        direction = Direction(average_images(difference), lambda value: value > 0)
    evidence: Evidence = average_images(scores)
    return judge_evidence(
        evidence,
        (lambda value: value >= ALIKE) if is_modified else (lambda value: value < ALIKE),
        direction,
        reading=reading,
    )


def upper_half(measured: dict[str, Any], method: str, choice: str) -> Values | str:
    """SSIM (1, images) averaged over the upper half of the stages, cascading."""
    kind = f"{CASCADING}, {choice}"
    layers: Sequence[str] = list(measured["scores"][kind])
    compared = ComparedMaps([measured], list(SPECS))
    rows = [compared.of(kind, layer, method, "ssim_magnitude") for layer in layers[: -(-len(layers) // 2)]]
    missing = [row for row in rows if isinstance(row, str)]
    if missing:
        return missing[0]
    stacked = np.stack([row for row in rows if not isinstance(row, str)])
    counts = np.isfinite(stacked).sum(axis=0)
    means: Values = np.where(counts > 0, np.nansum(stacked, axis=0) / np.maximum(counts, 1), np.nan)
    return means
