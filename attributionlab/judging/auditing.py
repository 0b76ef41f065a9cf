"""The audit of metrics (section 5): comparison of their ranks of methods with those of the exact truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.environments import Environment
from attributionlab.environments.base import Target
from attributionlab.environments.factory import as_environments
from attributionlab.errors import BadOption, MetricError, bad_option
from attributionlab.games.exact import has_closed_form
from attributionlab.judging.audit_correlations import compare_with_plain, correlation, without_redundancy
from attributionlab.judging.audit_report import Audit, EnvironmentAudit, ImageCurves, MethodScores, Values
from attributionlab.machine import find_device, versions
from attributionlab.measuring.evaluate import measure_each
from attributionlab.measuring.explain import Maps, explain
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.measuring.target_use import n_same_for_winner
from attributionlab.methods import AnyMethod, Method, make_method
from attributionlab.metrics import AnyMetric, Measurement, Metric, MetricFunction, make_metric, score
from attributionlab.networks.copying import copy_network
from attributionlab.perturbation import DEFAULT_MEMORY
from attributionlab.printable import error_text
from attributionlab.specs.arguments import (
    MOST_IMAGES,
    require_choice,
    require_flag,
    require_function,
    require_list,
    whole_number,
)
from attributionlab.specs.options import changed_options
from attributionlab.truth import Batch

F1_TRUTHS = ("overall", "positive")

REFERENCES = ("exact", "exact[game=removal]")
"""Maps made from the truth that are scored beside the methods: exact Shapley values, and the effects of single features."""

AUTO = "auto"
"""References that take no random orders: without Shapley values where they have no closed form."""

MOST_NETWORKS = 1_000
"""Largest number of networks per environment, enough to know their spread to a thirtieth of itself."""


def audit(
    methods: Sequence[str | AnyMethod | Callable[..., Tensor]],
    metrics: Sequence[str | AnyMetric | MetricFunction] = ("insertion", "deletion", "sensitivity-n"),
    environments: Environment | str | Sequence[Environment | str] = "multi-color-sum",
    *,
    references: Sequence[str | AnyMethod] | str = AUTO,
    n_samples: int = 16,
    truth: str = "auto",
    target: Target = "winner",
    network_seeds: int = 1,
    paired: bool = False,
    batch_size: int = 4,
    max_memory: int = DEFAULT_MEMORY,
    device: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Rank methods by perturbation metrics and by F1 against the truth, and compare the ranks.

    With few methods, rank correlations of random scores are large (up to about 0.7 for ten), so use the intervals.
    Methods are the units of a rank correlation. The bootstrap draws methods and images anew. On single-color images the
    metrics are nearly functions of the truth, so high correlations are almost a tautology there.

    Args:
        methods: Two or more methods, as in `check`.
        metrics: Names or specs of metrics, `Metric` objects, or functions declared by `metric`.
        environments: One or more environments or their specs.
        references: Maps made from the truth, scored beside the methods but left out of the correlations: they are nearly best by
            every score, so each would raise the agreement of any metric. One that is also among `methods` is a method. `auto`:
            the effects of leaving out a feature and, where they have a closed form, Shapley values (estimates take minutes).
        n_samples: Images per environment.
        truth: Kind of truth for F1: `positive` (`auto`, which applies everywhere) or `overall`.
        target: Output to explain: of the `winner`, the `loser`, or a class by its index. The truth, the metrics and exact values follow.
        network_seeds: Number of networks per environment, with consecutive seeds, on the same images.
        paired: Whether each environment with redundant channels is compared with its copy without them, on the same images.
        batch_size: Images per call of a method; results do not depend on it.
        max_memory: Bytes that the exact evaluation of a network may use at once.
        device: `auto`, `cpu` or `cuda`, for methods and metrics.
        seed: Seed of the bootstrap.
        progress: Called with the number of maps (methods and references x images x environments) finished since the last call.

    Returns:
        Scores and correlations; `.to_dict()`.

    Raises:
        BadOption: If an option is not valid, or `target` is no output with a known truth.
        UnknownName: If there is no such method, metric or environment.
        MissingFile: If a method's or metric's function does not exist.

    References:
        Zhang et al. 2024, section 5.

    Example:
        >>> report = audit(["truth", "random"], ["deletion"], "multi-color-sum[size=16]", n_samples=2)
        >>> report.environments[0].correlations["deletion"].kendall
        1.0
    """
    require_choice("truth", truth, ("auto", *F1_TRUTHS))
    n_samples = whole_number("n_samples", n_samples, 1, MOST_IMAGES)
    batch_size = whole_number("batch_size", batch_size, 1)
    max_memory = whole_number("max_memory", max_memory, 1)
    seed = whole_number("seed", seed, 0)
    require_list("methods", methods, "methods", 2)
    require_list("metrics", metrics, "metrics", 1)
    if references != AUTO:
        require_list("references", references, "methods, or auto", 0)
    require_function("progress", progress, "(n)")
    torch_device = find_device(device)
    families = as_environments(environments)
    jobs = expand(families, network_seeds=network_seeds, paired=paired)
    for environment in families:
        environment.sample(1, target=target)  # an output without truth is refused before anything is measured
    built_metrics = [_with_memory(make_metric(metric), max_memory) for metric in metrics]
    bound_methods = [[make_method(method, environment) for method in methods] for _, environment in jobs]
    specs = [method.spec for method in bound_methods[0]]
    _refuse_repeated("methods", specs)
    _refuse_repeated("metrics", [metric.spec for metric in built_metrics])
    f1_truth = "positive" if truth == "auto" else truth
    plan = _Plan(n_samples, f1_truth, target, batch_size, torch_device, seed, progress or no_progress, len(specs))
    results = tuple(
        _audit_one(
            [*bound, *references_beside(specs, references, environment)], built_metrics, environment, family, plan
        )
        for bound, (family, environment) in zip(bound_methods, jobs, strict=True)
    )
    redundant = [family for family in families if without_redundancy(family)]
    comparisons = compare_with_plain(redundant, built_metrics, results, seed) if paired else ()
    return Audit(f1_truth, n_samples, results, comparisons, versions(), target)


def expand(
    environments: Sequence[Environment], *, network_seeds: int = 1, paired: bool = False
) -> list[tuple[str, Environment]]:
    """The environments to audit with the specs of their families: with every network seed, and without redundancy.

    Raises:
        BadOption: If `network_seeds` is below 1, or `paired` is set although no environment has redundant channels.
    """
    whole_number("network_seeds", network_seeds, 1, MOST_NETWORKS, "each is a network of its own")
    require_flag("paired", paired)
    if paired and not any(without_redundancy(environment) for environment in environments):
        raise bad_option("paired", "be left out where no environment has redundant channels", paired)
    families = {environment.spec: environment for environment in environments}
    for environment in environments if paired else ():
        counterpart = without_redundancy(environment)
        if counterpart is not None:
            families.setdefault(counterpart.spec, counterpart)
    return [
        (spec, dataclasses.replace(environment, network_seed=environment.network_seed + shift))
        for spec, environment in families.items()
        for shift in range(network_seeds)
    ]


def references_beside(
    specs: Sequence[str], references: Sequence[str | AnyMethod] | str, environment: Environment
) -> list[AnyMethod]:
    """The references, bound to an environment, without those that are audited as methods."""
    if references == AUTO:
        references = REFERENCES if has_closed_form(environment) else REFERENCES[1:]
    bound = [make_method(reference, environment) for reference in references]
    _refuse_repeated("references", [reference.spec for reference in bound])
    return [reference for reference in bound if reference.spec not in specs]


def _with_memory(metric: AnyMetric, max_memory: int) -> AnyMetric:
    """A copy of a built-in kind of metric with a limit on memory."""
    return dataclasses.replace(metric, max_memory=max_memory) if isinstance(metric, Metric) else metric


def _refuse_repeated(name: str, specs: Sequence[str]) -> None:
    """Refuse a list that names a method or metric twice."""
    for index, spec in enumerate(specs):
        if spec in specs[:index]:
            raise bad_option(name, "name each one once", spec)


@dataclass(frozen=True)
class _Plan:
    """Validated options of an audit."""

    n_samples: int
    f1_truth: str
    target: Target
    batch_size: int
    device: torch.device
    seed: int
    progress: Progress
    n_methods: int


@dataclass
class _Row:
    """Results of one method so far."""

    error: Failure | None = None
    ignores_target: bool = False
    scores: dict[str, list[Tensor]] = field(default_factory=dict)
    curves: dict[str, list[Measurement]] = field(default_factory=dict)

    def add(self, name: str, measured: Measurement) -> None:
        """Add the scores of further images."""
        self.scores.setdefault(name, []).append(measured.scores.double().cpu())
        if measured.at is not None and measured.curves is not None:
            self.curves.setdefault(name, []).append(measured.thinned())


def _audit_one(
    methods: Sequence[AnyMethod], metrics: Sequence[AnyMetric], environment: Environment, family: str, plan: _Plan
) -> EnvironmentAudit:
    """Compute each method's maps batch by batch, then score them by every metric; the last methods are references."""
    on_device = environment.to(plan.device)
    models = [copy_network(on_device.model) for _ in methods]  # a method cannot affect the others by its model
    rows, metric_errors = [_Row() for _ in methods], {}
    for start in range(0, plan.n_samples, plan.batch_size):
        n = min(plan.batch_size, plan.n_samples - start)
        batch = environment.sample(n, start, target=plan.target).to(plan.device)
        maps = _maps(methods, models, rows, batch, plan)
        if start == 0 and plan.target != "winner":
            _compare_with_winner(methods, rows, on_device, batch, maps, plan.device)
        for metric in metrics if maps else ():
            if metric.spec in metric_errors:
                continue
            try:
                measurements = measure_each(metric, on_device, batch, [values for _, values in maps])
            except MetricError as error:
                metric_errors[metric.spec] = error_text(error)
                continue
            for (row, _), measurement in zip(maps, measurements, strict=True):
                row.add(metric.spec, measurement)
    scores = {
        method.spec: _method_scores(row, metrics, metric_errors) for method, row in zip(methods, rows, strict=True)
    }
    ranked, beside = (dict(islice(scores.items(), *part)) for part in ((plan.n_methods,), (plan.n_methods, None)))
    correlations = {metric.spec: correlation(ranked, metric, plan.seed) for metric in metrics}
    directions = {metric.spec: metric.higher_is_better for metric in metrics}
    return EnvironmentAudit(environment.spec, ranked, correlations, directions, metric_errors, family, beside)


def _maps(
    methods: Sequence[AnyMethod], models: Sequence[nn.Module], rows: Sequence[_Row], batch: Batch, plan: _Plan
) -> list[tuple[_Row, Tensor]]:
    """Maps of the methods that have not failed; adds their F1 or new failures to their rows."""
    maps = []
    truth = batch.ground_truth.to("cpu")
    for method, model, row in zip(methods, models, rows, strict=True):
        if row.error is None:
            explained = _explain_if_it_fits(method, model, batch, plan)
            if isinstance(explained, Failure):
                row.error = explained
            else:
                row.add("f1", Measurement(score(explained.values.cpu(), truth).against(plan.f1_truth).f1))
                maps.append((row, explained.values))
        plan.progress(len(batch))
    return maps


def _compare_with_winner(
    methods: Sequence[AnyMethod],
    rows: Sequence[_Row],
    environment: Environment,
    batch: Batch,
    maps: Sequence[tuple[_Row, Tensor]],
    device: torch.device,
) -> None:
    """Find the methods whose maps are those of the winner."""
    maps_of = {id(row): values for row, values in maps}
    for method, row in zip(methods, rows, strict=True):
        if id(row) in maps_of:
            copied = environment.to(device)  # a method may change its model
            row.ignores_target = n_same_for_winner(method, copied, batch, maps_of[id(row)], device) > 0


def _explain_if_it_fits(method: AnyMethod, model: nn.Module, batch: Batch, plan: _Plan) -> Maps | Failure:
    """Maps of a method, or its failure; a method fails, too, if it does not fit the network or the inputs by default.

    Raises:
        BadOption: If an option that was set does not fit.
    """
    try:
        return explain(method, model, batch, device=plan.device)
    except BadOption as error:
        if isinstance(method, Method) and error.option not in changed_options(method):
            return Failure.of(error)
        raise BadOption(f"{error} (for {method.spec})") from error  # many methods have an option of this name


def _method_scores(row: _Row, metrics: Sequence[AnyMetric], failed: dict[str, str]) -> MethodScores:
    """Scores of one method over all images, without those of failed metrics."""
    if row.error is not None:
        return MethodScores(None, {metric.spec: None for metric in metrics}, {}, row.error)
    by_image = {name: torch.cat(parts).numpy() for name, parts in row.scores.items() if name not in failed}
    means = {metric.spec: _mean(by_image.get(metric.spec)) for metric in metrics}
    quantities = {metric.spec: metric.quantity for metric in metrics}
    curves = {
        name: ImageCurves(parts[0].at.numpy(), torch.cat([part.curves for part in parts]).numpy(), quantities[name])  # type: ignore[union-attr, misc]  # `add` keeps only measurements with curves
        for name, parts in row.curves.items()
        if name not in failed
    }
    return MethodScores(_mean(by_image["f1"]), means, by_image, None, curves, row.ignores_target)


def _mean(values: Values | None) -> float | None:
    """Mean of the defined values, or None."""
    return None if values is None or np.isnan(values).all() else float(np.nanmean(values))
