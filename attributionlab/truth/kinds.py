"""Kinds of truth that a map can be compared with."""

from __future__ import annotations

from attributionlab.specs.arguments import require_choice

TRUTHS = ("overall", "signed", "positive", "negative", "positive-smooth")
"""Kinds of truth: all features that take part; the same with their signs; those that raise the output; those that lower it; and
those that raise it with gaps filled, for methods that are coarse by construction."""


def require_truth(value: object) -> str:
    """`value`, which must be a kind of truth, or `auto` (the kind that suits the method).

    Raises:
        BadOption: If `value` is neither.
    """
    return require_choice("truth", value, ("auto", *TRUTHS))
