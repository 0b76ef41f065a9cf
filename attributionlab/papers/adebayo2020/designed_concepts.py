"""TCAV where the truth is exact: designed networks that count the background and ignore objects, or the reverse.

Not in the paper. Under `background-sum` each counted pixel raises the logit of its class by the same amount, and the pixels of the
ignored concept have no effect at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from attributionlab.environments import BackgroundSum, make_environment
from attributionlab.papers.adebayo2020.concept_images import POOL_FACTOR, drawn_sets
from attributionlab.papers.adebayo2020.concepts_report import BACKGROUND, DESIGNED_LAYERS, HEALTHY, OBJECT, SPURIOUS
from attributionlab.papers.adebayo2020.tcav import tcav_scores
from attributionlab.papers.presets import Preset

TARGET = 0
"""The explained class; the two classes have equal parts."""

BUGS = {SPURIOUS: "spurious-background", HEALTHY: "none"}

SCENES_PER_IMAGE = 8
"""Scenes for each image of a concept: each needs a class and a background, which a quarter of the scenes have."""


def designed_scores(preset: Preset) -> dict[str, Any]:
    """Scores of both networks by layer, as of the trained ones."""
    return {network: _scores(preset, bug) for network, bug in BUGS.items()}


def _scores(preset: Preset, bug: str) -> dict[str, Any]:
    """Scores of both concepts and of random sets by layer."""
    n = preset.details["concept_images"]
    environment = make_environment(
        "background-sum", size=preset.size, bug=bug, swapped=0.5, output="logit", n_redundant=0
    )
    assert isinstance(environment, BackgroundSum), "it is made by this name"
    batch = environment.sample((POOL_FACTOR + SCENES_PER_IMAGE) * n)
    objects = torch.tensor([environment.label(scene) for scene in batch.scenes])
    backgrounds = torch.tensor([environment.backgrounds.index(scene.background) for scene in batch.scenes])
    pool, later = batch.inputs[: POOL_FACTOR * n], slice(POOL_FACTOR * n, None)
    parts = {BACKGROUND: backgrounds[later], OBJECT: objects[later]}
    concepts = {name: _concept(batch.inputs[later], parts, name, n) for name in parts}
    own = (parts[BACKGROUND] == TARGET) & (parts[OBJECT] == TARGET)
    inputs = batch.inputs[later][own][: preset.details["examples"]]
    sets = drawn_sets(pool, preset.details["random_sets"], n)
    scores = tcav_scores(environment.model, list(DESIGNED_LAYERS), concepts, sets, inputs, TARGET)
    return {layer: at_layer.to_dict() for layer, at_layer in scores.items()}


def _concept(inputs: Tensor, parts: Mapping[str, Tensor], name: str, n: int) -> Tensor:
    """Images (n, c, h, w) that share a part of the class; half of them have the other part as well."""
    (free,) = (values for part, values in parts.items() if part != name)
    return torch.cat([inputs[(parts[name] == TARGET) & (free == value)][: n // 2] for value in (TARGET, 1 - TARGET)])
