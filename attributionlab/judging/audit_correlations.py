"""Rank correlations of an audit: of F1 and each metric, and with and without redundant channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from attributionlab.environments import Environment
from attributionlab.judging.audit_report import Comparison, EnvironmentAudit, MethodScores, Values
from attributionlab.judging.ranking import RankCorrelation, paired_difference, rank_correlation
from attributionlab.metrics import AnyMetric


def without_redundancy(environment: Environment) -> Environment | None:
    """A copy of the environment without redundant channels, or None if it has no such channels."""
    if getattr(environment, "n_redundant", 0) == 0:
        return None
    return dataclasses.replace(environment, n_redundant=0)  # type: ignore[call-arg]  # it has the option, as checked above


def correlation(scores: dict[str, MethodScores], metric: AnyMetric, seed: int) -> RankCorrelation:
    """Rank correlation of F1 and a metric over the methods that ran."""
    pair = _oriented(scores, metric)
    return RankCorrelation(None, None, None, None) if pair is None else rank_correlation(*pair, seed=seed)


def _oriented(scores: dict[str, MethodScores], metric: AnyMetric) -> tuple[Values, Values] | None:
    """F1 and the metric, oriented so that higher is better, (methods, images) each; None if there are no scores."""
    ran = [row.image_scores for row in scores.values() if metric.spec in row.image_scores]
    if not ran:
        return None
    f1, scored = (np.stack([row[name] for row in ran]) for name in ("f1", metric.spec))
    return f1, scored if metric.higher_is_better else -scored


def compare_with_plain(
    environments: Sequence[Environment], metrics: Sequence[AnyMetric], results: Sequence[EnvironmentAudit], seed: int
) -> tuple[Comparison, ...]:
    """Compare each environment with its copy without redundant channels, over the network seeds."""
    comparisons = []
    for environment in environments:
        plain = without_redundancy(environment)
        assert plain is not None, "only environments with redundant channels are compared"
        first, second = (
            [audited for audited in results if audited.family == side.spec] for side in (environment, plain)
        )
        for metric in metrics:
            sides = [
                (
                    _oriented(_shared(with_channels, without_channels), metric),
                    _oriented(_shared(without_channels, with_channels), metric),
                )
                for with_channels, without_channels in zip(first, second, strict=True)
            ]
            pairs = [
                (with_channels, without_channels)
                for with_channels, without_channels in sides
                if with_channels is not None and without_channels is not None
            ]
            comparisons.append(Comparison(environment.spec, metric.spec, paired_difference(pairs, seed=seed)))
    return tuple(comparisons)


def _shared(audited: EnvironmentAudit, reference: EnvironmentAudit) -> dict[str, MethodScores]:
    """The scores in `result` of the methods that ran in `reference`, too."""
    return {spec: scores for spec, scores in audited.methods.items() if reference.methods[spec].error is None}
