"""Results of a sweep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from attributionlab.judging.game_agreement import GameAgreement, answered
from attributionlab.judging.ranking import RankCorrelation
from attributionlab.judging.statistics import ResampledMean
from attributionlab.measuring.failure import Failure
from attributionlab.tabular import Tabular

SCHEMA = 1
"""Version of the JSON."""


@dataclass(frozen=True)
class SweepPoint:
    """Scores of a method at one value of the variable.

    Args:
        value: The value.
        environment: Canonical spec of the environment at this value, with the network seed of scene 0.
        method: Canonical spec of the method at this value.
        truths: Mean F1 by kind of truth; None for kinds that do not apply.
        metrics: Mean score by metric, not oriented; None where it is undefined.
        games: Agreement with each game on the first images, nearest first.
        declared: The game that the method declares to answer with its options, or None.
        n_zero_maps: Number of maps that are zero everywhere.
        error: Failure of the method, or None.
    """

    value: float | str
    environment: str
    method: str
    truths: Mapping[str, ResampledMean | None] = field(default_factory=dict)
    metrics: Mapping[str, ResampledMean | None] = field(default_factory=dict)
    games: Mapping[str, GameAgreement] = field(default_factory=dict)
    declared: str | None = None
    n_zero_maps: int = 0
    error: Failure | None = None

    @property
    def answers(self) -> list[str]:
        """The games that are answered, nearest first."""
        return answered(self.games)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "value": self.value,
            "environment": self.environment,
            "method": self.method,
            "truths": _means(self.truths),
            "metrics": _means(self.metrics),
            "games": {name: agreement.scores["l1"] for name, agreement in self.games.items()},
            "answers": self.answers,
            "declared": self.declared,
            "n_zero_maps": self.n_zero_maps,
            "error": None if self.error is None else {"type": self.error.type, "message": self.error.message},
        }


@dataclass(frozen=True)
class SweepCurve:
    """The scores of one method at all values.

    Args:
        method: Canonical spec without the variable.
        truth: Kind of truth of its F1.
        points: A point per value, in the order of the values.
    """

    method: str
    truth: str
    points: tuple[SweepPoint, ...]


@dataclass(frozen=True)
class Sweep(Tabular):
    """Scores of methods while one variable changes; prints as the tables of `attributionlab sweep`.

    Args:
        vary: Name of the variable.
        values: Its values.
        environment: Canonical spec without the variable.
        n_samples: Scenes at each value, the same ones wherever the variable leaves scenes alone.
        network_seed: Seed of the network of scene 0; scene i has the network with this seed + i.
        seed: Seed of the bootstrap.
        device: Device on which methods ran.
        curves: The scores of each method.
        correlations: By metric and value: rank correlation of F1 and the metric over the methods; empty for fewer than three methods.
        correlated_truth: Kind of truth of the F1 in `correlations`.
        higher_is_better: Direction of each metric.
        metric_errors: Messages of the metrics that failed.
        versions: Versions of Python and of packages.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.sweep:sweep_tables"
    _rows: ClassVar[str] = "attributionlab.reports.tables.sweep:sweep_rows"

    vary: str
    values: tuple[float | str, ...]
    environment: str
    n_samples: int
    network_seed: int
    seed: int
    device: str
    curves: tuple[SweepCurve, ...]
    correlations: Mapping[str, tuple[RankCorrelation, ...]]
    correlated_truth: str
    higher_is_better: Mapping[str, bool]
    metric_errors: Mapping[str, str]
    versions: Mapping[str, str]

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: 1 if a method failed at some value, else 0."""
        return int(any(point.error is not None for curve in self.curves for point in curve.points))

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        names = [entry.name for entry in dataclasses.fields(self) if entry.name not in ("curves", "correlations")]
        correlations = {
            name: [{"value": value, **dataclasses.asdict(each)} for value, each in zip(self.values, row, strict=True)]
            for name, row in self.correlations.items()
        }
        curves = [
            {"method": curve.method, "truth": curve.truth, "points": [point.to_dict() for point in curve.points]}
            for curve in self.curves
        ]
        stored = {name: getattr(self, name) for name in names}
        return {"schema": SCHEMA, **stored, "values": list(self.values), "curves": curves, "correlations": correlations}


def _means(means: Mapping[str, ResampledMean | None]) -> dict[str, Any]:
    return {name: None if mean is None else dataclasses.asdict(mean) for name, mean in means.items()}
