"""Section 3.2: do maps tell a mislabeled training example?

Wrongly labeled training images are explained by a network that was trained with their wrong labels, and by one that was trained with
the right ones: from the same weights, with the same batches and epochs. A third network, of another seed and with the right labels, says
how much maps differ without any wrong label.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from attributionlab.machine import find_device
from attributionlab.papers.adebayo2020.explained import AllMaps, Explainer, noise_like, own_class, similarities
from attributionlab.papers.adebayo2020.figures import map_grid
from attributionlab.papers.adebayo2020.methods import BACKPROPAGATION, fifty_segments, paper_methods
from attributionlab.papers.adebayo2020.mislabeled_report import KEY, LOSS, MISLABELED, OTHER_SEED, report_mislabeled
from attributionlab.papers.adebayo2020.networks import PaperNetworks
from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.training import HELD_OUT, N_IMAGES, TEST, accuracy, compose_images, predict
from attributionlab.truth import LabeledImages

N_SHOWN = 2
"""Images in the figure."""


def mislabeled(setting: StudySetting) -> StudyReport:
    """The findings of section 3.2 and of the rebuttal about the loss."""
    with fifty_segments():
        methods = paper_methods(setting.preset, tuple(load_published(PACKAGE)["methods"]))
        networks = PaperNetworks(setting)
        study = MislabeledStudy(networks, Explainer(methods, networks.background, find_device(setting.device)))
        measured = networks.measured(KEY, study.measure)
        png = networks.store.picture(KEY, "maps", study.draw)
    return report_mislabeled(measured, png)


@dataclass(frozen=True)
class MislabeledStudy:
    """Measurements of the study.

    Args:
        networks: The networks.
        explainer: The methods.
    """

    networks: PaperNetworks
    explainer: Explainer

    @cached_property
    def images(self) -> LabeledImages:
        """The first mislabeled training images, with their right labels."""
        rows = self.networks.mislabeled_images[1][: self.networks.setting.preset.n_samples]
        labeled = self.networks.images.labeled
        return LabeledImages(labeled.inputs[rows], labeled.targets[rows])

    @cached_property
    def wrong(self) -> LabeledImages:
        """These images with their wrong labels."""
        return LabeledImages(self.images.inputs, 1 - self.images.targets)

    def measure(self, seed: int) -> dict[str, Any]:
        """Similarities of the maps of the network of a seed with those of both others."""
        healthy = self.networks.healthy(seed)
        others = {MISLABELED: self.networks.mislabeled(seed), OTHER_SEED: self.networks.healthy(seed + 1)}
        explained = own_class(healthy, self.images)
        maps = self.explainer.maps(healthy, explained)
        scores: dict[str, Any] = {"healthy network's class": {}, "own class": {}, LOSS: {}}
        for name, network in others.items():
            same = self.explainer.maps(network, explained)
            own, _ = self.explainer.own_maps(network, explained, same)
            scores["healthy network's class"][name] = compared(maps, same)
            scores["own class"][name] = compared(maps, own)
        noise = {name: noise_like(values) for name, values in maps.items()}
        scores["healthy network's class"]["Gaussian"] = scores["own class"]["Gaussian"] = compared(maps, noise)
        self._compare_losses(scores[LOSS], healthy, others)
        failures = {name: values for name, values in maps.items() if isinstance(values, str)}
        return {"accuracies": self._accuracies(healthy, others[MISLABELED]), "scores": scores, "failures": failures}

    def _compare_losses(self, scores: dict[str, Any], healthy: nn.Module, others: dict[str, nn.Module]) -> None:
        """Add the similarities of the maps of losses, each at the label that its network was trained with."""
        maps = self._loss_maps(healthy, self.images)
        for name, network in others.items():
            labeled = self.wrong if name == MISLABELED else self.images
            scores[name] = compared(maps, self._loss_maps(network, labeled))
        scores["Gaussian"] = compared(maps, {name: noise_like(values) for name, values in maps.items()})

    def _loss_maps(self, network: nn.Module, images: LabeledImages) -> AllMaps:
        return self.explainer.loss_maps(network, images, has_rule=lambda name: name not in BACKPROPAGATION)

    def _accuracies(self, healthy: nn.Module, wrong: nn.Module) -> dict[str, Any]:
        """Accuracies of both networks, and the number of wrong labels that were learned."""
        size = self.networks.setting.preset.size
        test = compose_images(N_IMAGES // HELD_OUT, background="random", size=size, start=TEST).labeled
        labeled, rows = self.networks.mislabeled_images
        predicted = predict(wrong, labeled.inputs[rows])
        trained_on = {"healthy": (healthy, self.networks.images.labeled), MISLABELED: (wrong, labeled)}
        return {
            "n_wrong": len(rows),
            "n_learned": int((predicted == labeled.targets[rows].numpy()).sum()),
            **{
                name: {
                    "training": accuracy(network, images),
                    "validation": accuracy(network, self.networks.validation),
                    "test": accuracy(network, test),
                }
                for name, (network, images) in trained_on.items()
            },
        }

    def draw(self) -> bytes:
        """Maps of the first images by the three networks of seed 0, each for its own class."""
        networks = {
            "right label": self.networks.healthy(0),
            "wrong label": self.networks.mislabeled(0),
            "another seed": self.networks.healthy(1),
        }
        columns: dict[str, Tensor] = {}
        rows: dict[str, list[Tensor | str]] = {name: [] for name in self.explainer.methods}
        for row in range(min(N_SHOWN, len(self.images))):
            for title, network in networks.items():
                batch = own_class(network, self.images[row : row + 1])
                columns[f"{title}, image {row + 1}, class {int(batch.targets[0])}"] = batch.inputs[0]
                for name, maps in self.explainer.maps(network, batch).items():
                    rows[name].append(maps if isinstance(maps, str) else maps[0])
        return map_grid("Maps of mislabeled training images", columns, rows)


def compared(first: AllMaps, second: AllMaps) -> dict[str, dict[str, list[float]]]:
    """Similarities of two sets of maps by method."""
    return {name: similarities(first[name], second[name]) for name in first}
