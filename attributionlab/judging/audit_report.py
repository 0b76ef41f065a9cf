"""Results of an audit."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from attributionlab.judging.ranking import PairedDifference, RankCorrelation
from attributionlab.measuring.failure import Failure
from attributionlab.tabular import Tabular

Values = npt.NDArray[np.float64]

SCHEMA = 2
"""Version of the JSON."""


@dataclass(frozen=True, eq=False)
class ImageCurves:
    """The curves of a metric, thinned for figures.

    Args:
        at: (s,), fractions of switched pixels.
        values: (n, s), one curve per image.
        quantity: Quantity that the curves show.
    """

    at: Values
    values: Values
    quantity: str


@dataclass(frozen=True)
class MethodScores:
    """The scores of one method, averaged over images; `image_scores` has them image by image.

    Args:
        f1: Mean F1 against the truth, or None if the method failed.
        metrics: Mean score by metric, not oriented; None if it is undefined.
        image_scores: Scores per image, (n,) each, including `f1`.
        error: Failure of the method, or None.
        curves: Curves of the metrics that have curves.
        ignores_target: Whether maps of another target than the winner are those of the winner, although the truth differs.
    """

    f1: float | None
    metrics: dict[str, float | None]
    image_scores: dict[str, Values]
    error: Failure | None
    curves: dict[str, ImageCurves] = field(default_factory=dict)
    ignores_target: bool = False


@dataclass(frozen=True)
class EnvironmentAudit:
    """Scores of the methods in one environment, and the agreement of metrics and truth on their ranks.

    Args:
        environment: Canonical spec.
        methods: Scores by canonical spec of the method.
        references: Scores of maps that are made from the truth, by canonical spec; they are left out of correlations.
        correlations: Rank correlation of F1 and each metric, oriented so that higher is better, over the methods that ran.
        higher_is_better: Direction of each metric.
        metric_errors: Messages of the metrics that failed.
        family: Canonical spec of the environment with the first network seed; seeds of one family are averaged.
    """

    environment: str
    methods: dict[str, MethodScores]
    correlations: dict[str, RankCorrelation]
    higher_is_better: dict[str, bool]
    metric_errors: dict[str, str]
    family: str
    references: dict[str, MethodScores] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Effect of the redundant channels on a metric (the Unseen Data Effect), on the same images, seed by seed.

    Args:
        environment: Canonical spec with redundant channels, of the first network seed.
        metric: Canonical spec.
        effect: Spearman's rho with the redundant channels (`first`) and without them (`second`).
    """

    environment: str
    metric: str
    effect: PairedDifference


@dataclass(frozen=True)
class Audit(Tabular):
    """The result of the audit; prints as the tables of `attributionlab audit`.

    Args:
        f1_truth: The kind of truth for F1.
        n_samples: Images per environment.
        environments: Result in each environment, one entry per network seed.
        comparisons: Comparisons with and without the Unseen Data Effect, if requested.
        versions: Versions of Python and of packages.
        target: The explained output: `winner`, `loser` or the index of a class.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.audit:audit_tables"
    _rows: ClassVar[str] = "attributionlab.reports.tables.audit:audit_rows"

    f1_truth: str
    n_samples: int
    environments: tuple[EnvironmentAudit, ...]
    comparisons: tuple[Comparison, ...]
    versions: dict[str, str]
    target: str | int = "winner"

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "schema": SCHEMA,
            "f1_truth": self.f1_truth,
            "n_samples": self.n_samples,
            "target": self.target,
            "environments": [_environment_dict(environment_audit) for environment_audit in self.environments],
            "comparisons": [
                {"environment": pair.environment, "metric": pair.metric, **dataclasses.asdict(pair.effect)}
                for pair in self.comparisons
            ],
            "versions": self.versions,
        }


def _environment_dict(audited: EnvironmentAudit) -> dict[str, Any]:
    """One environment in the documented JSON."""
    return {
        "environment": audited.environment,
        "methods": _scores_dict(audited.methods),
        "references": _scores_dict(audited.references),
        "correlations": {name: dataclasses.asdict(correlation) for name, correlation in audited.correlations.items()},
        "metric_errors": audited.metric_errors,
    }


def _scores_dict(rows: dict[str, MethodScores]) -> dict[str, Any]:
    """Scores by method in the documented JSON."""
    return {
        spec: {
            "f1": scores.f1,
            **scores.metrics,
            "ignores_target": scores.ignores_target,
            "error": None if scores.error is None else dataclasses.asdict(scores.error),
        }
        for spec, scores in rows.items()
    }
