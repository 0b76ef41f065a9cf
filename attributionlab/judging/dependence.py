"""Network dependence: whether maps change with the network as the truth does.

A map can look right without looking at the network: every pixel that is not background, say. So each scene is explained under a
second network as well, its counterpart, which uses other features. With F(m, g) the F1 of map m against truth g, and A and B the two networks,

    D = (F(m_A, g_A) + F(m_B, g_B) - F(m_A, g_B) - F(m_B, g_A)) / 2
    N = mean D / mean D of the truth itself

N is 1 for the truth, and exactly 0 for maps that are the same under both networks.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from attributionlab.environments.base import Counterpart
from attributionlab.judging.statistics import Values
from attributionlab.judging.student import student_quantile
from attributionlab.judging.units import N_KEPT, SceneUnit, Source, Tally
from attributionlab.measuring.explain import Maps, explain
from attributionlab.measuring.failure import Failure
from attributionlab.methods import AnyMethod
from attributionlab.methods.base import FunctionMethod
from attributionlab.metrics.agreement import scores_against
from attributionlab.truth import GroundTruth

N_UNITS = N_KEPT
"""Scenes on which the dependence is measured; half of them where the time is up."""

LEAST_UNITS = 2
"""Smallest number of scenes with an interval."""

BLIND_BELOW = 0.02
"""Maps are blind if the upper end of N is below this."""


WEAK_BELOW = 0.5
"""Maps whose upper ends of N are all below this get a note."""

LEAST_PART = 0.5
"""Maps that pass must have an N of at least this part of their F1; those of the methods that pass have 0.9 and more (docs/verdict.md)."""


_CounterpartMaps = dict[tuple[object, ...], tuple[AnyMethod, Maps]]

_SHARED: ContextVar[_CounterpartMaps | None] = ContextVar("attributionlab_counterpart_maps", default=None)
"""Maps under counterparts that were computed before, within `sharing_maps`, with the methods, whose functions stay alive so."""


@contextmanager
def sharing_maps() -> Iterator[None]:
    """Within it, each scene is explained under its counterpart once, however many tests of dependence ask for it."""
    token = _SHARED.set({})
    try:
        yield
    finally:
        _SHARED.reset(token)


@dataclass(frozen=True)
class Dependence:
    """Network dependence N on one kind of truth.

    Args:
        value: N.
        low: Lower end of its 95 percent interval.
        high: Upper end.
        counterpart_f1: Mean F1 of the maps under the counterparts against the counterparts' truth.
    """

    value: float
    low: float
    high: float
    counterpart_f1: float = dataclasses.field(default=math.nan, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "counterpart_f1": self.counterpart_f1}


@dataclass
class DependenceTest:
    """Measures the network dependence of a method, scene by scene.

    Args:
        truths: The kinds of truth: overall and the deciding one.
    """

    truths: tuple[str, ...]
    differences: dict[str, list[tuple[float, float, float]]] = dataclasses.field(default_factory=dict)

    def measure(self, tally: Tally, n: int) -> Failure | None:
        """Explain the first n scenes under both networks; returns the failure of a method that fails there.

        Maps that the tally holds are not computed again.
        """
        for index, unit in enumerate(dataclasses.replace(tally.source, batch_size=1).units(0, n)):
            own_map = tally.maps[index] if index < tally.n else None
            failure = self._add(index, unit, tally.source, own_map)
            if failure is not None:
                return failure
        return None

    def _add(self, index: int, unit: SceneUnit, source: Source, own_map: Tensor | None) -> Failure | None:
        """Explain scene `index` under its counterpart, and compare both maps with both truths."""
        counterpart = unit.environment.counterpart(unit.batch.scenes[0])
        assert counterpart is not None, "only environments with counterparts are asked"
        others = _counterpart_maps(index, unit, source, counterpart)
        owns = (
            explain(unit.method, unit.network, unit.batch, device=source.device) if own_map is None else Maps(own_map)
        )
        if isinstance(others, Failure) or isinstance(owns, Failure):
            return others if isinstance(others, Failure) else owns  # type: ignore[return-value]  # one of them is
        self.add((owns.values.cpu(), others.values.cpu()), (unit.truth, _judged_counterpart(unit, counterpart.truth)))
        return None

    def measure_stored(self, unit: SceneUnit, maps: Tensor, counterpart_maps: Tensor) -> None:
        """Compare maps (n, *shape) of the scenes of a unit with those of the same scenes under their counterparts."""
        for row, scene in enumerate(unit.batch.scenes):
            counterpart = unit.environment.counterpart(scene)
            assert counterpart is not None, "only environments with counterparts are asked"
            part = dataclasses.replace(unit, batch=unit.batch[row : row + 1])
            pair = maps[row : row + 1], counterpart_maps[row : row + 1]
            self.add(pair, (part.truth, _judged_counterpart(part, counterpart.truth)))

    def add(self, maps: tuple[Tensor, Tensor], truths: tuple[GroundTruth, GroundTruth]) -> None:
        """Compare the maps (1, *shape) of one scene under both networks with both truths."""
        of_method = _differences(maps, truths, self.truths)
        of_truth = _differences((truths[0].signed, truths[1].signed), truths, self.truths)
        for kind in self.truths:
            (difference, f1), (largest, _) = of_method[kind], of_truth[kind]
            self.differences.setdefault(kind, []).append((difference, largest, f1))

    def results(self) -> dict[str, Dependence]:
        """N by kind of truth, with its interval over scenes."""
        return {truth: _dependence(np.array(pairs)) for truth, pairs in self.differences.items()}


def is_blind(dependence: Mapping[str, Dependence] | None) -> bool:
    """Whether the maps do not depend on the network, on any kind of truth that was tested."""
    return bool(dependence) and all(result.high < BLIND_BELOW for result in dependence.values())  # type: ignore[union-attr]  # not None


def is_right_without_network(dependence: Mapping[str, Dependence] | None, f1: Mapping[str, float]) -> bool:
    """Whether less than half of the F1 on each kind of truth follows the network: the maps are right because of the inputs.

    Args:
        dependence: N by kind of truth; None if it was not tested.
        f1: Mean F1 by kind of truth.
    """
    return bool(dependence) and all(result.high < LEAST_PART * f1[truth] for truth, result in dependence.items())  # type: ignore[union-attr]  # not None


def weak_dependence(dependence: Mapping[str, Dependence] | None, deciding: str) -> str | None:
    """A note about maps that depend on the network much less than the truth does; None if they do not, or nothing was tested."""
    if not dependence or is_blind(dependence) or any(result.high >= WEAK_BELOW for result in dependence.values()):
        return None
    result = dependence[deciding]
    return (
        f"the maps depend on the network only weakly ({result.value:.2f} on {deciding} truth; 1 for the truth itself): judged by networks that "
        f"use other features their mean F1 is {result.counterpart_f1:.2f}; much of them may come from the inputs alone"
    )


def _counterpart_maps(index: int, unit: SceneUnit, source: Source, counterpart: Counterpart) -> Maps | Failure:
    """The map of scene `index` under its counterpart; it is computed once within `sharing_maps`."""
    shared = _SHARED.get()
    key = (unit.environment.spec, _identity(unit.method), index, source.target, source.device)
    if shared is not None and key in shared:
        return shared[key][1]
    network = source.own_copy(unit.environment, counterpart.network)
    batch = dataclasses.replace(unit.batch, ground_truth=counterpart.truth)
    maps = explain(unit.method, network, batch, device=source.device)
    if shared is not None and isinstance(maps, Maps):
        shared[key] = unit.method, maps
    return maps


def _identity(method: AnyMethod) -> object:
    """The object itself of a function, as several may have one name; the class and the options of a method."""
    return id(method.function) if isinstance(method, FunctionMethod) else (type(method), method.spec)


def _judged_counterpart(unit: SceneUnit, truth: GroundTruth) -> GroundTruth:
    """The counterpart's truth of the output that the method explains."""
    if unit.method.declaration.explains == "logit" and "logit" in unit.environment.explainable:
        counterpart = unit.environment.counterpart(unit.batch.scenes[0], "logit")
        assert counterpart is not None, "as for the output"
        return counterpart.truth
    return truth


def _differences(
    maps: tuple[Tensor, Tensor], truths: tuple[GroundTruth, GroundTruth], kinds: tuple[str, ...]
) -> dict[str, tuple[float, float]]:
    """D of one scene, and the F1 of the second map against the second truth, by kind of truth."""
    own, other, own_by_other, other_by_own = (
        _f1(maps[index], truths[of], kinds) for index, of in ((0, 0), (1, 1), (0, 1), (1, 0))
    )
    return {
        kind: (((own[kind] + other[kind]) - (own_by_other[kind] + other_by_own[kind])) / 2, other[kind])
        for kind in kinds
    }


def _f1(maps: Tensor, truth: GroundTruth, kinds: tuple[str, ...]) -> dict[str, float]:
    """F1 of a map (1, *shape) by kind of truth, 0 where it does not apply."""
    return {kind: float(scores.f1.nan_to_num(0.0)) for kind, scores in scores_against(maps, truth, kinds).items()}


def _dependence(values: Values) -> Dependence:
    """N from D of the method, D of the truth and the F1 under the counterparts (n, 3)."""
    return dataclasses.replace(ratio_of_means(values[:, :2]), counterpart_f1=float(values[:, 2].mean()))


def ratio_of_means(pairs: Values) -> Dependence:
    """N from D of the method and of the truth (n, 2), at least two of each, with the usual interval of a ratio of means (delta method)."""
    of_method, of_truth = pairs.T
    ratio = float(of_method.mean() / of_truth.mean())
    deviation = float((of_method - ratio * of_truth).std(ddof=1) / of_truth.mean())
    reach = student_quantile(len(pairs) - 1) * deviation / len(pairs) ** 0.5
    return Dependence(ratio, ratio - reach, ratio + reach)
