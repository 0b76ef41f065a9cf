"""Rebuttal and appendix G: does TCAV show that a network relies on a spurious background, and that weights are random?

The concept "background of the class" is tested on a spurious and on a healthy network, beside the concept "object of the class" and
beside random sets of images.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from attributionlab.papers.adebayo2020.concept_images import concept_images, random_sets
from attributionlab.papers.adebayo2020.concepts_report import (
    ANOTHER_SEED,
    BACKGROUND,
    HEALTHY,
    KEY,
    LAYERS,
    OBJECT,
    SPURIOUS,
    report_concepts,
)
from attributionlab.papers.adebayo2020.designed_concepts import TARGET, designed_scores
from attributionlab.papers.adebayo2020.networks import PaperNetworks
from attributionlab.papers.adebayo2020.subjects import evenly_spaced
from attributionlab.papers.adebayo2020.tcav import LayerScores, tcav_scores
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.training import TEST, background_accuracies, compose_images, layer_names, reinitialized


def concepts(setting: StudySetting) -> StudyReport:
    """The findings about TCAV."""
    study = ConceptStudy(PaperNetworks(setting))
    measured = study.networks.measured(KEY, study.measure)
    designed = study.networks.store.measurement(KEY, "designed", functools.partial(designed_scores, setting.preset))
    return report_concepts(measured, designed)


@dataclass(frozen=True)
class ConceptStudy:
    """Measurements of the study, on the CPU.

    Args:
        networks: The networks.
    """

    networks: PaperNetworks

    @cached_property
    def concepts(self) -> Mapping[str, Tensor]:
        """Images of each concept."""
        preset = self.networks.setting.preset
        n, size = preset.details["concept_images"], preset.size
        return {
            BACKGROUND: concept_images(n, background=TARGET, size=size),
            OBJECT: concept_images(n, label=TARGET, size=size),
        }

    @cached_property
    def random_sets(self) -> list[Tensor]:
        """Random sets of as many images."""
        preset = self.networks.setting.preset
        return random_sets(preset.details["random_sets"], preset.details["concept_images"], size=preset.size)

    @cached_property
    def inputs(self) -> Tensor:
        """Test images of the class on its background."""
        preset = self.networks.setting.preset
        images = compose_images(2 * preset.details["examples"], size=preset.size, start=TEST)
        return images.inputs[images.labels == TARGET]

    def measure(self, seed: int) -> dict[str, Any]:
        """Scores of both networks of a seed, of another spurious one, and of spurious ones with random weights."""
        size = self.networks.setting.preset.size
        spurious, healthy = self.networks.spurious(seed), self.networks.healthy(seed)
        is_reached = background_accuracies(spurious, size=size).is_spurious
        return {
            "reached": is_reached and background_accuracies(healthy, size=size).is_healthy,
            "scores": {SPURIOUS: self._tested(spurious), HEALTHY: self._tested(healthy)},
            "contaminated": {
                ANOTHER_SEED: _by_layer([self._background_scores(self.networks.spurious(seed + 1))]),
                **self._contaminated(spurious),
            },
        }

    def _tested(self, model: nn.Module) -> dict[str, Any]:
        """Scores of both concepts and of random sets by layer."""
        scores = tcav_scores(model, list(LAYERS), self.concepts, self.random_sets, self.inputs, TARGET)
        return {layer: at_layer.to_dict() for layer, at_layer in scores.items()}

    def _contaminated(self, model: nn.Module) -> dict[str, dict[str, list[float]]]:
        """Mean scores of the background under random weights, by stage and layer, one for each draw."""
        details = self.networks.setting.preset.details
        layers = layer_names(model, self.inputs)
        scores = {}
        for stage in evenly_spaced(layers, details["stages"]):
            random_layers = layers[: layers.index(stage) + 1]
            draws = (reinitialized(model, random_layers, seed=draw) for draw in range(details["contaminations"]))
            scores[stage] = _by_layer([self._background_scores(draw) for draw in draws])
        return scores

    def _background_scores(self, model: nn.Module) -> Mapping[str, LayerScores]:
        background = {BACKGROUND: self.concepts[BACKGROUND]}
        return tcav_scores(model, list(LAYERS), background, self.random_sets, self.inputs, TARGET, with_pairs=False)


def _by_layer(draws: list[Mapping[str, LayerScores]]) -> dict[str, list[float]]:
    """Mean score of the background at each layer, one for each draw."""
    return {layer: [float(draw[layer].concepts[BACKGROUND].mean()) for draw in draws] for layer in LAYERS}
