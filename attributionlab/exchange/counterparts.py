"""The second networks of a data set: every input under another network that uses other features, with its truth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.torch import save
from torch import nn

from attributionlab.environments import Environment
from attributionlab.environments.base import Counterpart
from attributionlab.errors import bad_option
from attributionlab.exchange.array_files import write_arrays
from attributionlab.exchange.model_files import write_onnx, write_weights
from attributionlab.truth import Batch

COUNTERPARTS = "counterparts"
COUNTERPART_TRUTH = f"{COUNTERPARTS}/truth.npz"


def require_counterparts(environment: Environment, target: object) -> None:
    """Refuse counterparts of an environment that has none, and of other outputs than the winner's.

    Raises:
        BadOption: If there are none.
    """
    if not environment.has_counterpart:
        raise bad_option("counterparts", "be left out where an environment has none", environment.spec)
    if target != "winner":
        raise bad_option("counterparts", "be left out where the target is not the winner", target)


def write_counterparts(environment: Environment, folder: Path, batch: Batch, *, onnx: bool = False) -> list[str]:
    """Write the counterparts of a data set into its folder: the weights of each network once, and their truth.

    `truth.npz` has `networks` (n,), the index of each input's network, and `signed` and `smooth_positive_mask` as the data set's own.

    Args:
        environment: The environment of the data set.
        folder: The folder of the data set.
        batch: All samples of the data set.
        onnx: Whether the networks are written as ONNX as well.

    Returns:
        Name of the file of weights of each input, relative to the folder.
    """
    (folder / COUNTERPARTS).mkdir()
    indices: dict[bytes, int] = {}
    networks = []
    for row, counterpart in enumerate(_counterparts(environment, batch)):
        digest = _digest(counterpart.network)
        if digest not in indices:
            indices[digest] = len(indices)
            weights = folder / weights_name(indices[digest])
            write_weights(counterpart.network, weights)
            if onnx:
                inputs = batch.inputs[[row, row]]  # exporters take a batch of one for a constant
                write_onnx(counterpart.network, inputs, weights.with_suffix(".onnx"))
        networks.append(indices[digest])
    write_arrays(folder / COUNTERPART_TRUTH, {"networks": np.array(networks), **counterpart_arrays(environment, batch)})
    return [weights_name(index) for index in networks]


def counterpart_arrays(environment: Environment, batch: Batch) -> dict[str, npt.NDArray[Any]]:
    """The truth of the samples under their counterparts, as arrays."""
    truths = [counterpart.truth for counterpart in _counterparts(environment, batch)]
    arrays = {"signed": np.concatenate([truth.signed.numpy() for truth in truths])}
    smooth = [truth.smooth_positive_mask.numpy() for truth in truths if truth.smooth_positive_mask is not None]
    return {**arrays, "smooth_positive_mask": np.concatenate(smooth)} if smooth else arrays


def weights_name(index: int) -> str:
    """File of weights of network `index`, relative to the folder of the data set."""
    return f"{COUNTERPARTS}/model-{index:02d}.safetensors"


def files_of_counterparts(names: set[str]) -> set[str]:
    """All files that belong to counterparts with these files of weights."""
    exported = {f"{name.removesuffix('.safetensors')}.onnx" for name in names}
    return names | exported | {f"{name}.data" for name in exported} | ({COUNTERPART_TRUTH} if names else set())


def _counterparts(environment: Environment, batch: Batch) -> Iterator[Counterpart]:
    """The counterpart of every sample."""
    for scene in batch.scenes:
        counterpart = environment.counterpart(scene)
        assert counterpart is not None, "only environments with counterparts are asked"
        yield counterpart


def _digest(network: nn.Module) -> bytes:
    """Digest of a network's weights."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    return hashlib.sha256(save(state)).digest()
