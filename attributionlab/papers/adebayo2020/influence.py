"""Rebuttal and appendix G: which training images influence a prediction, and do mislabeled ones influence themselves most?

Shares of spurious training images among the most influential ones stand beside the base rate and beside a healthy network;
self-influence stands beside the loss as a ranking of mislabeled images and of images from another domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from attributionlab.papers.adebayo2020.explained import own_class
from attributionlab.papers.adebayo2020.influence_report import KEY, report_influence
from attributionlab.papers.adebayo2020.influence_scores import (
    BACKGROUND_ALONE,
    HALF,
    HEALTHY,
    LOSS,
    OWN,
    SELF_INFLUENCE,
    SPURIOUS,
)
from attributionlab.papers.adebayo2020.networks import PaperNetworks, TrainedCourse
from attributionlab.papers.adebayo2020.tracin import TracIn, readings
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.training import TEST, ComposedImages, background_accuracies, compose_images, digit_images

TOP = 0.01
"""Share of the training images that counts as the most influential ones."""


def influence(setting: StudySetting) -> StudyReport:
    """The findings about influence functions."""
    study = InfluenceStudy(PaperNetworks(setting))
    return report_influence(study.networks.measured(KEY, study.measure))


@dataclass(frozen=True)
class InfluenceStudy:
    """Measurements of the study, on the CPU.

    Args:
        networks: The networks.
    """

    networks: PaperNetworks

    @property
    def n_examples(self) -> int:
        """Number of explained images, and of mislabeled ones."""
        return self.networks.setting.preset.details["examples"]

    @cached_property
    def inputs(self) -> dict[str, ComposedImages]:
        """Test images with the spurious background, with and without an object."""
        size = self.networks.setting.preset.size
        return {
            name: compose_images(self.n_examples, with_object=shown, size=size, start=TEST)
            for name, shown in ((OWN, True), (BACKGROUND_ALONE, False))
        }

    def measure(self, seed: int) -> dict[str, Any]:
        """Shares, positions and areas with the networks of a seed."""
        spurious, healthy = self.networks.spurious_course(seed), self.networks.healthy_course(seed)
        half, size = self.networks.half_spurious_course(seed), self.networks.setting.preset.size
        accuracies = [background_accuracies(course.model, size=size) for course in (spurious, healthy)]
        backgrounds = {
            SPURIOUS: (spurious, self.networks.spurious_images.backgrounds),
            HEALTHY: (healthy, self.networks.images.backgrounds),
        }
        shares = {
            (network, name): self._shares(course, images, background[None] == images.backgrounds[:, None])
            for network, (course, background) in backgrounds.items()
            for name, images in self.inputs.items()
        }
        is_spurious = torch.arange(len(half.images)) < len(half.images) // 2
        for name, images in self.inputs.items():
            shares[HALF, name] = self._shares(half, images, is_spurious.expand(len(images.labels), -1))
        return {
            "reached": accuracies[0].is_spurious and accuracies[1].is_healthy,
            "shares": {
                network: {name: shares[network, name] for name in self.inputs} for network in (SPURIOUS, HEALTHY, HALF)
            },
            "positions": self._positions(self.networks.mislabeled_course(seed)),
            "areas": self._areas(healthy),
        }

    def _shares(self, course: TrainedCourse, images: ComposedImages, spurious: Tensor) -> dict[str, Any]:
        """Shares of spurious training images (b, n), and of those of the predicted class, among the most influential ones.

        The base rates are the shares among all training images.
        """
        explained = own_class(course.model, images.labeled)
        same_class = course.images.targets[None] == explained.targets[:, None]
        shares: dict[str, Any] = {"base": spurious.double().mean(dim=1).tolist()}
        for reading, tracin in readings(course).items():
            values = tracin.influences(explained)
            top = values.sort(dim=1, descending=True, stable=True).indices[:, : n_top(values.shape[1])]
            shares[reading] = {
                "spurious": spurious.gather(1, top).double().mean(dim=1).tolist(),
                "class": same_class.gather(1, top).double().mean(dim=1).tolist(),
            }
        return shares

    def _positions(self, course: TrainedCourse) -> dict[str, dict[str, list[float]]]:
        """Positions of mislabeled images in the order of falling scores, relative to the number of training images."""
        rows = torch.from_numpy(self.networks.mislabeled_images[1][: self.n_examples])
        scored = {reading: _scores(tracin) for reading, tracin in readings(course).items()}
        return {
            reading: {score: positions(values)[rows].tolist() for score, values in scores.items()}
            for reading, scores in scored.items()
        }

    def _areas(self, course: TrainedCourse) -> dict[str, dict[str, float]]:
        """Areas under the ROC curve of scores that tell digits from test images, each at the predicted class."""
        from sklearn.metrics import roc_auc_score  # noqa: PLC0415  # takes a second to import

        size = self.networks.setting.preset.size
        inside = compose_images(self.n_examples, background="random", size=size, start=TEST).labeled
        outside = digit_images(self.n_examples, size=size)
        explained = [own_class(course.model, images) for images in (inside, outside)]
        is_outside = [0] * len(inside) + [1] * len(outside)
        areas: dict[str, dict[str, float]] = {}
        for reading, tracin in readings(course).items():
            parts = [_scores(tracin, images) for images in explained]
            areas[reading] = {
                score: float(roc_auc_score(is_outside, torch.cat([part[score] for part in parts])))
                for score in parts[0]
            }
        return areas


def _scores(tracin: TracIn, images: Any = None) -> dict[str, Tensor]:
    """Self-influence and loss (n,) of images; of the training images by default."""
    return {SELF_INFLUENCE: tracin.self_influences(images), LOSS: tracin.losses(images)}


def n_top(n: int) -> int:
    """Number of the most influential of n training images, at least one."""
    return max(1, round(TOP * n))


def positions(scores: Tensor) -> Tensor:
    """(n,) float64 in (0, 1]: rank of each score from the largest, relative to their number; equal scores keep their order."""
    order = scores.argsort(descending=True, stable=True)
    ranks = torch.empty(len(scores), dtype=torch.float64)
    ranks[order] = torch.arange(1, len(scores) + 1, dtype=torch.float64)
    return ranks / len(scores)
