"""Exact values of all features in a game."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


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
