"""Kinds of truth that a map can be compared with."""

from __future__ import annotations

from attributionlab.specs.arguments import require_choice

TRUTHS = ("overall", "positive", "negative", "positive-smooth")


def require_truth(value: object) -> str:
    """`value`, which must be a kind of truth, or `auto` (the kind that suits the method).

    Raises:
        BadOption: If `value` is neither.
    """
    return require_choice("truth", value, ("auto", *TRUTHS))
