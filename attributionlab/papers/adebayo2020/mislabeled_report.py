"""Section 3.2: claims and tables."""

from __future__ import annotations

from collections.abc import Sequence
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
    unchecked,
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
"""Largest loss of similarity, beside that of another seed, at which maps count as not telling wrong labels; ours."""

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


def _accuracy_claims(measured: Sequence[dict[str, Any]], published: dict[str, Any]) -> list[JudgedClaim]:
    printed = published["mislabeled"]
    entries = [
        (
            "training",
            MISLABELED,
            printed["training_accuracy"],
            ("section 3.2", "appendix D.2"),
            "section 3.2, appendix D.2",
        ),
        ("validation", MISLABELED, [printed["validation_accuracy"]], ("",), "section 3.2"),
        ("test", MISLABELED, [printed["test_accuracy"]], ("",), "section 3.2"),
        ("test", "healthy", [published["healthy"]["test_accuracy"]], ("",), "section 3, appendix C.2"),
    ]
    claims = []
    for split, network, targets, readings, source in entries:
        text = "the healthy network" if network == "healthy" else "the network with wrong labels"
        claim = PublishedClaim(
            key=f"{KEY}.{split}-{network.replace(' ', '-')}",
            source=source,
            statement=f"Accuracy of {text} on {split} images",
            published=" or ".join(f"{target:g}" for target in targets),
            test=f"within {ROUGHLY} of the printed value",
        )
        evidence = average_networks([each["accuracies"][network][split] for each in measured])
        note = "the paper contradicts itself" if len(targets) > 1 else ""
        findings = (
            judge_evidence(evidence, within(target, ROUGHLY), reading=reading, note=note)
            for target, reading in zip(targets, readings, strict=True)
        )
        claims.append(JudgedClaim(claim, tuple(findings)))
    return claims


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
        return unchecked(measured, reading=reading)
    if not np.isfinite(measured).any():
        return unchecked("no image has two maps for which it is defined", reading=reading)
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
            findings.append(unchecked("the method failed", reading=method))
            continue
        evidence = average_images(wrong - other)
        findings.append(judge_evidence(evidence, lambda value: value >= -ALIKE, reading=method))
    return JudgedClaim(claim, tuple(findings))


def _loss_claims(scores: ComparedMaps, published: dict[str, Any]) -> list[JudgedClaim]:
    """Rebuttal, @R4: the same with the loss explained."""
    printed = published["mislabeled"]
    least = printed["loss_modified_at_least"]
    modified = [method for method in scores.methods if method in BACKPROPAGATION]
    other = [method for method in scores.methods if method not in BACKPROPAGATION]
    entries = [
        ("SSIM", modified, "ssim_magnitude", (least, 1.0)),
        ("rank correlation", modified, "rank", (least, 1.0)),
        ("SSIM", other, "ssim_magnitude", tuple(printed["loss_other_ssim"])),
        ("rank correlation", other, "rank", tuple(printed["loss_other_rank"])),
    ]
    claims = []
    for label, methods, name, (low, high) in entries:
        are_modified = methods is modified
        group = "methods that change backpropagation" if are_modified else "other methods"
        claim = PublishedClaim(
            key=f"{KEY}.loss-{name}-{'modified' if are_modified else 'other'}",
            source="rebuttal, @R4 (Loss)",
            statement=f"{label} where the loss is explained, {group}",
            published=f"at least {low:g}" if are_modified else f"{low:g} to {high:g}",
            test="in the printed range; SSIM of magnitudes, ranks of values",
            direction="above the floor",
        )
        findings = tuple(
            _finding(scores, LOSS, method, name, method, lambda value, low=low, high=high: low <= value <= high)  # type: ignore[misc]  # mypy cannot infer lambdas with defaults
            for method in methods
        )
        claims.append(JudgedClaim(claim, findings))
    return claims
