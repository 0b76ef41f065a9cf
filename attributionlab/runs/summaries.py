"""What the records of a run come to: summed up as they are read, over images and over seeds."""

from __future__ import annotations

import itertools
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from attributionlab.judging.diagnosis import diagnose
from attributionlab.judging.statistics import Summary, bootstrap_interval
from attributionlab.judging.verdict import Truths
from attributionlab.measuring.facts import MapFacts
from attributionlab.measuring.failure import Failure
from attributionlab.runs.jobs import AGREEMENT
from attributionlab.runs.plan import Plan
from attributionlab.truth.kinds import TRUTHS

Values = npt.NDArray[np.float64]

N_BOOTSTRAP = 1_000
"""Of more images than these the interval is the normal one, from mean and variance: the same to two digits, without their values."""


@dataclass(frozen=True)
class MethodSummary:
    """What a run found of a method in an environment, over all images, and over all seeds where it is asked for by family.

    Args:
        environment: Canonical spec: with its seeds, or as the plan names it.
        method: Canonical spec.
        truths: As in `check`; None where a truth does not apply or the method failed.
        metrics: Mean score by metric; None where it is undefined, or the metric failed.
        deciding_truth: The truth that decides.
        passed: Whether mean F1 reaches gamma; over a family, with every seed.
        n_images: Images that were scored; 0 where no job has been done yet, or the method failed.
        n_seeds: Environments that are summed up: those with records.
        n_passed: Of them, how many the method passed.
        n_zero_maps: Maps that are zero everywhere.
        diagnosis: What is conspicuous, or None.
        error: Why there are no scores, or why a metric has none; the first one, or None.
        seconds_per_image: Of the method alone.
        peak_memory: The largest of its jobs, in bytes.
    """

    environment: str
    method: str
    truths: Truths
    metrics: dict[str, float | None]
    deciding_truth: str
    passed: bool
    n_images: int
    n_seeds: int
    n_passed: int
    n_zero_maps: int
    diagnosis: str | None
    error: Failure | None
    seconds_per_image: float | None
    peak_memory: int


def summarize_records(plan: Plan, stored: Iterable[dict[str, Any]], by: str) -> list[MethodSummary]:
    """Sum up records as they come: every method in every environment, in the order of the plan.

    Args:
        plan: The plan that they belong to.
        stored: What their lines hold, in any order.
        by: `environment` or `family`.
    """
    sums: dict[tuple[str, str], _Sums] = defaultdict(_Sums)
    for one in stored:
        sums[one["environment"], one["method"]].add(one)
    members: dict[str, list[str]] = {}
    for environment, family in plan.expanded.items():
        members.setdefault(family if by == "family" else environment, []).append(environment)
    return [
        _summary(plan, name, method, {environment: sums.get((environment, method)) for environment in environments})
        for name, environments in members.items()
        for method in plan.methods
    ]


def _summary(plan: Plan, name: str, method: str, by_environment: Mapping[str, _Sums | None]) -> MethodSummary:
    family = plan.expanded[next(iter(by_environment))]
    kinds = plan.declared.truths[family][method]
    some = [sums for sums in by_environment.values() if sums is not None]
    scores = [one.scores() for one in some]
    together: dict[str, _Moments] = defaultdict(_Moments)
    for score, moments in itertools.chain.from_iterable(one.items() for one in scores):
        together[score] += moments
    passed = [
        not one.failed and _reaches(plan, found[f"{kinds.deciding}.f1"].mean)
        for one, found in zip(some, scores, strict=True)
    ]
    n_images = sum(one.n_images for one in some)
    facts = sum((one.facts for one in some), MapFacts())
    truths = {truth: _truth(plan, together, truth) if truth in kinds.applicable else None for truth in TRUTHS}
    return MethodSummary(
        environment=name,
        method=method,
        truths=truths,
        metrics={metric: together[metric].mean for metric in plan.metrics},
        deciding_truth=kinds.deciding,
        passed=len(some) == len(by_environment) and all(passed),
        n_images=n_images,
        n_seeds=len(some),
        n_passed=sum(passed),
        n_zero_maps=sum(one.n_zero_maps for one in some),
        diagnosis=diagnose(
            facts, {truth: None if one is None else one.passed for truth, one in truths.items()}, kinds.deciding
        )
        if facts.n_maps
        else None,
        error=next((Failure(**one.error[1]) for one in some if one.error), None),
        seconds_per_image=sum(one.seconds for one in some) / n_images if n_images else None,
        peak_memory=max((one.peak_memory for one in some), default=0),
    )


def _truth(plan: Plan, scores: dict[str, _Moments], truth: str) -> Summary | None:
    precision, recall, f1 = (scores[f"{truth}.{name}"] for name in ("precision", "recall", "f1"))
    if precision.mean is None or recall.mean is None or f1.mean is None:
        return None
    return Summary(precision.mean, recall.mean, f1.mean, *f1.interval(), _reaches(plan, f1.mean))


def _reaches(plan: Plan, f1: float | None) -> bool:
    return f1 is not None and f1 >= plan.gamma


@dataclass(frozen=True)
class _Moments:
    """Of one score: number, sum and sum of squares over images, and the values themselves where they are few.

    Args:
        n: Images that have the score.
        total: Their sum.
        squares: The sum of their squares.
        kept: The scores in the order of the images; None where there are too many.
    """

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    kept: Values | None = field(default_factory=lambda: np.empty(0))

    def __add__(self, other: _Moments) -> _Moments:
        n = self.n + other.n
        few = self.kept is not None and other.kept is not None and n <= N_BOOTSTRAP
        kept = np.concatenate([self.kept, other.kept]) if few else None
        return _Moments(n, self.total + other.total, self.squares + other.squares, kept)

    @property
    def mean(self) -> float | None:
        """None of nothing."""
        if not self.n:
            return None
        return self.total / self.n if self.kept is None else float(self.kept.mean())

    def interval(self) -> tuple[float, float]:
        """The 95 percent interval of the mean."""
        if self.kept is not None:
            return bootstrap_interval(self.kept, seed=0)
        mean = self.total / self.n
        reach = 1.96 * (max(self.squares / self.n - mean**2, 0.0) / self.n) ** 0.5
        return mean - reach, mean + reach


class _Pile:
    """Scores of records with as many images, summed up whenever they are many; few are put into the order of the images first.

    Args:
        names: Of the scores.
        n_images: Of each record.
    """

    def __init__(self, names: Iterable[str], n_images: int) -> None:
        self._names, self._n_images = tuple(names), n_images
        self._starts, self._waiting = array("q"), array("d")
        self._summed: dict[str, _Moments] = {}

    def add(self, start: int, scores: dict[str, list[float | None]]) -> None:
        """Those of one record; nothing of it is kept, as keeping millions of lists takes longer than reading them."""
        values: list[float] = []
        for name in self._names:
            values += scores[name]  # type: ignore[arg-type]  # None is taken care of below
        try:
            self._waiting.fromlist(values)
        except TypeError:  # undefined for some image
            self._waiting.fromlist([np.nan if value is None else value for value in values])
        self._starts.append(start)
        if len(self._starts) * self._n_images > N_BOOTSTRAP:
            self._summed = self._sum(keep=False)

    def moments(self) -> dict[str, _Moments]:
        """Of all that was added."""
        return self._sum(keep=not self._summed)

    def _sum(self, *, keep: bool) -> dict[str, _Moments]:
        records = np.array(self._waiting).reshape(-1, len(self._names), self._n_images)[np.argsort(self._starts)]
        by_name = records.swapaxes(0, 1).reshape(len(self._names), -1)
        del self._starts[:], self._waiting[:]
        found = _moments(by_name, keep=keep)
        return {name: self._summed.get(name, _Moments()) + one for name, one in zip(self._names, found, strict=True)}


def _moments(scores: Values, *, keep: bool) -> list[_Moments]:
    """Of scores (names, images) in the order of the images; NaN where there is none."""
    known = ~np.isnan(scores)
    values = np.where(known, scores, 0.0)
    sums = known.sum(axis=1).tolist(), values.sum(axis=1).tolist(), (values**2).sum(axis=1).tolist()
    kept = [row[there] for row, there in zip(scores, known, strict=True)] if keep else [None] * len(scores)
    return [_Moments(*one) for one in zip(*sums, kept, strict=True)]


Placed = tuple[tuple[int, str], Any]
"""Something that was said of images: the first of them and the measure, and what was said."""


class _Sums:
    """What is known of one method in one environment."""

    def __init__(self) -> None:
        self._piles: dict[tuple[str, int], _Pile] = {}
        self.n_images = self.n_zero_maps = self.peak_memory = 0
        self.seconds = 0.0
        self._facts: dict[str, Any] = {}
        self.error: Placed | None = None
        self.failed = False

    def add(self, stored: dict[str, Any]) -> None:
        """One record more, as it is stored."""
        measure, start, n_images = stored["measure"], stored["start"], stored["stop"] - stored["start"]
        self.peak_memory = max(self.peak_memory, stored["peak_memory"])
        if stored["error"] is not None:
            self.error = _first(self.error, ((start, measure), stored["error"]))
            self.failed |= measure == AGREEMENT
            return
        pile = self._piles.get((measure, n_images))
        if pile is None:
            pile = self._piles[measure, n_images] = _Pile(stored["scores"], n_images)
        pile.add(start, stored["scores"])
        if measure == AGREEMENT:
            self.n_images += n_images
            self.n_zero_maps += stored["n_zero_maps"]
            self.seconds += stored["seconds"]
            for name, value in stored["facts"].items():
                self._facts[name] = value if isinstance(value, str) else self._facts.get(name, 0) + value

    @property
    def facts(self) -> MapFacts:
        """Facts about all maps."""
        return MapFacts.from_dict(self._facts)

    def scores(self) -> dict[str, _Moments]:
        """Of all that was added, once: scores of the agreement by name, those of metrics by metric."""
        found: dict[str, _Moments] = defaultdict(_Moments)
        for (measure, _), pile in sorted(self._piles.items(), key=lambda one: -one[0][1]):  # the last images are fewer
            for name, moments in pile.moments().items():
                found[name if measure == AGREEMENT else measure] += moments
        return found


def _first(known: Placed | None, other: Placed) -> Placed:
    return other if known is None or other[0] < known[0] else known
