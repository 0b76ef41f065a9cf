"""Networks that are trained on modified pictures and explained, one task each, shared by the studies of section 5."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from attributionlab.measuring import Failure, Maps
from attributionlab.methods import make_method
from attributionlab.modification import (
    ModifiedPictures,
    builtin_pictures,
    make_manipulation,
    modify,
    region_share,
    small_resnet,
    train,
)
from attributionlab.modification.attr_study import original_accuracy
from attributionlab.modification.explaining import ExplainedPictures, PictureBackground, attr_means, explain_pictures
from attributionlab.modification.training import Training, budget
from attributionlab.papers.studies import StudySetting
from attributionlab.runs import Task

MANIPULATIONS = ("blur", "brightness", "hue", "noise", "watermark")
SIMILAR: tuple[tuple[str, ...], ...] = (("cat", "coffee"), ("grass", "gravel"))
DISTINCT: tuple[tuple[str, ...], ...] = (("flower", "brick"), ("grass", "coffee"))
"""Pairs of classes that are hard, and easy, to tell apart."""

ACCURATE = 0.95
"""Accuracy above which the paper explains a network."""

BATCH = 100
"""Changed pictures that go through the network at once."""

FUNCTION = f"{__name__}:measure_network"


def methods_of(setting: StudySetting) -> dict[str, str]:
    """Specs by the paper's names (appendix B.2), and a random map."""
    details = setting.preset.details
    return {
        "Gradient": "gradient-magnitude",
        "SmoothGrad": f"smoothgrad[n_draws={min(50, details['draws'])},internal_batch_size={BATCH}]",
        "GradCAM": "gradcam",
        "LIME": f"lime[n_samples={details['lime_samples']},internal_batch_size={BATCH}]",
        "SHAP": f"expected-gradients[n_draws={details['draws']},internal_batch_size={BATCH}]",
        "random": "random",
    }


def network_task(
    setting: StudySetting,
    manipulation: str,
    *,
    level: float | None = None,
    reassign: float = 0.5,
    pair: Sequence[str] = SIMILAR[0],
    seed: int = 0,
) -> Task:
    """The task of one network; it is also explained on the way where the manipulation is most visible and r = 1/2."""
    highest = levels_of(manipulation)[-1]
    level = highest if level is None else level
    return Task(
        FUNCTION,
        {
            "classes": list(pair),
            "size": setting.preset.size,
            "n_per_class": setting.preset.n_samples,
            "manipulation": manipulation,
            "level": level,
            "reassign": reassign,
            "seed": seed,
            "methods": methods_of(setting),
            "n_explained": setting.preset.details["explained"],
            "on_the_way": level == highest and reassign == 0.5,
        },
    )


def levels_of(manipulation: str) -> tuple[float, ...]:
    """The levels of visibility of appendix B.5."""
    visibility = make_manipulation(manipulation).visibility
    assert visibility is not None, "the five manipulations have levels"
    return tuple(visibility.levels)


def measure_network(
    *,
    classes: Sequence[str],
    size: int,
    n_per_class: int,
    manipulation: str,
    level: float,
    reassign: float,
    seed: int,
    methods: Mapping[str, str],
    n_explained: int,
    on_the_way: bool,
    device: str,
) -> dict[str, Any]:
    """Train a network and measure Attr% of each method's maps.

    Returns:
        `test`: number of right test pictures, of all, p*; `original`: a(F_O) of Eq. 9; `region`: %ER; `epochs`; `attr`: by method, a list
        over classes, the second of which is manipulated; `way`: epoch, validation accuracy and `attr` of states on the way; `failures`.
    """
    pictures = builtin_pictures(classes, n_per_class=n_per_class, size=size, seed=seed)
    data = modify(pictures, make_manipulation(manipulation).at_level(level), reassign=reassign, seed=seed)
    training = train(data, small_resnet, seed=seed, device=device)
    failures: dict[str, str] = {}
    way = []
    final = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
    for checkpoint in training.checkpoints if on_the_way else ():
        training.model.load_state_dict(checkpoint.state)
        attr = _attr(data, training, methods, n_explained, failures)
        way.append({"epoch": checkpoint.epoch, "accuracy": checkpoint.accuracy, "attr": attr})
    training.model.load_state_dict(final)
    test = training.test
    return {
        "test": [test.n_correct, test.n, test.bound],
        "original": original_accuracy(training, data),
        "region": region_share(torch.from_numpy(data.region)),
        "epochs": [len(training.validation), budget(data)],
        "attr": way[-1]["attr"] if way else _attr(data, training, methods, n_explained, failures),
        "way": way,
        "failures": failures,
    }


def _attr(
    data: ModifiedPictures, training: Training, methods: Mapping[str, str], n_explained: int, failures: dict[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Attr% by the paper's name of the method and by class; notes failures."""
    explained = ExplainedPictures.of(data, training.model, n_explained)
    background = PictureBackground.of(data)
    means = {}
    for name, spec in methods.items():
        (maps,) = explain_pictures([make_method(spec)], training.model, background, explained).values()
        if isinstance(maps, Failure):
            failures[name] = f"{maps.type}: {maps.message}"
        elif isinstance(maps, Maps):
            means[name] = [dataclasses.asdict(mean) for mean in attr_means(explained, maps.values)]
    return means
