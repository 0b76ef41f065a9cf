"""Scores of named methods, network by network, measured by plans that are run or resumed."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from attributionlab.judging.ranking import ranks, resampled_spearman, spearman
from attributionlab.metrics import make_metric
from attributionlab.papers.claims import NotMeasured
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
        columns: Scores (networks, methods, images) by column of the paper, higher being better; NaN where jobs failed.
        failures: Why scores are missing, by column and method.
    """

    methods: tuple[str, ...]
    columns: Mapping[str, Values]
    failures: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def column(self, name: str, methods: Iterable[str] = ()) -> Values:
        """The scores of a column, of these methods or of all.

        Raises:
            NotMeasured: If jobs of one of them failed.
        """
        chosen = tuple(methods) or self.methods
        for method in chosen:
            if (name, method) in self.failures:
                raise NotMeasured(self.failures[name, method])
        return self.columns[name][:, [self.methods.index(method) for method in chosen]]

    def part(self, n_networks: int, n_images: int) -> RankedScores:
        """The scores with the first networks, of the first images."""
        columns = {name: scores[:n_networks, :, :n_images] for name, scores in self.columns.items()}
        return RankedScores(self.methods, columns, self.failures)

    def ranks(self, column: str) -> dict[str, float]:
        """The rank of each method, 1 the best, ties sharing their average, averaged over networks."""
        return dict(zip(self.methods, self.places(column).mean(axis=0).tolist(), strict=True))

    def places(self, column: str) -> Values:
        """The ranks (networks, methods), 1 the best, ties sharing their average; NaN where undefined."""
        return np.stack([_ranks(means) for means in defined_mean(self.column(column))])

    def correlation(self, first: str, second: str, *, has_interval: bool = True) -> Evidence:
        """Spearman's correlation of two columns, with its interval unless `has_interval` is false."""
        return _correlation(list(zip(self.column(first), self.column(second), strict=True)), has_interval)

    def mean_correlation(self, first: str, second: str) -> float | None:
        """Spearman's correlation of two columns, averaged over networks, for a table; None where it is undefined or jobs failed."""
        try:
            pairs = zip(self.column(first), self.column(second), strict=True)
        except NotMeasured:
            return None
        mean = float(np.mean([spearman(*pair) for pair in pairs]))
        return None if np.isnan(mean) else mean

    def agreement(self, column: str, printed: Mapping[str, float]) -> Evidence:
        """Spearman's correlation of a column with printed ranks, the best of which is the lowest; without an interval."""
        scores = self.column(column)
        places = -np.array([printed[method] for method in self.methods], dtype=np.float64)
        pairs = [(network, np.broadcast_to(places[:, None], network.shape)) for network in scores]
        return _correlation(pairs, has_interval=False)

    def farthest(self, column: str, printed: Mapping[str, float]) -> Evidence:
        """Largest distance, in places, of a method from its printed rank; a tied method has all places of the tie."""
        means = defined_mean(self.column(column))
        places = np.array([printed[method] for method in self.methods], dtype=np.float64)
        moves = [float(_distances(_ranks(network), places - places.min() + 1).max()) for network in means]
        return average_networks(moves, None, means)


def _ranks(means: Values) -> Values:
    """Ranks of means (methods,), 1 the best, ties sharing theirs; NaN where a mean is undefined."""
    places = np.full(means.shape, np.nan)
    defined = np.isfinite(means)
    places[defined] = ranks(-means[defined])
    return places


def _distances(ours: Values, printed: Values) -> Values:
    """Distance of printed ranks to ours (methods,), where tied methods stand on all places of the tie."""
    reach = ((ours[:, None] == ours).sum(axis=1) - 1) / 2
    distances: Values = np.maximum(np.abs(ours - printed) - reach, 0.0)
    return distances


def _correlation(pairs: list[tuple[Values, Values]], has_interval: bool) -> Evidence:
    """Spearman's correlation of two scores (methods, images), one pair per network; its interval draws methods and images anew."""
    correlations = [spearman(*pair) for pair in pairs]
    resampled = np.mean([resampled_spearman(*pair, seed=SEED) for pair in pairs], axis=0) if has_interval else None
    figures = defined_mean(np.array(pairs))
    return average_networks(correlations, resampled, figures)


@dataclass(frozen=True, eq=False)
class MeasuredScores:
    """The scores of one environment with several networks.

    Args:
        environments: Canonical specs, one per network.
        methods: Canonical specs by the paper's names.
        metrics: Canonical specs by columns of the paper.
        records: The records of the run.
        failures: Messages of failed jobs by environment, method and measure.
    """

    environments: tuple[str, ...]
    methods: Mapping[str, str]
    metrics: Mapping[str, str]
    records: Records
    failures: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    _scores: dict[tuple[str, str, str], Values] = field(default_factory=dict, init=False, repr=False)

    def scores(self, method: str, name: str, measure: str = AGREEMENT) -> Values:
        """Scores of a method by the paper's name, (networks, images), read once from the records; they cannot be written.

        Papers compare all methods with the truth of the output, also those that explain the logit.

        Raises:
            NotMeasured: If a job failed.
        """
        self.require(method, measure)
        key = method, name, measure
        if key not in self._scores:
            self._scores[key] = self._read(method, name, measure)
            self._scores[key].flags.writeable = False
        return self._scores[key]

    def _read(self, method: str, name: str, measure: str) -> Values:
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

    def cells(self, method: str, name: str) -> tuple[float | None, float | None, float | None]:
        """The mean and its interval for a table; None where it is undefined or jobs failed."""
        try:
            mean = self.mean(method, name)
        except NotMeasured:
            return None, None, None
        return (None if np.isnan(mean.value) else mean.value), mean.low, mean.high

    def require(self, method: str, measure: str = AGREEMENT) -> None:
        """Refuse to go on without scores.

        Raises:
            NotMeasured: If a job of this method and measure failed.
        """
        for network in self.environments:
            failure = self.failures.get((network, self.methods[method], measure))
            if failure is not None:
                raise NotMeasured(f"{method}: {failure}")

    def ranked(self, methods: Mapping[str, str], truth: str) -> RankedScores:
        """F1 and the metrics, which rank the methods.

        Args:
            methods: Names of methods here, by their names in the table.
            truth: Kind of truth of F1.
        """
        columns = {F1_COLUMN: (AGREEMENT, f"{truth}.f1", 1)}
        for column, spec in self.metrics.items():
            columns[column] = (spec, "score", 1 if make_metric(spec).higher_is_better else -1)
        scores: dict[str, Values] = {}
        failures: dict[tuple[str, str], str] = {}
        for column, (measure, name, sign) in columns.items():
            rows = []
            for method, ours in methods.items():
                try:
                    rows.append(sign * self.scores(ours, name, measure))
                except NotMeasured as error:
                    failures[column, method] = str(error)
                    rows.append(np.full((len(self.environments), self.records.plan.n_samples), np.nan))
            scores[column] = np.stack(rows, axis=1)
        return RankedScores(tuple(methods), scores, failures)

    def curves(self, method: str, metric: str) -> Values:
        """Mean curves of a metric by the paper's name, (networks, steps), thinned.

        Raises:
            NotMeasured: If a job failed.
        """
        spec = self.metrics[metric]
        self.require(method, spec)
        stored = [self.records.curves(network, self.methods[method], spec) for network in self.environments]
        return np.stack([defined_mean(curves[1].T) for curves in stored if curves is not None])


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
    failures = {
        (record.environment, record.method, record.measure): f"{record.error.type}: {record.error.message}"
        for record in records.heads()
        if record.error is not None
    }
    method_specs = dict(zip(methods, plan.methods, strict=True))
    metric_specs = dict(zip(columns, plan.metrics, strict=True))
    measured = {}
    for name, family in zip(environments, plan.environments, strict=True):
        networks = tuple(network for network, origin in plan.expanded.items() if origin == family)
        measured[name] = MeasuredScores(networks, method_specs, metric_specs, records, failures)
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
