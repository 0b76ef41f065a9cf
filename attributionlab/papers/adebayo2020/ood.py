"""Section 5: the maps of an image under the network of its domain, and under networks of other domains; wrongly pre-processed inputs.

Digits of scikit-learn stand for Fashion MNIST; our shapes for MNIST.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.environments import pretrained
from attributionlab.machine import find_device
from attributionlab.modification.explaining import PictureBackground
from attributionlab.papers.adebayo2020.explained import Explainer, noise_like, own_class, similarities
from attributionlab.papers.adebayo2020.figures import map_grid
from attributionlab.papers.adebayo2020.methods import fifty_segments, paper_methods
from attributionlab.papers.adebayo2020.networks import N_HELD_OUT, N_TRAINED, PaperNetworks
from attributionlab.papers.adebayo2020.ood_report import GAUSSIAN, KEY, OTHER_SEED, SHORT, report_ood
from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.adebayo2020.subjects import has_weights
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.training import HELD_OUT, N_IMAGES, TEST, Enlarged, accuracy, compose_images, digit_images, predict
from attributionlab.truth import LabeledImages

MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Means and standard deviations of ImageNet's colors, 0..255."""

N_TESTS = 200
"""Digits for the test accuracy."""


def _channels(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).view(1, -1, 1, 1)


PREPROCESSING: dict[str, Callable[[Tensor], Tensor]] = {
    "BGR": lambda inputs: inputs.flip(1),
    "divided by 255": lambda inputs: inputs / 255,
    "mean subtracted": lambda inputs: inputs - _channels(MEAN),
    "normalized": lambda inputs: (inputs - _channels(MEAN)) / _channels(DEVIATION),
}
"""Wrong pre-processing of colors 0..255, as the bugs of `debug`."""


def ood(setting: StudySetting) -> StudyReport:
    """Table 3 and the findings of section 5; pre-processing (appendix A) beside them."""
    with fifty_segments():
        study = OutOfDomain.of(setting)
        measured = study.networks.measured(KEY, study.measure)
        png = study.networks.store.picture(KEY, "maps", study.draw)
    return report_ood(measured, png)


@dataclass(frozen=True)
class OutOfDomain:
    """Measurements of the study.

    Args:
        networks: The networks.
        explainer: The methods, with digits as background.
        images: Test digits.
    """

    networks: PaperNetworks
    explainer: Explainer
    images: LabeledImages

    @classmethod
    def of(cls, setting: StudySetting) -> OutOfDomain:
        """The study of a preset."""
        preset = setting.preset
        methods = paper_methods(preset, tuple(load_published(PACKAGE)["methods"]))
        trained = digit_images(N_TRAINED, size=preset.size).inputs
        background = PictureBackground(trained.double().mean(dim=(0, 2, 3)).float(), trained)
        images = digit_images(preset.n_samples, size=preset.size, start=N_TRAINED + N_HELD_OUT)
        return cls(PaperNetworks(setting), Explainer(methods, background, find_device(setting.device)), images)

    def others(self, seed: int) -> dict[str, nn.Module]:
        """The networks of other domains by the paper's name of what they stand for, and another seed of the digits' own."""
        networks = {OTHER_SEED: self.networks.digits(seed + 1), "MNIST model": self.networks.shapes(seed)}
        networks["BVD-CNN"] = self.networks.healthy(seed)
        if has_weights():
            preset = self.networks.setting.preset
            loaded = pretrained(size=preset.details["pretrained_size"], fold_batch_norm=True)
            factor = -(-preset.details["pretrained_size"] // preset.size)
            networks["VGG-16 ImageNet"] = Enlarged(loaded.model, factor).eval()
        return networks

    def measure(self, seed: int) -> dict[str, Any]:
        """Similarities of the maps in the domain and out of it, each network explained for its own class."""
        network = self.networks.digits(seed)
        maps = self.explainer.maps(network, own_class(network, self.images))
        scores: dict[str, Any] = {}
        failures = {name: values for name, values in maps.items() if isinstance(values, str)}
        for name, other in self.others(seed).items():
            own = self.explainer.maps(other, own_class(other, self.images))
            scores[name] = {method: similarities(maps[method], values) for method, values in own.items()}
            failures |= {method: f"{name}: {values}" for method, values in own.items() if isinstance(values, str)}
        scores[GAUSSIAN] = {method: similarities(values, noise_like(values)) for method, values in maps.items()}
        tests = digit_images(N_TESTS, size=self.images.inputs.shape[-1], start=N_TRAINED + N_HELD_OUT)
        return {
            "accuracy": accuracy(network, tests),
            "scores": {"domain": scores, "preprocessing": self._preprocessed(seed)},
            "preprocessing_accuracy": self._preprocessing_accuracy(seed),
            "failures": failures,
        }

    def _preprocessed(self, seed: int) -> dict[str, Any]:
        """Similarities of the maps of BVD-CNN on composed images, rightly and wrongly pre-processed, each for its own class."""
        healthy = self.networks.healthy(seed)
        images = compose_images(len(self.images), background="random", size=self.images.inputs.shape[-1], start=TEST)
        explainer = Explainer(self.explainer.methods, self.networks.background, self.explainer.device)
        maps = explainer.maps(healthy, own_class(healthy, images.labeled))
        scores: dict[str, Any] = {}
        for name, change in PREPROCESSING.items():
            wrong = LabeledImages(change(images.inputs), images.labels)
            own = explainer.maps(healthy, own_class(healthy, wrong))
            scores[name] = {method: similarities(maps[method], values) for method, values in own.items()}
        scores[GAUSSIAN] = {method: similarities(values, noise_like(values)) for method, values in maps.items()}
        return scores

    def _preprocessing_accuracy(self, seed: int) -> dict[str, float]:
        healthy, size = self.networks.healthy(seed), self.images.inputs.shape[-1]
        tests = compose_images(N_IMAGES // HELD_OUT, background="random", size=size, start=TEST)
        changes = {"right": lambda inputs: inputs, **PREPROCESSING}
        return {
            name: float((predict(healthy, change(tests.inputs)) == tests.labels.numpy()).mean())
            for name, change in changes.items()
        }

    def draw(self) -> bytes:
        """Maps of the first digit under every network of seed 0."""
        networks = {"own domain": self.networks.digits(0), **self.others(0)}
        columns: dict[str, Tensor] = {}
        rows: dict[str, list[Tensor | str]] = {name: [] for name in self.explainer.methods}
        for title, network in networks.items():
            batch = own_class(network, self.images[:1])
            columns[f"{SHORT.get(title, title)}, class {int(batch.targets[0])}"] = batch.inputs[0]
            for name, maps in self.explainer.maps(network, batch).items():
                rows[name].append(maps if isinstance(maps, str) else maps[0])
        return map_grid("Maps of a digit under networks of several domains", columns, rows)
