"""Section 3.1: do maps show that a network classifies by the background?

Each map is compared with the background's mask (GT-1), and with that mask times the map of the background alone (GT-2). The same
comparison with the maps of a healthy network, and with Gaussian maps, says what the numbers are worth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.machine import find_device
from attributionlab.metrics import region_mass
from attributionlab.papers.adebayo2020.explained import (
    AllMaps,
    Explainer,
    noise_like,
    own_class,
    similarities,
)
from attributionlab.papers.adebayo2020.figures import map_grid
from attributionlab.papers.adebayo2020.methods import fifty_segments, paper_methods
from attributionlab.papers.adebayo2020.networks import PaperNetworks
from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.adebayo2020.spurious_report import GAUSSIAN, HEALTHY, KEY, SPURIOUS, report_spurious
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.training import TEST, ComposedImages, background_accuracies, compose_images

N_SHOWN = 2
"""Images in the figure."""


def spurious(setting: StudySetting) -> StudyReport:
    """Table 2 and the findings of section 3.1."""
    with fifty_segments():
        study = SpuriousStudy.of(setting)
        measured = study.networks.measured(KEY, study.measure)
        png = study.networks.store.picture(KEY, "maps", study.draw)
    return report_spurious(measured, png)


@dataclass(frozen=True)
class SpuriousStudy:
    """Measurements of the study.

    Args:
        networks: The networks.
        explainer: The methods.
        images: Test images on the backgrounds of their classes.
        backgrounds: The same without objects.
    """

    networks: PaperNetworks
    explainer: Explainer
    images: ComposedImages
    backgrounds: ComposedImages

    @classmethod
    def of(cls, setting: StudySetting) -> SpuriousStudy:
        """The study of a preset."""
        networks, preset = PaperNetworks(setting), setting.preset
        methods = paper_methods(preset, tuple(load_published(PACKAGE)["methods"]))
        images, backgrounds = (
            compose_images(preset.n_samples, with_object=shown, size=preset.size, start=TEST) for shown in (True, False)
        )
        return cls(networks, Explainer(methods, networks.background, find_device(setting.device)), images, backgrounds)

    def measure(self, seed: int) -> dict[str, Any]:
        """Scores of both networks of a seed, each explained for the classes that it predicts."""
        models = {SPURIOUS: self.networks.spurious(seed), HEALTHY: self.networks.healthy(seed)}
        accuracies = {
            name: background_accuracies(model, size=self.images.inputs.shape[-1]) for name, model in models.items()
        }
        maps = {
            name: self.explainer.maps(model, own_class(model, self.images.labeled)) for name, model in models.items()
        }
        alone = {
            name: self.explainer.maps(model, own_class(model, self.backgrounds.labeled))
            for name, model in models.items()
        }
        maps[GAUSSIAN] = {name: noise_like(values) for name, values in maps[SPURIOUS].items()}
        alone[GAUSSIAN] = alone[SPURIOUS]
        return {
            "accuracies": {name: dataclasses.asdict(each) for name, each in accuracies.items()},
            "reached": accuracies[SPURIOUS].is_spurious and accuracies[HEALTHY].is_healthy,
            "failures": {name: values for name, values in maps[SPURIOUS].items() if isinstance(values, str)},
            "GT-1": {name: self._against_mask(each) for name, each in maps.items()},
            "GT-2": {name: self._against_mask(each, alone[name]) for name, each in maps.items()},
            "mass": {name: self._mass(each) for name, each in maps.items()},
            "noise": {name: similarities(maps[GAUSSIAN][name], values) for name, values in maps[SPURIOUS].items()},
        }

    def draw(self) -> bytes:
        """Maps of the first images and of their backgrounds by the spurious network of seed 0, beside those of the healthy network."""
        columns: dict[str, Tensor] = {}
        rows: dict[str, list[Tensor | str]] = {name: [] for name in self.explainer.methods}
        shown: list[tuple[str, ComposedImages, nn.Module]] = [
            ("spurious network", self.images, self.networks.spurious(0)),
            ("background alone", self.backgrounds, self.networks.spurious(0)),
            ("healthy network", self.images, self.networks.healthy(0)),
        ]
        for title, images, model in shown:
            batch = own_class(model, images.labeled)[:N_SHOWN]
            columns |= {f"{title}, {row + 1}": batch.inputs[row] for row in range(len(batch))}
            for name, maps in self.explainer.maps(model, batch).items():
                rows[name] += [maps] * len(batch) if isinstance(maps, str) else list(maps)
        return map_grid("Maps on images with a spurious background", columns, rows)

    def _against_mask(self, maps: AllMaps, weights: AllMaps | None = None) -> Mapping[str, Any]:
        """Similarities of maps to the mask of the background, which may be weighted by other maps."""
        mask = (~self.images.object_masks).double()
        ideal: Mapping[str, Tensor | str] = {
            name: mask if weights is None else _weighted(mask, weights[name]) for name in maps
        }
        return {name: similarities(values, ideal[name]) for name, values in maps.items()}

    def _mass(self, maps: AllMaps) -> Mapping[str, list[float]]:
        """Share of each map that lies on the background."""
        outside = ~self.images.object_masks
        return {
            name: region_mass(values, outside).tolist() for name, values in maps.items() if isinstance(values, Tensor)
        }


def _weighted(mask: Tensor, weights: Tensor | str) -> Tensor | str:
    return weights if isinstance(weights, str) else mask * weights.to(torch.float64)
