"""Network dependence: whether maps change with the network as the truth does.

A map can look right without looking at the network: every pixel that is not background, say. So each scene is explained under a
second network as well, its counterpart, which uses other features. With F(m, g) the F1 of map m against truth g, and A and B the two networks,

    D = (F(m_A, g_A) + F(m_B, g_B) - F(m_A, g_B) - F(m_B, g_A)) / 2
    N = mean D / mean D of the truth itself

N is 1 for the truth, and exactly 0 for maps that are the same under both networks.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import stdtrit
from torch import Tensor

from attributionlab.judging.statistics import Values
from attributionlab.judging.units import Tally, Unit
from attributionlab.measuring.explain import explain
from attributionlab.measuring.failure import Failure
from attributionlab.metrics import score
from attributionlab.truth import GroundTruth

N_UNITS = 16
"""Scenes on which the dependence is measured; half of them where the time is up."""

LEAST_UNITS = 2
"""Smallest number of scenes with an interval."""

BLIND_BELOW = 0.02
"""Maps are blind if the upper end of N is below this."""


@dataclass(frozen=True)
class Dependence:
    """Network dependence N on one kind of truth.

    Args:
        value: N.
        low: Lower end of its 95 percent interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return dataclasses.asdict(self)


@dataclass
class DependenceTest:
    """Measures the network dependence of a method, scene by scene.

    Args:
        truths: The kinds of truth: overall and the deciding one.
    """

    truths: tuple[str, ...]
    differences: dict[str, list[tuple[float, float]]] = dataclasses.field(default_factory=dict)

    def measure(self, tally: Tally, n: int) -> Failure | None:
        """Explain the first n scenes under both networks; returns the failure of a method that fails there.

        Maps that the tally holds are not computed again.
        """
        for index, unit in enumerate(dataclasses.replace(tally.source, batch_size=1).units(0, n)):
            known = tally.maps[index] if index < tally.n else None
            failure = self._add(unit, tally.source.device, known)
            if failure is not None:
                return failure
        return None

    def _add(self, unit: Unit, device: torch.device, own_map: Tensor | None) -> Failure | None:
        """Explain one scene under its counterpart, and compare both maps with both truths."""
        counterpart = unit.environment.counterpart(unit.batch.scenes[0])
        assert counterpart is not None, "only environments with counterparts are asked"
        other_batch = dataclasses.replace(unit.batch, ground_truth=counterpart.truth)
        maps: list[Tensor] = []
        for network, batch in (
            (unit.network, unit.batch),
            (copy.deepcopy(counterpart.network).to(device), other_batch),
        ):
            if network is unit.network and own_map is not None:
                maps.append(own_map)
                continue
            explained = explain(unit.method, network, batch, device=device)
            if isinstance(explained, Failure):
                return explained
            maps.append(explained.values.cpu())
        own, other = unit.truth, _judged_counterpart(unit, counterpart.truth)
        for truth in self.truths:
            of_method = _difference(maps[0], maps[1], own, other, truth)
            of_truth = _difference(own.signed, other.signed, own, other, truth)
            self.differences.setdefault(truth, []).append((of_method, of_truth))
        return None

    def results(self) -> dict[str, Dependence]:
        """N by kind of truth, with its interval over scenes."""
        return {truth: _dependence(np.array(pairs)) for truth, pairs in self.differences.items()}


def is_blind(dependence: Mapping[str, Dependence] | None) -> bool:
    """Whether the maps do not depend on the network, on any kind of truth that was tested."""
    return bool(dependence) and all(result.high < BLIND_BELOW for result in dependence.values())  # type: ignore[union-attr]  # not None


def _judged_counterpart(unit: Unit, truth: GroundTruth) -> GroundTruth:
    """The counterpart's truth of the output that the method explains."""
    if unit.method.declaration.explains == "logit" and "logit" in unit.environment.explainable:
        counterpart = unit.environment.counterpart(unit.batch.scenes[0], "logit")
        assert counterpart is not None, "as for the output"
        return counterpart.truth
    return truth


def _difference(own_map: Tensor, other_map: Tensor, own: GroundTruth, other: GroundTruth, truth: str) -> float:
    """D of one scene."""
    f1 = [
        float(score(maps, of_network).against(truth).f1.nan_to_num(0.0))
        for maps, of_network in ((own_map, own), (other_map, other), (own_map, other), (other_map, own))
    ]
    return ((f1[0] + f1[1]) - (f1[2] + f1[3])) / 2


def _dependence(pairs: Values) -> Dependence:
    """N from D of the method and of the truth (n, 2); the truth's mean counts as known."""
    values = pairs[:, 0] / pairs[:, 1].mean()
    reach = float(stdtrit(len(values) - 1, 0.975)) * float(values.std(ddof=1)) / len(values) ** 0.5
    return Dependence(float(values.mean()), float(values.mean() - reach), float(values.mean() + reach))
