"""Totals of a method's records in one environment, as they are read: moments of its scores, images, seconds and failures."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from attributionlab.judging.statistics import mean_interval
from attributionlab.measuring.facts import MapFacts
from attributionlab.runs.jobs import AGREEMENT

Values = npt.NDArray[np.float64]

N_RAW = 1_000
"""Images up to which scores are kept and summed in their order. Beyond, sums in the order of the records agree to 12 digits."""


@dataclass(frozen=True)
class Moments:
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

    def __add__(self, addend: Moments) -> Moments:
        n = self.n + addend.n
        is_small = self.raw is not None and addend.raw is not None and n <= N_RAW
        raw = np.concatenate([self.raw, addend.raw]) if is_small else None
        return Moments(n, self.total + addend.total, self.squares + addend.squares, raw)

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
        self._summed: dict[str, Moments] = {}

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

    def moments(self) -> dict[str, Moments]:
        """Moments of all added scores by name, in the order of the images if there are few. Call it once."""
        return self._sum(keep=not self._summed)

    def _sum(self, *, keep: bool) -> dict[str, Moments]:
        records = np.array(self._waiting).reshape(-1, len(self._names), self._n_images)[np.argsort(self._starts)]
        by_name = records.swapaxes(0, 1).reshape(len(self._names), -1)
        del self._starts[:], self._waiting[:]
        latest = _moments(by_name, keep=keep)
        return {
            name: self._summed.get(name, Moments()) + moments for name, moments in zip(self._names, latest, strict=True)
        }


def _moments(scores: Values, *, keep: bool) -> list[Moments]:
    """Moments of scores (names, images), in the order of the images; NaN means undefined."""
    defined = ~np.isnan(scores)
    values = np.where(defined, scores, 0.0)
    sums = defined.sum(axis=1).tolist(), values.sum(axis=1).tolist(), (values**2).sum(axis=1).tolist()
    raw = [row[mask] for row, mask in zip(scores, defined, strict=True)] if keep else [None] * len(scores)
    return [Moments(*columns) for columns in zip(*sums, raw, strict=True)]


LocatedFailure = tuple[tuple[int, str], Any]
"""Failure as it is stored, behind its position: the first image and the measure."""


class MethodTotals:
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

    def scores(self) -> dict[str, Moments]:
        """Moments of all added scores: of agreement by name, of metrics by metric. Call it once."""
        moments_by_name: dict[str, Moments] = defaultdict(Moments)
        largest_first = sorted(self._buffers.items(), key=lambda entry: -entry[0][1])  # the last images are fewer
        for (measure, *_), buffer in largest_first:
            for name, moments in buffer.moments().items():
                moments_by_name[name if measure == AGREEMENT else measure] += moments
        return moments_by_name


def _first(current: LocatedFailure | None, candidate: LocatedFailure) -> LocatedFailure:
    return candidate if current is None or candidate[0] < current[0] else current
