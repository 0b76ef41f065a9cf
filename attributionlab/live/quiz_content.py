"""Content of the quiz: models with and without a bug, their images, predictions, exact truths and maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from attributionlab.environments import Environment, MultiColorSum, make_environment
from attributionlab.environments.background_sum import BackgroundSum
from attributionlab.errors import MethodError, bad_option
from attributionlab.measuring.explain import explain
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, make_method
from attributionlab.reports.figures.looks import look_of
from attributionlab.reports.page.pictures import image_uri, map_uri
from attributionlab.scenes import Scene, colored_ids
from attributionlab.scenes.color_names import color_name
from attributionlab.specs.arguments import LARGEST_INTEGER, require_list, whole_number
from attributionlab.truth import Batch

METHODS = ("gradient", "input-x-gradient", "integrated-gradients")
"""Methods of the user study (Adebayo et al. 2020, section 2.3), with input-x-gradient in place of SmoothGrad.

The detectors of designed networks know exact colors, so SmoothGrad's noise leaves every map empty.
"""

MODELS: tuple[tuple[str, str], ...] = (
    ("normal", "multi-color-sum"),
    ("normal", "background-sum"),
    ("top-layer", "multi-color-sum[bug=reinitialized,layer=head]"),
    ("spurious", "background-sum[bug=spurious-background]"),
    ("mislabeled", "multi-color-sum[bug=mislabeled]"),
    ("out-of-distribution", "multi-color-sum[bug=out-of-distribution]"),
)
"""Condition and environment of each model. Two models are healthy, so that a colored background does not tell the spurious one."""

SMALLEST, LARGEST = 16, 64
"""Sides of the images in pixels."""

MOST_IMAGES, MOST_METHODS = 12, 8

SCENES_APART = 1000
"""Distance of the first scenes of two models, whose images must differ."""

OTHER_NAMES: dict[tuple[int, ...], str] = {
    (255, 128, 0): "orange",
    (128, 0, 255): "violet",
    (0, 128, 255): "azure",
    (255, 0, 128): "pink",
}
"""Names of colors that `color_name` writes as numbers."""


@dataclass(frozen=True)
class QuizSetting:
    """Options of a quiz.

    Args:
        methods: Specs of the methods, 1 to 8.
        n_samples: Images of each question, 1 to 12.
        size: Side of the images in pixels, 16 to 64.
        seed: Seed of scenes, of random weights, and of the order of the questions.

    Raises:
        BadOption: If a value is out of range, or a method is named twice.
    """

    methods: Sequence[str] = METHODS
    n_samples: int = 4
    size: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        require_list("methods", self.methods, "methods", 1)
        if len(self.methods) > MOST_METHODS:
            raise bad_option("methods", f"be at most {MOST_METHODS} methods", len(self.methods))
        for method in self.methods:
            if list(self.methods).count(method) > 1:
                raise bad_option("methods", "be distinct", method)
        whole_number("n_samples", self.n_samples, 1, MOST_IMAGES)
        whole_number("size", self.size, SMALLEST, LARGEST)
        whole_number("seed", self.seed, 0, LARGEST_INTEGER - len(MODELS))  # each model has its own


def quiz_models(setting: QuizSetting, progress: Progress = no_progress) -> list[dict[str, Any]]:
    """Models of the quiz as JSON, each with images, predictions, truths and maps as data URIs.

    Args:
        setting: Options of the quiz.
        progress: Called with 1 after each model.

    Raises:
        MethodError: If a method fails.
    """
    models = []
    for index, (condition, spec) in enumerate(MODELS):
        environment = make_environment(spec, size=setting.size, seed=setting.seed, output="logit")
        environment = environment.changed(network_seed=setting.seed + index)
        assert isinstance(environment, BackgroundSum | MultiColorSum), "all models name colors"
        scenes = varied_scenes(environment, setting.n_samples, SCENES_APART * index)
        batch = environment.batch(scenes)
        models.append(
            {
                "condition": condition,
                "environment": spec,
                "images": [image_uri(image) for image in batch.inputs],
                "answers": [_answers(environment, scene) for scene in scenes],
                "truths": [map_uri(look_of(signed.double())) for signed in batch.ground_truth.signed],
                "maps": _maps(environment, batch, setting.methods),
            }
        )
        progress(1)
    return models


def varied_scenes(environment: BackgroundSum | MultiColorSum, n: int, start: int) -> tuple[Scene, ...]:
    """The first `n` scenes from number `start` on of which every class has equally many, up to 1."""
    n_classes = len(environment.colors)
    room = [n // n_classes + (index < n % n_classes) for index in range(n_classes)]
    scenes: list[Scene] = []
    while len(scenes) < n:
        scene = environment.scene(start)
        label = environment.label(scene)
        if room[label] > 0:
            room[label] -= 1
            scenes.append(scene)
        start += 1
    return tuple(scenes)


def largest_color(scene: Scene) -> str:
    """Name of the color with the most pixels, the background left out."""
    counts = np.bincount(colored_ids(scene).ravel(), minlength=len(scene.patches) + 1)[1:]
    color = scene.patches[int(counts.argmax())].color
    return OTHER_NAMES.get(color) or color_name(color)


def _answers(environment: Environment, scene: Scene) -> dict[str, str]:
    """The correct answer and the model's."""
    return {"correct": largest_color(scene), "predicted": environment.output_name(environment.predicted(scene))}


def _maps(environment: Environment, batch: Batch, specs: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Maps of each method, for the class that the model predicts."""
    return {
        spec: [
            {"picture": map_uri(look_of(values)), "is_empty": not bool(values.any())}
            for values in _explained(environment, batch, spec)
        ]
        for spec in specs
    }


def _explained(environment: Environment, batch: Batch, spec: str) -> Tensor:
    """Maps (b, h, w) of a method."""
    method: AnyMethod = make_method(spec, environment)
    maps = explain(method, environment.model, batch)
    if isinstance(maps, Failure):
        raise MethodError(maps.message)
    return maps.values
