"""What an audit found."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from attributionlab.judging.ranking import PairedDifference, RankCorrelation
from attributionlab.measuring.failure import Failure

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImageCurves:
    """The curves of a metric, thinned for figures.

    Args:
        at: (s,), fractions of the pixels.
        values: (n, s), one curve per image.
        quantity: What the curves show.
    """

    at: Values
    values: Values
    quantity: str


@dataclass(frozen=True)
class MethodScores:
    """The scores of one method, averaged over images; `image_scores` has them image by image.

    Args:
        f1: Mean F1 against the truth, or None if the method failed.
        metrics: Mean score by metric, as the metric gives it; None where it is undefined.
        image_scores: The same per image, (n,) each, `f1` among them.
        error: Why there are no scores, or None.
        curves: By metric, where it has curves.
    """

    f1: float | None
    metrics: dict[str, float | None]
    image_scores: dict[str, Values]
    error: Failure | None
    curves: dict[str, ImageCurves] = field(default_factory=dict)


@dataclass(frozen=True)
class EnvironmentAudit:
    """How the methods did in one environment, and how alike metrics and truth rank them.

    Args:
        environment: Canonical spec.
        methods: Scores by canonical spec of the method.
        correlations: By metric: between F1 and the metric, oriented so that higher is better, over the methods that ran.
        higher_is_better: By metric, its direction.
        metric_errors: By metric that failed: why.
        family: Canonical spec of the environment with the first network seed; seeds of one family are averaged.
    """

    environment: str
    methods: dict[str, MethodScores]
    correlations: dict[str, RankCorrelation]
    higher_is_better: dict[str, bool]
    metric_errors: dict[str, str]
    family: str


@dataclass(frozen=True)
class Comparison:
    """What the redundant channels do to a metric: the Unseen Data Effect, on the same images, seed by seed.

    Args:
        environment: Canonical spec with redundant channels, of the first network seed.
        metric: Canonical spec.
        effect: Spearman's rho with the redundant channels (`first`) and without them (`second`).
    """

    environment: str
    metric: str
    effect: PairedDifference


@dataclass(frozen=True)
class Audit:
    """The result of the audit.

    Args:
        f1_truth: The kind of truth that F1 is taken against.
        n_samples: Images per environment.
        environments: What happened in each environment, one entry for each network seed.
        comparisons: With and without the Unseen Data Effect, where that was asked for.
        versions: Versions of what was used.
    """

    f1_truth: str
    n_samples: int
    environments: tuple[EnvironmentAudit, ...]
    comparisons: tuple[Comparison, ...]
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "f1_truth": self.f1_truth,
            "n_samples": self.n_samples,
            "environments": [_environment_dict(one) for one in self.environments],
            "comparisons": [
                {"environment": one.environment, "metric": one.metric, **dataclasses.asdict(one.effect)}
                for one in self.comparisons
            ],
            "versions": self.versions,
        }


def _environment_dict(one: EnvironmentAudit) -> dict[str, Any]:
    return {
        "environment": one.environment,
        "methods": {
            spec: {
                "f1": scores.f1,
                **scores.metrics,
                "error": None if scores.error is None else dataclasses.asdict(scores.error),
            }
            for spec, scores in one.methods.items()
        },
        "correlations": {name: dataclasses.asdict(both) for name, both in one.correlations.items()},
        "metric_errors": one.metric_errors,
    }
