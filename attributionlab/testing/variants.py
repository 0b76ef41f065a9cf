"""Implementation invariance: maps must not depend on the modules that implement a function."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.errors import BadOption, MethodError
from attributionlab.networks import Activation, Structure
from attributionlab.specs.arguments import number, require_choice, require_list
from attributionlab.specs.options import convert_options
from attributionlab.testing.contracts import TOLERANCE
from attributionlab.testing.failure import failure
from attributionlab.testing.own_network import OwnNetwork, own_network
from attributionlab.testing.refusals import refusal_of
from attributionlab.testing.session import add_row
from attributionlab.testing.subject import COUNTING, AnyEnvironment, AnySubject, Subject, gaps

SHARED = "activation=shared"

WHY: dict[str, str] = {
    "activation=functional": "functional activations are no modules, so hooks on nn.ReLU never see them (captum#1082): "
    "follow the functions too, or refuse such a model",
    SHARED: "one nn.ReLU is called many times: keep what a hook sees per call, not per module, or refuse such a model",
    "structure=residual": "two branches are added up: a rule that hands each of them everything counts it twice "
    "(zennit#236): share it in proportion, or refuse such a model",
    "structure=flatten-module": "there is a nn.Flatten: hand on what passes through it as it is",
    "structure=inplace": "nn.ReLU(inplace=True) overwrites what came before it: clone what a hook keeps, register backward hooks on "
    "tensors (torch allows none on such a module), or refuse such a model",
}
"""Likely reason of a difference and its remedy, by variant."""


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """Outcome of a method on a variant: maps, a refusal, or a failure.

    Args:
        maps: (b, h, w), or None.
        distance: (b,), distance of each map to that of the original network, relative to its largest magnitude.
        factor: Factor between all values and those of the original network, if they are proportional.
        refusal: Message of a ValueError or NotImplementedError.
        error: Message of any other exception.
    """

    maps: Tensor | None = None
    distance: Tensor | None = None
    factor: float | None = None
    refusal: str | None = None
    error: str | None = None

    def __str__(self) -> str:
        """Describe the outcome."""
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
    """Maps do not change if other modules implement the same function, with outputs that are equal bit for bit.

    Coarse methods may differ if one module is called many times, because this module may be the layer that they look at. A method may
    refuse a network that it cannot explain: its own code, or that of its library, raises a ValueError or NotImplementedError with a
    message. A refusal is not a failure, but it is reported. Exceptions of torch are failures.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment, or its spec; its own `activation` and `structure` are the reference.
        activations: Variants of the activation, tested with the environment's structure.
        structures: Variants of the structure, tested with the environment's activation.
        tolerance: Largest difference, relative to a map's largest magnitude.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it. Images have an eighth more columns, so that swapped axes show.
        seed: Seed of environments that do not set it.

    Returns:
        Messages of the refusals by variant (`activation=functional`); empty without refusals.

    Raises:
        AssertionError: If a map differs, or the method raises another exception.
        MethodError: If the method cannot be run on the original network.
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
    if subject.method.declaration.granularity == "coarse":  # its layer may be the module that is shared
        failing = [name for name in failing if name != SHARED]
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
    is_own = own_network(subject.environment) is not None
    for name in [name for name, outcome in outcomes.items() if outcome.refusal is not None and not is_own]:
        row = {"method": subject.method.spec, "environment": _variant(subject.environment, *name.split("=")).spec}
        add_row({**row, "decided by": "-", "F1": "-", "95 % CI": "-", "networks": "-", "verdict": "refused"})
    return {name: outcome.refusal for name, outcome in outcomes.items() if outcome.refusal is not None}


def on_variants(
    subject: Subject,
    activations: Sequence[Activation],
    structures: Sequence[Structure],
    *,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> tuple[Tensor, dict[str, Outcome]]:
    """The maps on the original network, and the outcome on each variant; distances within the tolerance count as 0.

    Raises:
        MethodError: If the method cannot be run on the original network.
        BadOption: If there is no such variant.
    """
    named = [("activation", value) for value in activations] + [("structure", value) for value in structures]
    own = own_network(subject.environment)
    if own is not None:
        return _on_own(subject, own, {f"{option}={value}" for option, value in named}, tolerance, seed)
    environments = {f"{option}={value}": _variant(subject.environment, option, value) for option, value in named}
    expected = subject.maps(seed=seed)
    return expected, {
        name: _outcome(Subject.at(subject, environment), expected, tolerance, seed)
        for name, environment in environments.items()
    }


def _on_own(
    subject: Subject, own: OwnNetwork, names: Collection[str], tolerance: float, seed: int
) -> tuple[Tensor, dict[str, Outcome]]:
    """As `on_variants`, on those variants of a network of the user whose outputs are the same."""
    variants = {name: network for name, network in own.variants().items() if name in names}
    plain, *others = (
        Subject.on_own(subject.method, network, len(subject.batch)) for network in (own, *variants.values())
    )
    expected = plain.maps(seed=seed)
    outcomes = [_outcome(other, expected, tolerance, seed) for other in others]
    return expected, dict(zip(variants, outcomes, strict=True))


def _outcome(subject: Subject, expected: Tensor, tolerance: float, seed: int) -> Outcome:
    """The outcome of a method on one variant."""
    try:
        maps = subject.maps(seed=seed)
    except (BadOption, MethodError) as error:
        refusal = refusal_of(error)
        return Outcome(refusal=refusal, error=str(error) if refusal is None else None)
    distance = gaps(expected, maps)
    if (distance <= tolerance).all():
        return Outcome(maps, torch.zeros_like(distance))
    return Outcome(maps, distance, _factor(maps, expected, tolerance))


def _variant(environment: Environment, option: str, value: str) -> Environment:
    """A copy of the environment with another `activation` or `structure`."""
    return dataclasses.replace(environment, **convert_options(type(environment), {option: value}))


def _headline(failing: Sequence[str], worst: str | None, differing: dict[str, Tensor]) -> str:
    """First line of the message."""
    if worst is None:
        return f"fails where the same function is put together from other modules: {', '.join(failing)}"
    return (
        f"gives another map where the same function is put together from other modules: with {worst} by up to "
        f"{differing[worst].max():.2g} of its largest value"
    )


def _factor(maps: Tensor, expected: Tensor, tolerance: float) -> float | None:
    """Factor between all values and the expected ones; None if they are not proportional."""
    reference, compared = expected.double().cpu(), maps.double().cpu()
    factor = float((reference * compared).sum() / (reference**2).sum())
    return factor if (gaps(factor * reference, compared) <= tolerance).all() else None
