"""Samples of an environment: inputs with their truth, and set functions of single inputs, from its members."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attributionlab.environments.members import (
    read_baseline,
    read_inputs,
    read_label,
    read_logits,
    read_target,
    read_truth,
)
from attributionlab.errors import BrokenEnvironment, bad_option
from attributionlab.specs.arguments import require_list
from attributionlab.truth.batch import Batch
from attributionlab.truth.explained import Explained, output_difference
from attributionlab.truth.ground_truth import GroundTruth
from attributionlab.truth.set_functions import CountedSetFunction

if TYPE_CHECKING:
    from attributionlab.environments.base import Environment


def make_batch(environment: Environment, scenes: Sequence[Any], target: str | int) -> Batch:
    """Inputs of scenes, and their truth; as `Environment.batch`.

    Raises:
        BadOption: If `scenes` is not a list of at least one, or `target` is no output with a known truth.
        BrokenEnvironment: If a member raises an exception, or returns something else than it must.
    """
    scenes = tuple(require_list("scenes", scenes, "scenes", 1))
    if not isinstance(target, (str, int)):
        raise bad_option("target", "be winner, loser or the index of an output", target)
    inputs = [read_inputs(environment, scene) for scene in scenes]
    shapes = sorted({array.shape for array in inputs})
    if len(shapes) > 1:
        raise BrokenEnvironment(
            f"`inputs_of` of {environment.name} must return one shape, got {shapes[0]} and {shapes[1]}"
        )
    read_baseline(environment, shapes[0][0])
    labels = torch.tensor([read_label(environment, scene) for scene in scenes])
    targets = [read_target(environment, scene, target) for scene in scenes]
    return Batch(
        inputs=torch.from_numpy(np.stack(inputs)).float().contiguous(),
        targets=torch.tensor(targets),
        labels=labels,
        ground_truth=environment.ground_truth(scenes, targets),
        scenes=scenes,
    )


def make_ground_truth(
    environment: Environment, scenes: Sequence[Any], targets: Sequence[int] | None, explained: Explained | None
) -> GroundTruth:
    """The truth of scenes; as `Environment.ground_truth`."""
    outputs = explained_outputs(environment, scenes, targets, explained)
    signed = [read_signed(environment, scene, *output) for scene, output in zip(scenes, outputs, strict=True)]
    return GroundTruth(torch.from_numpy(np.stack(signed)))


def explained_outputs(
    environment: Environment, scenes: Sequence[Any], targets: Sequence[int] | None, explained: Explained | None
) -> list[tuple[int, Explained]]:
    """Index and kind of the explained output of each scene: by default the winner's, and what the environment explains."""
    indices = [environment.target_of(scene, "winner") for scene in scenes] if targets is None else targets
    kind = environment.explains if explained is None else explained
    return [(index, kind) for index in indices]


def read_signed(environment: Environment, scene: Any, target: int, explained: Explained) -> npt.NDArray[np.int8]:
    """The signed truth of an output, checked.

    Raises:
        BrokenEnvironment: If it is not an array of 1, -1 and 0 in the shape of the input without channels.
    """
    shape = read_inputs(environment, scene).shape[1:]
    if is_own(environment, scene, target, explained):
        return read_truth(environment, scene, shape)
    return read_truth(environment, scene, shape, target, explained)


def is_own(environment: Environment, scene: Any, target: int, explained: Explained) -> bool:
    """Whether an output is the one that the environment explains: the winner's."""
    return explained == environment.explains and target == environment.target_of(scene, "winner")


def show(environment: Environment, inputs: Tensor, present: Tensor) -> Tensor:
    """(b, c, *shape): `inputs` with every feature that is not `present` (b, *shape) at the true baseline."""
    baseline = read_baseline(environment, inputs.shape[1]).to(inputs).reshape(-1, *[1] * (inputs.ndim - 2))
    return torch.where(present[:, None], inputs, baseline)


def coalition_function(
    environment: Environment, scene: Any, target: int, baseline: tuple[float, ...]
) -> CountedSetFunction | None:
    """v(S) from the environment's `logits`, every feature being a kind of its own; None if they are not known for a baseline."""
    if not environment.has_logits or baseline != tuple(environment.true_baseline.tolist()):
        return None
    shape = environment.inputs_of(scene).shape[1:]
    n_features = math.prod(shape)
    return CountedSetFunction(
        np.arange(1, n_features + 1).reshape(shape),
        n_features,
        lambda shown: read_logits(environment, scene, shown.reshape(shape) > 0),
        lambda before, after: output_difference(before, after, target, environment.explains),
    )
