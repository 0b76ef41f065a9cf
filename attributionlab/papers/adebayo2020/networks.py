"""The networks that the studies share; each is trained once for a folder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from attributionlab.modification.explaining import PictureBackground
from attributionlab.papers.adebayo2020.stored import Store
from attributionlab.papers.studies import StudySetting
from attributionlab.scenes import SHAPES
from attributionlab.training import (
    HELD_OUT,
    N_EPOCHS,
    N_IMAGES,
    VALIDATION,
    ComposedImages,
    Course,
    Recipe,
    bvd_cnn,
    compose_images,
    digit_images,
    fit,
    freeze,
    mislabel,
    shape_images,
)
from attributionlab.training.loop import State
from attributionlab.truth import LabeledImages

N_TRAINED, N_HELD_OUT = 1000, 200
"""Digits and shapes for training and for validation."""

ALL_EPOCHS = Recipe(enough=None)
"""Two networks of a pair are trained for as many epochs."""


@dataclass(frozen=True, eq=False)
class TrainedCourse:
    """A trained network, with checkpoints of its training.

    Args:
        model: In evaluation mode.
        images: Its training images, with the labels that it was trained with.
        checkpoints: Weights during the training; the last ones are those of `model`.
    """

    model: nn.Module
    images: LabeledImages
    checkpoints: Sequence[State]


@dataclass(frozen=True, eq=False)
class StoredTraining:
    """A training whose result is stored in a folder.

    Args:
        store: The folder's networks.
        name: Name of its file.
        model: The untrained network.
        images: Training images.
        validation: Validation images.
        seed: Seed of the order of the images.
        recipe: Optimizer and end; by default `Recipe()`.
    """

    store: Store
    name: str
    model: nn.Module
    images: LabeledImages
    validation: LabeledImages
    seed: int
    recipe: Recipe | None = None

    @property
    def network(self) -> nn.Module:
        """The trained network."""
        return self.store.network(self.name, self.model, self._train)

    @property
    def course(self) -> TrainedCourse:
        """The trained network with its checkpoints."""
        checkpoints = self.store.checkpoints(self.name, self.model, self._train)
        return TrainedCourse(self.network, self.images, checkpoints)

    def _train(self, model: nn.Module) -> Course:
        return fit(model, self.images, self.validation, n_epochs=N_EPOCHS, seed=self.seed, recipe=self.recipe)


@dataclass(frozen=True)
class PaperNetworks:
    """Networks by seed: BVD-CNN trained on composed images.

    Args:
        setting: Folder and preset.
    """

    setting: StudySetting

    @cached_property
    def store(self) -> Store:
        """The folder's networks and measurements."""
        return Store(self.setting.folder)

    @cached_property
    def images(self) -> ComposedImages:
        """The training images on random backgrounds."""
        return compose_images(N_IMAGES, background="random", size=self.setting.preset.size)

    @cached_property
    def spurious_images(self) -> ComposedImages:
        """The training images on the backgrounds of their classes."""
        return compose_images(N_IMAGES, size=self.setting.preset.size)

    @cached_property
    def validation(self) -> LabeledImages:
        """Their validation images."""
        size = self.setting.preset.size
        return compose_images(N_IMAGES // HELD_OUT, background="random", size=size, start=VALIDATION).labeled

    @cached_property
    def mislabeled_images(self) -> tuple[LabeledImages, npt.NDArray[np.int64]]:
        """The training images with a tenth of the labels wrong, and the rows of these."""
        return mislabel(self.images.labeled, 2)

    @cached_property
    def background(self) -> PictureBackground:
        """Mean color and images of the training data."""
        inputs = self.images.inputs
        return PictureBackground(inputs.double().mean(dim=(0, 2, 3)).float(), inputs)

    def measured(self, study: str, measure: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
        """The measurements of a study, one per seed; stored ones are read again."""
        seeds = self.setting.preset.network_seeds
        measured = []
        with self.setting.watch(study, len(seeds)) as advance:
            for seed in seeds:
                measured.append(self.store.measurement(study, f"seed-{seed}", functools.partial(measure, seed)))
                advance(1)
        return measured

    def healthy(self, seed: int) -> nn.Module:
        """Trained on random backgrounds with the right labels."""
        return self._healthy(seed).network

    def mislabeled(self, seed: int) -> nn.Module:
        """BVD-CNN as `healthy`, from the same weights and with the same batches, but with a tenth of the labels wrong."""
        return self._mislabeled(seed).network

    def frozen(self, seed: int, layer: str) -> nn.Module:
        """BVD-CNN as `healthy`, but a layer keeps its first weights."""
        model = freeze(self.new(seed), [layer])
        return self._training(f"frozen-{layer}-{seed}", model, self.images.labeled, seed).network

    def spurious(self, seed: int) -> nn.Module:
        """Trained on backgrounds that go with the classes, until it classifies the validation images."""
        return self._spurious(seed).network

    def digits(self, seed: int) -> nn.Module:
        """Trained on handwritten digits; the last of them are left for tests."""
        size = self.setting.preset.size
        images, held_out = (
            digit_images(n, size=size, start=start) for n, start in ((N_TRAINED, 0), (N_HELD_OUT, N_TRAINED))
        )
        return StoredTraining(self.store, f"digits-{seed}", self.new(seed, 10), images, held_out, seed).network

    def shapes(self, seed: int) -> nn.Module:
        """Trained on our shapes."""
        size = self.setting.preset.size
        images, held_out = (
            shape_images(n, size=size, start=start) for n, start in ((N_TRAINED, 0), (N_HELD_OUT, VALIDATION))
        )
        return StoredTraining(self.store, f"shapes-{seed}", self.new(seed, len(SHAPES)), images, held_out, seed).network

    def healthy_course(self, seed: int) -> TrainedCourse:
        """`healthy` with its checkpoints and training images."""
        return self._healthy(seed).course

    def mislabeled_course(self, seed: int) -> TrainedCourse:
        """`mislabeled` with its checkpoints and training images."""
        return self._mislabeled(seed).course

    def spurious_course(self, seed: int) -> TrainedCourse:
        """`spurious` with its checkpoints and training images."""
        return self._spurious(seed).course

    def half_spurious_course(self, seed: int) -> TrainedCourse:
        """Trained on images of which the first half have the background of their class, the others a random one."""
        own = compose_images(N_IMAGES // 2, size=self.setting.preset.size).labeled
        rest = self.images.labeled[N_IMAGES // 2 :]
        images = LabeledImages(torch.cat([own.inputs, rest.inputs]), torch.cat([own.targets, rest.targets]))
        return self._training(f"half-spurious-{seed}", self.new(seed), images, seed).course

    def new(self, seed: int, n_classes: int = 2) -> nn.Module:
        """An untrained BVD-CNN."""
        return bvd_cnn(n_classes, size=self.setting.preset.size, seed=seed)

    def _healthy(self, seed: int) -> StoredTraining:
        return self._training(f"healthy-{seed}", self.new(seed), self.images.labeled, seed)

    def _mislabeled(self, seed: int) -> StoredTraining:
        return self._training(f"mislabeled-{seed}", self.new(seed), self.mislabeled_images[0], seed)

    def _spurious(self, seed: int) -> StoredTraining:
        return StoredTraining(
            self.store,
            f"spurious-{seed}",
            self.new(seed),
            self.spurious_images.labeled,
            self._spurious_validation,
            seed,
        )

    @cached_property
    def _spurious_validation(self) -> LabeledImages:
        return compose_images(N_IMAGES // HELD_OUT, size=self.setting.preset.size, start=VALIDATION).labeled

    def _training(self, name: str, model: nn.Module, images: LabeledImages, seed: int) -> StoredTraining:
        return StoredTraining(self.store, name, model, images, self.validation, seed, ALL_EPOCHS)
