"""Units: the maps of a method and their scores, scene by scene, each under its own network.

A unit is one scene under one network: scene i is explained under the network with seed + i. A mean over images under a single
network would say nothing about other networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.environments import Environment
from attributionlab.judging.statistics import Rule, Summary, Values, summarize
from attributionlab.measuring.applicable import applicable_truths, judged_truth
from attributionlab.measuring.explain import Maps, explain
from attributionlab.measuring.facts import MapFacts
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.inspection import inspect_maps
from attributionlab.methods import AnyMethod, make_method
from attributionlab.methods.diagnostics import Recorded
from attributionlab.metrics import score
from attributionlab.networks.copying import copy_network
from attributionlab.truth import TRUTHS, Batch, GroundTruth

CONTROLS = ("random", "constant", "foreground")
"""Methods that do not look at the network, scored beside every method."""


N_KEPT = 16
"""Scenes whose networks are kept, because their dependence on the network is tested as well."""


@dataclass(frozen=True)
class SceneUnit:
    """Scenes under one network; usually a single scene.

    Args:
        environment: The environment with this network.
        method: The method, bound to it.
        batch: The scenes.
        network: The network, on the device of the check.
    """

    environment: Environment
    method: AnyMethod
    batch: Batch
    network: nn.Module

    @property
    def truth(self) -> GroundTruth:
        """The truth by which the method is judged."""
        return judged_truth(self.method.declaration, self.environment, self.batch)


@dataclass(frozen=True)
class Source:
    """Makes the units of an environment.

    Args:
        environment: The environment; its network seed is that of scene 0.
        method: The method.
        device: Device on which the method runs.
        one_network: Whether all scenes are explained under the environment's own network.
        batch_size: Scenes per call of the method where they share a network.
        target: Explained output, as in `Environment.sample`.
        built: Environments with other networks that were built before, by scene.
    """

    environment: Environment
    method: AnyMethod
    device: torch.device
    one_network: bool
    batch_size: int
    target: str | int = "winner"
    built: dict[int, Environment] = field(default_factory=dict, compare=False, repr=False)

    def units(self, start: int, stop: int) -> Iterator[SceneUnit]:
        """The units of scenes `start` to `stop - 1`."""
        size = self.batch_size if self.one_network else 1
        for first in range(start, stop, size):
            environment = self.environment if self.one_network else self.with_network(first)
            scenes = tuple(self.environment.scene(index) for index in range(first, min(first + size, stop)))
            yield SceneUnit(
                environment,
                make_method(self.method, environment),
                environment.batch(scenes, target=self.target),  # type: ignore[arg-type]  # checked by the environment
                self.own_copy(environment, environment.model),
            )

    def with_network(self, index: int) -> Environment:
        """The environment with the network of scene `index`; the first ones are kept, as they are used several times."""
        if index == 0:
            return self.environment
        if index not in self.built:
            environment = self.environment.changed(network_seed=self.environment.network_seed + index)
            if index >= N_KEPT:
                return environment
            self.built[index] = environment
        return self.built[index]

    def own_copy(self, environment: Environment, network: nn.Module) -> nn.Module:
        """The network on the device; a copy where others use it, because a method may change it."""
        is_shared = environment is self.environment or self.device.type != "cpu"
        return copy_network(network).to(self.device) if is_shared else network

    def network_seeds(self, n: int) -> tuple[int, ...]:
        """Seeds of the networks of n scenes."""
        first = self.environment.network_seed
        return (first,) if self.one_network else tuple(range(first, first + n))


@dataclass
class Scores:
    """Scores of maps by kind of truth, unit by unit.

    Args:
        values: Precision, recall and F1 of every unit so far, by kind of truth.
    """

    values: dict[str, list[tuple[float, float, float]]] = field(default_factory=lambda: {truth: [] for truth in TRUTHS})

    def add(self, maps: Tensor, truth: GroundTruth) -> None:
        """Score maps (b, *shape)."""
        agreement = score(maps, truth)
        for kind in self.values:
            scores = agreement.against(kind)
            self.values[kind] += zip(scores.precision.tolist(), scores.recall.tolist(), scores.f1.tolist(), strict=True)

    def f1(self, truth: str) -> Values:
        """(n,) F1 of every unit."""
        return np.array([row[2] for row in self.values[truth]])

    def summaries(self, applicable: tuple[str, ...], gamma: float, rule: Rule) -> dict[str, Summary | None]:
        """Means and intervals by kind of truth; None for kinds that do not apply."""
        summaries: dict[str, Summary | None] = {}
        for truth, rows in self.values.items():
            precision, recall, f1 = np.array(rows).reshape(-1, 3).T
            summaries[truth] = summarize(precision, recall, f1, gamma, rule) if truth in applicable else None
        return summaries


N_COMPARED = 4
"""Scenes whose maps are compared with the exact values of games."""


@dataclass
class Tally:
    """The scores of a method and of the controls on all units so far.

    Args:
        source: Where the units come from.
    """

    source: Source
    scores: Scores = field(default_factory=Scores)
    controls: dict[str, Scores] = field(default_factory=lambda: {name: Scores() for name in CONTROLS})
    facts: MapFacts = field(default_factory=MapFacts)
    recorded: Recorded = field(default_factory=dict)
    maps: list[Tensor] = field(default_factory=list)
    first: list[tuple[Environment, Batch]] = field(default_factory=list)
    seconds: float = 0.0
    failure: Failure | None = None

    @property
    def n(self) -> int:
        """Number of scenes with maps so far."""
        return self.facts.n_maps

    @property
    def n_begun(self) -> int:
        """Number of scenes so far, with those on which the method failed."""
        return len(self.controls["constant"].values["overall"])

    @property
    def applicable(self) -> tuple[str, ...]:
        """The kinds of truth that apply to the method."""
        return applicable_truths(self.source.method.declaration, self.source.environment)

    def n_held(self, deciding: str, gamma: float) -> int:
        """Number of networks under which the mean F1 on the deciding truth reaches gamma."""
        f1 = self.scores.f1(deciding)
        f1 = f1.mean(keepdims=True) if self.source.one_network else f1
        return int((f1 >= gamma).sum())

    def extend(self, stop: int, progress: Any) -> None:
        """Explain and score the scenes up to `stop - 1`; a failure of the method ends it."""
        for unit in self.source.units(self.n, stop):
            maps = explain(unit.method, unit.network, unit.batch, device=self.source.device, progress=progress)
            if isinstance(maps, Failure):
                self.failure = maps
                self._add_controls(unit)
                return
            self.add(unit, maps)

    def add(self, unit: SceneUnit, maps: Maps) -> None:
        """Score the maps of a unit."""
        values = maps.values.cpu()
        self.scores.add(values, unit.truth)
        self._add_controls(unit)
        self.facts += inspect_maps(unit.environment, unit.batch, unit.method.declaration, values)
        self.maps += values.split(1)
        for index in range(min(len(unit.batch), N_COMPARED - len(self.first))):
            self.first.append((unit.environment, unit.batch[index : index + 1]))
        self.seconds += maps.seconds or 0.0
        for name, numbers in maps.recorded.items():
            self.recorded.setdefault(name, []).extend(numbers)

    def _add_controls(self, unit: SceneUnit) -> None:
        """Score the controls on a unit."""
        options: dict[str, dict[str, object]] = {"random": {"signed": "signed" in self.applicable}}
        for name, scores in self.controls.items():
            control = make_method(name, unit.environment, **options.get(name, {}))
            scores.add(control(unit.environment.model, unit.batch.inputs, unit.batch.targets), unit.truth)
