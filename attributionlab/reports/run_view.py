"""A run as reports see it: methods in the order of the plan, and the images of all seeds of an environment together."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from attributionlab.errors import BadOption, DamagedRecords
from attributionlab.judging.audit_report import ImageCurves
from attributionlab.runs.declarations import built_in_direction
from attributionlab.runs.results import Records, Values


class RunView:
    """What figures draw of a run.

    Args:
        records: The run.
    """

    f1_truth = "positive"
    """The truth that metrics are compared with: it applies everywhere (section 5)."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.methods: tuple[str, ...] = tuple(records.plan.methods)
        self.metrics: tuple[str, ...] = tuple(records.plan.metrics)
        self._curves: dict[tuple[str, str], dict[str, ImageCurves]] = {}

    @cached_property
    def seeds(self) -> dict[str, list[str]]:
        """By environment of the plan: its specs with seeds."""
        found: dict[str, list[str]] = {}
        for environment, family in self.records.plan.expanded.items():
            found.setdefault(family, []).append(environment)
        return found

    @property
    def families(self) -> tuple[str, ...]:
        """The environments of the plan."""
        return tuple(self.seeds)

    @cached_property
    def directions(self) -> Mapping[str, float]:
        """By metric: 1 where higher is better, else -1; left out where the direction is not recorded.

        Records of an earlier version do not say it; then that of a built-in metric is taken.
        """
        recorded = self.records.directions
        directions = {
            metric: recorded[metric] if metric in recorded else built_in_direction(metric) for metric in self.metrics
        }
        return {metric: 1.0 if higher else -1.0 for metric, higher in directions.items() if higher is not None}

    def maps(self, environment: str, method: str) -> npt.NDArray[np.float32] | None:
        """Stored maps as in `Records.maps`; None, with a warning, where a file is damaged."""
        try:
            return self.records.maps(environment, method)
        except BadOption as error:
            warnings.warn(f"maps are left out: {error}", DamagedRecords, stacklevel=2)
            return None

    def scores(self, family: str, method: str, measure: str, name: str) -> Values:
        """A score like `positive.f1` of `agreement`, or `score` of a metric, over the images of all seeds; NaN where undefined."""
        nothing = np.full(len(self.seeds[family]) * self.records.plan.n_samples, np.nan)
        return self.all_scores(family, method, measure).get(name, nothing)

    def all_scores(self, family: str, method: str, measure: str) -> dict[str, Values]:
        """The same for every score by name: a record is read once for all of them."""
        nothing = np.full(self.records.plan.n_samples, np.nan)
        parts = [self.records.all_scores(one, method, measure) for one in self.seeds[family]]
        names = {name for part in parts for name in part}
        return {name: np.concatenate([part.get(name, nothing) for part in parts]) for name in names}

    def oriented(self, family: str, metric: str) -> dict[str, tuple[Values, Values]]:
        """F1 and a metric over images, higher being better for both, by method that has both on any image.

        Empty where the direction of the metric is not recorded.
        """
        if metric not in self.directions:
            return {}
        found = {
            method: (
                self.scores(family, method, "agreement", f"{self.f1_truth}.f1"),
                self.scores(family, method, metric, "score") * self.directions[metric],
            )
            for method in self.methods
        }
        return {method: both for method, both in found.items() if not any(np.isnan(one).all() for one in both)}

    def curves(self, family: str, metric: str) -> dict[str, ImageCurves]:
        """The curves of a metric over the images of all seeds, by method that has any."""
        if (family, metric) in self._curves:  # figures ask more than once, and records are read from disk
            return self._curves[family, metric]
        found = self._curves[family, metric] = {}
        quantity = self.records.quantities.get(metric, "")
        for method in self.methods:
            parts = [self.records.curves(environment, method, metric) for environment in self.seeds[family]]
            known = [ImageCurves(*part, quantity) for part in parts if part is not None]
            if known:
                found[method] = pooled(known)
        return found

    def has_curves(self, metric: str) -> bool:
        """Whether a metric has curves anywhere."""
        return any(self.curves(family, metric) for family in self.families)


def pooled(curves: list[ImageCurves]) -> ImageCurves:
    """The images of several seeds together; curves at other points are interpolated to those of the first."""
    at = curves[0].at
    values = [
        one.values if np.array_equal(one.at, at) else np.stack([np.interp(at, one.at, row) for row in one.values])
        for one in curves
    ]
    return ImageCurves(at, np.concatenate(values), curves[0].quantity)
