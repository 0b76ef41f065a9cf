"""Section 3.2: claims and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attributionlab.papers.adebayo2020.judged import RANKS, SSIM, above
from attributionlab.papers.adebayo2020.methods import BACKPROPAGATION
from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.adebayo2020.scores import ComparedMaps
from attributionlab.papers.claims import (
    Criterion,
    Finding,
    JudgedClaim,
    PublishedClaim,
    judge_evidence,
    unmeasured,
    within,
)
from attributionlab.papers.evidence import average_images, average_networks
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import Cell, ReportFigure, ReportTable, StudyReport

KEY = "adebayo-mislabeled"
MISLABELED, OTHER_SEED, GAUSSIAN = "wrong labels", "another seed", "Gaussian"
NETWORKS = (MISLABELED, OTHER_SEED, GAUSSIAN)
HEALTHY_CLASS, OWN_CLASS, LOSS = "healthy network's class", "own class", "loss"

ALIKE = 0.05
"""Largest loss of similarity, beside that of another seed, at which maps count as not showing wrong labels; ours."""

ROUGHLY = 0.05
"""Largest difference of accuracies that counts as reproduced."""

NOTES = (
    (
        "800 composed images on random backgrounds, 80 of them with the wrong label. Both networks of a seed begin with the same "
        "weights and see the same batches for as many epochs; validation and test labels are right."
    ),
    (
        "Every similarity compares a map of the network with the right labels. Beside it stand the same network of another seed, trained "
        "with the right labels (the ceiling that a training of its own allows), and Gaussian maps (the floor)."
    ),
    (
        "The rebuttal explains the predicted class, also where it is wrong (own class). The loss is explained at the label that each "
        "network was trained with; methods that have no rule for a softmax explain its linearization in the logits."
    ),
    "The paper prints two training accuracies of one network: 93.2 percent in section 3.2, 94.2 percent in appendix D.2.",
)


def report_mislabeled(measured: Sequence[dict[str, Any]], png: bytes) -> StudyReport:
    """The report of measurements, one per seed."""
    published = load_published(PACKAGE)
    scores = ComparedMaps(measured, published["methods"])
    kinds = {
        HEALTHY_CLASS: "Output, both networks explained for the class that the healthy network predicts",
        OWN_CLASS: "Output, each network explained for the class that it predicts itself",
        LOSS: "Loss, each network at the label that it was trained with",
    }
    tables = [_accuracy_table(measured)]
    tables += [scores.table(title, kind, NETWORKS, {**SSIM, **RANKS}) for kind, title in kinds.items()]
    claims = [*_accuracy_claims(measured, published), *_range_claims(scores, published), _no_difference(scores)]
    claims += _loss_claims(scores, published)
    figure = ReportFigure(f"{KEY}.png", "Maps of mislabeled training images; rows: methods", png)
    title = "Section 3.2: mislabeled training examples"
    return StudyReport(KEY, title, tuple(claims), tuple(tables), NOTES, (figure,))


def _accuracy_table(measured: Sequence[dict[str, Any]]) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for network in ("healthy", MISLABELED):
        accuracies = [each["accuracies"][network] for each in measured]
        means = (float(np.mean([each[split] for each in accuracies])) for split in ("training", "validation", "test"))
        learned = [each["accuracies"]["n_learned"] / each["accuracies"]["n_wrong"] for each in measured]
        rows.append((network, *means, float(np.mean(learned)) if network == MISLABELED else None))
    columns = ("network, mean over seeds", "training", "validation", "test", "wrong labels that were learned")
    return ReportTable("Accuracies, training on the labels that were given", columns, tuple(rows))


@dataclass(frozen=True)
class PrintedAccuracy:
    """A printed accuracy.

    Args:
        split: `training`, `validation` or `test`.
        network: `healthy` or `wrong labels`.
        values: Printed values by where they stand; two if the paper contradicts itself.
    """

    split: str
    network: str
    values: Mapping[str, float]

    def claim(self, measured: Sequence[dict[str, Any]]) -> JudgedClaim:
        """The claim, with a finding for each printed value."""
        text = "the healthy network" if self.network == "healthy" else "the network with wrong labels"
        claim = PublishedClaim(
            key=f"{KEY}.{self.split}-{self.network.replace(' ', '-')}",
            source=", ".join(self.values),
            statement=f"Accuracy of {text} on {self.split} images",
            published=" or ".join(f"{value:g}" for value in self.values.values()),
            test=f"within {ROUGHLY} of the printed value",
        )
        evidence = average_networks([each["accuracies"][self.network][self.split] for each in measured])
        is_double = len(self.values) > 1
        note = "the paper contradicts itself" if is_double else ""
        findings = (
            judge_evidence(evidence, within(value, ROUGHLY), reading=source if is_double else "", note=note)
            for source, value in self.values.items()
        )
        return JudgedClaim(claim, tuple(findings))


def _accuracy_claims(measured: Sequence[dict[str, Any]], published: dict[str, Any]) -> list[JudgedClaim]:
    printed = published["mislabeled"]
    both = dict(zip(("section 3.2", "appendix D.2"), printed["training_accuracy"], strict=True))
    entries = (
        PrintedAccuracy("training", MISLABELED, both),
        PrintedAccuracy("validation", MISLABELED, {"section 3.2": printed["validation_accuracy"]}),
        PrintedAccuracy("test", MISLABELED, {"section 3.2": printed["test_accuracy"]}),
        PrintedAccuracy("test", "healthy", {"section 3": published["healthy"]["test_accuracy"]}),
    )
    return [entry.claim(measured) for entry in entries]


def _range_claims(scores: ComparedMaps, published: dict[str, Any]) -> list[JudgedClaim]:
    """Section 3.2: SSIM of every method lies in a range."""
    low, high = published["mislabeled"]["ssim"]
    claims = []
    for method in scores.methods:
        claim = PublishedClaim(
            key=f"{KEY}.ssim.{method}",
            source="section 3.2",
            statement=f"SSIM of the maps with right and wrong labels, {method}",
            published=f"{low:g} to {high:g}, all methods",
            test="in the printed range, each network explained for its own class",
            direction="above the floor",
        )
        findings = tuple(
            _finding(scores, OWN_CLASS, method, name, reading, lambda value: low <= value <= high)
            for name, reading in SSIM.items()
        )
        claims.append(JudgedClaim(claim, findings))
    return claims


def _finding(scores: ComparedMaps, kind: str, method: str, name: str, reading: str, holds: Criterion) -> Finding:
    measured, floor = (scores.of(kind, network, method, name) for network in (MISLABELED, GAUSSIAN))
    if isinstance(measured, str):
        return unmeasured(measured, reading=reading)
    if not np.isfinite(measured).any():
        return unmeasured("no image has two maps for which it is defined", reading=reading)
    return judge_evidence(average_images(measured), holds, above(measured, floor), reading=reading)


def _no_difference(scores: ComparedMaps) -> JudgedClaim:
    """The finding in words, beside the control that the paper has not."""
    claim = PublishedClaim(
        key=f"{KEY}.no-difference",
        source="section 3.2",
        statement="Maps might be ineffective for identifying mislabeled examples",
        published="maps with right and wrong labels look alike",
        test=f"SSIM with wrong labels is at most {ALIKE} below that with another seed, own class, magnitudes",
    )
    findings = []
    for method in scores.methods:
        wrong, other = (scores.of(OWN_CLASS, network, method, "ssim_magnitude") for network in (MISLABELED, OTHER_SEED))
        if isinstance(wrong, str) or isinstance(other, str):
            findings.append(unmeasured("the method failed", reading=method))
            continue
        evidence = average_images(wrong - other)
        findings.append(judge_evidence(evidence, lambda value: value >= -ALIKE, reading=method))
    return JudgedClaim(claim, tuple(findings))


def _loss_claims(scores: ComparedMaps, published: dict[str, Any]) -> list[JudgedClaim]:
    """Rebuttal, @R4: similarities where the loss is explained."""
    printed = published["mislabeled"]
    least = (printed["loss_modified_at_least"], 1.0)
    ranges = {
        ("ssim_magnitude", "modified"): least,
        ("rank", "modified"): least,
        ("ssim_magnitude", "other"): tuple(printed["loss_other_ssim"]),
        ("rank", "other"): tuple(printed["loss_other_rank"]),
    }
    return [_loss_claim(scores, name, group, *ends) for (name, group), ends in ranges.items()]


def _loss_claim(scores: ComparedMaps, name: str, group: str, low: float, high: float) -> JudgedClaim:
    """The claim about one similarity of a group of methods, `modified` or `other`."""
    label = "SSIM" if name == "ssim_magnitude" else "Rank correlation"
    text = "methods that change backpropagation" if group == "modified" else "other methods"
    claim = PublishedClaim(
        key=f"{KEY}.loss-{name}-{group}",
        source="rebuttal, @R4 (Loss)",
        statement=f"{label} where the loss is explained, {text}",
        published=f"at least {low:g}" if high == 1 else f"{low:g} to {high:g}",
        test="in the printed range; SSIM of magnitudes, ranks of values",
        direction="above the floor",
    )
    methods = [method for method in scores.methods if (method in BACKPROPAGATION) == (group == "modified")]
    findings = (_finding(scores, LOSS, method, name, method, lambda value: low <= value <= high) for method in methods)
    return JudgedClaim(claim, tuple(findings))
