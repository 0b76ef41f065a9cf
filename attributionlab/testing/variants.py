"""The same function, expressed differently: a map is about the function, so it must not change."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.errors import BadOption, MethodError, MethodRaised
from attributionlab.networks import Activation, Structure
from attributionlab.specs.arguments import number, require_choice, require_list
from attributionlab.specs.options import convert_options
from attributionlab.testing.contracts import TOLERANCE
from attributionlab.testing.failure import failure
from attributionlab.testing.session import found
from attributionlab.testing.subject import COUNTING, AnyEnvironment, AnySubject, Subject, gaps, generators_kept

WHY: dict[str, str] = {
    "activation=functional": "functional activations are no modules, so hooks on nn.ReLU never see them (captum#1082): "
    "follow the functions too, or refuse such a model",
    "activation=shared": "one nn.ReLU is called many times: keep what a hook sees per call, not per module, or refuse such a "
    "model",
    "structure=residual": "two branches are added up: a rule that hands each of them everything counts it twice "
    "(zennit#236): share it in proportion, or refuse such a model",
    "structure=flatten-module": "there is a nn.Flatten: hand on what passes through it as it is",
    "structure=inplace": "nn.ReLU(inplace=True) overwrites what came before it: clone what a hook keeps, hang backward hooks on "
    "tensors (torch allows none on such a module), or refuse such a model",
}
"""What to look for, by variant."""


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """What a method did on a variant: it gave maps, refused, or failed.

    Args:
        maps: (b, h, w), or None.
        distance: (b,), how far each map is from that of the network as it is, in parts of its largest magnitude.
        factor: By what all values are multiplied, if that is all that is different.
        refusal: The message of a ValueError or NotImplementedError.
        error: The message of anything else that was raised.
    """

    maps: Tensor | None = None
    distance: Tensor | None = None
    factor: float | None = None
    refusal: str | None = None
    error: str | None = None

    def __str__(self) -> str:
        """In words."""
        if self.maps is None or self.distance is None:
            return f"refused: {self.refusal}" if self.error is None else self.error
        if (self.distance == 0).all():
            return "the same"
        return f"differs by {self.distance.max():.2g}" + (
            "" if self.factor is None else f": it is {self.factor:.3g} times the other"
        )


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
    tolerance = number("tolerance", tolerance, 0)
    for activation in require_list("activations", activations, "variants of the activation"):
        require_choice("activations", activation, typing.get_args(Activation))
    for structure in require_list("structures", structures, "variants of the structure"):
        require_choice("structures", structure, typing.get_args(Structure))
    subject = Subject.of(method, environment, n_samples, size, seed)
    expected, outcomes = on_variants(subject, activations, structures, tolerance=tolerance, seed=seed)
    failing = [name for name, outcome in outcomes.items() if str(outcome) != "the same" and outcome.refusal is None]
    if failing:
        distances = {name: outcomes[name].distance for name in failing}
        differing = {name: distance for name, distance in distances.items() if distance is not None}
        worst = max(differing, key=lambda name: differing[name].max().item(), default=None)
        raise failure(
            subject,
            _headline(failing, worst, differing),
            columns=("variant", "map"),
            rows=[(name, str(outcome)) for name, outcome in outcomes.items()],
            worst=None if worst is None else differing[worst],
            maps=None if worst is None else outcomes[worst].maps,
            expected=expected,
            hint="\n-> ".join(f"{name}: {WHY[name]}" for name in failing if name in WHY),
        )
    for name in [name for name, outcome in outcomes.items() if outcome.refusal is not None]:
        row = {"method": subject.method.spec, "environment": _variant(subject.environment, *name.split("=")).spec}
        found({**row, "truth": "-", "F1": "-", "verdict": "refused"})
    return {name: outcome.refusal for name, outcome in outcomes.items() if outcome.refusal is not None}


def on_variants(
    subject: Subject,
    activations: Sequence[Activation],
    structures: Sequence[Structure],
    *,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> tuple[Tensor, dict[str, Outcome]]:
    """The maps of a method on the network as it is, and what it does on each variant; distances within tolerance count as 0.

    Raises:
        MethodError: If the method cannot be run on the network as it is.
        BadOption: If there is no such variant.
    """
    named = [("activation", value) for value in activations] + [("structure", value) for value in structures]
    environments = {f"{option}={value}": _variant(subject.environment, option, value) for option, value in named}
    with generators_kept():
        expected = subject.drawn(seed)
        return expected, {
            name: _outcome(Subject.at(subject, environment), expected, tolerance, seed)
            for name, environment in environments.items()
        }


def _outcome(subject: Subject, expected: Tensor, tolerance: float, seed: int) -> Outcome:
    try:
        maps = subject.drawn(seed)
    except BadOption as error:
        return Outcome(refusal=str(error))
    except MethodError as error:
        cause = error.__cause__
        if isinstance(error, MethodRaised) and isinstance(cause, (ValueError, NotImplementedError)):
            return Outcome(refusal=str(cause))
        return Outcome(error=str(error))
    distance = gaps(expected, maps)
    if (distance <= tolerance).all():
        return Outcome(maps, torch.zeros_like(distance))
    return Outcome(maps, distance, _factor(maps, expected, tolerance))


def _variant(environment: Environment, option: str, value: str) -> Environment:
    return dataclasses.replace(environment, **convert_options(type(environment), {option: value}))


def _headline(failing: Sequence[str], worst: str | None, differing: dict[str, Tensor]) -> str:
    if worst is None:
        return f"fails where the same function is put together from other modules: {', '.join(failing)}"
    return (
        f"gives another map where the same function is put together from other modules: with {worst} by up to "
        f"{differing[worst].max():.2g} of its largest value"
    )


def _factor(maps: Tensor, expected: Tensor, tolerance: float) -> float | None:
    """By what all values are multiplied; None if they are not."""
    reference, other = expected.double().cpu(), maps.double().cpu()
    factor = float((reference * other).sum() / (reference**2).sum())
    return factor if (gaps(factor * reference, other) <= tolerance).all() else None
