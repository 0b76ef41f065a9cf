"""Networks and images of the user in place of an environment: contracts can be tested on them, and nothing that needs a truth."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.environments.trained import TrainedNetwork
from attributionlab.errors import BadOption, bad_option
from attributionlab.networks.variants import FunctionalReLU
from attributionlab.truth import Batch, GroundTruth, LabeledImages
from attributionlab.truth.maps import check_targets, require_model, require_tensor

CONTRACTS = "batch, device, dtype, determinism, unchanged model and inputs, completeness, implementation"
"""Assertions that need no truth, in words."""

Images = LabeledImages | tuple[Tensor, Tensor]
OwnNetworkImages = tuple[TrainedNetwork | nn.Module, Images]
"""A network, and inputs (b, c, *shape) with targets (b,)."""


@dataclass(frozen=True, eq=False)
class OwnNetwork:
    """A network of the user as a substitute for an environment, as far as no truth is asked for.

    Args:
        model: The network, in evaluation mode.
        inputs: (b, c, *shape), the user's inputs.
        targets: (b,) int64.
        true_baseline: (c,), the color of the background; zeros if none is named.
    """

    model: nn.Module
    inputs: Tensor
    targets: Tensor
    true_baseline: Tensor

    @property
    def spec(self) -> str:
        """Description for messages."""
        return f"{type(self.model).__name__}, a network of your own"

    def sample(self, n: int, start: int = 0) -> Batch:
        """Inputs from `start`; where they are not enough, from the beginning again."""
        return self.batch([(start + index) % len(self.inputs) for index in range(n)])

    def batch(self, scenes: Sequence[Any]) -> Batch:
        """The inputs of these numbers. Its truth is empty, and no assertion that is allowed reads it."""
        rows = torch.tensor(scenes, dtype=torch.int64)
        inputs, targets = self.inputs[rows], self.targets[rows]
        truth = GroundTruth(torch.zeros((len(rows), *inputs.shape[2:]), dtype=torch.int8))
        return Batch(inputs, targets, targets, truth, tuple(scenes))

    def variants(self) -> dict[str, OwnNetwork]:
        """Networks with the same outputs, bit for bit, whose ReLUs are functions, one module, or write in place; those that differ are left out."""
        expected = self.outputs(self.model)
        shared = nn.ReLU()
        replacements = {
            "activation=functional": lambda: FunctionalReLU(inplace=False),
            "activation=shared": lambda: shared,
            "structure=inplace": lambda: nn.ReLU(inplace=True),
        }
        networks = {name: _with_relus(self.model, make) for name, make in replacements.items()}
        return {
            name: dataclasses.replace(self, model=network)
            for name, network in networks.items()
            if network is not None and torch.equal(self.outputs(network), expected)
        }

    @torch.no_grad()
    def outputs(self, model: nn.Module) -> Tensor:
        """Outputs (b, k) of a network for all inputs."""
        outputs: Tensor = model(self.inputs.clone())
        return outputs


def own_network(environment: object) -> OwnNetwork | None:
    """The network and inputs of the user that stand for an environment; None for anything else.

    Raises:
        BadOption: If inputs are missing, or do not fit.
    """
    if isinstance(environment, OwnNetwork):
        return environment
    if isinstance(environment, (TrainedNetwork, nn.Module)):
        hint = "write (network, attributionlab.LabeledImages(inputs, targets))"
        raise bad_option("environment", "have inputs where it is a network", type(environment).__name__, hint)
    if not (
        isinstance(environment, tuple)
        and len(environment) == 2
        and isinstance(environment[0], (TrainedNetwork, nn.Module))
    ):
        return None
    network, images = environment
    inputs, targets = (images.inputs, images.targets) if isinstance(images, LabeledImages) else images
    inputs = require_tensor("inputs", inputs, "b c *shape", "floating point")
    check_targets(targets, len(inputs))
    model = require_model("environment", network.model if isinstance(network, TrainedNetwork) else network)
    baseline = network.true_baseline if isinstance(network, TrainedNetwork) else torch.zeros(inputs.shape[1])
    return OwnNetwork(copy.deepcopy(model).eval(), inputs.detach(), targets, baseline.to(inputs))


def require_truth(environment: object, assertion: str) -> None:
    """Refuse a network of the user, whose truth is not known.

    Raises:
        BadOption: If `environment` is one.
    """
    own = own_network(environment)
    if own is not None:
        reason = (
            f"what this {type(own.model).__name__} must use is not known; contracts can be tested on it: {CONTRACTS}"
        )
        raise BadOption(f"`environment` must have a known truth for {assertion}, got a network of your own; {reason}")


def _with_relus(model: nn.Module, make: Any) -> nn.Module | None:
    """A copy in which every nn.ReLU is replaced; None if it has none."""
    network = copy.deepcopy(model)
    places = [
        (parent, name)
        for parent in network.modules()
        for name, child in parent.named_children()
        if type(child) is nn.ReLU
    ]
    for parent, name in places:
        setattr(parent, name, make())
    return network if places else None
