"""The game that a method declares to answer, as an assertion."""

from __future__ import annotations

from typing import Any

from attributionlab.errors import bad_option
from attributionlab.judging import answers
from attributionlab.testing.contracts import ENVIRONMENT
from attributionlab.testing.failure import failure
from attributionlab.testing.own_network import require_truth
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject


def assert_answers(
    method: AnySubject,
    environment: AnyEnvironment = ENVIRONMENT,
    *,
    game: str = "auto",
    n_samples: int = 2,
    size: int = 32,
    seed: int = 0,
) -> None:
    """The maps equal the exact values of a game, as `attributionlab.answers` decides it.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment, or its spec.
        game: `game@baseline`, for example `shapley@true`; `auto` is the one that the method declares.
        n_samples: Number of images, each under its own network.
        size: Rows of the images, unless the environment sets it. Images have an eighth more columns, so that swapped axes show.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If the maps differ from the values, or the method raises, returns no valid maps, or changes the model.
        BadOption: If the method declares no game, or the game has no exact values in the environment.
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_answers")
    subject = Subject.of(method, environment, n_samples, size, seed)
    expected = subject.method.answers if game == "auto" else game
    if expected is None:
        raise bad_option("game", "be chosen for a method that declares none", game)
    is_own = expected == subject.method.answers
    baselines: list[Any] = ["true" if is_own else expected.partition("@")[2]]  # texts, which are converted
    result = answers(subject.method, subject.environment, baselines=baselines, n_samples=n_samples)
    if result.error is not None:
        raise failure(subject, f"cannot be judged: {result.error.message}")
    if expected not in result.games:
        raise bad_option("game", f"have exact values in {subject.environment.spec}", expected)
    if expected not in result.answers:
        raise failure(
            subject,
            f"does not answer {expected}: its maps differ from the exact values by {result.games[expected].distance:.3g}",
            columns=("game", "l1", "largest l1"),
            rows=[(name, f"{one.distance:.3g}", f"{one.largest_l1 or 0:.3g}") for name, one in result.games.items()],
            hint="l1 is sum |a - v| / sum |v|, and must be below 0.05; look for another baseline, few steps or draws, and a factor",
        )
