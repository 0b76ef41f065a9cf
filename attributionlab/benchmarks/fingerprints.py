"""Fingerprints of what a verdict is measured on: SHA-256 of the exact values of inputs, truths, weights and logits.

Every array is hashed in C order and little-endian byte order, after a line with its name, dtype and shape; -0 counts as 0. Designed
networks are exact, so a fingerprint depends neither on the machine, the version of torch nor the batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.environments import Environment
from attributionlab.truth import GroundTruth

NamedArrays = Iterable[tuple[str, Tensor]]


def fingerprint(arrays: NamedArrays) -> str:
    """SHA-256 of named arrays, 64 hexadecimal digits.

    Args:
        arrays: Name and values of each, in their order. Their dtypes count: 1 as a float is another value than 1 as an integer.

    Example:
        >>> import torch
        >>> fingerprint([("input", torch.zeros(1, 3, 2, 2))])[:16]
        '2cdb095f29701fa1'
    """
    digest = hashlib.sha256()
    for name, tensor in arrays:
        values = np.ascontiguousarray(tensor.detach().cpu().numpy())
        values = (
            values + 0 if tensor.is_floating_point() else values
        )  # a sum of zeros may be -0 in one order, 0 in another
        little = values.astype(values.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name} {little.dtype.str} {tuple(tensor.shape)}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def of_input(environment: Environment, inputs: Tensor) -> str:
    """Fingerprint of one input (1, c, *shape) float32, with the environment's true baseline (c,)."""
    return fingerprint([("input", inputs), ("true baseline", environment.true_baseline)])


def of_network(network: nn.Module) -> str:
    """Fingerprint of all weights of a network, by name in the order of its `state_dict`."""
    return fingerprint(network.state_dict().items())


def of_logits(network: nn.Module, inputs: Tensor) -> str:
    """Fingerprint of what a network computes for one input: its logits, or the output of a regression."""
    with torch.no_grad():
        logits: Tensor = getattr(network, "logits", network)(inputs)
    return fingerprint([("logits", logits)])


def of_truth(environment: Environment, scene: object, target: int) -> str:
    """Fingerprint of the truth of one scene for each output that can be explained."""
    return fingerprint(
        part
        for explained in environment.explainable
        for part in _arrays_of_truth(explained, environment.ground_truth((scene,), (target,), explained))
    )


def of_counterpart(environment: Environment, scene: object) -> str:
    """Fingerprint of the second network of a scene, with its truths; empty where the environment has none."""
    parts: list[tuple[str, Tensor]] = []
    for explained in environment.explainable:
        counterpart = environment.counterpart(scene, explained)
        if counterpart is None:
            return ""
        parts = parts or list(counterpart.network.state_dict().items())
        parts += _arrays_of_truth(explained, counterpart.truth)
    return fingerprint(parts)


def _arrays_of_truth(explained: str, truth: GroundTruth) -> Iterator[tuple[str, Tensor]]:
    """The masks by which maps are judged."""
    yield f"{explained} signed", truth.signed
    if truth.smooth_positive_mask is not None:
        yield f"{explained} smooth", truth.smooth_positive_mask
