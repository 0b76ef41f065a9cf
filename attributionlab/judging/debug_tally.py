"""Everything measured about one bug, image by image, and the row of the report that follows from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from attributionlab.judging.bug_cases import BugCase
from attributionlab.judging.debug_report import BugVerdict, MeanSimilarity, ShownMaps, revelation_of
from attributionlab.judging.debug_scenes import DebugScenes, ExplainedScene
from attributionlab.judging.dependence import Dependence, ratio_of_means
from attributionlab.metrics import SIMILARITIES, gaussian_maps, is_map, map_similarity, region_mass

LEAST_IMAGES = 2
"""Smallest number of images with a standard error."""


@dataclass
class BugTally:
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

    def add(self, scenes: DebugScenes, case: BugCase, index: int) -> None:
        """Explain scene `index` without and with the bug, and compare."""
        is_graded = not case.contaminated.has_logits
        target, own_target = (scenes.target(base, index) for base in (case.healthy, case.contaminated))
        first = scenes.explained(case.healthy, index, target, is_graded=is_graded)
        second = scenes.explained(case.contaminated, index, target, is_graded=is_graded)
        own = scenes.explained(case.contaminated, index, own_target, is_graded=is_graded)
        self.n_same_class += target == own_target
        self.n_empty += second.is_empty
        self.differences.append(scenes.difference(first, second, self.kind))
        self.own_differences.append(scenes.difference(first, own, self.kind))
        if not second.is_empty:
            self.own.append(scenes.agreement(second.maps, second, self.kind))
            self.of_healthy.append(scenes.agreement(second.maps, first, self.kind))
            region = second.truth.overall_mask
            self.masses.append((float(region_mass(first.maps, region)), float(region_mass(second.maps, region))))
        self.n_without_map += not bool((is_map(first.maps) & is_map(second.maps)).all())
        self.n_vanished += not second.is_empty and not bool(is_map(second.maps).all())
        again = scenes.explained(case.healthy, index, target, is_graded=is_graded, seed_offset=1)
        self._compare(scenes, first, second, again)
        if self.shown is None:
            self.shown = _shown(first, second)

    def _compare(
        self, scenes: DebugScenes, first: ExplainedScene, second: ExplainedScene, again: ExplainedScene
    ) -> None:
        """Add the similarities of the maps, with floor, ceiling and those of the truths."""
        if first.maps.ndim != 3:
            return
        others = {
            "mean": (first.maps, second.maps),
            "floor": (first.maps, _noise_like(first.maps, scenes.seed)),
            "ceiling": (first.maps, again.maps),
            "truth": (scenes.visible(first.effects), scenes.visible(second.effects)),
        }
        for part, pair in others.items():
            similarity = map_similarity(*pair)
            for name in SIMILARITIES:
                self.similarities.setdefault(name, {}).setdefault(part, []).append(float(getattr(similarity, name)))

    def verdict(self, case: BugCase, gamma: float) -> BugVerdict:
        """The verdict on the bug of a case, from all images."""
        follows, follows_own = _ratio(self.differences), _ratio(self.own_differences)
        is_measured = sum(pair is not None for pair in self.differences) >= LEAST_IMAGES
        all_empty = self.n_empty == len(self.differences)
        outcome = revelation_of(follows, gamma) if is_measured else "undecided"
        if self.n_vanished == len(self.differences) and outcome != "invisible":
            outcome = "no map"
        return dataclasses.replace(
            begin_verdict(case),
            outcome=outcome,
            basis="mass" if all_empty else "mask" if case.contaminated.has_logits else "values",
            follows=follows,
            follows_own=follows_own,
            agreement=None if all_empty else {"own": _mean(self.own), "healthy": _mean(self.of_healthy)},
            mass=None if all_empty else _mass(self.masses),
            similarity={name: _mean_similarity(parts) for name, parts in self.similarities.items()},
            n_same_class=self.n_same_class,
            n_empty=self.n_empty,
            n_without_map=self.n_without_map,
            shown=self.shown,
        )


def begin_verdict(case: BugCase) -> BugVerdict:
    """The verdict on a case of which nothing is measured: failed."""
    return BugVerdict(case.bug, case.role, case.contaminated.spec, case.healthy.spec, "failed")


def _noise_like(maps: Tensor, seed: int) -> Tensor:
    """Gaussian maps (1, *shape) with the norm of a map."""
    noise = gaussian_maps(maps, seed)
    scaled: Tensor = noise * (maps.double().norm() / noise.norm())
    return scaled


def _shown(first: ExplainedScene, second: ExplainedScene) -> ShownMaps:
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
