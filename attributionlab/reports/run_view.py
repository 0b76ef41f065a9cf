"""The results of a run as reports show them: methods in the order of the plan, images pooled over the seeds of an environment."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from attributionlab.errors import BadOption, DamagedRecords
from attributionlab.judging.audit_report import ImageCurves
from attributionlab.runs.declarations import built_in_direction
from attributionlab.runs.jobs import OF_OUTPUT
from attributionlab.runs.results import Records, Values


class RunView:
    """Scores, curves and maps of a run, for figures.

    Args:
        records: The run.
    """

    f1_truth = "positive"
    """The kind of truth whose F1 metrics are compared with: it applies to every method (section 5)."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.methods: tuple[str, ...] = tuple(records.plan.methods)
        self.metrics: tuple[str, ...] = tuple(records.plan.metrics)
        self._curves: dict[tuple[str, str], dict[str, ImageCurves]] = {}

    @cached_property
    def seeds(self) -> dict[str, list[str]]:
        """Specs with seeds, by environment of the plan."""
        seeds: dict[str, list[str]] = {}
        for environment, family in self.records.plan.expanded.items():
            seeds.setdefault(family, []).append(environment)
        return seeds

    @property
    def families(self) -> tuple[str, ...]:
        """The environments of the plan."""
        return tuple(self.seeds)

    @cached_property
    def directions(self) -> Mapping[str, float]:
        """Sign of each metric: 1 if higher is better, -1 if lower is; without the metrics of unknown direction.

        Records of earlier versions lack directions; a built-in metric then has the direction that it declares.
        """
        recorded = self.records.directions
        directions = {
            metric: recorded[metric] if metric in recorded else built_in_direction(metric) for metric in self.metrics
        }
        return {metric: 1.0 if higher else -1.0 for metric, higher in directions.items() if higher is not None}

    def maps(self, environment: str, method: str) -> npt.NDArray[np.float32] | None:
        """Read stored maps as `Records.maps` does; warn and return None if a file is damaged."""
        try:
            return self.records.maps(environment, method)
        except BadOption as error:
            warnings.warn(f"maps are left out: {error}", DamagedRecords, stacklevel=2)
            return None

    def explains_logit(self, environment: str, method: str) -> bool:
        """Whether a method was judged by the truth of the logit; its records then also have scores against the output's."""
        return any(name.startswith(OF_OUTPUT) for name in self.records.all_scores(environment, method, n_images=1))

    def scores(self, family: str, method: str, measure: str, name: str) -> Values:
        """Read one score (`positive.f1` of `agreement`, `score` of a metric) for the images of all seeds; NaN where undefined."""
        undefined = np.full(len(self.seeds[family]) * self.records.plan.n_samples, np.nan)
        return self.all_scores(family, method, measure).get(name, undefined)

    def all_scores(self, family: str, method: str, measure: str) -> dict[str, Values]:
        """Read all scores of a measure by name, for the images of all seeds; each record is read once."""
        undefined = np.full(self.records.plan.n_samples, np.nan)
        parts = [self.records.all_scores(environment, method, measure) for environment in self.seeds[family]]
        names = {name for part in parts for name in part}
        return {name: np.concatenate([part.get(name, undefined) for part in parts]) for name in names}

    def oriented(self, family: str, metric: str) -> dict[str, tuple[Values, Values]]:
        """F1 and a metric over images by method, with signs such that higher is better for both.

        Methods for which one of the two is undefined on every image are left out; empty if the metric's direction is unknown.
        """
        if metric not in self.directions:
            return {}
        pairs = {
            method: (
                self.scores(family, method, "agreement", f"{self.f1_truth}.f1"),
                self.scores(family, method, metric, "score") * self.directions[metric],
            )
            for method in self.methods
        }
        return {method: pair for method, pair in pairs.items() if not any(np.isnan(scores).all() for scores in pair)}

    def curves(self, family: str, metric: str) -> dict[str, ImageCurves]:
        """Curves of a metric for the images of all seeds, by method; methods without curves are left out."""
        if (family, metric) in self._curves:  # figures call this repeatedly, and records are read from disk
            return self._curves[family, metric]
        curves = self._curves[family, metric] = {}
        quantity = self.records.quantities.get(metric, "")
        for method in self.methods:
            parts = [self.records.curves(environment, method, metric) for environment in self.seeds[family]]
            recorded = [ImageCurves(*part, quantity) for part in parts if part is not None]
            if recorded:
                curves[method] = pooled(recorded)
        return curves

    def has_curves(self, metric: str) -> bool:
        """Whether a metric has curves in any environment."""
        return any(self.curves(family, metric) for family in self.families)


def pooled(curves: list[ImageCurves]) -> ImageCurves:
    """Join the images of several seeds; curves at other points are interpolated to the points of the first."""
    at = curves[0].at
    values = [
        part.values if np.array_equal(part.at, at) else np.stack([np.interp(at, part.at, row) for row in part.values])
        for part in curves
    ]
    return ImageCurves(at, np.concatenate(values), curves[0].quantity)
