"""What a perturbation metric is: declared facts, typed options, and scores of maps."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from attributionlab.environments.base import Environment
from attributionlab.environments.trained import TrainedNetwork
from attributionlab.errors import MetricError, bad_option
from attributionlab.perturbation import DEFAULT_MEMORY
from attributionlab.printable import error_line
from attributionlab.specs.arguments import number, require_flag, require_list, require_text
from attributionlab.specs.grammar import format_spec
from attributionlab.specs.options import changed_options
from attributionlab.truth.batch import Batch, LabeledImages

Measure = Literal["output", "correct-steps"]
CURVE_POINTS = 101
"""Points of a curve that are kept for figures."""

MetricFunction = Callable[..., Tensor | Sequence[float]]


AnyEnvironment = Environment | TrainedNetwork
AnyBatch = Batch | LabeledImages


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a metric says of the maps of a batch.

    Args:
        scores: (b,) float64; NaN where undefined.
        at: (s,) float64, fractions of the pixels where the curve is known; None where there is no curve.
        curves: (b, s), what the score is the area or the mean of.
    """

    scores: Tensor
    at: Tensor | None = None
    curves: Tensor | None = None

    def thinned(self, n_points: int = CURVE_POINTS) -> Measurement:
        """The same on the CPU in float64, with at most so many points of the curves."""
        if self.at is None or self.curves is None:
            return Measurement(self.scores.double().cpu())
        kept = torch.linspace(0, len(self.at) - 1, min(len(self.at), n_points), dtype=torch.float64).round().long()
        at, curves = (values[..., kept.to(values.device)].double().cpu() for values in (self.at, self.curves))
        return Measurement(self.scores.double().cpu(), at, curves)


OUTPUT = "explained output"
"""Quantity that the curves of most metrics show."""

Bounds = tuple[float | None, float | None]
"""Least and greatest score of a metric; None where there is no such number."""


@dataclass(frozen=True, kw_only=True)
class Metric(abc.ABC):
    """A score per image of how well an attribution goes with what a network does, with its options.

    Args:
        max_memory: Bytes that the evaluation of the network may take at once; results do not depend on it.
    """

    max_memory: int = field(default=DEFAULT_MEMORY, repr=False, compare=False, metadata={"hidden": True})

    name: ClassVar[str]
    higher_is_better: ClassVar[bool]
    bounds: ClassVar[Bounds] = (None, None)
    quantity: ClassVar[str] = OUTPUT
    """Quantity that the curves show, where there are curves."""

    source: ClassVar[str]

    def prepare(self, environment: AnyEnvironment, batch: AnyBatch) -> object:
        """What does not depend on maps, for those who measure methods one after the other; None if nothing is worth keeping."""
        check_measured(environment, batch, ())
        return None

    @abc.abstractmethod
    def evaluate(
        self, environment: AnyEnvironment, batch: AnyBatch, attributions: Sequence[Tensor], prepared: object = None
    ) -> list[Measurement]:
        """Measure the maps of several methods at once, so that they share what does not depend on them.

        Args:
            environment: Where the images come from; its network is evaluated.
            batch: The images.
            attributions: Of each method, (b, h, w) or (b, c, h, w).
            prepared: What `prepare` gave for the same environment and images, if it was called.
        """

    @property
    def spec(self) -> str:
        """The canonical spec: name and the options that differ from the defaults, sorted."""
        return format_spec(self.name, changed_options(self))


@dataclass(frozen=True)
class MetricDeclaration:
    """The facts about a metric that others rely on.

    Args:
        higher_is_better: The direction.
        source: Paper, or the library that it comes from.
        bounds: Least and greatest score, None where there is none.
    """

    higher_is_better: bool
    source: str = ""
    bounds: Bounds = (None, None)


Function = TypeVar("Function", bound=MetricFunction)


def metric(
    *, higher_is_better: bool, source: str = "", bounds: Bounds = (None, None)
) -> Callable[[Function], Function]:
    """Attach facts to a function `(environment, batch, attribution) -> (b,)`, so that it can be audited.

    Args:
        higher_is_better: The direction.
        source: Paper, or the library that it comes from.
        bounds: Least and greatest score, None where there is none.

    Example:
        >>> @metric(higher_is_better=True)
        ... def mass(environment, batch, attribution):
        ...     return attribution.flatten(1).sum(dim=1)
    """
    require_flag("higher_is_better", higher_is_better)
    require_text("source", source)
    for bound in require_list("bounds", bounds, "two numbers", 2):
        if bound is not None:
            number("bounds", bound)
    declaration = MetricDeclaration(higher_is_better, source, bounds)

    def attach(function: Function) -> Function:
        if not callable(function) or isinstance(function, type):
            raise bad_option("function", "be a function (environment, batch, attribution) -> (b,)", function)
        function.declaration = declaration  # type: ignore[attr-defined]  # a fact about the function, kept with it
        return function

    return attach


@dataclass(frozen=True, kw_only=True)
class FunctionMetric:
    """A user's function as a metric.

    Args:
        function: `(environment, batch, attribution) -> (b,)`, declared by `metric`.
        spec: How it was named.
    """

    function: MetricFunction
    spec: str

    def __post_init__(self) -> None:
        if not isinstance(getattr(self.function, "declaration", None), MetricDeclaration):
            hint = "decorate it with @attributionlab.metric(higher_is_better=...)"
            raise bad_option("metric", "declare in which direction it is better", self.spec, hint)

    @property
    def declaration(self) -> MetricDeclaration:
        """The declaration of the function."""
        declaration: MetricDeclaration = self.function.declaration  # type: ignore[attr-defined]
        return declaration

    @property
    def higher_is_better(self) -> bool:
        """The declared direction."""
        return self.declaration.higher_is_better

    @property
    def quantity(self) -> str:
        """Quantity that curves would show; functions give none."""
        return OUTPUT

    @property
    def bounds(self) -> Bounds:
        """The declared bounds."""
        return self.declaration.bounds

    def prepare(self, environment: AnyEnvironment, batch: AnyBatch) -> object:
        """Nothing: only the function knows what it needs."""
        check_measured(environment, batch, ())
        return None

    def evaluate(
        self,
        environment: AnyEnvironment,
        batch: AnyBatch,
        attributions: Sequence[Tensor],
        prepared: object = None,
    ) -> list[Measurement]:
        """Call the function for each method; see `Metric.evaluate`.

        Raises:
            MetricError: If it raises or does not return one number per image.
        """
        check_measured(environment, batch, attributions)
        refuse_prepared(prepared)
        return [Measurement(self._scores(environment, batch, maps)) for maps in attributions]

    def _scores(self, environment: AnyEnvironment, batch: AnyBatch, maps: Tensor) -> Tensor:
        try:
            scores: Any = self.function(environment, batch, maps.clone())
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise MetricError(f"{self.spec} raised {error_line(error)}") from error
        try:
            found = torch.as_tensor(scores).detach().double().cpu()
        except (TypeError, ValueError, RuntimeError):
            found = None
        if found is None or found.shape != (len(maps),):
            got = type(scores).__name__ if found is None else f"{tuple(found.shape)}"
            raise MetricError(f"{self.spec} must return one number per image, shape ({len(maps)},), got {got}")
        return found


def check_measured(environment: object, batch: object, attributions: object) -> None:
    """Refuse what a metric cannot measure: the arguments of `Metric.evaluate`.

    Raises:
        BadOption: If the environment has no network, the batch no images, or `attributions` is not a list.
    """
    if not isinstance(environment, (Environment, TrainedNetwork)):
        raise bad_option("environment", "be an environment or a TrainedNetwork", environment)
    if not isinstance(batch, (Batch, LabeledImages)):
        raise bad_option("batch", "be a Batch or LabeledImages", batch)
    require_list("attributions", attributions, "maps, one for each method")


def refuse_prepared(prepared: object) -> None:
    """Refuse what a metric without preparation did not prepare.

    Raises:
        BadOption: If there is something.
    """
    if prepared is not None:
        raise bad_option("prepared", "be none: this metric prepares nothing", prepared)


AnyMetric = Metric | FunctionMetric
