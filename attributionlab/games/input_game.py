"""One input with its network, its baseline and the explained output: all that the values of a game depend on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.games.checkpoint import Checkpoint, estimate_key
from attributionlab.games.groups import MOST_GROUPS, GroupSwitching, enumerated_shapley
from attributionlab.games.permutations import Contributions, Progress, Sampling, estimate_shapley
from attributionlab.games.straight_path import straight_path_values
from attributionlab.games.switching import Switching, is_designed
from attributionlab.networks import FirstBlock
from attributionlab.truth.explained import Explained, FloatArray, output_difference
from attributionlab.truth.set_functions import IntArray, SetFunction


@dataclass(frozen=True, eq=False)
class InputValues:
    """Values of one input's features.

    Args:
        values: (*shape).
        total: Difference of the outputs at the input and at the baseline.
        standard_error: (*shape), or None if the values are exact.
        n_orders: Number of random orders, or None.
    """

    values: FloatArray
    total: float
    standard_error: FloatArray | None = None
    n_orders: int | None = None


@dataclass(frozen=True, eq=False)
class InputGame:
    """One input, explained relative to a baseline.

    Args:
        model: The network.
        explains: How the explained output follows from the network's logits.
        start: (1, c, *shape), the baseline.
        end: (1, c, *shape), the input.
        target: Index of the explained output.
        set_function: v(S) in closed form, if there is one.
        groups: (P,) groups of features that are shown together, numbered from 0 without gaps; by default every feature is on its
            own.
    """

    model: nn.Module
    explains: Explained
    start: Tensor
    end: Tensor
    target: int
    set_function: SetFunction | None = None
    groups: IntArray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(*shape) of the features."""
        return tuple(self.end.shape[2:])

    @cached_property
    def switching(self) -> Switching:
        """The network while features are switched."""
        return Switching.of(self.model, self.explains, self.start, self.end)

    def exactly(self, game: str) -> InputValues | None:
        """Values in closed form or computed from the network; None for Shapley values without a closed form.

        Raises:
            BadOption: If the game is not defined for the network.
        """
        if self.groups is not None:
            return self._of_groups(self.groups)
        values = self._in_closed_form(game)
        if values is None and game == "aumann-shapley":
            values = self._along_the_path()
        elif values is None and game in ("removal", "alone"):
            values = self._one_by_one(game)
        return None if values is None else InputValues(values, self.total)

    def from_orders(self, sampling: Sampling, progress: Progress, checkpoint: Checkpoint | None = None) -> InputValues:
        """Shapley values, estimated from random orders; sums are kept in a checkpoint, and taken from it."""
        switching: Switching | GroupSwitching = self.switching
        groupings: tuple[IntArray, ...] = self.groupings
        if self.groups is not None:
            switching, groupings = GroupSwitching(self.switching, self.groups), (np.arange(self.groups.max() + 1),)
        n_players = len(groupings[0])
        contributions = Contributions(0, np.zeros(n_players), np.zeros(n_players))
        if checkpoint is not None:
            groups = () if self.groups is None else (self.groups.tobytes(),)
            key = estimate_key(self.model, self.start, self.end, self.explains, self.target, sampling.seed, *groups)
            contributions = checkpoint.contributions(key, n_players)

        def after_part(n_orders: int) -> None:
            if checkpoint is not None:
                checkpoint.keep()
            progress(n_orders)

        progress(min(contributions.n_orders, sampling.n_orders))
        estimate = estimate_shapley(switching, self.target, groupings, sampling, contributions, after_part)
        values, errors = self._spread(estimate.values), self._spread(estimate.standard_errors)
        return InputValues(values, self.total, errors, estimate.n_orders)

    def _of_groups(self, groups: IntArray) -> InputValues | None:
        """Shapley values of few groups from all coalitions; None where there are more."""
        if groups.max() >= MOST_GROUPS:
            return None
        return InputValues(self._spread(enumerated_shapley(self.switching, self.target, groups)), self.total)

    def _spread(self, values: FloatArray) -> FloatArray:
        """(*shape): the value of each feature, or of its group."""
        return (values if self.groups is None else values[self.groups]).reshape(self.shape)

    @cached_property
    def total(self) -> float:
        """Difference of the outputs at the input and at the baseline."""
        if self.set_function is not None:
            return self.set_function.total
        before, after = self.switching.ends()
        return float(output_difference(before, after, self.target, self.explains))

    @property
    def groupings(self) -> tuple[IntArray, IntArray]:
        """Numbers (P,) of features that look alike: by color and place in the first block's cell, and by color alone."""
        colors = rearrange(torch.cat([self.start, self.end], dim=1)[0].cpu(), "c ... -> (...) c").numpy()
        places = np.zeros(len(colors))
        if is_designed(self.model):
            places = FirstBlock(self.model.accumulator).slots(torch.device("cpu")).numpy() % 9
        fine, coarse = (
            np.unique(columns, axis=0, return_inverse=True)[1].ravel()
            for columns in (np.column_stack([colors, places]), colors)
        )
        return fine, coarse

    def _in_closed_form(self, game: str) -> FloatArray | None:
        function = self.set_function
        if function is None:
            return None
        of_kinds: FloatArray | None = getattr(function, game.replace("-", "_"))()
        return None if of_kinds is None else function.spread(of_kinds)

    def _along_the_path(self) -> FloatArray:
        if not is_designed(self.model):
            hint = "the path is integrated exactly only through networks of this package"
            raise bad_option("game", "be removal, alone or shapley for this network", "aumann-shapley", hint)
        return straight_path_values(self.model, self.start[0], self.end[0], self.target, self.explains)

    def _one_by_one(self, game: str) -> FloatArray:
        """Effects of single features, from the network."""
        before, after = self.switching.ends()
        if game == "alone":
            differences = output_difference(before, self.switching.one_by_one(), self.target, self.explains)
        else:
            removed = Switching.of(self.model, self.explains, self.end, self.start).one_by_one()
            differences = output_difference(removed, after, self.target, self.explains)
        return differences.reshape(self.shape)
