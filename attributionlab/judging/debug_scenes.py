"""Scenes of the debugging test, explained under a healthy network and with a bug, and the agreement of maps with their truth."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.games import exact_values
from attributionlab.measuring.applicable import judged_truth
from attributionlab.measuring.explain import explain
from attributionlab.measuring.failure import Failure
from attributionlab.methods import AnyMethod, make_method
from attributionlab.metrics import score
from attributionlab.networks.copying import copy_network
from attributionlab.truth import Batch, GroundTruth


@dataclass(frozen=True, eq=False)
class ExplainedScene:
    """A scene, explained: its truth and its map.

    Args:
        batch: The scene.
        truth: The truth by which the method is judged.
        effects: (1, *shape) float64, exact effects of all pixels.
        is_graded: Whether maps are compared with the effects, because the network has no closed form, and not with the truth's mask.
        maps: (1, *shape).
    """

    batch: Batch
    truth: GroundTruth
    effects: Tensor
    is_graded: bool
    maps: Tensor

    @property
    def is_empty(self) -> bool:
        """Whether no pixel has an effect."""
        return not bool(self.truth.overall_mask.any())


class MethodFailed(Exception):
    """A failure of the method under test.

    Args:
        failure: The failure.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass
class DebugScenes:
    """Scenes of the test, explained; healthy ones are kept, because most bugs share them.

    Args:
        method: The method under test.
        device: Device on which it runs.
        seed: Seed of scenes and weights.
    """

    method: AnyMethod
    device: torch.device
    seed: int
    environments: dict[tuple[str, int], Environment] = field(default_factory=dict)
    scenes: dict[tuple[str, int], Any] = field(default_factory=dict)
    kept: dict[tuple[str, int, int, bool, int], ExplainedScene] = field(default_factory=dict)

    def environment(self, base: Environment, index: int) -> Environment:
        """The environment with the network of scene `index`."""
        key = (base.spec, index)
        if key not in self.environments:
            self.environments[key] = base.changed(network_seed=self.seed + index)
        return self.environments[key]

    def scene(self, base: Environment, index: int) -> Any:
        """Scene `index`, the same object each time, so that its effects are computed once."""
        key = (base.spec, index)
        if key not in self.scenes:
            self.scenes[key] = base.scene(index)
        return self.scenes[key]

    def target(self, base: Environment, index: int) -> int:
        """The class that the network of scene `index` predicts."""
        return self.environment(base, index).target_of(self.scene(base, index), "winner")

    def explained(
        self, base: Environment, index: int, target: int, *, is_graded: bool, seed_offset: int = 0
    ) -> ExplainedScene:
        """Scene `index`, explained for a target.

        Raises:
            MethodFailed: If the method fails.
        """
        key = (base.spec, index, target, is_graded, seed_offset)
        if key not in self.kept:
            batch = self.environment(base, index).batch((self.scene(base, index),), target=target)
            self.kept[key] = self._explain(self.environment(base, index), batch, is_graded, seed_offset)
        return self.kept[key]

    def _explain(self, environment: Environment, batch: Batch, is_graded: bool, seed_offset: int) -> ExplainedScene:
        method = make_method(_with_seed(self.method, seed_offset), environment)
        network = copy_network(environment.model).to(self.device)
        maps = explain(method, network, batch, device=self.device)
        if isinstance(maps, Failure):
            raise MethodFailed(maps)
        truth = judged_truth(method.declaration, environment, batch)
        return ExplainedScene(batch, truth, _effects(environment, batch, method), is_graded, maps.values.cpu())

    def visible(self, maps: Tensor) -> Tensor:
        """The part of maps or values that the method can show, by its declared sign."""
        sign = self.method.declaration.sign
        return maps.clamp(min=0) if sign == "positive" else maps.abs() if sign == "magnitude" else maps

    def agreement(self, maps: Tensor, explained: ExplainedScene, kind: str) -> float:
        """F of maps: F1 on a kind of truth, or the cosine with exact values; 0 where it is undefined."""
        if not explained.is_graded:
            return float(score(maps, explained.truth).against(kind).f1.nan_to_num(0.0))
        visible, values = (self.visible(each).double().flatten() for each in (maps, explained.effects))
        norms = visible.norm() * values.norm()
        return float(visible @ values / norms) if norms > 0 else 0.0

    def reference(self, explained: ExplainedScene) -> Tensor:
        """The truth as a map (1, *shape)."""
        return explained.effects if explained.is_graded else explained.truth.signed.double()

    def difference(self, first: ExplainedScene, second: ExplainedScene, kind: str) -> tuple[float, float] | None:
        """D of the method's maps and of the truth itself; None if the second truth is empty and the first map as well."""
        if second.is_empty:
            mass, remaining = (float(explained.maps.double().abs().sum()) for explained in (first, second))
            return (1 - min(1.0, remaining / mass), 1.0) if mass > 0 else None
        pairs = ((first.maps, second.maps), (self.reference(first), self.reference(second)))
        of_method, of_truth = (
            (self.agreement(a, first, kind) + self.agreement(b, second, kind))
            - (self.agreement(a, second, kind) + self.agreement(b, first, kind))
            for a, b in pairs
        )
        return of_method / 2, of_truth / 2


def _with_seed(method: AnyMethod, offset: int) -> AnyMethod:
    """The method with another seed, if it has one."""
    seed = getattr(method, "seed", None)
    if offset == 0 or not isinstance(seed, int) or not dataclasses.is_dataclass(method):
        return method
    return dataclasses.replace(method, seed=seed + offset)  # type: ignore[call-arg]  # it has a seed


def _effects(environment: Environment, batch: Batch, method: AnyMethod) -> Tensor:
    """(1, *shape) float64: exact effects of removing each pixel on the output that the method explains."""
    if method.declaration.explains == "logit" and environment.explains == "probability":
        environment = environment.changed(output="logit")
        targets = batch.targets
        batch = dataclasses.replace(environment.batch(batch.scenes), targets=targets)
    return exact_values(environment, batch, "removal").values
