"""The networks that the studies share; each is trained once for a folder."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
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
    Recipe,
    bvd_cnn,
    compose_images,
    digit_images,
    fit,
    freeze,
    mislabel,
    shape_images,
)
from attributionlab.truth import LabeledImages

N_TRAINED, N_HELD_OUT = 1000, 200
"""Digits and shapes for training and for validation."""

ALL_EPOCHS = Recipe(enough=None)
"""Two networks of a pair are trained for as many epochs."""


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
        return self._trained(f"healthy-{seed}", self.new(seed), self.images.labeled, seed)

    def mislabeled(self, seed: int) -> nn.Module:
        """BVD-CNN as `healthy`, from the same weights and with the same batches, but with a tenth of the labels wrong."""
        return self._trained(f"mislabeled-{seed}", self.new(seed), self.mislabeled_images[0], seed)

    def frozen(self, seed: int, layer: str) -> nn.Module:
        """BVD-CNN as `healthy`, but a layer keeps its first weights."""
        return self._trained(f"frozen-{layer}-{seed}", freeze(self.new(seed), [layer]), self.images.labeled, seed)

    def spurious(self, seed: int) -> nn.Module:
        """Trained on backgrounds that go with the classes, until it classifies the validation images."""
        size = self.setting.preset.size

        def train(model: nn.Module) -> None:
            images = compose_images(N_IMAGES, size=size).labeled
            validation = compose_images(N_IMAGES // HELD_OUT, size=size, start=VALIDATION).labeled
            fit(model, images, validation, n_epochs=N_EPOCHS, seed=seed)

        return self.store.network(f"spurious-{seed}", self.new(seed), train)

    def digits(self, seed: int) -> nn.Module:
        """Trained on handwritten digits; the last of them are left for tests."""
        size = self.setting.preset.size
        images = (digit_images(n, size=size, start=start) for n, start in ((N_TRAINED, 0), (N_HELD_OUT, N_TRAINED)))
        return self._fitted(f"digits-{seed}", self.new(seed, 10), *images, seed=seed)

    def shapes(self, seed: int) -> nn.Module:
        """Trained on our shapes."""
        size = self.setting.preset.size
        images = (shape_images(n, size=size, start=start) for n, start in ((N_TRAINED, 0), (N_HELD_OUT, VALIDATION)))
        return self._fitted(f"shapes-{seed}", self.new(seed, len(SHAPES)), *images, seed=seed)

    def new(self, seed: int, n_classes: int = 2) -> nn.Module:
        """An untrained BVD-CNN."""
        return bvd_cnn(n_classes, size=self.setting.preset.size, seed=seed)

    def _trained(self, name: str, model: nn.Module, images: LabeledImages, seed: int) -> nn.Module:
        return self._fitted(name, model, images, self.validation, seed=seed, recipe=ALL_EPOCHS)

    def _fitted(
        self,
        name: str,
        model: nn.Module,
        images: LabeledImages,
        validation: LabeledImages,
        *,
        seed: int,
        recipe: Recipe | None = None,
    ) -> nn.Module:
        def train(untrained: nn.Module) -> None:
            fit(untrained, images, validation, n_epochs=N_EPOCHS, seed=seed, recipe=recipe)

        return self.store.network(name, model, train)
