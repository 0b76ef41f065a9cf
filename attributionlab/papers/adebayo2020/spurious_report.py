"""Section 3.1: claims and tables."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from attributionlab.papers.adebayo2020.judged import (
    SSIM,
    PrintedRow,
    above,
    by_method,
    error_cell,
    mean_cell,
)
from attributionlab.papers.adebayo2020.methods import BACKPROPAGATION
from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.adebayo2020.stored import as_values
from attributionlab.papers.claims import (
    Direction,
    Finding,
    JudgedClaim,
    PublishedClaim,
    judge_evidence,
    unmeasured,
    within,
)
from attributionlab.papers.evidence import Values, average_images, average_networks
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import Cell, ReportFigure, ReportTable, StudyReport

KEY = "adebayo-spurious"
SPURIOUS, HEALTHY, GAUSSIAN = "spurious", "healthy", "Gaussian"
NETWORKS = (SPURIOUS, HEALTHY, GAUSSIAN)

NOTES = (
    (
        "The networks are BVD-CNNs on composed images: shapes in place of birds and dogs, crops of two photographs in place of sky "
        "and bamboo. Each network is explained for the class that it predicts itself."
    ),
    (
        "Similarities stand beside those of a healthy network, whose training images have random backgrounds, and of Gaussian maps. A "
        "number that the healthy network reaches as well says nothing about the background."
    ),
    (
        "The paper scales maps to [0, 1] for SSIM, and to [-1, 1] where values are negative (appendix B); both ways to [0, 1] and the "
        "one to [-1, 1] are reported. A zero or constant map is no map and is left out."
    ),
    (
        "LIME and KernelSHAP hide segments in the mean color of the training images. The package lime-image hides them in their own "
        "mean color, which does not change an object of one color: its map is then empty there."
    ),
    (
        "A network counts as spurious if it is right on backgrounds alone, near 0 on swapped backgrounds and near chance on objects "
        "alone; the paper checks the first alone, which a network that uses both passes as well."
    ),
)


def report_spurious(measured: Sequence[dict[str, Any]], png: bytes) -> StudyReport:
    """The report of measurements, one per seed; seeds whose training did not reach its accuracies give no verdict."""
    reached = [each for each in measured if each["reached"]]
    scores = SpuriousScores(reached)
    figure = ReportFigure("adebayo-spurious.png", "Maps on spurious backgrounds; rows: methods", png)
    tables = (_accuracy_table(measured), *(scores.table(kind) for kind in ("GT-1", "GT-2")), scores.mass_table())
    lost = len(measured) - len(reached)
    notes = (
        *NOTES,
        *([f"{lost} of {len(measured)} seeds are left out: a network missed its accuracies."] if lost else []),
    )
    title = "Section 3.1 and Table 2: spurious background"
    return StudyReport(KEY, title, tuple(_claims(scores)), tables if reached else tables[:1], notes, (figure,))


class SpuriousScores:
    """Scores by kind, network and method, each (seeds, images).

    Args:
        measured: Measurements of the seeds that reached their accuracies.
    """

    def __init__(self, measured: Sequence[dict[str, Any]]) -> None:
        self.measured = measured
        self.published = load_published(PACKAGE)
        self.methods: list[str] = self.published["methods"]

    def of(self, kind: str, network: str, method: str, name: str) -> Values | str:
        """The scores, or why there are none."""
        if not self.measured:
            return "no training reached its accuracies"
        rows = [each[kind][network].get(method, {}).get(name) for each in self.measured]
        if None in rows:
            reasons = [each["failures"].get(method) for each in self.measured]
            return next((reason for reason in reasons if reason), "the method failed on one of the networks")
        return as_values(rows)

    def above_healthy(self, kind: str, method: str, name: str) -> Direction | None:
        """Direction: the map of the spurious network is more similar than that of the healthy one."""
        return above(*(self.of(kind, network, method, name) for network in (SPURIOUS, HEALTHY)))

    def mass(self, network: str, method: str) -> Values | str:
        """Share of the maps on the background."""
        rows = [each["mass"][network].get(method) for each in self.measured]
        return "the method failed" if None in rows or not rows else as_values(rows)

    def table(self, kind: str) -> ReportTable:
        """Published and measured similarities with one ground truth."""
        printed = self.published["table2"][kind]
        columns = ["method", "published", "its standard error"]
        columns += [f"{reading}: {network}" for reading in SSIM.values() for network in (*NETWORKS, "standard error")]
        rows: list[tuple[Cell, ...]] = []
        for method, mean, sem in zip(self.methods, printed["mean"], printed["sem"], strict=True):
            cells: list[Cell] = []
            for name in SSIM:
                cells += [mean_cell(self.of(kind, network, method, name)) for network in NETWORKS]
                cells.append(error_cell(self.of(kind, SPURIOUS, method, name)))
            rows.append((method, mean, sem, *cells))
        return ReportTable(
            f"SSIM with {kind}; the standard error is that of the spurious network", tuple(columns), tuple(rows)
        )

    def mass_table(self) -> ReportTable:
        """Mass on the background."""
        columns = ("method", *NETWORKS, "standard error, spurious")
        rows = tuple(
            (
                method,
                *(mean_cell(self.mass(network, method)) for network in NETWORKS),
                error_cell(self.mass(SPURIOUS, method)),
            )
            for method in self.methods
        )
        return ReportTable("Share of the maps' magnitudes on the background", columns, rows)


def _claims(scores: SpuriousScores) -> list[JudgedClaim]:
    claims = [_accuracy_claim(scores, name, text) for name, text in ACCURACIES.items()]
    for kind in ("GT-1", "GT-2"):
        printed = scores.published["table2"][kind]
        row = PrintedRow(
            key=f"{KEY}.{kind}",
            source=scores.published["table2"]["source"],
            statement=f"SSIM of {{method}} with {kind}",
            values=by_method(scores.methods, printed["mean"]),
            errors=by_method(scores.methods, printed["sem"]),
            readings=SSIM,
            direction="more similar than the map of the healthy network",
        )
        claims += row.claims(
            functools.partial(scores.of, kind, SPURIOUS), functools.partial(scores.above_healthy, kind)
        )
    return [*claims, *_range_claims(scores), _similar_evidence(scores), _gaussian_claim(scores), *_mass_claims(scores)]


ACCURACIES = {"backgrounds": "on backgrounds alone", "own": "on objects on the backgrounds of their classes"}


def _accuracy_claim(scores: SpuriousScores, name: str, text: str) -> JudgedClaim:
    target = scores.published["spurious"]["accuracy"]
    claim = PublishedClaim(
        key=f"{KEY}.accuracy-{name}",
        source="section 3.1, appendix D.1",
        statement=f"The spurious network's accuracy {text}",
        published=f"{target}",
        test="within 0.03 of the printed value",
    )
    values = [each["accuracies"][SPURIOUS][name] for each in scores.measured]
    return JudgedClaim(claim, (_judged(values, within(target, 0.03)),))


def _judged(values: Sequence[float], holds: Any, note: str = "") -> Finding:
    if not values:
        return unmeasured("no training reached its accuracies")
    return judge_evidence(average_networks(values), holds, note=note)


def _range_claims(scores: SpuriousScores) -> list[JudgedClaim]:
    """The smallest and the largest similarity with GT-2."""
    claims = []
    for index, (word, pick) in enumerate((("smallest", np.nanmin), ("largest", np.nanmax))):
        target = scores.published["table2"]["gt2_range"][index]
        claim = PublishedClaim(
            key=f"{KEY}.gt2-{word}",
            source="section 3.1",
            statement=f"The {word} SSIM with GT-2 over methods",
            published=f"{target}",
            test="within 0.1 of the printed value",
        )
        findings = []
        for name, reading in SSIM.items():
            all_scores = [scores.of("GT-2", SPURIOUS, method, name) for method in scores.methods]
            defined = [each for each in all_scores if not isinstance(each, str) and np.isfinite(each).any(axis=1).all()]
            if not defined:
                findings.append(unmeasured("no method has scores", reading=reading))
                continue
            values = pick([np.nanmean(each, axis=1) for each in defined], axis=0)
            findings.append(judge_evidence(average_networks(values), within(target, 0.1), reading=reading))
        claims.append(JudgedClaim(claim, tuple(findings)))
    return claims


def _similar_evidence(scores: SpuriousScores) -> JudgedClaim:
    """A statement of the text against the printed numbers."""
    printed = scores.published["table2"]
    lowest, target = min(printed["GT-1"]["mean"]), printed["gt2_range"][0]
    claim = PublishedClaim(
        key=f"{KEY}.similar-evidence",
        source="section 3.1, Table 2",
        statement='"We find similar evidence for GT-1" follows from the printed numbers',
        published="similar to GT-2, whose smallest is 0.78",
        test="the smallest printed SSIM with GT-1 is at most 0.1 lower",
        is_arithmetic=True,
    )
    note = f"contradicted by Table 2 itself: the smallest printed number is {lowest:g} (SGradSQ), then 0.075 (VGrad)"
    return JudgedClaim(
        claim, (judge_evidence(average_networks([lowest]), lambda value: value >= target - 0.1, note=note),)
    )


def _gaussian_claim(scores: SpuriousScores) -> JudgedClaim:
    claim = PublishedClaim(
        key=f"{KEY}.gaussian",
        source="Table 2, caption",
        statement="Mean SSIM of a Gaussian map and the maps of the spurious network, over methods",
        published="3e-06",
        test="within 0.05 of 0",
    )
    findings = []
    for name, reading in SSIM.items():
        values = []
        for each in scores.measured:
            rows = [row for scored in each["noise"].values() for row in scored.get(name, []) if row is not None]
            values.append(float(np.mean(rows)) if rows else np.nan)
        finding = judge_evidence(average_networks(values), within(0, 0.05), reading=reading) if values else None
        findings.append(finding or unmeasured("no training reached its accuracies", reading=reading))
    return JudgedClaim(claim, tuple(findings))


def _mass_claims(scores: SpuriousScores) -> list[JudgedClaim]:
    """The finding in words, judged by the mass on the background beside that of the healthy network."""
    texts = {
        "emphasis": ("section 3.1", "Maps put emphasis on the spurious background", scores.methods),
        "modified": (
            "rebuttal, lines 7 to 9",
            "Methods that change backpropagation detect the spurious background as well",
            [method for method in scores.methods if method in BACKPROPAGATION],
        ),
    }
    claims = []
    for key, (source, statement, methods) in texts.items():
        claim = PublishedClaim(
            key=f"{KEY}.{key}",
            source=source,
            statement=statement,
            published="by eye, and by GT-2",
            test="more mass on the background than the maps of the healthy network",
        )
        findings = []
        for method in methods:
            first, second = scores.mass(SPURIOUS, method), scores.mass(HEALTHY, method)
            if isinstance(first, str) or isinstance(second, str):
                findings.append(unmeasured("the method failed", reading=method))
            else:
                findings.append(judge_evidence(average_images(first - second), lambda gain: gain > 0, reading=method))
        claims.append(JudgedClaim(claim, tuple(findings)))
    return claims


def _accuracy_table(measured: Sequence[dict[str, Any]]) -> ReportTable:
    columns = ("network, mean over seeds", "own background", "swapped background", "background alone", "object alone")
    names = ("own", "swapped", "backgrounds", "objects")
    rows: list[tuple[Cell, ...]] = []
    for network in (SPURIOUS, HEALTHY):
        accuracies = [each["accuracies"][network] for each in measured]
        rows.append((network, *(float(np.mean([each[name] for each in accuracies])) for name in names)))
    return ReportTable("Accuracies on test images", columns, tuple(rows))
