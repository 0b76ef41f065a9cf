"""The debugging test: which bugs do the maps of a method reveal? (Adebayo et al. 2020, with exact truth)

Each scene is explained twice: by a healthy network A, and with a bug, B. With F(m, g) the agreement of map m with truth g,

    D = (F(m_A, g_A) + F(m_B, g_B) - F(m_A, g_B) - F(m_B, g_A)) / 2
    follows = mean D / mean D of the truth itself

is 1 for maps that change as the truth does, and exactly 0 for maps that do not change. F is the F1 against the truth's mask where the
network has a closed form, else the cosine with the exact effects of all pixels. Where the truth of B is empty, because no pixel has an
effect, a map must be empty, too: D is then 1 - ||m_B|| / ||m_A|| (sums of magnitudes), at least 0, and 1 for the truth.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.games import exact_values
from attributionlab.judging.bug_cases import BugCase, bug_cases
from attributionlab.judging.debug_report import (
    BugVerdict,
    DebugReport,
    MeanSimilarity,
    ShownMaps,
    revelation_of,
)
from attributionlab.judging.dependence import Dependence, ratio_of_means
from attributionlab.machine import find_device, versions
from attributionlab.measuring.applicable import deciding_truth, judged_truth
from attributionlab.measuring.explain import explain
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, make_method
from attributionlab.metrics import SIMILARITIES, gaussian_maps, is_map, map_similarity, region_mass, score
from attributionlab.specs.arguments import MOST_IMAGES, require_function, share, whole_number
from attributionlab.truth import Batch, GroundTruth

LEAST_IMAGES = 2
"""Smallest number of images with a standard error."""


def debug(
    method: str | AnyMethod | Callable[..., Tensor],
    bugs: Sequence[str] | None = None,
    *,
    n_samples: int = 8,
    gamma: float = 0.5,
    size: int = 32,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> DebugReport:
    """Test which designed bugs the maps of a method reveal.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the location of one.
        bugs: Names or specs of bugs: `spurious-background`, or one of those of `multi-color-sum`, such as `mislabeled`,
            `cascade[layer=block2]` or `frozen[n_redundant=0]`; a bug that needs a layer and names none is tested in all of them.
            By default all bugs.
        n_samples: Scenes for each bug, at least 2; scene i is explained under networks with seed + i.
        gamma: Part of the truth's change of which maps must follow more, in [0, 1].
        size: Side of the images in pixels, where a bug's spec does not set it.
        seed: Seed of scenes and weights.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        progress: Called with 1 after each scene of each bug.

    Returns:
        The verdicts; `.revealed`, `.bugs`, `.to_dict()`.

    Raises:
        UnknownName: If there is no such bug, or the networks have no such layer.
        BadOption: If an option is not valid.
        MachineError: If there is no such device.

    References:
        Adebayo et al. 2020, sections 3 to 5.

    Example:
        >>> debug("truth", ["mislabeled"], n_samples=2, size=16).revealed
        ('mislabeled',)
    """
    subject = make_method(method)
    n_samples = whole_number("n_samples", n_samples, LEAST_IMAGES, MOST_IMAGES)
    whole_number("seed", seed, 0)
    threshold, torch_device = share("gamma", gamma), find_device(device)
    report = require_function("progress", progress, "(n)") or no_progress
    tests = _Tests(subject, torch_device, seed)
    cases = bug_cases(bugs, size=size, seed=seed)
    verdicts = tuple(_judge(case, tests, n_samples, threshold, report) for case in cases)
    return DebugReport(subject.spec, threshold, n_samples, seed, verdicts, versions())


@dataclass(frozen=True, eq=False)
class _Explained:
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


class _MethodFailed(Exception):
    """A failure of the method under test.

    Args:
        failure: The failure.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass
class _Tests:
    """Explains scenes; healthy ones are kept, because most bugs share them.

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
    kept: dict[tuple[str, int, int, bool, int], _Explained] = field(default_factory=dict)

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
    ) -> _Explained:
        """Scene `index`, explained for a target.

        Raises:
            _MethodFailed: If the method fails.
        """
        key = (base.spec, index, target, is_graded, seed_offset)
        if key not in self.kept:
            batch = self.environment(base, index).batch((self.scene(base, index),), target=target)
            self.kept[key] = self._explain(self.environment(base, index), batch, is_graded, seed_offset)
        return self.kept[key]

    def _explain(self, environment: Environment, batch: Batch, is_graded: bool, seed_offset: int) -> _Explained:
        method = make_method(_with_seed(self.method, seed_offset), environment)
        network = copy.deepcopy(environment.model).to(self.device)
        maps = explain(method, network, batch, device=self.device)
        if isinstance(maps, Failure):
            raise _MethodFailed(maps)
        truth = judged_truth(method.declaration, environment, batch)
        return _Explained(batch, truth, _effects(environment, batch, method), is_graded, maps.values.cpu())

    def visible(self, maps: Tensor) -> Tensor:
        """The part of maps or values that the method can show, by its declared sign."""
        sign = self.method.declaration.sign
        return maps.clamp(min=0) if sign == "positive" else maps.abs() if sign == "magnitude" else maps

    def agreement(self, maps: Tensor, explained: _Explained, kind: str) -> float:
        """F of maps: F1 on a kind of truth, or the cosine with exact values; 0 where it is undefined."""
        if not explained.is_graded:
            return float(score(maps, explained.truth).against(kind).f1.nan_to_num(0.0))
        visible, values = (self.visible(each).double().flatten() for each in (maps, explained.effects))
        norms = visible.norm() * values.norm()
        return float(visible @ values / norms) if norms > 0 else 0.0

    def reference(self, explained: _Explained) -> Tensor:
        """The truth as a map (1, *shape)."""
        return explained.effects if explained.is_graded else explained.truth.signed.double()

    def difference(self, first: _Explained, second: _Explained, kind: str) -> tuple[float, float] | None:
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


@dataclass
class _CaseTally:
    """Everything measured about a case so far, image by image.

    Args:
        kind: Kind of truth that suits the method.
    """

    kind: str
    differences: list[tuple[float, float] | None] = field(default_factory=list)
    own_differences: list[tuple[float, float] | None] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    of_healthy: list[float] = field(default_factory=list)
    masses: list[tuple[float, float]] = field(default_factory=list)
    similarities: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    n_same_class: int = 0
    n_empty: int = 0
    n_without_map: int = 0
    n_vanished: int = 0
    shown: ShownMaps | None = None

    def add(self, tests: _Tests, case: BugCase, index: int) -> None:
        """Explain scene `index` without and with the bug, and compare."""
        is_graded = not case.contaminated.has_logits
        target, own_target = (tests.target(base, index) for base in (case.healthy, case.contaminated))
        first = tests.explained(case.healthy, index, target, is_graded=is_graded)
        second = tests.explained(case.contaminated, index, target, is_graded=is_graded)
        own = tests.explained(case.contaminated, index, own_target, is_graded=is_graded)
        self.n_same_class += target == own_target
        self.n_empty += second.is_empty
        self.differences.append(tests.difference(first, second, self.kind))
        self.own_differences.append(tests.difference(first, own, self.kind))
        if not second.is_empty:
            self.own.append(tests.agreement(second.maps, second, self.kind))
            self.of_healthy.append(tests.agreement(second.maps, first, self.kind))
            region = second.truth.overall_mask
            self.masses.append((float(region_mass(first.maps, region)), float(region_mass(second.maps, region))))
        self.n_without_map += not bool((is_map(first.maps) & is_map(second.maps)).all())
        self.n_vanished += not second.is_empty and not bool(is_map(second.maps).all())
        again = tests.explained(case.healthy, index, target, is_graded=is_graded, seed_offset=1)
        self._compare(tests, first, second, again)
        if self.shown is None:
            self.shown = _shown(first, second)

    def _compare(self, tests: _Tests, first: _Explained, second: _Explained, again: _Explained) -> None:
        """Add the similarities of the maps, with floor, ceiling and those of the truths."""
        if first.maps.ndim != 3:
            return
        others = {
            "mean": (first.maps, second.maps),
            "floor": (first.maps, _noise_like(first.maps, tests.seed)),
            "ceiling": (first.maps, again.maps),
            "truth": (tests.visible(first.effects), tests.visible(second.effects)),
        }
        for part, pair in others.items():
            similarity = map_similarity(*pair)
            for name in SIMILARITIES:
                self.similarities.setdefault(name, {}).setdefault(part, []).append(float(getattr(similarity, name)))


def _judge(case: BugCase, tests: _Tests, n_samples: int, gamma: float, progress: Progress) -> BugVerdict:
    """The verdict on one bug."""
    tally = _CaseTally(deciding_truth(tests.method.declaration, case.healthy))
    begun = BugVerdict(case.bug, case.role, case.contaminated.spec, case.healthy.spec, "failed")
    try:
        for index in range(n_samples):
            tally.add(tests, case, index)
            progress(1)
    except _MethodFailed as error:
        return dataclasses.replace(begun, error=error.failure)
    follows, follows_own = _ratio(tally.differences), _ratio(tally.own_differences)
    is_measured = sum(pair is not None for pair in tally.differences) >= LEAST_IMAGES
    all_empty = tally.n_empty == n_samples
    outcome = revelation_of(follows, gamma) if is_measured else "undecided"
    if tally.n_vanished == n_samples and outcome != "invisible":
        outcome = "no map"
    return dataclasses.replace(
        begun,
        outcome=outcome,
        basis="mass" if all_empty else "mask" if case.contaminated.has_logits else "values",
        follows=follows,
        follows_own=follows_own,
        agreement=None if all_empty else {"own": _mean(tally.own), "healthy": _mean(tally.of_healthy)},
        mass=None if all_empty else _mass(tally.masses),
        similarity={name: _mean_similarity(parts) for name, parts in tally.similarities.items()},
        n_same_class=tally.n_same_class,
        n_empty=tally.n_empty,
        n_without_map=tally.n_without_map,
        shown=tally.shown,
    )


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


def _noise_like(maps: Tensor, seed: int) -> Tensor:
    """Gaussian maps (1, *shape) with the norm of a map."""
    noise = gaussian_maps(maps, seed)
    scaled: Tensor = noise * (maps.double().norm() / noise.norm())
    return scaled


def _shown(first: _Explained, second: _Explained) -> ShownMaps:
    """The pictures of a scene."""
    inputs, truths, maps = zip(
        *((each.batch.inputs[0], each.effects[0], each.maps[0]) for each in (first, second)), strict=True
    )
    return ShownMaps(inputs, truths, maps)


def _ratio(differences: Sequence[tuple[float, float] | None]) -> Dependence | None:
    """Mean D of a method relative to that of the truth; None if there are fewer than two, or the truth does not change."""
    pairs = np.array([pair for pair in differences if pair is not None])
    return ratio_of_means(pairs) if len(pairs) >= LEAST_IMAGES and pairs[:, 1].any() else None


def _mean(values: Sequence[float]) -> float | None:
    """Mean of the values that are not NaN; None if there are none."""
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else None


def _mass(masses: Sequence[tuple[float, float]]) -> dict[str, float | None]:
    """Mean shares of healthy and contaminated maps in the region of the truth."""
    return {name: _mean(shares) for name, shares in zip(("healthy", "own"), zip(*masses, strict=True), strict=True)}


def _mean_similarity(parts: dict[str, list[float]]) -> MeanSimilarity:
    """A similarity averaged over images, with its standard error and references."""
    defined = np.array([value for value in parts["mean"] if not np.isnan(value)])
    error = float(defined.std(ddof=1) / len(defined) ** 0.5) if len(defined) >= LEAST_IMAGES else None
    references = {name: _mean(parts[name]) for name in ("floor", "ceiling", "truth")}
    return MeanSimilarity(_mean(parts["mean"]), error, len(defined), **references)
