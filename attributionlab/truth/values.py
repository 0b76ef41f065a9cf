"""Exact values of all features in a game, and the names of the games."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

Game = Literal["removal", "alone", "shapley", "aumann-shapley"]

GAMES: tuple[Game, ...] = get_args(Game)
"""Questions about the effect of one feature on the explained output v(S) of a set S of shown features."""

COMPLETE_GAMES = ("shapley", "aumann-shapley")
"""Games whose values add up to v(N) - v(empty set)."""


@dataclass(frozen=True, eq=False, repr=False)
class ExactValues:
    """Values of all features in a game.

    Args:
        values: (b, *shape) float64: the effect of each feature on the explained output.
        standard_error: (b, *shape) float64, or None if the values are computed in closed form.
        total: (b,) float64: the sum of all values, v(N) - v(empty set); None if the game's values have no fixed sum.
        game: One of `GAMES`.
        baseline: Value of an absent feature: `true`, `black`, a color, or `inputs`.
        n_orders: Largest number of random orders, if the values are estimated from them.
    """

    values: Tensor
    standard_error: Tensor | None
    total: Tensor | None
    game: str
    baseline: str
    n_orders: int | None = None

    def __repr__(self) -> str:
        """Game, baseline and size of the maps."""
        source = "exact" if self.n_orders is None else f"from {self.n_orders} orders"
        return f"ExactValues({self.game}@{self.baseline}, {'x'.join(map(str, self.values.shape))}, {source})"

    @property
    def is_estimated(self) -> bool:
        """Whether the values have standard errors."""
        return self.standard_error is not None
