"""Equivalent variants of a network, with other modules for libraries to hook.

Attribution libraries attach rules to modules. If an activation has no module or shares one, or two branches are added,
rules are silently skipped or applied twice (captum#1082, zennit#236). All variants have equal outputs, bit for bit, so the
library causes every difference between their maps.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.networks.designed import DesignedNetwork
from attributionlab.networks.wiring import assigned, unwritten

Activation = Literal["module", "functional", "shared"]
Structure = Literal["plain", "residual", "flatten-module", "inplace"]


class FunctionalReLU(nn.Module):
    """ReLU by `torch.nn.functional.relu`: it replaces the module by a type that libraries do not know."""

    def __init__(self, *, inplace: bool) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, inputs: Tensor) -> Tensor:
        """Clip at 0: (...) to (...)."""
        return functional.relu_(inputs) if self.inplace else functional.relu(inputs)


class Residual(nn.Module):
    """Identity x/2 + Linear(I/2) x: halving is exact, and so is the sum of two halves.

    Args:
        n_features: k.
    """

    def __init__(self, n_features: int) -> None:
        super().__init__()
        layer = unwritten(nn.Linear, n_features, n_features)
        self.linear = assigned(layer, torch.eye(n_features) / 2, torch.zeros(n_features))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs, (b, k) to (b, k)."""
        halves: Tensor = self.linear(inputs)
        return inputs / 2 + halves


def express(network: DesignedNetwork, activation: Activation, structure: Structure) -> DesignedNetwork:
    """Change a network in place to an equivalent variant.

    Args:
        network: The network as built, with a separate ReLU module behind every layer.
        activation: A `module` for each ReLU, one module `shared` by all, or `functional` calls.
        structure: `plain`; a `residual` block in front of the head; a `flatten-module` behind the accumulator instead of
            indexing; or ReLUs that write `inplace`.
    """
    inplace = structure == "inplace"
    if activation != "module" or inplace:
        shared = nn.ReLU(inplace=inplace)
        for parent in list(network.modules()):
            for name, child in parent.named_children():
                if isinstance(child, nn.ReLU):
                    setattr(parent, name, _activation(activation, shared, inplace=inplace))
    if structure == "residual":
        network.head = nn.Sequential(Residual(len(network.classes)), *network.head)
    if structure == "flatten-module":
        network.accumulator.flatten = nn.Flatten()
    return network


def _activation(activation: Activation, shared: nn.ReLU, *, inplace: bool) -> nn.Module:
    if activation == "shared":
        return shared
    return FunctionalReLU(inplace=inplace) if activation == "functional" else nn.ReLU(inplace=inplace)
