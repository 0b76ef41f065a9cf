"""The maps of several methods on the same images."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.errors import MethodError
from attributionlab.machine import find_device
from attributionlab.measuring.applicable import deciding_truth
from attributionlab.measuring.progress import Progress
from attributionlab.methods import AnyMethod, context_for, run_guarded
from attributionlab.truth import Batch


@dataclass(frozen=True)
class Gallery:
    """What methods say about some images.

    Args:
        environment: Canonical spec.
        batch: The images.
        maps: Maps (b, h, w) by method.
        truths: The truth that fits each method.
        failures: Why a method gave no maps, by method.
    """

    environment: str
    batch: Batch
    maps: dict[str, Tensor] = field(default_factory=dict)
    truths: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def gallery(
    environment: Environment,
    methods: Sequence[AnyMethod],
    *,
    n_samples: int = 3,
    start: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> Gallery:
    """Let every method explain the same images; one that fails is noted and the others go on.

    Args:
        environment: Where the images come from.
        methods: Methods bound to the environment.
        n_samples: How many images.
        start: Index of the first one.
        device: `auto`, `cpu` or `cuda`.
        progress: Called with 1 after each method.
    """
    where = find_device(device)
    result = Gallery(environment.spec, environment.sample(n_samples, start))
    for method in methods:
        model, batch = copy.deepcopy(environment.model).to(where), result.batch.to(where)
        result.truths[method.spec] = deciding_truth(method.declaration)
        try:
            maps = run_guarded(method, model, batch.inputs, batch.targets, **context_for(method, batch))
            result.maps[method.spec] = maps.cpu()
        except MethodError as error:
            result.failures[method.spec] = str(error)
        if progress is not None:
            progress(1)
    return result
