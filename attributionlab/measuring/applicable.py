"""Which kinds of truth apply to a method, and which one decides."""

from __future__ import annotations

from attributionlab.environments import Environment
from attributionlab.errors import BadOption
from attributionlab.methods import Declaration
from attributionlab.truth import TRUTHS


def deciding_truth(declaration: Declaration) -> str:
    """The truth that fits what a method claims to give."""
    if declaration.sign != "positive":
        return "overall"
    return "positive-smooth" if declaration.granularity == "coarse" else "positive"


def applicable_truths(declaration: Declaration, environment: Environment) -> tuple[str, ...]:
    """The kinds of truth that say something about the method here: only probabilities have pixels that lower them."""
    gives_negative = declaration.sign == "signed" and declaration.explains == "output"
    has_negative = environment.explains == "probability" and gives_negative
    return tuple(truth for truth in TRUTHS if truth != "negative" or has_negative)


def check_applies(truth: str, declaration: Declaration, environment: Environment, method: str) -> None:
    """Refuse a deciding truth that says nothing about a method.

    Raises:
        BadOption: If `truth` does not apply to the method in this environment.
    """
    if truth not in applicable_truths(declaration, environment):
        raise BadOption(
            f"`truth` must apply in {environment.spec}, got {truth!r}; {method} cannot be judged by it there"
        )
