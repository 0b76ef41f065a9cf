"""Which kinds of truth apply to a method in an environment, and which one decides."""

from __future__ import annotations

from attributionlab.environments import Environment
from attributionlab.methods import Declaration
from attributionlab.truth import TRUTHS


def deciding_truth(declaration: Declaration, environment: Environment) -> str:
    """The truth that fits what a method declares."""
    if declaration.sign != "positive":
        return "overall"
    return "positive-smooth" if declaration.granularity == "coarse" and environment.has_smooth_truth else "positive"


def applicable_truths(declaration: Declaration, environment: Environment) -> tuple[str, ...]:
    """The kinds of truth that say something about a method: only probabilities have features that lower them."""
    gives_negative = declaration.sign == "signed" and declaration.explains == "output"
    applies = {
        "negative": environment.explains == "probability" and gives_negative,
        "positive-smooth": environment.has_smooth_truth,
    }
    return tuple(truth for truth in TRUTHS if applies.get(truth, True))
