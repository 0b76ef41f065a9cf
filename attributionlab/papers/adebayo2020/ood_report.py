"""Section 5: claims and tables."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from attributionlab.papers.adebayo2020.judged import RANKS, SSIM, PrintedRow, above, by_method
from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.adebayo2020.scores import ComparedMaps
from attributionlab.papers.adebayo2020.subjects import NO_WEIGHTS
from attributionlab.papers.claims import Direction, JudgedClaim, PublishedClaim, judge_evidence, unmeasured
from attributionlab.papers.evidence import Values, average_images, average_networks
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import Cell, ReportFigure, ReportTable, StudyReport

KEY = "adebayo-ood"
OTHER_SEED, GAUSSIAN = "another seed", "Gaussian"
PAIRS = {
    "MNIST model": "digits under a network of shapes",
    "BVD-CNN": "digits under BVD-CNN of composed images",
    "VGG-16 ImageNet": "digits under EfficientNet-Lite0",
}
"""Our pairs, by the network of Table 3 that they stand for."""

SHORT = {"MNIST model": "shapes (for MNIST)", "VGG-16 ImageNet": "EfficientNet-Lite0 (for VGG-16)"}
"""Our networks in tables and figures, by the network of Table 3; BVD-CNN is itself."""

PREPROCESSINGS = ("BGR", "divided by 255", "mean subtracted", "normalized", GAUSSIAN)

NOTES = (
    (
        "Digits of scikit-learn (8x8 pixels, each repeated) stand for Fashion MNIST, our shapes for MNIST, EfficientNet-Lite0 for VGG-16 "
        "on ImageNet; all networks but the last are BVD-CNNs. Each network is explained for the class that it predicts itself, as in "
        "the rebuttal."
    ),
    (
        "Beside each pair stand two healthy networks of the same domain and different seeds (the ceiling), and Gaussian maps (the floor): a "
        "similarity near the floor is no visual similarity, whatever the number."
    ),
    (
        "Table 3 prints negative standard errors (-0.01, of Input-Grad and of DConvNet in its first row), which cannot be, and 14 standard "
        "errors for 15 rank correlations in its second, so these cannot be assigned to methods."
    ),
    (
        "Pre-processing is a bug of Table 4 (appendix A) for which the paper prints no result: BVD-CNN on composed images with wrong colors, "
        "compared with its own maps on the right ones."
    ),
)


def report_ood(measured: Sequence[dict[str, Any]], png: bytes) -> StudyReport:
    """The report of measurements, one per seed."""
    published = load_published(PACKAGE)
    scores = ComparedMaps(measured, published["methods"])
    networks = [name for name in PAIRS if name in measured[0]["scores"]["domain"]]
    tables = [_printed_table(published), *_tables(scores, networks), _preprocessing_accuracies(measured)]
    tables.append(
        scores.table(
            "Wrong pre-processing: similarity with the map of the right colors",
            "preprocessing",
            PREPROCESSINGS,
            {"ssim_magnitude": "SSIM of magnitudes", "rank": "rank"},
            errors=False,
        )
    )
    claims = [claim for network in PAIRS for claim in _claims(network, scores, published, checked=network in networks)]
    claims += [_finding_in_words(scores, networks, published), *_contradictions(published)]
    figure = ReportFigure(f"{KEY}.png", "Maps of a digit under networks of several domains; rows: methods", png)
    notes = (*NOTES, f"Test accuracy on digits: {np.mean([each['accuracy'] for each in measured]):.3f}.")
    title = "Section 5 and Table 3: out of distribution"
    return StudyReport(KEY, title, tuple(claims), tuple(tables), notes, (figure,))


def _tables(scores: ComparedMaps, networks: Sequence[str]) -> list[ReportTable]:
    """A table for each similarity: rows methods, columns networks."""
    labels = {
        "ssim_magnitude": "SSIM of magnitudes",
        "ssim_minmax": "SSIM by range",
        "rank": "rank",
        "rank_magnitude": "rank of magnitudes",
    }
    title = "Similarity with the map of the digits' own network"
    columns = (*networks, OTHER_SEED, GAUSSIAN)
    tables = [scores.table(f"{title}: {label}", "domain", columns, {name: "under"}) for name, label in labels.items()]
    names = ("method", *(f"under: {SHORT.get(name, name)}" for name in columns), "standard error of the first")
    return [ReportTable(table.title, names, table.rows) for table in tables]


def _claims(network: str, scores: ComparedMaps, published: dict[str, Any], *, checked: bool) -> list[JudgedClaim]:
    """Two printed rows of a pair."""
    printed, methods = published["table3"][network], published["methods"]
    claims = []
    for kind, label, readings in (("ssim", "SSIM", SSIM), ("rank", "Rank correlation", RANKS)):
        errors = printed[f"{kind}_sem"]
        row = PrintedRow(
            key=f"{KEY}.{kind}-{network}",
            source=published["table3"]["source"],
            statement=f"{label} of {{method}}, FMNIST under {network} (here: {PAIRS[network]})",
            values=by_method(methods, printed[kind]),
            errors=by_method(methods, errors) if len(errors) == len(methods) else {},
            readings=readings,
            direction="above that of Gaussian maps" if kind == "ssim" else "",
        )
        measured = functools.partial(scores.of, "domain", network) if checked else _missing
        direction = functools.partial(_above_floor, scores, network) if checked and kind == "ssim" else _none
        claims += row.claims(measured, direction)
    return claims


def _missing(_method: str, _name: str) -> Values | str:
    return NO_WEIGHTS


def _none(_method: str, _name: str) -> Direction | None:
    return None


def _above_floor(scores: ComparedMaps, network: str, method: str, name: str) -> Direction | None:
    return above(*(scores.of("domain", each, method, name) for each in (network, GAUSSIAN)))


UNRANKED = 0.1
"""Largest rank correlation that counts as essentially none; ours."""


def _finding_in_words(scores: ComparedMaps, networks: Sequence[str], published: dict[str, Any]) -> JudgedClaim:
    """Visual similarity without similarity of ranks."""
    claim = PublishedClaim(
        key=f"{KEY}.similar-without-ranks",
        source="section 5, caption of Table 3",
        statement="Maps in and out of the domain are visually similar, and their ranks are not",
        published="SSIM up to 0.93, most rank correlations near 0",
        test="difference of SSIM (magnitudes) and rank correlation of values above 0.3, mean over methods",
    )
    findings = []
    for network in networks:
        gaps = []
        for method in published["methods"]:
            pair = [scores.of("domain", network, method, name) for name in ("ssim_magnitude", "rank")]
            if not any(isinstance(each, str) for each in pair):
                gaps.append(np.asarray(pair[0]) - np.abs(np.asarray(pair[1])))
        if not gaps:
            findings.append(unmeasured("no method gave maps", reading=PAIRS[network]))
            continue
        evidence = average_images(np.nanmean(np.stack(gaps), axis=0))
        findings.append(judge_evidence(evidence, lambda value: value > 0.3, reading=PAIRS[network]))
    return JudgedClaim(claim, tuple(findings))


def _contradictions(published: dict[str, Any]) -> list[JudgedClaim]:
    """Checks of the printed numbers against each other and against the text."""
    rows = [row for row in published["table3"].values() if isinstance(row, dict)]
    errors = [row[key] for row in rows for key in ("ssim_sem", "rank_sem")]
    ranks = [value for row in rows for value in row["rank"]]
    n_negative = sum(value < 0 for row in errors for value in row)
    n_missing = sum(len(published["methods"]) - len(row) for row in errors)
    n_ranked = sum(abs(value) > UNRANKED for value in ranks)
    text = f'"Essentially no correlation in feature ranking": printed rank correlations beyond {UNRANKED}'
    return [
        _count_claim("negative-errors", "No printed standard error is negative", "2 are -0.01", n_negative, 0),
        _count_claim("missing-errors", "Every printed mean has a standard error", "14 for 15 methods", n_missing, 0),
        _count_claim("no-ranks", text, "essentially none", n_ranked, len(ranks) // 10),
    ]


def _count_claim(key: str, statement: str, printed: str, count: int, most: int) -> JudgedClaim:
    """A claim about a number of printed values."""
    test = f"a count of at most {most}"
    claim = PublishedClaim(f"{KEY}.{key}", "Table 3, section 5", statement, printed, test, is_arithmetic=True)
    note = "counted in the printed table" + (", which contradicts itself or the text" if count > most else "")
    finding = judge_evidence(average_networks([float(count)]), lambda value: value <= most, note=note)
    return JudgedClaim(claim, (finding,))


def _printed_table(published: dict[str, Any]) -> ReportTable:
    columns, rows = ["method"], [[method] for method in published["methods"]]
    rows_by_method: list[list[Cell]] = [list(row) for row in rows]
    for network in PAIRS:
        printed = published["table3"][network]
        for key, label in (("ssim", "SSIM"), ("ssim_sem", "its error"), ("rank", "rank"), ("rank_sem", "its error")):
            columns.append(f"{network}: {label}")
            values: list[Cell] = list(printed[key]) if len(printed[key]) == len(rows) else [None] * len(rows)
            for row, value in zip(rows_by_method, values, strict=True):
                row.append(value)
    return ReportTable("Table 3 as printed", tuple(columns), tuple(map(tuple, rows_by_method)))


def _preprocessing_accuracies(measured: Sequence[dict[str, Any]]) -> ReportTable:
    names = tuple(measured[0]["preprocessing_accuracy"])
    means = tuple(float(np.mean([each["preprocessing_accuracy"][name] for each in measured])) for name in names)
    return ReportTable("Wrong pre-processing: accuracy of BVD-CNN on test images", names, (means,))
