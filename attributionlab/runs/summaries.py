"""Summaries of the records of a run over images and seeds, computed as they are read."""

from __future__ import annotations

import itertools
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from attributionlab.judging.advice import Symptoms, advise, show_command
from attributionlab.judging.diagnosis import diagnose
from attributionlab.judging.game_agreement import is_near
from attributionlab.judging.outcome import OVERALL, SIGNED, Outcome, outcome_of, states_of
from attributionlab.judging.statistics import Summary, mean_interval, state_of
from attributionlab.judging.verdict import Truths
from attributionlab.measuring.facts import MapFacts
from attributionlab.measuring.failure import Failure
from attributionlab.runs.jobs import AGREEMENT
from attributionlab.runs.plan import Plan
from attributionlab.truth.kinds import TRUTHS

Values = npt.NDArray[np.float64]

N_RAW = 1_000
"""Images up to which scores are kept and summed in their order. Beyond, sums in the order of the records agree to 12 digits."""


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
    totals: dict[tuple[str, str], _MethodTotals] = defaultdict(_MethodTotals)
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


def _summary(plan: Plan, name: str, method: str, by_environment: Mapping[str, _MethodTotals | None]) -> MethodSummary:
    family = plan.expanded[next(iter(by_environment))]
    kinds = plan.declared.truths[family][method]
    all_totals = [totals for totals in by_environment.values() if totals is not None]
    all_moments = [totals.scores() for totals in all_totals]
    pooled: dict[str, _Moments] = defaultdict(_Moments)
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
    truths: Truths, deciding: str, by_environment: Mapping[str, _MethodTotals | None], *, picked: bool
) -> Outcome:
    if any(totals is not None and totals.failed for totals in by_environment.values()):
        return "failed"
    outcome = outcome_of(states_of(truths), deciding, picked=picked)
    return "undecided" if outcome == "passed" and None in by_environment.values() else outcome


def _truth(plan: Plan, scores: dict[str, _Moments], truth: str) -> Summary | None:
    precision, recall, f1 = (scores[f"{truth}.{name}"] for name in ("precision", "recall", "f1"))
    if precision.mean is None or recall.mean is None or f1.mean is None:
        return None
    interval = f1.interval()
    return Summary(precision.mean, recall.mean, f1.mean, *interval, state_of(f1.mean, interval, plan.gamma, "interval"))


def _reaches(plan: Plan, f1: float | None) -> bool:
    return f1 is not None and f1 >= plan.gamma


@dataclass(frozen=True)
class _Moments:
    """Moments of a score over images. Keeps raw values while there are few, then only moments.

    Args:
        n: Images that have the score.
        total: Sum of the scores.
        squares: Sum of their squares.
        raw: The scores in the order of the images; None if there are too many.
    """

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    raw: Values | None = field(default_factory=lambda: np.empty(0))

    def __add__(self, addend: _Moments) -> _Moments:
        n = self.n + addend.n
        is_small = self.raw is not None and addend.raw is not None and n <= N_RAW
        raw = np.concatenate([self.raw, addend.raw]) if is_small else None
        return _Moments(n, self.total + addend.total, self.squares + addend.squares, raw)

    @property
    def mean(self) -> float | None:
        """Mean score; None if empty."""
        if not self.n:
            return None
        return self.total / self.n if self.raw is None else float(self.raw.mean())

    def interval(self) -> tuple[float, float]:
        """The 95 percent interval of the mean."""
        if self.raw is not None:
            return mean_interval(self.n, float(self.raw.sum()), float((self.raw**2).sum()))
        return mean_interval(self.n, self.total, self.squares)


class _ScoreBuffer:
    """Scores of records with equally many images. Keeps raw values while there are few, then only moments.

    Args:
        names: Names of the scores.
        n_images: Images of each record.
    """

    def __init__(self, names: Iterable[str], n_images: int) -> None:
        self._names, self._n_images = tuple(names), n_images
        self._starts, self._waiting = array("q"), array("d")
        self._summed: dict[str, _Moments] = {}

    def add(self, start: int, scores: dict[str, list[float | None]]) -> None:
        """Add the scores of one record; they are copied, as keeping millions of lists takes longer than reading them."""
        values: list[float] = []
        for name in self._names:
            values += scores[name]  # type: ignore[arg-type]  # None is taken care of below
        try:
            self._waiting.fromlist(values)
        except TypeError:  # undefined for some image
            self._waiting.fromlist([np.nan if value is None else value for value in values])
        self._starts.append(start)
        if len(self._starts) * self._n_images > N_RAW:
            self._summed = self._sum(keep=False)

    def moments(self) -> dict[str, _Moments]:
        """Moments of all added scores by name, in the order of the images if there are few. Call it once."""
        return self._sum(keep=not self._summed)

    def _sum(self, *, keep: bool) -> dict[str, _Moments]:
        records = np.array(self._waiting).reshape(-1, len(self._names), self._n_images)[np.argsort(self._starts)]
        by_name = records.swapaxes(0, 1).reshape(len(self._names), -1)
        del self._starts[:], self._waiting[:]
        latest = _moments(by_name, keep=keep)
        return {
            name: self._summed.get(name, _Moments()) + moments
            for name, moments in zip(self._names, latest, strict=True)
        }


def _moments(scores: Values, *, keep: bool) -> list[_Moments]:
    """Moments of scores (names, images), in the order of the images; NaN means undefined."""
    defined = ~np.isnan(scores)
    values = np.where(defined, scores, 0.0)
    sums = defined.sum(axis=1).tolist(), values.sum(axis=1).tolist(), (values**2).sum(axis=1).tolist()
    raw = [row[mask] for row, mask in zip(scores, defined, strict=True)] if keep else [None] * len(scores)
    return [_Moments(*columns) for columns in zip(*sums, raw, strict=True)]


LocatedFailure = tuple[tuple[int, str], Any]
"""Failure as it is stored, behind its position: the first image and the measure."""


class _MethodTotals:
    """Totals of one method in one environment, over the records read so far."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, int, tuple[str, ...]], _ScoreBuffer] = {}
        self.n_images = self.n_zero_maps = self.peak_memory = 0
        self.seconds = 0.0
        self._facts: dict[str, Any] = {}
        self.games: dict[str, float | None] = {}
        self.error: LocatedFailure | None = None
        self.failed = False

    def add(self, stored: dict[str, Any]) -> None:
        """Add a record, as it is stored."""
        measure, start, n_images = stored["measure"], stored["start"], stored["stop"] - stored["start"]
        self.peak_memory = max(self.peak_memory, stored["peak_memory"])
        if stored["error"] is not None:
            self.error = _first(self.error, ((start, measure), stored["error"]))
            self.failed |= measure == AGREEMENT
            return
        kind = (measure, n_images, tuple(stored["scores"]))
        buffer = self._buffers.get(kind)
        if buffer is None:
            buffer = self._buffers[kind] = _ScoreBuffer(stored["scores"], n_images)
        buffer.add(start, stored["scores"])
        if measure == AGREEMENT:
            self.n_images += n_images
            self.n_zero_maps += stored["n_zero_maps"]
            self.seconds += stored["seconds"]
            self.games |= stored.get("games", {})  # earlier versions have none
            for name, value in stored.get("facts", {}).items():  # earlier versions have none
                self._facts[name] = value if isinstance(value, str) else self._facts.get(name, 0) + value

    @property
    def facts(self) -> MapFacts:
        """Facts about all maps."""
        return MapFacts.from_dict(self._facts)

    def scores(self) -> dict[str, _Moments]:
        """Moments of all added scores: of agreement by name, of metrics by metric. Call it once."""
        moments_by_name: dict[str, _Moments] = defaultdict(_Moments)
        largest_first = sorted(self._buffers.items(), key=lambda entry: -entry[0][1])  # the last images are fewer
        for (measure, *_), buffer in largest_first:
            for name, moments in buffer.moments().items():
                moments_by_name[name if measure == AGREEMENT else measure] += moments
        return moments_by_name


def _first(current: LocatedFailure | None, candidate: LocatedFailure) -> LocatedFailure:
    return candidate if current is None or candidate[0] < current[0] else current
