"""Sweeps: the scores of methods while one variable of the laboratory changes and everything else stays (section 1, "ablating variables").

At every value the same scenes are explained, scene i under the network with seed + i, so that values are compared image by image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.environments.factory import as_environment
from attributionlab.errors import MetricError
from attributionlab.judging.games import FEW_FEATURES, GameScores, values_with_declared
from attributionlab.judging.ranking import RankCorrelation, rank_correlation
from attributionlab.judging.statistics import Values, resampled_mean
from attributionlab.judging.sweep_report import Sweep, SweepCurve, SweepPoint
from attributionlab.judging.units import N_COMPARED, N_KEPT, Scores
from attributionlab.judging.variables import AppliedValue, applied_values
from attributionlab.machine import find_device, versions
from attributionlab.measuring.applicable import applicable_truths, check_applies, deciding_truth, judged_truth
from attributionlab.measuring.evaluate import measure_each
from attributionlab.measuring.explain import Maps, explain
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, make_method
from attributionlab.metrics import AnyMetric, MetricFunction, make_metric
from attributionlab.networks.copying import copy_network
from attributionlab.printable import error_text
from attributionlab.specs.arguments import MOST_IMAGES, require_function, require_list, whole_number
from attributionlab.truth import Batch
from attributionlab.truth.kinds import require_truth

POSITIVE = "positive"
"""Kind of truth on which methods are ranked, unless another is named: it applies to every method in every environment."""

FEWEST_RANKED = 3
"""Fewest methods whose ranks are compared: two have a correlation of 1 or -1."""


def sweep(
    methods: str | AnyMethod | Callable[..., Tensor] | Sequence[str | AnyMethod | Callable[..., Tensor]],
    vary: str,
    values: Sequence[object],
    environment: Environment | str = "multi-color-sum",
    *,
    metrics: Sequence[str | AnyMetric | MetricFunction] = ("insertion", "deletion", "sensitivity-n"),
    n_samples: int = 8,
    truth: str = "auto",
    device: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> Sweep:
    """Score methods at several values of one variable, on the same scenes under the same networks.

    Variables are the options of the environment (`redundant_scale`, `n_redundant`, `temperature`, ...), those of the methods
    (`method.n_steps`), and

    - `baseline`: a shift that is added to each channel of the true baseline. Its magnitude is the distance of the method's
      baseline from the network's true one. With the default background, -20 is black.
    - `segment_error`: of LIME and KernelSHAP, whose segments then are the scene's own patches: share of the pixels of each patch
      that the segments draw wrongly, from 0 to 1. A segment keeps its size; its precision and recall are 1 - error.
    - `noise`: share of the pixels of each scene, drawn at random, that change places, from 0 to 1. Each color keeps its number of pixels, so
      the image stays in the network's domain, its output stays exactly the same, and the truth moves along with the pixels.

    Args:
        methods: One or more methods, as in `check`.
        vary: Name of the variable.
        values: Its values, as text or as values; each replaces what a spec sets.
        environment: An environment, or its spec. Scene i is explained under the network with its network seed + i.
        metrics: Names or specs of metrics, `Metric` objects, or functions declared by `metric`; may be empty.
        n_samples: Scenes at each value, at least 1; an interval of fewer than 8 is too short.
        truth: Kind of truth of F1. `auto` suits each method's declaration; methods are then ranked on `positive`.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        seed: Seed of the bootstrap.
        progress: Called with the number of maps (methods x values x scenes) finished since the last call.

    Returns:
        For each method and value: mean F1 by kind of truth and the mean of every metric, with 95 percent intervals (percentile
        bootstrap over scenes), and the games that are answered on the first scenes. For three or more methods also Spearman's correlation
        of F1 and each metric over the methods (interval: bootstrap over methods and scenes). `.curves`, `.correlations`, `.to_dict()`.

    Raises:
        BadOption: If an option or value is not valid, a method does not have the variable, or the truth does not apply to a method.
        UnknownName: If there is no such variable, method, metric or environment.
        MachineError: If there is no such device.

    References:
        Zhang et al. 2024, sections 1 and 4.3; the variables are ours.

    Example:
        >>> result = sweep("integrated-gradients[n_steps=50]", "baseline", [0, -5], "multi-color-sum[size=16]", n_samples=1)
        >>> [point.method for point in result.curves[0].points][1]
        'integrated-gradients[baseline=15,15,15,n_steps=50]'
    """
    built = as_environment("environment", environment)
    several = methods if isinstance(methods, (list, tuple)) else [methods]
    bound = [make_method(method, built) for method in require_list("methods", several, "methods", 1)]
    require_truth(truth)
    require_function("progress", progress, "(n)")
    sweeping = _Sweeping(
        metrics=[make_metric(metric) for metric in require_list("metrics", metrics, "metrics")],
        n_samples=whole_number("n_samples", n_samples, 1, MOST_IMAGES),
        truth=truth,
        device=find_device(device),
        seed=whole_number("seed", seed, 0),
        progress=progress or no_progress,
    )
    settings = applied_values(vary, require_list("values", values, "values", 1), built, bound)
    sweeping.check_truth(settings)
    rows = [sweeping.measure(setting) for setting in settings]
    return sweeping.report(vary, built, bound, settings, rows)


@dataclass
class _MethodTally:
    """Scores of a method at one value so far, scene by scene."""

    scores: Scores = field(default_factory=Scores)
    games: GameScores = field(default_factory=GameScores)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    n_zero_maps: int = 0
    failure: Failure | None = None

    def metric(self, name: str) -> Values:
        """(n,) scores of a metric."""
        return np.array(self.metrics.get(name, ()), dtype=np.float64)


@dataclass
class _Sweeping:
    """Options of a sweep, and the networks that several values share."""

    metrics: Sequence[AnyMetric]
    n_samples: int
    truth: str
    device: torch.device
    seed: int
    progress: Progress
    metric_errors: dict[str, str] = field(default_factory=dict)
    owner: Environment | None = None
    networks: dict[int, Environment] = field(default_factory=dict)

    @property
    def ranked_truth(self) -> str:
        """Kind of truth on which methods are ranked."""
        return POSITIVE if self.truth == "auto" else self.truth

    def check_truth(self, settings: Sequence[AppliedValue]) -> None:
        """Refuse a named truth that does not apply to a method at some value.

        Raises:
            BadOption: If it does not apply.
        """
        for setting in settings if self.truth != "auto" else ():
            for method in setting.methods:
                check_applies(self.truth, method.declaration, setting.environment, method.spec)

    def measure(self, setting: AppliedValue) -> list[_MethodTally]:
        """Explain every scene by every method, and score the maps."""
        tallies = [_MethodTally() for _ in setting.methods]
        for index in range(self.n_samples):
            environment = self._with_network(setting.environment, index)
            batch = environment.batch((setting.scene(environment, index),))
            maps = []
            for method, tally in zip(setting.methods, tallies, strict=True):
                bound = make_method(method, environment)
                if tally.failure is None:
                    values = self._explain(bound, environment, batch, tally)
                    maps += [] if values is None else [(tally, values)]
                self.progress(1)
            self._measure_metrics(environment, batch, maps)
        return tallies

    def _with_network(self, environment: Environment, index: int) -> Environment:
        """The environment with the network of scene `index`; the first ones are kept, because several values may share them."""
        if index == 0:
            return environment
        if self.owner is not environment:
            self.owner, self.networks = environment, {}
        changed = self.networks.get(index) or environment.changed(network_seed=environment.network_seed + index)
        if index < N_KEPT:
            self.networks[index] = changed
        return changed

    def _explain(self, method: AnyMethod, environment: Environment, batch: Batch, tally: _MethodTally) -> Tensor | None:
        """The map of a scene, after its scores are added; None if the method failed."""
        network = copy_network(environment.model).to(self.device)  # a method may change it
        explained = explain(method, network, batch, device=self.device)
        if not isinstance(explained, Maps):
            tally.failure = explained
            return None
        values = explained.values.cpu()
        tally.scores.add(values, judged_truth(method.declaration, environment, batch))
        tally.n_zero_maps += int(explained.is_zero.sum())
        if tally.games.n_images < (N_COMPARED if values.numel() <= FEW_FEATURES else N_COMPARED // 2):
            tally.games.add(values, values_with_declared(method, environment, batch))
        return values

    def _measure_metrics(
        self, environment: Environment, batch: Batch, maps: Sequence[tuple[_MethodTally, Tensor]]
    ) -> None:
        """Add the scores of every metric; one that fails is named and left out from then on."""
        on_device = environment.to(self.device) if self.device.type != "cpu" else environment
        moved = [values.to(self.device) for _, values in maps]
        for metric in self.metrics if maps else ():
            if metric.spec in self.metric_errors:
                continue
            try:
                measured = measure_each(metric, on_device, batch.to(self.device), moved)
            except MetricError as error:
                self.metric_errors[metric.spec] = error_text(error)
                continue
            for (tally, _), measurement in zip(maps, measured, strict=True):
                tally.metrics.setdefault(metric.spec, []).append(float(measurement.scores))

    def report(
        self,
        vary: str,
        environment: Environment,
        methods: Sequence[AnyMethod],
        settings: Sequence[AppliedValue],
        rows: Sequence[Sequence[_MethodTally]],
    ) -> Sweep:
        """The result, from the tallies of every value and method."""
        return Sweep(
            vary=vary,
            values=tuple(setting.value for setting in settings),
            environment=environment.spec,
            n_samples=self.n_samples,
            network_seed=environment.network_seed,
            seed=self.seed,
            device=self.device.type,
            curves=tuple(
                self._curve(
                    environment,
                    method,
                    [(setting, row[place]) for setting, row in zip(settings, rows, strict=True)],
                    place,
                )
                for place, method in enumerate(methods)
            ),
            correlations=self._correlations(rows) if len(methods) >= FEWEST_RANKED else {},
            correlated_truth=self.ranked_truth,
            higher_is_better={metric.spec: metric.higher_is_better for metric in self.metrics},
            metric_errors=self.metric_errors,
            versions=versions(),
        )

    def _curve(
        self, environment: Environment, method: AnyMethod, row: Sequence[tuple[AppliedValue, _MethodTally]], place: int
    ) -> SweepCurve:
        """The curve of the method that stands at a place of every value's list."""
        truth = deciding_truth(method.declaration, environment) if self.truth == "auto" else self.truth
        points = tuple(self._point(setting, setting.methods[place], tally) for setting, tally in row)
        return SweepCurve(method.spec, truth, points)

    def _point(self, setting: AppliedValue, method: AnyMethod, tally: _MethodTally) -> SweepPoint:
        """The means of a method at a value; none if it failed."""
        point = (setting.value, setting.environment.spec, method.spec)
        if tally.failure is not None:
            return SweepPoint(*point, error=tally.failure)
        applicable = applicable_truths(method.declaration, setting.environment)
        truths = {
            kind: resampled_mean(tally.scores.f1(kind), seed=self.seed) if kind in applicable else None
            for kind in tally.scores.values
        }
        metrics = {
            metric.spec: resampled_mean(tally.metric(metric.spec), seed=self.seed)
            for metric in self.metrics
            if metric.spec not in self.metric_errors
        }
        return SweepPoint(*point, truths, metrics, tally.games.agreements(), method.answers, tally.n_zero_maps)

    def _correlations(self, rows: Sequence[Sequence[_MethodTally]]) -> dict[str, tuple[RankCorrelation, ...]]:
        """Rank correlation of F1 and every metric, oriented so that higher is better, over the methods that ran, by value."""
        return {
            metric.spec: tuple(self._correlation(row, metric) for row in rows)
            for metric in self.metrics
            if metric.spec not in self.metric_errors
        }

    def _correlation(self, tallies: Sequence[_MethodTally], metric: AnyMetric) -> RankCorrelation:
        ran = [tally for tally in tallies if tally.failure is None]
        if not ran:
            return RankCorrelation(None, None, None, None)
        f1 = np.stack([tally.scores.f1(self.ranked_truth) for tally in ran])
        measured = np.stack([tally.metric(metric.spec) for tally in ran])
        return rank_correlation(f1, measured if metric.higher_is_better else -measured, seed=self.seed)
