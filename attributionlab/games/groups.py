"""Shapley values of groups of features, such as the segments of an image: the quotient game (Owen 1977).

The players are the groups: those in a coalition are shown as a whole, the others are at the baseline. This is the question of
methods that hide segments.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attributionlab.games.switching import Switching, outputs_of
from attributionlab.truth.explained import Explained, FloatArray, output_difference
from attributionlab.truth.set_functions import IntArray

MOST_GROUPS = 8
"""Largest number of groups for which all coalitions are shown to the network; with more, values are estimated."""

ELEMENTS_AT_ONCE = 2**24
"""Logits in memory at once, unless one order has more."""


def enumerated_shapley(switching: Switching, target: int, groups: IntArray) -> FloatArray:
    """Shapley values (g,) of groups from all 2^g coalitions.

    Args:
        switching: The network while features are switched.
        target: Index of the explained output.
        groups: (P,) the group of each feature, from 0 without gaps.
    """
    n_groups = int(groups.max()) + 1
    coalitions = np.array(list(itertools.product((False, True), repeat=n_groups)))[:, ::-1]  # row k: the bits of k
    logits = _logits_of(switching, coalitions[:, groups])
    sizes, values = coalitions.sum(axis=1), np.empty(n_groups)
    weights = np.array([1 / (n_groups * math.comb(n_groups - 1, size)) for size in range(n_groups)])
    for group in range(n_groups):
        without = np.flatnonzero(~coalitions[:, group])
        added = output_difference(logits[without], logits[without + 2**group], target, switching.explains)
        values[group] = weights[sizes[without]] @ added
    return values


@torch.no_grad()
def _logits_of(switching: Switching, shown: FloatArray) -> FloatArray:
    """Logits (n, k) of an input of which only some features (n, P) are shown, one forward pass each."""
    start, end = switching.pixels.start, switching.pixels.end
    masks = torch.from_numpy(shown).to(end.device).reshape(-1, 1, *end.shape[2:])
    return np.concatenate([outputs_of(switching.pixels, torch.where(mask[None], end, start)) for mask in masks])


@dataclass(frozen=True, eq=False)
class GroupSwitching:
    """Logits while groups of features are switched as a whole, one after the other.

    Args:
        switching: The network while single features are switched.
        groups: (P,) the group of each feature, from 0 without gaps.
    """

    switching: Switching
    groups: IntArray

    @property
    def explains(self) -> Explained:
        """How the explained output follows from the logits."""
        return self.switching.explains

    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Logits (k,) before the first and after the last step."""
        return self.switching.ends()

    def along_orders(self, orders: Tensor) -> FloatArray:
        """Logits after every step of orders of the groups (n, g): (n, g + 1, k)."""
        at_once = max(1, ELEMENTS_AT_ONCE // ((len(self.groups) + 1) * len(self.ends()[0])))
        return np.concatenate([self._along(part.numpy()) for part in orders.split(at_once)])

    def _along(self, orders: IntArray) -> FloatArray:
        """As `along_orders`, all orders at once."""
        ranks = np.argsort(orders, axis=1)[:, self.groups]
        logits = self.switching.along_orders(torch.from_numpy(np.argsort(ranks, axis=1, kind="stable")))
        sizes = np.bincount(self.groups)[orders]
        steps = np.concatenate([np.zeros((len(orders), 1), int), sizes.cumsum(axis=1)], axis=1)
        return np.take_along_axis(logits, steps[..., None], axis=1)
