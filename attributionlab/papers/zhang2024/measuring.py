"""Measured scores of named methods, network by network, from plans that are run or resumed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from attributionlab.judging.ranking import rank_correlation, resampled_spearman
from attributionlab.metrics import make_metric
from attributionlab.papers.claims import Evidence, Values, summarized
from attributionlab.papers.study import Setting
from attributionlab.papers.zhang2024.published import F1_COLUMN
from attributionlab.runs.jobs import AGREEMENT
from attributionlab.runs.plan import Plan
from attributionlab.runs.records import Record
from attributionlab.runs.results import Records, load_records
from attributionlab.runs.runner import run_plan
from attributionlab.seeding import generator

N_RESAMPLES = 500
SEED = 0
"""Of images drawn anew."""


@dataclass(frozen=True, eq=False)
class Measured:
    """The records of one environment with several networks.

    Args:
        environments: Canonical specs, one per network.
        methods: By the paper's name, the canonical spec.
        metrics: By column of the paper, the canonical spec.
        records: Where the scores are.
    """

    environments: tuple[str, ...]
    methods: Mapping[str, str]
    metrics: Mapping[str, str]
    records: Records

    def scores(self, method: str, name: str, measure: str = AGREEMENT) -> Values:
        """Scores of a method by the paper's name, (networks, images)."""
        spec = self.methods[method]
        return np.stack([self.records.scores(one, spec, measure, name) for one in self.environments])

    def mean(self, method: str, name: str) -> Evidence:
        """The mean of an agreement with the truth."""
        return mean_of(self.scores(method, name))

    def ranked(self, methods: Mapping[str, str], truth: str) -> Ranked:
        """What ranks methods: F1 and the metrics.

        Args:
            methods: By the name that the table gives it, the name here.
            truth: What F1 is taken against.
        """
        columns = {F1_COLUMN: np.stack([self.scores(one, f"{truth}.f1") for one in methods.values()], axis=1)}
        for column, spec in self.metrics.items():
            scores = np.stack([self.scores(one, "score", spec) for one in methods.values()], axis=1)
            columns[column] = scores if make_metric(spec).higher_is_better else -scores
        return Ranked(tuple(methods), columns)


@dataclass(frozen=True, eq=False)
class Ranked:
    """Scores that rank methods.

    Args:
        methods: The paper's names.
        columns: By column of the paper, (networks, methods, images), higher being better.
    """

    methods: tuple[str, ...]
    columns: Mapping[str, Values]

    def ranks(self, column: str) -> dict[str, float]:
        """The rank of each method, 1 the best, ties sharing their average, averaged over networks."""
        ranks = rankdata(-_nanmean(self.columns[column]), axis=1, nan_policy="omit").mean(axis=0)
        return dict(zip(self.methods, ranks.tolist(), strict=True))

    def correlation(self, first: str, second: str) -> Evidence:
        """Spearman's correlation of two columns."""
        return _correlation(list(zip(self.columns[first], self.columns[second], strict=True)))

    def agreement(self, column: str, printed: Mapping[str, float]) -> Evidence:
        """Spearman's correlation of a column with printed ranks, the best of which is the lowest."""
        scores = self.columns[column]
        ranks = -np.array([printed[one] for one in self.methods], dtype=np.float64)
        return _correlation([(one, np.broadcast_to(ranks[:, None], one.shape)) for one in scores])


def _correlation(pairs: list[tuple[Values, Values]]) -> Evidence:
    found = [rank_correlation(*pair).spearman for pair in pairs]
    resampled = np.mean([resampled_spearman(*pair, seed=SEED) for pair in pairs], axis=0)
    return summarized([np.nan if value is None else value for value in found], resampled)


def mean_of(scores: Values) -> Evidence:
    """The mean of (networks, images), NaN left out, with its interval; NaN where a network has no score."""
    if np.isnan(scores).all(axis=1).any():
        return Evidence(np.nan, (np.nan,) * len(scores))
    draws = generator(SEED, "images drawn anew").integers(0, scores.shape[1], (N_RESAMPLES, scores.shape[1]))
    return summarized(np.nanmean(scores, axis=1).tolist(), _nanmean(scores[:, draws]).mean(axis=0))


def _nanmean(scores: Values) -> Values:
    """The mean over the last axis; NaN where nothing is known."""
    n_known = np.isfinite(scores).sum(axis=-1)
    means: Values = np.divide(
        np.nansum(scores, axis=-1), n_known, out=np.full(n_known.shape, np.nan), where=n_known > 0
    )
    return means


def plan_of(
    setting: Setting,
    folder: str,
    environments: Mapping[str, str],
    methods: Mapping[str, str],
    metrics: Mapping[str, str],
) -> Plan:
    """What `measure` runs."""
    preset = setting.preset
    return Plan.of(
        name=folder,
        environments=list(environments.values()),
        methods=list(methods.values()),
        metrics=list(metrics.values()),
        network_seeds=preset.network_seeds,
        n_samples=preset.n_samples,
        images_per_job=preset.images_per_job,
    )


def measure(
    setting: Setting,
    folder: str,
    environments: Mapping[str, str],
    methods: Mapping[str, str],
    metrics: Mapping[str, str] | None = None,
) -> dict[str, Measured]:
    """Run or resume a plan, and read its records; jobs that failed before are tried again.

    Args:
        setting: Where and how.
        folder: Name of the sub-folder of the records.
        environments: By what the report calls them, specs without network seeds.
        methods: By the paper's name, specs.
        metrics: By column of the paper, specs; none at all if left out.

    Returns:
        By what the report calls the environment.
    """
    columns = metrics or {}
    plan = plan_of(setting, folder, environments, methods, columns)
    where = setting.folder / folder
    failed: list[Record] = []
    with setting.watch(folder, plan.n_jobs) as advance:
        run_plan(
            plan,
            where,
            workers=setting.workers,
            device=setting.device,
            retry_failed=True,
            progress=advance,
            watch=lambda record: failed.append(record) if record.error is not None else None,
        )
    for record in failed[:1]:
        assert record.error is not None, "only failures are kept"
        said = f"{record.method} {record.error.type}: {record.error.message}"
        warnings.warn(f"{len(failed)} of {plan.n_jobs} jobs in {where} failed and have no scores; {said}", stacklevel=2)
    records = load_records(where)
    named = dict(zip(methods, plan.methods, strict=True))
    measures = dict(zip(columns, plan.metrics, strict=True))
    return {
        name: Measured(
            tuple(one for one, origin in plan.expanded.items() if origin == family), named, measures, records
        )
        for name, family in zip(environments, plan.environments, strict=True)
    }
