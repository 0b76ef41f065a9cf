"""Section 4: do maps notice that layers have random weights again? From the output down (cascading), and one layer at a time."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from attributionlab.machine import find_device
from attributionlab.papers.adebayo2020.cascade_report import (
    CASCADING,
    HEALTHY_CLASS,
    INDEPENDENT,
    KEY,
    OWN_CLASS,
    report_cascade,
)
from attributionlab.papers.adebayo2020.explained import AllMaps, Explainer, noise_like, similarities
from attributionlab.papers.adebayo2020.figures import map_grid
from attributionlab.papers.adebayo2020.frozen import measure_frozen
from attributionlab.papers.adebayo2020.methods import SPECS, fifty_segments, paper_methods
from attributionlab.papers.adebayo2020.networks import PaperNetworks
from attributionlab.papers.adebayo2020.stored import Store
from attributionlab.papers.adebayo2020.subjects import StudiedNetwork, subjects
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.training import predict, reinitialized


def cascade(setting: StudySetting) -> StudyReport:
    """The findings of section 4, and Figures 7, 26 and 28; frozen layers beside them."""
    store, device = Store(setting.folder), find_device(setting.device)
    with fifty_segments():
        methods = paper_methods(setting.preset, tuple(SPECS))
        explained = subjects(setting)
        measured, pictures = {}, {}
        with setting.watch(KEY, len(explained) + 1) as advance:
            for index, subject in enumerate(explained):
                n_stages = setting.preset.details["stages"]
                study = CascadeStudy(subject, Explainer(methods, subject.background, device), n_stages)
                measured[subject.name] = store.measurement(KEY, f"network-{index}", study.measure)
                pictures[subject.name] = store.picture(KEY, f"network-{index}", study.draw)
                advance(1)
            networks = PaperNetworks(setting)
            explainer = Explainer(methods, networks.background, device)
            frozen = store.measurement(KEY, "frozen", functools.partial(measure_frozen, networks, explainer))
            advance(1)
    return report_cascade(measured, pictures, frozen)


@dataclass(frozen=True)
class CascadeStudy:
    """Measurements on one network.

    Args:
        subject: The network and its images.
        explainer: The methods.
        n_stages: Most stages.
    """

    subject: StudiedNetwork
    explainer: Explainer
    n_stages: int

    @functools.cached_property
    def healthy_maps(self) -> AllMaps:
        """Maps of the network itself."""
        return self.explainer.maps(self.subject.model, self.subject.images)

    def contaminated(self) -> dict[str, dict[str, nn.Module]]:
        """Networks with random layers, by kind and layer."""
        subject = self.subject
        stages = subject.stages(self.n_stages)
        return {
            CASCADING: {layer: reinitialized(subject.model, subject.until(layer)) for layer in stages},
            INDEPENDENT: {layer: reinitialized(subject.model, [layer]) for layer in stages[1:]},
        }

    def measure(self) -> dict[str, Any]:
        """Similarities of the healthy maps and those of every stage, for the healthy network's class and for the stage's own."""
        scores: dict[str, Any] = {}
        same_class: dict[str, dict[str, int]] = {}
        for kind, networks in self.contaminated().items():
            same_class[kind] = {}
            for choice in (HEALTHY_CLASS, OWN_CLASS):
                scores[f"{kind}, {choice}"] = {}
            for layer, network in networks.items():
                maps = self.explainer.maps(network, self.subject.images)
                own, _ = self.explainer.own_maps(network, self.subject.images, maps)
                scores[f"{kind}, {HEALTHY_CLASS}"][layer] = self._compared(maps)
                scores[f"{kind}, {OWN_CLASS}"][layer] = self._compared(own)
                predicted = predict(network, self.subject.images.inputs)
                same_class[kind][layer] = int((predicted == self.subject.images.targets.numpy()).sum())
        scores["floor"] = {
            "Gaussian": self._compared({name: noise_like(each) for name, each in self.healthy_maps.items()})
        }
        return {
            "layers": list(self.subject.layers),
            "n_images": len(self.subject.images),
            "same_class": same_class,
            "scores": scores,
            "failures": {name: values for name, values in self.healthy_maps.items() if isinstance(values, str)},
        }

    def draw(self) -> bytes:
        """Maps of the first image: rows are methods, columns the layers down to which weights are random."""
        images = self.subject.images[:1]
        networks = {"healthy": self.subject.model, **self.contaminated()[CASCADING]}
        rows: dict[str, list[Tensor | str]] = {name: [] for name in self.explainer.methods}
        for network in networks.values():
            for name, maps in self.explainer.maps(network, images).items():
                rows[name].append(maps if isinstance(maps, str) else maps[0])
        columns = dict.fromkeys(networks, images.inputs[0])
        return map_grid(f"{self.subject.name}: random weights from the output down to a layer", columns, rows)

    def _compared(self, maps: AllMaps) -> dict[str, Any]:
        return {name: similarities(self.healthy_maps[name], values) for name, values in maps.items()}
