"""Summaries of the records of a run over images and seeds, computed as they are read."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from attributionlab.judging.advice import Symptoms, advise, show_command
from attributionlab.judging.diagnosis import diagnose
from attributionlab.judging.game_agreement import is_near
from attributionlab.judging.outcome import OVERALL, SIGNED, Outcome, outcome_of, states_of
from attributionlab.judging.statistics import Summary, state_of
from attributionlab.judging.verdict import Truths
from attributionlab.measuring.facts import MapFacts
from attributionlab.measuring.failure import Failure
from attributionlab.runs.plan import Plan
from attributionlab.runs.totals import MethodTotals, Moments
from attributionlab.truth.kinds import TRUTHS

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MethodSummary:
    """Results of a method in an environment over all images; by family also over all seeds.

    Args:
        environment: Canonical spec: with its seeds, or by family as in the plan.
        method: Canonical spec.
        truths: As in `check`; None where a truth does not apply or the method failed.
        metrics: Mean score by metric; None if it is undefined or the metric failed.
        deciding_truth: The truth that decides: the one of the plan, or `overall` in records of earlier versions, which have no
            scores on signed truth.
        outcome: `passed`, `undecided`, `pixels-only` or `failed`, from the interval of the mean F1 over all images; `undecided`
            while images of some seed are missing. Whether maps depend on the network is not tested in a run.
        n_images: Images that were scored; 0 if no job has been done yet or the method failed.
        n_seeds: Environments that are summarized: those with records.
        n_held: Number of those environments in which the mean F1 reaches gamma.
        n_zero_maps: Maps that are zero everywhere.
        diagnosis: Conspicuous properties of the maps, a line each.
        advice: The likely cause of an outcome that is not `passed`, and what to do next; empty for `passed` and before any record.
        answers: Games with exact values that the first maps of every environment equal, nearest first; None if none was compared.
        error: First failure of the method or a metric, or None.
        seconds_per_image: Time of the method alone.
        peak_memory: Largest peak memory of its jobs, in bytes.
    """

    environment: str
    method: str
    truths: Truths
    metrics: dict[str, float | None]
    deciding_truth: str
    outcome: Outcome
    n_images: int
    n_seeds: int
    n_held: int
    n_zero_maps: int
    diagnosis: tuple[str, ...]
    advice: str
    answers: tuple[str, ...] | None
    error: Failure | None
    seconds_per_image: float | None
    peak_memory: int

    @property
    def passed(self) -> bool:
        """Whether the outcome is `passed`."""
        return self.outcome == "passed"


def summarize_records(plan: Plan, stored: Iterable[dict[str, Any]], by: str) -> list[MethodSummary]:
    """Summarize records as they are read: every method in every environment, in the order of the plan.

    Args:
        plan: The plan that they belong to.
        stored: Contents of their lines, in any order.
        by: `environment` or `family`.
    """
    totals: dict[tuple[str, str], MethodTotals] = defaultdict(MethodTotals)
    for record in stored:
        totals[record["environment"], record["method"]].add(record)
    members: dict[str, list[str]] = {}
    for environment, family in plan.expanded.items():
        members.setdefault(family if by == "family" else environment, []).append(environment)
    return [
        _summary(plan, name, method, {environment: totals.get((environment, method)) for environment in environments})
        for name, environments in members.items()
        for method in plan.methods
    ]


def _summary(plan: Plan, name: str, method: str, by_environment: Mapping[str, MethodTotals | None]) -> MethodSummary:
    family = plan.expanded[next(iter(by_environment))]
    kinds = plan.declared.truths[family][method]
    all_totals = [totals for totals in by_environment.values() if totals is not None]
    all_moments = [totals.scores() for totals in all_totals]
    pooled: dict[str, Moments] = defaultdict(Moments)
    for score, moments in itertools.chain.from_iterable(moments.items() for moments in all_moments):
        pooled[score] += moments
    n_images = sum(totals.n_images for totals in all_totals)
    without_signs = kinds.deciding == SIGNED and n_images > 0 and not pooled[f"{SIGNED}.f1"].n  # of earlier versions
    deciding = OVERALL if without_signs else kinds.deciding
    held = [
        not totals.failed and _reaches(plan, moments[f"{deciding}.f1"].mean)
        for totals, moments in zip(all_totals, all_moments, strict=True)
    ]
    facts = sum((totals.facts for totals in all_totals), MapFacts())
    truths = {truth: _truth(plan, pooled, truth) if truth in kinds.applicable else None for truth in TRUTHS}
    summary = MethodSummary(
        environment=name,
        method=method,
        truths=truths,
        metrics={metric: pooled[metric].mean for metric in plan.metrics},
        deciding_truth=deciding,
        outcome=_outcome(truths, deciding, by_environment, picked=plan.truth != "auto"),
        n_images=n_images,
        n_seeds=len(all_totals),
        n_held=sum(held),
        n_zero_maps=sum(totals.n_zero_maps for totals in all_totals),
        diagnosis=diagnose(facts) if facts.n_maps else (),
        advice="",
        answers=answers_of([totals.games for totals in all_totals if totals.games]),
        error=next((Failure(**totals.error[1]) for totals in all_totals if totals.error), None),
        seconds_per_image=sum(totals.seconds for totals in all_totals) / n_images if n_images else None,
        peak_memory=max((totals.peak_memory for totals in all_totals), default=0),
    )
    return replace(summary, advice=_advice(plan, summary, facts))


def answers_of(distances: list[dict[str, float | None]]) -> tuple[str, ...] | None:
    """Games that are answered in every environment, nearest first, from the largest distance to each game in each environment."""
    if not distances:
        return None
    by_game = {game: [part.get(game) for part in distances] for game in distances[0]}
    near = {game: max(map(float, values)) for game, values in by_game.items() if all(map(is_near, values))}  # type: ignore[arg-type]  # none is None
    return tuple(sorted(near, key=near.__getitem__))


def _advice(plan: Plan, summary: MethodSummary, facts: MapFacts) -> str:
    """Advice on a summary; empty before any record."""
    if not summary.n_images and summary.error is None:
        return ""
    return advise(
        Symptoms(
            outcome=summary.outcome,
            truths=summary.truths,
            deciding=summary.deciding_truth,
            gamma=plan.gamma,
            has_error=summary.error is not None,
            n_zero=facts.n_zero,
            n_maps=facts.n_maps,
            ignores_target=facts.n_same_for_winner > 0,
            show=show_command(plan.expanded.get(summary.environment, summary.environment), summary.method),
            more="`n_samples` or `network_seeds` of the plan",
        )
    )


def _outcome(
    truths: Truths, deciding: str, by_environment: Mapping[str, MethodTotals | None], *, picked: bool
) -> Outcome:
    if any(totals is not None and totals.failed for totals in by_environment.values()):
        return "failed"
    outcome = outcome_of(states_of(truths), deciding, picked=picked)
    return "undecided" if outcome == "passed" and None in by_environment.values() else outcome


def _truth(plan: Plan, scores: dict[str, Moments], truth: str) -> Summary | None:
    precision, recall, f1 = (scores[f"{truth}.{name}"] for name in ("precision", "recall", "f1"))
    if precision.mean is None or recall.mean is None or f1.mean is None:
        return None
    interval = f1.interval()
    return Summary(precision.mean, recall.mean, f1.mean, *interval, state_of(f1.mean, interval, plan.gamma, "interval"))


def _reaches(plan: Plan, f1: float | None) -> bool:
    return f1 is not None and f1 >= plan.gamma
