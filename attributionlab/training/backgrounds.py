"""A spurious background: networks trained on composed images whose backgrounds go with the classes, beside healthy ones."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args

from torch import nn

from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.specs.arguments import MOST_IMAGES, require_choice, whole_number
from attributionlab.training.composed import TEST, VALIDATION, Background, compose_images
from attributionlab.training.loop import Course, Recipe, accuracy, fit
from attributionlab.training.networks import bvd_cnn

Association = Literal["spurious", "healthy"]
"""Backgrounds of the training images: those that go with the classes, or random ones."""

BACKGROUND_OF: dict[Association, Background] = {"spurious": "of-class", "healthy": "random"}

N_IMAGES = 800
"""Number of training images."""

HELD_OUT = 4
"""Training images for each validation image, and for each test image."""

N_EPOCHS = 16
HIGH, LOW = 0.9, 0.1
"""Accuracies that count as right, and as near 0."""

CHANCE, NEAR = 0.5, 0.15
"""Accuracy by chance, and the largest distance from it that counts as near."""


@dataclass(frozen=True)
class BackgroundAccuracies:
    """Accuracies of a network on test images; backgrounds alone have the class that they go with, all others that of their object.

    Args:
        own: On objects on the backgrounds of their classes.
        swapped: On objects on the background of the other class.
        backgrounds: On backgrounds alone.
        objects: On objects alone, on gray.
    """

    own: float
    swapped: float
    backgrounds: float
    objects: float

    @property
    def is_spurious(self) -> bool:
        """Whether the network classifies by the background: right on backgrounds alone, near 0 on swapped ones, near chance on objects alone.

        The paper checks the first alone, which a network that uses both passes as well (Zhou et al. 2022, appendix A).
        """
        return self.backgrounds >= HIGH and self.swapped <= LOW and abs(self.objects - CHANCE) <= NEAR

    @property
    def is_healthy(self) -> bool:
        """Whether the network classifies by the object: right on both backgrounds, and on objects alone."""
        return min(self.own, self.swapped, self.objects) >= HIGH

    def __str__(self) -> str:
        """The accuracies in words."""
        parts = (f"{name} {value:.2f}" for name, value in dataclasses.asdict(self).items())
        return f"accuracy: {', '.join(parts)}"


@dataclass(frozen=True, eq=False)
class BackgroundTraining:
    """A network that was trained on composed images.

    Args:
        association: Backgrounds of the training images.
        model: In evaluation mode.
        course: Validation accuracies and checkpoints; validation images are composed like training images.
        accuracies: On test images.
    """

    association: Association
    model: nn.Module
    course: Course
    accuracies: BackgroundAccuracies

    @property
    def problem(self) -> str:
        """The reason why the network is not what it was trained to be; empty if it is."""
        reached = self.accuracies.is_spurious if self.association == "spurious" else self.accuracies.is_healthy
        return "" if reached else f"the training gave no {self.association} network, {self.accuracies}"


def train_on_backgrounds(
    association: Association,
    *,
    seed: int = 0,
    size: int = 32,
    n_images: int = N_IMAGES,
    n_epochs: int = N_EPOCHS,
    recipe: Recipe | None = None,
    progress: Progress = no_progress,
) -> BackgroundTraining:
    """Train BVD-CNN on composed images whose backgrounds go with their classes (`spurious`), or are independent of them (`healthy`).

    Args:
        association: The backgrounds.
        seed: Seed of the weights and of the order of the images, which are the same for every seed.
        size: Side of the images, a multiple of 8.
        n_images: Number of training images; there are a quarter as many validation and test images.
        n_epochs: Most epochs.
        recipe: Optimizer and end; by default `Recipe()`.
        progress: Called with 1 after each epoch.

    Returns:
        The network; `.problem` says whether the training reached what it should.

    References:
        Adebayo et al. 2020, section 3.1 and appendix D.1.
    """
    require_choice("association", association, get_args(Association))
    whole_number("n_epochs", n_epochs, 0)
    n_held_out = whole_number("n_images", n_images, HELD_OUT, MOST_IMAGES) // HELD_OUT
    background = BACKGROUND_OF[association]
    images = compose_images(n_images, background=background, size=size)
    validation = compose_images(n_held_out, background=background, size=size, start=VALIDATION)
    model = bvd_cnn(2, size=size, seed=whole_number("seed", seed, 0))
    course = fit(
        model, images.labeled, validation.labeled, n_epochs=n_epochs, seed=seed, recipe=recipe, progress=progress
    )
    return BackgroundTraining(association, model, course, background_accuracies(model, n_held_out, size=size))


def background_accuracies(
    model: nn.Module, n_images: int = N_IMAGES // HELD_OUT, *, size: int = 32
) -> BackgroundAccuracies:
    """Accuracies of a network (b, 3, size, size) to (b, 2) on test images."""
    kinds: dict[str, tuple[Background, bool]] = {
        "own": ("of-class", True),
        "swapped": ("of-other-class", True),
        "backgrounds": ("of-class", False),
        "objects": ("gray", True),
    }
    return BackgroundAccuracies(
        **{
            name: accuracy(
                model,
                compose_images(n_images, background=background, with_object=with_object, size=size, start=TEST).labeled,
            )
            for name, (background, with_object) in kinds.items()
        }
    )
