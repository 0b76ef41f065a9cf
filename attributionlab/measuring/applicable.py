"""The kinds of truth that apply to a method in an environment, and the one that decides."""

from __future__ import annotations

from attributionlab.environments import Environment
from attributionlab.errors import BadOption
from attributionlab.methods import Declaration
from attributionlab.truth import TRUTHS, Batch, GroundTruth


def deciding_truth(declaration: Declaration, environment: Environment) -> str:
    """The kind of truth that suits a method's declaration: `signed` for those that give both signs, and for undeclared functions."""
    if declaration.sign != "positive":
        return "signed" if declaration.sign == "signed" else "overall"
    return "positive-smooth" if declaration.granularity == "coarse" and environment.has_smooth_truth else "positive"


def applicable_truths(declaration: Declaration, environment: Environment) -> tuple[str, ...]:
    """The kinds of truth that apply to a method; the logit of a class does not have the truth of its probability."""
    explains_output = declaration.explains == "output" or environment.explains != "probability"
    applies = {
        "signed": declaration.sign == "signed",
        "negative": environment.has_negative_truth and explains_output and declaration.sign == "signed",
        "positive-smooth": environment.has_smooth_truth,
    }
    return tuple(truth for truth in TRUTHS if applies.get(truth, True))


def judged_truth(declaration: Declaration, environment: Environment, batch: Batch) -> GroundTruth:
    """The truth by which a method is judged: that of the logit for methods that explain the logit, else that of the batch."""
    explained = declaration.explained_in(environment)
    if explained != environment.explains:
        return environment.ground_truth(batch.scenes, batch.targets.tolist(), explained)
    return batch.ground_truth


def check_applies(truth: str, declaration: Declaration, environment: Environment, method: str) -> None:
    """Refuse a deciding truth that does not apply to a method.

    Raises:
        BadOption: If `truth` does not apply to the method in this environment.
    """
    if truth not in applicable_truths(declaration, environment):
        raise BadOption(
            f"`truth` must apply in {environment.spec}, got {truth!r}; {method} cannot be judged by it there"
        )
