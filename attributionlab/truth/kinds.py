"""Kinds of truth that a map can be compared with: masks and games. Importing this module does not import torch."""

from __future__ import annotations

from typing import Literal, get_args

from attributionlab.specs.arguments import require_choice

TRUTHS = ("overall", "signed", "positive", "negative", "positive-smooth")
"""Kinds of truth: all features that take part; the same with their signs; those that raise the output; those that lower it; and
those that raise it with gaps filled, for methods that are coarse by construction."""

Game = Literal["removal", "alone", "shapley", "aumann-shapley"]

GAMES: tuple[Game, ...] = get_args(Game)
"""Questions about the effect of one feature on the explained output v(S) of a set S of shown features."""

COMPLETE_GAMES = ("shapley", "aumann-shapley")
"""Games whose values add up to v(N) - v(empty set)."""


def require_truth(value: object) -> str:
    """`value`, which must be a kind of truth, or `auto` (the kind that suits the method).

    Raises:
        BadOption: If `value` is neither.
    """
    return require_choice("truth", value, ("auto", *TRUTHS))
