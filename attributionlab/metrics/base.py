"""What a perturbation metric is: declared facts, typed options, and scores of maps; and what it asks of networks and images."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import torch
from torch import Tensor, nn

from attributionlab._specs import changed_options, format_spec
from attributionlab.errors import MetricError, bad_option
from attributionlab.perturbation import DEFAULT_MEMORY, Ranking

Measure = Literal["output", "correct-steps"]
CURVE_POINTS = 101
"""Points of a curve that are kept for figures."""

MetricFunction = Callable[..., Tensor | Sequence[float]]


class Network(Protocol):
    """What metrics ask of an environment."""

    @property
    def model(self) -> nn.Module:
        """The network."""
        ...

    @property
    def true_baseline(self) -> Tensor:
        """(c,), the background."""
        ...

    @property
    def ranking(self) -> Ranking:
        """What the pixels are ordered by."""
        ...

    @property
    def output_per_pixel(self) -> float | None:
        """What each pixel of the positive truth adds to the explained output, where that is always the same."""
        ...


class Truth(Protocol):
    """The exact truth."""

    @property
    def positive_mask(self) -> Tensor:
        """(b, h, w)."""
        ...

    @property
    def overall_mask(self) -> Tensor:
        """(b, h, w)."""
        ...


class Images(Protocol):
    """Images, what they are explained for, and the truth."""

    @property
    def inputs(self) -> Tensor:
        """(b, c, h, w)."""
        ...

    @property
    def targets(self) -> Tensor:
        """(b,)."""
        ...

    @property
    def ground_truth(self) -> Truth | None:
        """The truth, where it is known."""
        ...


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Any network in the place of an environment, so that the metrics run on users' own models.

    Args:
        model: (b, c, h, w) to (b, k), in evaluation mode.
        true_baseline: (c,), the color of the canvas `background`.
        ranking: What the pixels are ordered by.
    """

    model: nn.Module
    true_baseline: Tensor
    ranking: Ranking = "signed"
    output_per_pixel: None = None


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """Images without a truth, in the place of a batch.

    Args:
        inputs: (b, c, h, w).
        targets: (b,) int64, the index of the explained output.
    """

    inputs: Tensor
    targets: Tensor
    ground_truth: None = None


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


@dataclass(frozen=True, kw_only=True)
class Metric(abc.ABC):
    """A score per image of how well an attribution goes with what a network does, with its options.

    Args:
        max_memory: Bytes that the evaluation of the network may take at once; results do not depend on it.
    """

    max_memory: int = field(default=DEFAULT_MEMORY, repr=False, compare=False, metadata={"hidden": True})

    name: ClassVar[str]
    higher_is_better: ClassVar[bool]
    source: ClassVar[str]

    def prepare(self, environment: Network, batch: Images) -> object:  # noqa: ARG002  # a metric may need them
        """What does not depend on maps, for those who measure methods one after the other; None if nothing is worth keeping."""
        return None

    @abc.abstractmethod
    def evaluate(
        self, environment: Network, batch: Images, attributions: Sequence[Tensor], prepared: object = None
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
    """

    higher_is_better: bool
    source: str = ""


Function = TypeVar("Function", bound=MetricFunction)


def metric(*, higher_is_better: bool, source: str = "") -> Callable[[Function], Function]:
    """Attach facts to a function `(environment, batch, attribution) -> (b,)`, so that it can be audited.

    Example:
        >>> @metric(higher_is_better=True)
        ... def mass(environment, batch, attribution):
        ...     return attribution.flatten(1).sum(dim=1)
    """
    declaration = MetricDeclaration(higher_is_better, source)

    def attach(function: Function) -> Function:
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
    def higher_is_better(self) -> bool:
        """As declared."""
        declaration: MetricDeclaration = self.function.declaration  # type: ignore[attr-defined]
        return declaration.higher_is_better

    def prepare(self, environment: Network, batch: Images) -> object:  # noqa: ARG002  # as for any metric
        """Nothing: only the function knows what it needs."""
        return None

    def evaluate(
        self,
        environment: Network,
        batch: Images,
        attributions: Sequence[Tensor],
        prepared: object = None,  # noqa: ARG002  # there is nothing
    ) -> list[Measurement]:
        """Call the function for each method; see `Metric.evaluate`.

        Raises:
            MetricError: If it raises or does not return one number per image.
        """
        return [Measurement(self._scores(environment, batch, maps)) for maps in attributions]

    def _scores(self, environment: Network, batch: Images, maps: Tensor) -> Tensor:
        try:
            scores: Any = self.function(environment, batch, maps.clone())
        except (Exception, SystemExit) as error:
            raise MetricError(f"{self.spec} raised {type(error).__name__}: {error}") from error
        try:
            found = torch.as_tensor(scores).detach().double().cpu()
        except (TypeError, ValueError, RuntimeError):
            found = None
        if found is None or found.shape != (len(maps),):
            got = type(scores).__name__ if found is None else f"{tuple(found.shape)}"
            raise MetricError(f"{self.spec} must return one number per image, shape ({len(maps)},), got {got}")
        return found


AnyMetric = Metric | FunctionMetric
