"""Scores of named methods, network by network, measured by plans that are run or resumed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from attributionlab.judging.ranking import rank_correlation, resampled_spearman
from attributionlab.metrics import make_metric
from attributionlab.papers.evidence import SEED, Evidence, Values, average_images, average_networks, defined_mean
from attributionlab.papers.studies import StudySetting
from attributionlab.runs import Plan, Record, Records, load_records, run_plan
from attributionlab.runs.jobs import AGREEMENT, OF_OUTPUT

F1_COLUMN = "F1"
"""Name of the column that holds F1 against the truth."""


@dataclass(frozen=True, eq=False)
class RankedScores:
    """Scores that rank methods.

    Args:
        methods: The paper's names.
        columns: Scores (networks, methods, images) by column of the paper, higher being better.
    """

    methods: tuple[str, ...]
    columns: Mapping[str, Values]

    def ranks(self, column: str) -> dict[str, float]:
        """The rank of each method, 1 the best, ties sharing their average, averaged over networks."""
        ranks = rankdata(-defined_mean(self.columns[column]), axis=1, nan_policy="omit").mean(axis=0)
        return dict(zip(self.methods, ranks.tolist(), strict=True))

    def correlation(self, first: str, second: str) -> Evidence:
        """Spearman's correlation of two columns."""
        return _correlation(list(zip(self.columns[first], self.columns[second], strict=True)))

    def agreement(self, column: str, printed: Mapping[str, float]) -> Evidence:
        """Spearman's correlation of a column with printed ranks, the best of which is the lowest."""
        scores = self.columns[column]
        ranks = -np.array([printed[method] for method in self.methods], dtype=np.float64)
        return _correlation([(network, np.broadcast_to(ranks[:, None], network.shape)) for network in scores])


def _correlation(pairs: list[tuple[Values, Values]]) -> Evidence:
    """Spearman's correlation of two scores (methods, images), one pair per network; its interval is about the paper's methods."""
    correlations = [rank_correlation(*pair).spearman for pair in pairs]
    resampled = np.mean([resampled_spearman(*pair, seed=SEED, over_methods=False) for pair in pairs], axis=0)
    return average_networks([np.nan if value is None else value for value in correlations], resampled)


@dataclass(frozen=True, eq=False)
class MeasuredScores:
    """The scores of one environment with several networks.

    Args:
        environments: Canonical specs, one per network.
        methods: Canonical specs by the paper's names.
        metrics: Canonical specs by columns of the paper.
        records: The records of the run.
    """

    environments: tuple[str, ...]
    methods: Mapping[str, str]
    metrics: Mapping[str, str]
    records: Records

    def scores(self, method: str, name: str, measure: str = AGREEMENT) -> Values:
        """Scores of a method by the paper's name, (networks, images).

        Papers compare all methods with the truth of the output, also those that explain the logit.
        """
        spec, of_output = self.methods[method], f"{OF_OUTPUT}{name}"
        names = [
            of_output if of_output in self.records.all_scores(network, spec, measure, 1) else name
            for network in self.environments
        ]
        return np.stack(
            [
                self.records.scores(network, spec, measure, each)
                for network, each in zip(self.environments, names, strict=True)
            ]
        )

    def mean(self, method: str, name: str) -> Evidence:
        """The mean of an agreement with the truth."""
        return average_images(self.scores(method, name))

    def ranked(self, methods: Mapping[str, str], truth: str) -> RankedScores:
        """F1 and the metrics, which rank the methods.

        Args:
            methods: Names of methods here, by their names in the table.
            truth: Kind of truth of F1.
        """
        names = methods.values()
        columns = {F1_COLUMN: np.stack([self.scores(name, f"{truth}.f1") for name in names], axis=1)}
        for column, spec in self.metrics.items():
            scores = np.stack([self.scores(name, "score", spec) for name in names], axis=1)
            columns[column] = scores if make_metric(spec).higher_is_better else -scores
        return RankedScores(tuple(methods), columns)


def plan_study(
    setting: StudySetting,
    folder: str,
    environments: Mapping[str, str],
    methods: Mapping[str, str],
    metrics: Mapping[str, str],
) -> Plan:
    """The plan that `measure_plan` runs."""
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


def measure_plan(
    setting: StudySetting,
    folder: str,
    environments: Mapping[str, str],
    methods: Mapping[str, str],
    metrics: Mapping[str, str] | None = None,
) -> dict[str, MeasuredScores]:
    """Run or resume a plan, and read its records; jobs that failed before are tried again.

    Args:
        setting: Place, amount and options.
        folder: Name of the sub-folder of the records.
        environments: Specs without network seeds, by their names in the report.
        methods: Specs by the paper's names.
        metrics: Specs by columns of the paper; none if left out.

    Returns:
        The scores by the environments' names in the report.
    """
    columns = metrics or {}
    plan = plan_study(setting, folder, environments, methods, columns)
    records = _run(setting, folder, plan)
    method_specs = dict(zip(methods, plan.methods, strict=True))
    metric_specs = dict(zip(columns, plan.metrics, strict=True))
    measured = {}
    for name, family in zip(environments, plan.environments, strict=True):
        networks = tuple(network for network, origin in plan.expanded.items() if origin == family)
        measured[name] = MeasuredScores(networks, method_specs, metric_specs, records)
    return measured


def _run(setting: StudySetting, folder: str, plan: Plan) -> Records:
    """Run or resume a plan; warn of jobs that failed."""
    path = setting.folder / folder
    failures: list[Record] = []
    with setting.watch(folder, plan.n_jobs) as advance:
        run_plan(
            plan,
            path,
            workers=setting.workers,
            backend=setting.backend,
            address=setting.address,
            device=setting.device,
            retry_failed=True,
            progress=advance,
            watch=lambda record: failures.append(record) if record.error is not None else None,
        )
    for record in failures[:1]:
        assert record.error is not None, "only failures are kept"
        example = f"{record.method} {record.error.type}: {record.error.message}"
        text = f"{len(failures)} of {plan.n_jobs} jobs in {path} failed and have no scores; {example}"
        warnings.warn(text, stacklevel=3)
    return load_records(path)
