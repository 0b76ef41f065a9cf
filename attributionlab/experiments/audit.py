"""The audit of metrics (section 5): do perturbation metrics rank methods as the exact truth does?"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attributionlab._checks import whole_number
from attributionlab.environments import Batch, Environment, make_environment
from attributionlab.errors import MethodError, bad_option
from attributionlab.experiments.check import MethodFailure, Progress, find_device, no_progress, versions
from attributionlab.methods import AnyMethod, make_method, run_guarded
from attributionlab.metrics import METRICS, Metric, RankCorrelation, rank_correlation, score

F1_TRUTHS = ("positive", "overall")


@dataclass(frozen=True)
class MethodScores:
    """The scores of one method, averaged over images; `image_scores` has them image by image.

    Args:
        f1: Mean F1 against the truth, or None if the method failed.
        metrics: Mean score by metric, as the metric gives it; None where it is undefined.
        image_scores: The same per image, (n,) each, `f1` among them.
        error: Why there are no scores, or None.
    """

    f1: float | None
    metrics: dict[str, float | None]
    image_scores: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]
    error: MethodFailure | None


@dataclass(frozen=True)
class EnvironmentAudit:
    """How the methods did in one environment, and how alike metrics and truth rank them.

    Args:
        environment: Canonical spec.
        methods: Scores by canonical spec of the method.
        correlations: By metric: between F1 and the metric, oriented so that higher is better, over the methods that ran.
    """

    environment: str
    methods: dict[str, MethodScores]
    correlations: dict[str, RankCorrelation]


@dataclass(frozen=True)
class Audit:
    """The result of the audit.

    Args:
        f1_truth: The kind of truth that F1 is taken against.
        n_samples: Images per environment.
        environments: What happened in each environment.
        versions: Versions of what was used.
    """

    f1_truth: str
    n_samples: int
    environments: tuple[EnvironmentAudit, ...]
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "f1_truth": self.f1_truth,
            "n_samples": self.n_samples,
            "environments": [
                {
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
                }
                for one in self.environments
            ],
            "versions": self.versions,
        }


def audit(
    methods: Sequence[str | AnyMethod | Callable[..., Tensor]],
    metrics: Sequence[str | Metric] = ("insertion", "deletion", "sensitivity-n"),
    environments: Environment | str | Sequence[Environment | str] = "multi-color-sum",
    *,
    n_samples: int = 16,
    truth: str = "auto",
    batch_size: int = 4,
    device: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Rank methods by perturbation metrics and by F1 against the truth, and compare the ranks.

    With few methods a rank correlation has a wide band of chance (about 0.7 for ten): read it with its interval. On single-color
    images the metrics are close to functions of the truth, so high correlations are nearly a tautology there.

    Args:
        methods: Two or more methods, as in `check`.
        metrics: Names of metrics, or `Metric`s.
        environments: One or more environments or their specs.
        n_samples: Images per environment.
        truth: What F1 is taken against: `positive` (`auto`, which applies everywhere) or `overall`.
        batch_size: Images that a method is given at once.
        device: `auto`, `cpu` or `cuda`.
        seed: Seed of the bootstrap.
        progress: Called with the number of method runs done since the last call.

    Returns:
        Scores and correlations; `.to_dict()`.

    Raises:
        BadOption: If an option does not fit.
        UnknownName: If there is no such method, metric or environment.

    References:
        Zhang et al. 2024, section 5.

    Example:
        >>> report = audit(["truth", "random"], ["deletion"], "multi-color-sum[size=16]", n_samples=2)
        >>> report.environments[0].correlations["deletion"].kendall
        1.0
    """
    if truth not in ("auto", *F1_TRUTHS):
        raise bad_option("truth", f"be auto or {' or '.join(F1_TRUTHS)}", truth)
    n_samples, batch_size = whole_number("n_samples", n_samples, 1), whole_number("batch_size", batch_size, 1)
    whole_number("methods", len(methods), 2)
    where = find_device(device)
    given = [environments] if isinstance(environments, (Environment, str)) else list(environments)
    if not given or not metrics:
        raise bad_option("metrics" if given else "environments", "name at least one", metrics if given else given)
    built = [make_environment(item) if isinstance(item, str) else item for item in given]
    found = [METRICS.get(item) if isinstance(item, str) else item for item in metrics]
    f1_truth = "positive" if truth == "auto" else truth
    plan = _Plan(n_samples, f1_truth, batch_size, where, seed, progress or no_progress)
    results = tuple(
        _audit_one([make_method(item, environment) for item in methods], found, environment, plan)
        for environment in built
    )
    return Audit(f1_truth, n_samples, results, versions())


@dataclass(frozen=True)
class _Plan:
    n_samples: int
    f1_truth: str
    batch_size: int
    device: torch.device
    seed: int
    progress: Progress


def _audit_one(
    methods: Sequence[AnyMethod], metrics: Sequence[Metric], environment: Environment, plan: _Plan
) -> EnvironmentAudit:
    batch = environment.sample(plan.n_samples)
    rows = {method.spec: _scores(method, metrics, environment, batch, plan) for method in methods}
    ran = [row.image_scores for row in rows.values() if row.error is None]
    correlations = {}
    for metric in metrics:
        if not ran:
            correlations[metric.name] = RankCorrelation(None, None, None, None)
            continue
        sign = 1.0 if metric.higher_is_better else -1.0
        f1, scored = (np.stack([row[name] for row in ran]) for name in ("f1", metric.name))
        correlations[metric.name] = rank_correlation(f1, sign * scored, seed=plan.seed)
    return EnvironmentAudit(environment.spec, rows, correlations)


def _scores(
    method: AnyMethod, metrics: Sequence[Metric], environment: Environment, batch: Batch, plan: _Plan
) -> MethodScores:
    """All scores of one method; a method that fails is reported as that, and the others go on."""
    model, maps = copy.deepcopy(environment.model).to(plan.device), []
    try:
        for start in range(0, len(batch), plan.batch_size):
            part = batch[start : start + plan.batch_size].to(plan.device)
            context = {"batch": part} if method.needs_batch else {}
            maps.append(run_guarded(method, model, part.inputs, part.targets, **context).cpu())
    except MethodError as failure:
        plan.progress(1)
        error = MethodFailure(type(failure).__name__, str(failure))
        return MethodScores(None, {metric.name: None for metric in metrics}, {}, error)
    attribution = torch.cat(maps)
    f1 = score(attribution, batch.ground_truth).against(plan.f1_truth).f1
    by_image = {"f1": f1.double().numpy()}
    for metric in metrics:
        by_image[metric.name] = metric.score(environment, batch, attribution).double().cpu().numpy()
    plan.progress(1)
    means = {name: _mean(values) for name, values in by_image.items()}
    return MethodScores(means["f1"], {metric.name: means[metric.name] for metric in metrics}, by_image, None)


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    return None if np.isnan(values).all() else float(np.nanmean(values))
