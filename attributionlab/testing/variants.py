"""The same function, expressed differently: a map is about the function, so it must not change."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import Tensor

from attributionlab._specs import convert_options
from attributionlab._test_session import found
from attributionlab.environments import Environment
from attributionlab.errors import BadOption, MethodError, MethodRaised
from attributionlab.networks import Activation, Structure
from attributionlab.testing.contracts import TOLERANCE
from attributionlab.testing.failure import failure
from attributionlab.testing.subject import COUNTING, AnyEnvironment, AnySubject, Subject, gaps, generators_kept

WHY: dict[str, str] = {
    "activation=functional": "functional activations are no modules, so hooks on nn.ReLU never see them (captum#1082): "
    "follow the functions too, or refuse such a model",
    "activation=shared": "one nn.ReLU is called many times: keep what a hook sees per call, not per module, or refuse such a "
    "model",
    "structure=residual": "two branches are added up: a rule that hands each of them everything counts it twice "
    "(zennit#236): share it in proportion, or refuse such a model",
    "structure=flatten-module": "there is a nn.Flatten: hand on what passes through it as it is",
    "structure=inplace": "nn.ReLU(inplace=True) overwrites what came before it: clone what a hook keeps",
}
"""What to look for, by variant."""


@dataclasses.dataclass(frozen=True)
class _Outcome:
    """What a method did on a variant: maps, a refusal, or an error."""

    maps: Tensor | None = None
    refusal: str | None = None
    error: str | None = None


def assert_implementation_invariant(
    method: AnySubject,
    environment: AnyEnvironment = COUNTING,
    *,
    activations: Sequence[Activation] = ("functional", "shared"),
    structures: Sequence[Structure] = ("residual", "flatten-module", "inplace"),
    tolerance: float = TOLERANCE,
    n_samples: int = 2,
    size: int = 32,
    seed: int = 0,
) -> dict[str, str]:
    """The map is the same where the same function, equal bit for bit, is put together from other modules.

    A method may refuse what it cannot explain: by a ValueError or NotImplementedError, whose message says so. That is no
    failure, but it is told.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or where to find one.
        environment: An environment, or its spec; its own `activation` and `structure` are those that the others are held to.
        activations: Each is tried with the environment's structure.
        structures: Each is tried with the environment's activation.
        tolerance: Largest difference, in parts of a map's largest magnitude.
        n_samples: Images.
        size: Side of the images, unless the environment says.
        seed: Seed of environments that do not say.

    Returns:
        Messages of the refusals by variant (`activation=functional`); empty if there were none.

    Raises:
        AssertionError: If a map differs, or the method raises something else.
        MethodError: If the method cannot be run on the network as it is.
        BadOption: If there is no such variant.

    References:
        The axiom of implementation invariance (Sundararajan et al. 2017, section 2.2).
    """
    __tracebackhide__ = True
    subject = Subject.of(method, environment, n_samples, size, seed)
    with generators_kept():
        expected = subject.drawn(seed)
        outcomes = {
            f"{option}={value}": _outcome(subject, seed, option, value)
            for option, values in (("activation", activations), ("structure", structures))
            for value in values
        }
    distances = {name: gaps(expected, outcome.maps) for name, outcome in outcomes.items() if outcome.maps is not None}
    differing = {name: gap for name, gap in distances.items() if (gap > tolerance).any()}
    failing = [name for name, outcome in outcomes.items() if name in differing or outcome.error is not None]
    if failing:
        worst = max(differing, key=lambda name: differing[name].max().item(), default=None)
        raise failure(
            subject,
            _headline(failing, worst, differing),
            columns=("variant", "map"),
            rows=[
                (name, _row(outcome, distances.get(name), expected, tolerance)) for name, outcome in outcomes.items()
            ],
            worst=None if worst is None else differing[worst],
            maps=None if worst is None else outcomes[worst].maps,
            expected=expected,
            hint="\n-> ".join(f"{name}: {WHY[name]}" for name in failing if name in WHY),
        )
    return {name: outcome.refusal for name, outcome in outcomes.items() if outcome.refusal is not None}


def _outcome(subject: Subject, seed: int, option: str, value: str) -> _Outcome:
    """The maps of a method on a variant of its environment, or why there are none."""
    environment = _variant(subject.environment, option, value)
    bound = Subject.of(subject.method, environment, len(subject.batch), environment.height, seed)
    try:
        return _Outcome(maps=bound.drawn(seed))
    except BadOption as error:
        refusal = str(error)
    except MethodError as error:
        cause = error.__cause__
        if not (isinstance(error, MethodRaised) and isinstance(cause, (ValueError, NotImplementedError))):
            return _Outcome(error=str(error))
        refusal = str(cause)
    row = {"method": bound.method.spec, "environment": environment.spec}
    found({**row, "truth": "-", "F1": "-", "verdict": "refused"})
    return _Outcome(refusal=refusal)


def _variant(environment: Environment, option: str, value: str) -> Environment:
    return dataclasses.replace(environment, **convert_options(type(environment), {option: value}))


def _headline(failing: Sequence[str], worst: str | None, differing: dict[str, Tensor]) -> str:
    if worst is None:
        return f"fails where the same function is put together from other modules: {', '.join(failing)}"
    return (
        f"gives another map where the same function is put together from other modules: with {worst} by up to "
        f"{differing[worst].max():.2g} of its largest value"
    )


def _row(outcome: _Outcome, distance: Tensor | None, expected: Tensor, tolerance: float) -> str:
    """What happened on a variant, in words."""
    if outcome.maps is None or distance is None:
        return f"refused: {outcome.refusal}" if outcome.error is None else outcome.error
    if (distance <= tolerance).all():
        return "the same"
    factor = _factor(outcome.maps, expected, tolerance)
    return f"differs by {distance.max():.2g}" + ("" if factor is None else f": it is {factor:.3g} times the other")


def _factor(maps: Tensor, expected: Tensor, tolerance: float) -> float | None:
    """By what all values are multiplied; None if they are not."""
    reference, other = expected.double().cpu(), maps.double().cpu()
    factor = float((reference * other).sum() / (reference**2).sum())
    return factor if (gaps(factor * reference, other) <= tolerance).all() else None
