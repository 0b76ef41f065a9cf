"""Rebuttal and appendix G: claims, tables and the figure about TCAV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.adebayo2020.score_figures import ConceptPanel, concepts_figure
from attributionlab.papers.adebayo2020.tcav import LayerScores
from attributionlab.papers.claims import Direction, Finding, JudgedClaim, PublishedClaim, judge_evidence, unmeasured
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import Cell, ReportTable, StudyReport

KEY = "adebayo-concepts"
SPURIOUS, HEALTHY = "spurious", "healthy"
NETWORKS = (SPURIOUS, HEALTHY)
BACKGROUND, OBJECT = "background", "object"
CONCEPTS = (BACKGROUND, OBJECT)
ANOTHER_SEED = "another seed"
TRAINED = "none"

LAYERS = {
    "6": "third convolution",
    "10": "last convolution",
    "13": "first hidden layer",
    "15": "second hidden layer",
}
"""Layers of BVD-CNN behind whose ReLUs concepts are tested."""

DESIGNED_LAYERS = {"detector": "detector", "accumulator.layers.3": "first block", "accumulator": "last block"}
"""Layers of designed networks."""

COUNTED = {SPURIOUS: BACKGROUND, HEALTHY: OBJECT}
"""Concept that each designed network counts; it ignores the other one exactly."""

ALPHA = 0.05
"""Level of the tests of one network together, and of the false alarms alone."""

CORRECTED = ALPHA / (len(CONCEPTS) * len(LAYERS))
"""Bonferroni's level of one test."""

LEFT_OUT = "no training reached its accuracies"

NOTES = (
    (
        "TCAV is captum's, with the classifier of Kim et al. in a seeded order. The concept `background` is images on the background of "
        "the class, with objects of both classes; `object` is objects of the class, on both backgrounds; random sets are drawn from images of every "
        "object on every background. Scores are shares of test images of the class on its background."
    ),
    (
        "One pair of random sets can have any score from 0 to 1, so a single score means nothing. As in Kim et al., a two-sided "
        "t-test compares the scores of a concept against every random set with those of all pairs of random sets, in both "
        "orders. Its level is 0.05 over the "
        f"number of tests of a network ({CORRECTED:g})."
    ),
    (
        "The scores of a concept share its images, so they are not independent as the t-test requires. `false alarms` puts each random set in the "
        "place of the concept: a valid test at 0.05 would call 0.05 of them significant."
    ),
    "The paper shows its scores in a figure without numbers in the text, and names neither layers nor the number of random concepts.",
)


def report_concepts(measured: Sequence[dict[str, Any]], designed: Mapping[str, Any]) -> StudyReport:
    """The report of measurements; seeds whose training did not reach its accuracies give no verdict.

    Args:
        measured: Measurements of trained networks, one per seed.
        designed: Scores of designed networks, by network and layer.
    """
    reached = [measurement for measurement in measured if measurement["reached"]]
    scores = MeasuredConcepts(reached)
    lost = len(measured) - len(reached)
    notes = (
        *NOTES,
        *([f"{lost} of {len(measured)} seeds are left out: a network missed its accuracies."] if lost else []),
    )
    tables = (*((scores.table(), scores.contamination_table()) if reached else ()), designed_table(designed))
    title = "Rebuttal and appendix G: concepts (TCAV)"
    claims = [_spurious_claim(scores), _ranking_claim(scores), *_contamination_claims(scores)]
    figures = (concepts_figure(scores.panels(), tuple(LAYERS.values())),) if reached else ()
    return StudyReport(KEY, title, tuple(claims), tables, notes, figures)


class MeasuredConcepts:
    """Scores by network and layer, one for each seed.

    Args:
        measured: Measurements of the seeds that reached their accuracies.
    """

    def __init__(self, measured: Sequence[dict[str, Any]]) -> None:
        self.measured = measured
        self.scores = [
            {
                (network, layer): LayerScores.from_dict(measurement["scores"][network][layer])
                for network in NETWORKS
                for layer in LAYERS
            }
            for measurement in measured
        ]

    def by_seed(self, network: str, layer: str, score: Callable[[LayerScores], float]) -> list[float]:
        """A number for each seed."""
        return [score(by_layer[network, layer]) for by_layer in self.scores]

    def contaminated(self, stage: str, layer: str) -> list[float]:
        """Mean score of the background for each seed, over draws of random weights; `TRAINED` is the trained network."""
        if stage == TRAINED:
            return self.by_seed(SPURIOUS, layer, lambda scores: float(scores.concepts[BACKGROUND].mean()))
        return [float(np.mean(measurement["contaminated"][stage][layer])) for measurement in self.measured]

    @property
    def stages(self) -> list[str]:
        """Stages of the contamination: the layers down to which weights are random."""
        return [stage for stage in self.measured[0]["contaminated"] if stage != ANOTHER_SEED] if self.measured else []

    def table(self) -> ReportTable:
        """A row per network and layer: both concepts beside random sets, and the seeds in which they are significant."""
        columns = ["network", "layer"]
        for concept in CONCEPTS:
            columns += [concept, f"{concept}: seeds significantly above, below"]
        columns += ["pairs of random sets: least", "largest", f"false alarms at {ALPHA:g}"]
        rows = [self._row(network, layer) for network in NETWORKS for layer in LAYERS]
        return ReportTable("TCAV scores of the class, means over random sets and seeds", tuple(columns), tuple(rows))

    def _row(self, network: str, layer: str) -> tuple[Cell, ...]:
        cells: list[Cell] = [network, LAYERS[layer]]
        for concept in CONCEPTS:
            cells.append(float(np.mean(self.by_seed(network, layer, mean_of(concept)))))
            cells.append(self._significant(network, layer, concept))
        pairs = np.concatenate([by_layer[network, layer].pairs for by_layer in self.scores])
        alarms = float(np.mean(self.by_seed(network, layer, lambda scores: scores.false_alarms(ALPHA))))
        return (*cells, float(pairs.min()), float(pairs.max()), alarms)

    def _significant(self, network: str, layer: str, concept: str) -> str:
        """Number of seeds in which a concept scores significantly above random sets, and below them."""
        signs = [sign_of(by_layer[network, layer], concept) for by_layer in self.scores]
        return f"{signs.count(1)}, {signs.count(-1)} of {len(signs)}"

    def panels(self) -> list[ConceptPanel]:
        """The scores of each network for the figure."""
        return [
            ConceptPanel(
                f"{network} network",
                {
                    concept: np.array([self.by_seed(network, layer, mean_of(concept)) for layer in LAYERS]).T
                    for concept in CONCEPTS
                },
                [np.concatenate([by_layer[network, layer].pairs for by_layer in self.scores]) for layer in LAYERS],
            )
            for network in NETWORKS
        ]

    def contamination_table(self) -> ReportTable:
        """A row per stage: mean scores of the background at each layer."""
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (stage, *(float(np.mean(self.contaminated(stage, layer))) for layer in LAYERS))
            for stage in (TRAINED, ANOTHER_SEED, *self.stages)
        )
        title = "TCAV scores of the background under the spurious network with random weights down to a layer, means over draws and seeds"
        return ReportTable(title, ("random down to", *LAYERS.values()), rows)


def designed_table(designed: Mapping[str, Any]) -> ReportTable:
    """A row per designed network and layer: the concept that is counted, and the one that has no effect."""
    rows: list[tuple[Cell, ...]] = []
    for network, counted in COUNTED.items():
        (ignored,) = (concept for concept in CONCEPTS if concept != counted)
        for layer, name in DESIGNED_LAYERS.items():
            scores = LayerScores.from_dict(designed[network][layer])
            cells: list[Cell] = [f"counts the {counted}", name]
            for concept in (counted, ignored):
                cells += [mean_of(concept)(scores), scores.p_value(concept)]
            rows.append((*cells, float(scores.pairs.min()), float(scores.pairs.max()), scores.false_alarms(ALPHA)))
    columns = ["designed network", "layer"]
    columns += [column for name in ("counted concept", "ignored concept") for column in (name, f"{name}: p")]
    columns += ["pairs of random sets: least", "largest", f"false alarms at {ALPHA:g}"]
    title = "TCAV scores under designed networks, where one concept is counted and the other has exactly no effect (not in the paper)"
    return ReportTable(title, tuple(columns), tuple(rows))


def mean_of(concept: str) -> Callable[[LayerScores], float]:
    """The mean score of a concept."""
    return lambda scores: float(scores.concepts[concept].mean())


def sign_of(scores: LayerScores, concept: str) -> int:
    """1 or -1 if a concept scores significantly above or below random sets, else 0."""
    return int(np.sign(scores.gain(concept))) if scores.p_value(concept) < CORRECTED else 0


def _spurious_claim(scores: MeasuredConcepts) -> JudgedClaim:
    entry = load_published(PACKAGE)["concepts"]
    claim = PublishedClaim(
        key=f"{KEY}.spurious",
        source=entry["source"],
        statement="TCAV identifies reliance on the spurious background concept",
        published=entry["result"],
        test="the background scores significantly above random sets under the spurious network and not under the healthy one",
        direction="significantly above under the spurious network",
    )
    return JudgedClaim(claim, tuple(_detection(scores, layer) for layer in LAYERS))


def _detection(scores: MeasuredConcepts, layer: str) -> Finding:
    """Seeds in which the background is detected at a layer."""
    if not scores.measured:
        return unmeasured(LEFT_OUT, reading=LAYERS[layer])
    spurious, healthy = (
        scores.by_seed(network, layer, lambda at_layer: float(sign_of(at_layer, BACKGROUND) == 1))
        for network in NETWORKS
    )
    detected = [float(first > second) for first, second in zip(spurious, healthy, strict=True)]
    direction = Direction(average_networks(spurious), lambda value: value > 0.5)
    gains = (
        float(np.mean(scores.by_seed(name, layer, lambda at_layer: at_layer.gain(BACKGROUND)))) for name in NETWORKS
    )
    note = "score above random sets by {:.2f} with the spurious and {:.2f} with the healthy network".format(*gains)
    return judge_evidence(
        average_networks(detected), lambda value: value > 0.5, direction, reading=LAYERS[layer], note=note
    )


def _ranking_claim(scores: MeasuredConcepts) -> JudgedClaim:
    entry = load_published(PACKAGE)["concepts"]
    claim = PublishedClaim(
        key=f"{KEY}.ranking",
        source=entry["ranking_source"],
        statement="TCAV ranks the background concept in a way that might identify the spurious correlation",
        published=entry["result"],
        test="the background's score exceeds the object's under the spurious network",
    )
    findings = []
    for layer, name in LAYERS.items():
        backgrounds, objects = (scores.by_seed(SPURIOUS, layer, mean_of(concept)) for concept in CONCEPTS)
        leads = [first - second for first, second in zip(backgrounds, objects, strict=True)]
        findings.append(_judged(leads, lambda value: value > 0, name))
    return JudgedClaim(claim, tuple(findings))


def _contamination_claims(scores: MeasuredConcepts) -> list[JudgedClaim]:
    entry = load_published(PACKAGE)["concepts"]
    claims = []
    for stage in scores.stages or ["head"]:
        claim = PublishedClaim(
            key=f"{KEY}.contamination-{stage}",
            source=entry["source"],
            statement=f"TCAV is sensitive to parameter weights: random down to layer {stage}",
            published=entry["result"],
            test="the background's score changes by more than with another seed, mean over draws",
        )
        claims.append(JudgedClaim(claim, tuple(_change(scores, stage, layer) for layer in LAYERS)))
    return claims


def _change(scores: MeasuredConcepts, stage: str, layer: str) -> Finding:
    """Change of the background's score, less that of another seed."""
    changes: list[float] = []
    for measurement, trained in zip(scores.measured, scores.contaminated(TRAINED, layer), strict=True):
        contaminated: Mapping[str, Mapping[str, list[float]]] = measurement["contaminated"]
        change, noise = (
            float(np.mean(np.abs(np.array(contaminated[name][layer]) - trained))) for name in (stage, ANOTHER_SEED)
        )
        changes.append(change - noise)
    return _judged(changes, lambda value: value > 0, LAYERS[layer])


def _judged(values: Sequence[float], holds: Callable[[float], bool], reading: str) -> Finding:
    if not values:
        return unmeasured(LEFT_OUT, reading=reading)
    return judge_evidence(average_networks(values), holds, reading=reading)
