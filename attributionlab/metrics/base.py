"""Perturbation metrics: declared facts, typed options, and scores of maps."""

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
"""Number of points of a curve in figures."""

MetricFunction = Callable[..., Tensor | Sequence[float]]


AnyEnvironment = Environment | TrainedNetwork
AnyBatch = Batch | LabeledImages


@dataclass(frozen=True, eq=False)
class Measurement:
    """Scores and curves of a metric for the maps of a batch.

    Args:
        scores: (b,) float64; NaN where undefined.
        at: (s,) float64, the fractions of pixels at the points of the curves; None if there are no curves.
        curves: (b, s), whose area or mean is the score.
    """

    scores: Tensor
    at: Tensor | None = None
    curves: Tensor | None = None

    def thinned(self, n_points: int = CURVE_POINTS) -> Measurement:
        """A copy on the CPU in float64, with at most `n_points` points of the curves."""
        if self.at is None or self.curves is None:
            return Measurement(self.scores.double().cpu())
        indices = torch.linspace(0, len(self.at) - 1, min(len(self.at), n_points), dtype=torch.float64).round().long()
        at, curves = (values[..., indices.to(values.device)].double().cpu() for values in (self.at, self.curves))
        return Measurement(self.scores.double().cpu(), at, curves)


OUTPUT = "explained output"
"""Quantity that the curves of most metrics show."""

Bounds = tuple[float | None, float | None]
"""Smallest and largest score of a metric; None if there is no such bound."""


@dataclass(frozen=True, kw_only=True)
class Metric(abc.ABC):
    """A score per image for the agreement of an attribution with the behavior of a network, with its options.

    Args:
        max_memory: Bytes that the evaluation of the network may use at once; results do not depend on it.
    """

    max_memory: int = field(default=DEFAULT_MEMORY, repr=False, compare=False, metadata={"hidden": True})

    name: ClassVar[str]
    higher_is_better: ClassVar[bool]
    bounds: ClassVar[Bounds] = (None, None)
    quantity: ClassVar[str] = OUTPUT
    """Quantity that the curves show, if there are curves."""

    source: ClassVar[str]

    def prepare(self, environment: AnyEnvironment, batch: AnyBatch) -> object:
        """Compute the parts that do not depend on maps, for reuse over calls of `evaluate`; None if there are none."""
        check_measured(environment, batch, ())
        return None

    @abc.abstractmethod
    def evaluate(
        self, environment: AnyEnvironment, batch: AnyBatch, attributions: Sequence[Tensor], prepared: object = None
    ) -> list[Measurement]:
        """Measure the maps of several methods at once, which share the computations that do not depend on maps.

        Args:
            environment: Environment of the images, whose network is evaluated.
            batch: The images.
            attributions: The maps of each method, (b, h, w) or (b, c, h, w).
            prepared: Result of `prepare` for this environment and batch, if it was called.
        """

    @property
    def spec(self) -> str:
        """The canonical spec: name and the options that differ from the defaults, sorted."""
        return format_spec(self.name, changed_options(self))


@dataclass(frozen=True)
class MetricDeclaration:
    """Declared facts about a metric, on which audits and reports rely.

    Args:
        higher_is_better: The direction.
        source: Paper or library that defines the metric.
        bounds: Smallest and largest score, None without a bound.
    """

    higher_is_better: bool
    source: str = ""
    bounds: Bounds = (None, None)


Function = TypeVar("Function", bound=MetricFunction)


def metric(
    *, higher_is_better: bool, source: str = "", bounds: Bounds = (None, None)
) -> Callable[[Function], Function]:
    """Attach declared facts to a function `(environment, batch, attribution) -> (b,)`, so that it can be audited.

    Args:
        higher_is_better: The direction.
        source: Paper or library that defines the metric.
        bounds: Smallest and largest score, None without a bound.

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
        function.declaration = declaration  # type: ignore[attr-defined]  # stored on the function
        return function

    return attach


@dataclass(frozen=True, kw_only=True)
class FunctionMetric:
    """A user's function as a metric.

    Args:
        function: `(environment, batch, attribution) -> (b,)`, declared by `metric`.
        spec: Name under which the function was given.
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
        """Prepare nothing, since the function is opaque."""
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
            MetricError: If the function raises or does not return one number per image.
        """
        check_measured(environment, batch, attributions)
        refuse_prepared(prepared)
        return [Measurement(self._scores(environment, batch, maps)) for maps in attributions]

    def _scores(self, environment: AnyEnvironment, batch: AnyBatch, maps: Tensor) -> Tensor:
        """Call the function and check its result."""
        try:
            returned: Any = self.function(environment, batch, maps.clone())
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise MetricError(f"{self.spec} raised {error_line(error)}") from error
        try:
            scores = torch.as_tensor(returned).detach().double().cpu()
        except (TypeError, ValueError, RuntimeError):
            scores = None
        if scores is None or scores.shape != (len(maps),):
            got = type(returned).__name__ if scores is None else f"{tuple(scores.shape)}"
            raise MetricError(f"{self.spec} must return one number per image, shape ({len(maps)},), got {got}")
        return scores


def check_measured(environment: object, batch: object, attributions: object) -> None:
    """Refuse arguments of `Metric.evaluate` that a metric cannot measure.

    Raises:
        BadOption: If the environment has no network, the batch no images, or `attributions` is not a list.
    """
    if not isinstance(environment, (Environment, TrainedNetwork)):
        raise bad_option("environment", "be an environment or a TrainedNetwork", environment)
    if not isinstance(batch, (Batch, LabeledImages)):
        raise bad_option("batch", "be a Batch or LabeledImages", batch)
    require_list("attributions", attributions, "maps, one for each method")


def refuse_prepared(prepared: object) -> None:
    """Refuse prepared values for a metric that prepares nothing.

    Raises:
        BadOption: If `prepared` is not None.
    """
    if prepared is not None:
        raise bad_option("prepared", "be none: this metric prepares nothing", prepared)


AnyMetric = Metric | FunctionMetric
