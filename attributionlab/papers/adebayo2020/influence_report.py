"""Rebuttal and appendix G: claims about the influence of training images."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attributionlab.papers.adebayo2020.influence_scores import (
    HALF,
    HEALTHY,
    INPUTS,
    LOSS,
    RANKINGS,
    READINGS,
    SELF_INFLUENCE,
    SPURIOUS,
    MeasuredInfluence,
)
from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.adebayo2020.score_figures import positions_figure
from attributionlab.papers.claims import (
    Direction,
    Finding,
    JudgedClaim,
    PublishedClaim,
    judge_evidence,
    unchecked,
    unmeasured,
    within,
)
from attributionlab.papers.evidence import average_images, average_networks
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import StudyReport

KEY = "adebayo-influence"
NEAR_SHARE, NEAR_POSITION = 0.1, 0.05
"""Largest differences to the printed shares that count as reproduced; ours, because our data and networks differ from the paper's."""

CHANCE = 0.5
"""Mean position of images that a ranking does not distinguish from others."""

LEFT_OUT = "no training reached its accuracies"
NOTES = (
    (
        "Influence is TracIn's, by captum: products of gradients of the loss with respect to all weights, over the checkpoints of the training "
        "or at the trained network alone. The rebuttal cites influence functions (Koh and Liang 2017), which need an inverse Hessian, for the "
        "ranking of training points, and TracIn for self-influence."
    ),
    (
        "The rebuttal does not say which training points count as spurious, nor their base rate. Two readings: all training images are on the "
        "background of their class, and those on the background of the input count (spurious and, with random backgrounds, healthy network); "
        "or half of them are on the background of their class, the others on a random one, and that half counts (half spurious). The base rate is 0.5 in both."
    ),
    (
        "The gradients of the loss at the two labels are nearly opposite, so the most influential images have the predicted "
        "class. Under the spurious network the class decides the background. Its share is then 1 by construction, and only the "
        "other networks say something."
    ),
    (
        "A ranking that puts the 80 wrong labels of 800 first has the mean position 0.05. A random ranking has 0.50. The loss "
        "needs no gradients and stands beside self-influence."
    ),
    (
        "Domain shift: digits against test images of the domain, under the healthy network, each at the predicted class. The rebuttal "
        "says that it is assessed and prints nothing about it."
    ),
)


def report_influence(measured: Sequence[dict[str, Any]]) -> StudyReport:
    """The report of measurements, one per seed; seeds whose training did not reach its accuracies give no verdict on backgrounds."""
    scores = MeasuredInfluence(measured)
    lost = len(measured) - len(scores.reached)
    notes = (
        *NOTES,
        *(
            [f"{lost} of {len(measured)} seeds are left out of the shares: a network missed its accuracies."]
            if lost
            else []
        ),
    )
    tables = (*([scores.share_table()] if scores.reached else []), scores.position_table(), scores.area_table())
    claims = (
        _share_claim(scores),
        _association_claim(scores),
        _count_claim(),
        _position_claim(scores),
        _error_claim(),
        *_open_claims(),
    )
    figure = positions_figure(
        {reading: {score: scores.positions(reading, score).ravel() for score in RANKINGS} for reading in READINGS}
    )
    return StudyReport(KEY, "Rebuttal and appendix G: training points (TracIn)", claims, tables, notes, (figure,))


def _share_claim(scores: MeasuredInfluence) -> JudgedClaim:
    printed = load_published(PACKAGE)["influence"]
    claim = PublishedClaim(
        key=f"{KEY}.spurious-share",
        source=printed["source"],
        statement="Share of spurious points among the top 1 percent, for an input with the spurious background",
        published=f"{printed['spurious_share']:g} (standard error {printed['spurious_share_sem']:g}), base rate not printed",
        test=f"within {NEAR_SHARE} of the printed value",
        direction="above the base rate",
    )
    cases = [(network, inputs, reading) for network in (SPURIOUS, HALF) for inputs in INPUTS for reading in READINGS]
    holds = within(printed["spurious_share"], NEAR_SHARE)
    return JudgedClaim(claim, tuple(_share(scores, *case, holds) for case in cases))


def _share(
    scores: MeasuredInfluence, network: str, inputs: str, reading: str, holds: Callable[[float], bool]
) -> Finding:
    """The share under one reading, beside its base rate and the healthy network."""
    name = f"{network}, {inputs}, {reading}"
    if not scores.reached:
        return unmeasured(LEFT_OUT, reading=name)
    shares, base = scores.shares(network, inputs, reading), scores.base(network, inputs)
    healthy = float(scores.shares(HEALTHY, inputs, reading).mean())
    note = f"base rate {base.mean():.2f}"
    if network == SPURIOUS:
        note += f"; healthy network {healthy:.2f}; by construction, since the background is the class"
    direction = Direction(average_images(shares - base), lambda value: value > 0)
    return judge_evidence(average_images(shares), holds, direction, reading=name, note=note)


def _association_claim(scores: MeasuredInfluence) -> JudgedClaim:
    claim = PublishedClaim(
        key=f"{KEY}.association",
        source="rebuttal, line 23; appendix G",
        statement="Influence shows association regarding spurious correlation",
        published="by the share above",
        test="share above the base rate where half of the training images are spurious",
    )
    findings = []
    for inputs in INPUTS:
        for reading in READINGS:
            name = f"{inputs}, {reading}"
            if not scores.reached:
                findings.append(unmeasured(LEFT_OUT, reading=name))
                continue
            gain = scores.shares(HALF, inputs, reading) - scores.base(HALF, inputs)
            findings.append(judge_evidence(average_images(gain), lambda value: value > 0, reading=name))
    return JudgedClaim(claim, tuple(findings))


def _count_claim() -> JudgedClaim:
    printed = load_published(PACKAGE)["influence"]
    claim = PublishedClaim(
        key=f"{KEY}.top-points",
        source=f"{printed['source']}; appendix C.1",
        statement="86 points are the top 1 percent of the training points",
        published=f"{printed['top_points']} of {printed['training_points']}",
        test="1 percent of the printed number of training points",
        is_arithmetic=True,
    )
    top = average_networks([printed["training_points"] / 100])
    return JudgedClaim(claim, (judge_evidence(top, lambda value: value == printed["top_points"]),))


def _position_claim(scores: MeasuredInfluence) -> JudgedClaim:
    printed = load_published(PACKAGE)["influence"]
    claim = PublishedClaim(
        key=f"{KEY}.self-influence",
        source=printed["source"],
        statement="Share of the training set to be checked by self-influence until a mislabeled example, mean",
        published=f"{printed['mislabeled_checked']:g} (standard error {printed['mislabeled_checked_sem']:g})",
        test=f"within {NEAR_POSITION} of the printed value",
        direction="below 0.5, the mean position of a ranking that does not tell them",
    )
    findings = []
    for reading in READINGS:
        values = scores.positions(reading, SELF_INFLUENCE)
        evidence = average_images(values)
        findings.append(
            judge_evidence(
                evidence,
                within(printed["mislabeled_checked"], NEAR_POSITION),
                Direction(evidence, lambda value: value < CHANCE),
                reading=reading,
                note=f"ranked by the loss: {scores.positions(reading, LOSS).mean():.3f}",
            )
        )
    return JudgedClaim(claim, tuple(findings))


def largest_error(mean: float, n: int) -> float:
    """Largest standard error of the mean of n numbers in [0, 1] with this mean: all of them 0 or 1."""
    return math.sqrt(mean * (1 - mean) / (n - 1))


def _error_claim() -> JudgedClaim:
    printed = load_published(PACKAGE)["influence"]
    mean, error, n = (printed[name] for name in ("mislabeled_checked", "mislabeled_checked_sem", "examples"))
    claim = PublishedClaim(
        key=f"{KEY}.printed-error",
        source=printed["source"],
        statement="The printed standard error is possible for shares of 50 examples with the printed mean",
        published=f"{100 * mean:g} percent, standard error {100 * error:g}",
        test="at least the printed standard error",
        is_arithmetic=True,
    )
    note = "the paper contradicts itself: shares from 0 to 1 with this mean cannot vary that much, whatever they are"
    largest = average_networks([largest_error(mean, n)])
    return JudgedClaim(claim, (judge_evidence(largest, lambda value: value >= error, note=note),))


OPEN: Mapping[str, tuple[str, str, str]] = {
    "domain-shift": (
        "rebuttal, line 17",
        "Influence functions are assessed under domain shift",
        "no result is printed; ours stands in the table",
    ),
    "effective": (
        "rebuttal, line 29",
        "Both methods might be effective for model debugging",
        "a suggestion without a number; see the other findings",
    ),
}
"""Source, statement, and the reason why nothing can be judged."""


def _open_claims() -> list[JudgedClaim]:
    return [
        JudgedClaim(
            PublishedClaim(f"{KEY}.{key}", source, statement, "in words", "a printed result"), (unchecked(reason),)
        )
        for key, (source, statement, reason) in OPEN.items()
    ]
