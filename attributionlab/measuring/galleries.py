"""Galleries: the maps of several methods on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.machine import find_device
from attributionlab.measuring.applicable import deciding_truth, judged_truth
from attributionlab.measuring.explain import explain
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod
from attributionlab.networks.copying import copy_network
from attributionlab.truth import Batch, GroundTruth


@dataclass(frozen=True)
class Gallery:
    """Maps of several methods on the same images.

    Args:
        environment: Canonical spec.
        batch: The images.
        maps: Maps (b, h, w) by method.
        truths: The kind of truth that suits each method.
        judged: The truth by which each method is judged: that of the logit for methods that explain the logit.
        failures: Messages of the methods that failed, by method.
    """

    environment: str
    batch: Batch
    maps: dict[str, Tensor]
    truths: dict[str, str]
    judged: dict[str, GroundTruth]
    failures: dict[str, str]


def gallery(
    environment: Environment,
    methods: Sequence[AnyMethod],
    *,
    n_samples: int = 3,
    start: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
) -> Gallery:
    """Compute the maps of every method for the same images; failures of a method do not affect the others.

    Args:
        environment: Environment of the images.
        methods: Methods bound to the environment.
        n_samples: Number of images.
        start: Index of the first image.
        device: `auto`, `cpu` or `cuda`.
        progress: Called with 1 after each method.
    """
    torch_device, batch = find_device(device), environment.sample(n_samples, start)
    maps, truths, judged, failures = {}, {}, {}, {}
    for method in methods:
        outcome = explain(method, copy_network(environment.model).to(torch_device), batch, device=torch_device)
        truths[method.spec] = deciding_truth(method.declaration, environment)
        judged[method.spec] = judged_truth(method.declaration, environment, batch)
        if isinstance(outcome, Failure):
            failures[method.spec] = outcome.message
        else:
            maps[method.spec] = outcome.values.cpu()
        progress(1)
    return Gallery(environment.spec, batch, maps, truths, judged, failures)
