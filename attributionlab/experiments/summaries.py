"""What the records of a run come to: summed up as they are read, over images and over seeds."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption
from attributionlab.experiments.check import MethodFailure, Truths, applicable_truths, deciding_truth
from attributionlab.experiments.intervals import Summary, bootstrap_interval
from attributionlab.experiments.plan import AGREEMENT, Plan
from attributionlab.methods import Declaration, make_method
from attributionlab.metrics import TRUTHS

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
        n_images: Images that were scored.
        n_seeds: Environments that are summed up.
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
    error: MethodFailure | None
    seconds_per_image: float | None
    peak_memory: int


def summarize_records(plan: Plan, stored: Iterable[dict[str, Any]], by: str) -> list[MethodSummary]:
    """Sum up records as they come.

    Args:
        plan: The plan that they belong to.
        stored: What their lines hold, in any order.
        by: `environment` or `family`.
    """
    sums: dict[tuple[str, str], _Sums] = {}
    for one in stored:
        key = one["environment"], one["method"]
        if key not in sums:
            sums[key] = _Sums()
        sums[key].add(one)
    return _Summarizer(plan, sums).summaries(by)


@dataclass
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

    def add(self, values: Values, *, keep: bool) -> None:
        """Scores of some images more; NaN where there is none."""
        known = values[~np.isnan(values)]
        self.n += len(known)
        self.total += float(known.sum())
        self.squares += float((known**2).sum())
        self.kept = np.concatenate([self.kept, known]) if keep and self.kept is not None else None

    def join(self, other: _Moments) -> None:
        """Those of another seed."""
        self.n, self.total, self.squares = self.n + other.n, self.total + other.total, self.squares + other.squares
        few = self.kept is not None and other.kept is not None and self.n <= N_BOOTSTRAP
        self.kept = np.concatenate([self.kept, other.kept]) if few else None

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


_SCORES = tuple(f"{truth}.{name}" for truth in TRUTHS for name in ("precision", "recall", "f1"))


class _Pile:
    """Scores of records, summed up whenever they are many; few are put into the order of the images first.

    Args:
        names: Of the scores.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._moments = {name: _Moments() for name in names}
        self._waiting = {name: array("d") for name in names}
        self._extend = tuple((name, waiting.extend) for name, waiting in self._waiting.items())
        self._images: list[range] = []
        self._n_waiting, self._many = 0, False

    def add(self, start: int, stop: int, scores: dict[str, list[float | None]]) -> None:
        """Those of one record; nothing of it is kept, as keeping millions of lists takes longer than reading them."""
        for name, extend in self._extend:
            values = scores[name]
            extend([np.nan if value is None else value for value in values] if None in values else values)  # type: ignore[arg-type]  # there is no None
        self._images.append(range(start, stop))
        self._n_waiting += stop - start
        if self._n_waiting > N_BOOTSTRAP:
            self._many = True
            self._sum_up()

    def moments(self) -> dict[str, _Moments]:
        """Of all that was added."""
        self._sum_up()
        return self._moments

    def _sum_up(self) -> None:
        order = np.argsort(np.fromiter(itertools.chain.from_iterable(self._images), dtype=np.int64), kind="stable")
        for name, moments in self._moments.items():
            moments.add(np.array(self._waiting[name])[order], keep=not self._many)
            del self._waiting[name][:]
        self._images.clear()
        self._n_waiting = 0


class _Sums:
    """What is known of one method in one environment."""

    def __init__(self) -> None:
        self._piles: dict[str, _Pile] = {}
        self.n_images = self.n_zero_maps = self.peak_memory = 0
        self.seconds = 0.0
        self.diagnosis: str | None = None
        self.error: MethodFailure | None = None
        self.failed = False

    def add(self, stored: dict[str, Any]) -> None:
        """One record more, as it is stored."""
        self.peak_memory = max(self.peak_memory, stored["peak_memory"])
        measure = stored["measure"]
        if stored["error"] is not None:
            self.error = self.error or MethodFailure(**stored["error"])
            self.failed |= measure == AGREEMENT
            return
        if measure not in self._piles:
            self._piles[measure] = _Pile(_SCORES if measure == AGREEMENT else ("score",))
        self._piles[measure].add(stored["start"], stored["stop"], stored["scores"])
        if measure == AGREEMENT:
            self.n_images += stored["stop"] - stored["start"]
            self.n_zero_maps += stored["n_zero_maps"]
            self.seconds += stored["seconds"]
            self.diagnosis = self.diagnosis or stored["diagnosis"]

    @cached_property
    def agreement(self) -> dict[str, _Moments]:
        """By kind of truth and score; asked for when everything was added."""
        pile = self._piles.get(AGREEMENT)
        return {name: _Moments() for name in _SCORES} if pile is None else pile.moments()

    @cached_property
    def metrics(self) -> dict[str, _Moments]:
        """By metric; asked for when everything was added."""
        return {name: pile.moments()["score"] for name, pile in self._piles.items() if name != AGREEMENT}

    def join(self, other: _Sums) -> None:
        """Those of another seed, into sums to which nothing was added."""
        for name, moments in other.agreement.items():
            self.agreement[name].join(moments)
        for name, moments in other.metrics.items():
            self.metrics.setdefault(name, _Moments()).join(moments)
        self.n_images += other.n_images
        self.n_zero_maps += other.n_zero_maps
        self.seconds += other.seconds
        self.peak_memory = max(self.peak_memory, other.peak_memory)
        self.diagnosis, self.error = self.diagnosis or other.diagnosis, self.error or other.error
        self.failed |= other.failed


class _Summarizer:
    """From sums to summaries, in the order of the plan."""

    def __init__(self, plan: Plan, sums: dict[tuple[str, str], _Sums]) -> None:
        self.plan, self.sums = plan, sums
        self.declared: dict[str, Declaration] = {}

    def summaries(self, by: str) -> list[MethodSummary]:
        """All that there is something of."""
        environments = list(self.plan.expanded)
        groups = {one: [one] for one in environments}
        if by == "family":
            groups = {
                family: [one for one in environments if self.plan.expanded[one] == family]
                for family in self.plan.environments
            }
        return [
            self._summary(name, method, some)
            for name, members in groups.items()
            for method in self.plan.methods
            if (some := [self.sums[one, method] for one in members if (one, method) in self.sums])
        ]

    def _summary(self, environment: str, method: str, some: list[_Sums]) -> MethodSummary:
        declaration = self._declaration(method, environment)
        deciding = deciding_truth(declaration) if self.plan.truth == "auto" else self.plan.truth
        whole = _Sums()
        for one in some:
            whole.join(one)
        applicable = applicable_truths(declaration, make_environment(environment))
        passed = [not one.failed and self._reaches(one.agreement[f"{deciding}.f1"].mean) for one in some]
        return MethodSummary(
            environment=environment,
            method=method,
            truths={truth: self._truth(whole, truth) if truth in applicable else None for truth in TRUTHS},
            metrics={name: whole.metrics[name].mean if name in whole.metrics else None for name in self.plan.metrics},
            deciding_truth=deciding,
            passed=all(passed),
            n_images=whole.n_images,
            n_seeds=len(some),
            n_passed=sum(passed),
            n_zero_maps=whole.n_zero_maps,
            diagnosis=whole.diagnosis,
            error=whole.error,
            seconds_per_image=whole.seconds / whole.n_images if whole.n_images else None,
            peak_memory=whole.peak_memory,
        )

    def _truth(self, sums: _Sums, truth: str) -> Summary | None:
        precision, recall, f1 = (sums.agreement[f"{truth}.{name}"] for name in ("precision", "recall", "f1"))
        if precision.mean is None or recall.mean is None or f1.mean is None:
            return None
        return Summary(precision.mean, recall.mean, f1.mean, *f1.interval(), self._reaches(f1.mean))

    def _reaches(self, f1: float | None) -> bool:
        return f1 is not None and f1 >= self.plan.gamma

    def _declaration(self, method: str, environment: str) -> Declaration:
        """What the method declares; a function that is gone by now counts as undeclared."""
        if method not in self.declared:
            try:
                self.declared[method] = make_method(method, make_environment(environment)).declaration
            except (BadOption, LookupError, OSError):
                self.declared[method] = Declaration()
        return self.declared[method]
