"""Methods: declared facts, typed options, and a function from (model, inputs, targets) to maps."""

from __future__ import annotations

import abc
import typing
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor, nn

from attributionlab.environments.base import Environment
from attributionlab.errors import BadOption, bad_option
from attributionlab.games import every_game, exact_values
from attributionlab.games.permutations import Sampling
from attributionlab.games.switching import is_designed
from attributionlab.networks import DesignedNetwork, exact_arithmetic
from attributionlab.specs.arguments import number, require_choice, require_instance, require_text
from attributionlab.specs.grammar import format_spec, format_value
from attributionlab.specs.options import changed_options, convert
from attributionlab.truth.baselines import Baseline, BaselineTensor, baseline_color
from attributionlab.truth.batch import Batch
from attributionlab.truth.explained import Explained
from attributionlab.truth.kinds import GAMES
from attributionlab.truth.maps import attribution_maps, check_targets, require_model, require_tensor
from attributionlab.truth.values import ExactValues

Sign = Literal["signed", "positive", "magnitude"]
Granularity = Literal["pixel", "coarse", "segment"]
Explains = Literal["output", "logit"]
Need = Literal["gradients", "layer", "segments", "baseline", "batch"]
Randomness = Literal["none", "seeded", "global"]
MethodFunction = Callable[..., Tensor]

SAMPLES = "samples"
"""Baseline of a game whose values are means over the baselines that a method draws from the environment."""

ORDERS = Sampling(400, None, 0)
"""Random orders for Shapley values without a closed form."""

CONTROLS = "controls"
"""The family of reference maps that do not depend on the network."""


@dataclass(frozen=True)
class Declaration:
    """Declared facts about a method, on which tests and reports rely.

    Args:
        family: Kind of method.
        sign: `signed` values tell raising from lowering features, `positive` ones show raising features only, `magnitude`
            ones both alike.
        granularity: `pixel`; `coarse` for methods that cannot distinguish neighboring pixels by construction; `segment` for methods
            that give all pixels of a segment one value.
        explains: The network's `output`, or the `logit` before the softmax.
        needs: Requirements of the method besides a function to evaluate.
        randomness: `seeded` if the method draws random numbers from a seed, `global` if it draws them from the global generators,
            else `none`.
        completeness: Accuracy with which its values sum to the difference of outputs; None if they need not.
        tolerance: Largest error of this sum at the default options, relative to the difference of a logit; None if no bound
            is claimed.
        source: Paper.
        zero_maps: Known reason for maps that are zero everywhere, or None.
        answers: The game whose values the maps are, as `game@baseline`, for example `shapley@black`; or, for a method with an
            option `baseline`, the game alone. The baseline is `true`, `black`, a color, or `samples` for the mean over inputs that the
            method draws as baselines. None if the maps answer no game.
        symmetric: Whether equal features of an input get equal values; some rules of relevance propagation do not.
    """

    family: str = "function"
    sign: Sign = "signed"
    granularity: Granularity = "pixel"
    explains: Explains = "output"
    needs: frozenset[Need] = frozenset()
    randomness: Randomness = "none"
    completeness: str | None = None
    tolerance: float | None = None
    source: str = ""
    zero_maps: str | None = None
    answers: str | None = None
    symmetric: bool = True

    def __post_init__(self) -> None:
        require_choice("sign", self.sign, typing.get_args(Sign))
        require_choice("granularity", self.granularity, typing.get_args(Granularity))
        require_choice("explains", self.explains, typing.get_args(Explains))
        require_choice("randomness", self.randomness, typing.get_args(Randomness))
        for need in require_instance("needs", self.needs, frozenset, "be a frozenset of words"):
            require_choice("needs", need, typing.get_args(Need))
        for name in ("family", "source"):
            require_text(name, getattr(self, name))
        for name in ("completeness", "zero_maps"):
            if getattr(self, name) is not None:
                require_text(name, getattr(self, name), "be a text, or none")
        if self.tolerance is not None:
            number("tolerance", self.tolerance, 0)
        if self.answers is not None:
            game, at, baseline = require_text("answers", self.answers, "be a text, or none").partition("@")
            require_choice("answers", game, GAMES)
            if at and baseline != SAMPLES:
                convert("answers", baseline, Baseline)

    def explained_in(self, environment: Environment) -> Explained:
        """The output that the method explains in an environment: the logit where it declares so, else the environment's own."""
        if self.explains == "logit" and "logit" in environment.explainable:
            return "logit"
        return environment.explains


@dataclass(frozen=True, kw_only=True)
class Method(abc.ABC):
    """An attribution method with its options.

    Args:
        environment: The environment in which the method is used, set by `make_method`.
    """

    environment: Environment | None = field(default=None, repr=False, compare=False, metadata={"hidden": True})

    name: ClassVar[str]
    declaration: ClassVar[Declaration]
    may_enumerate: ClassVar[bool] = False
    """Whether a seeded method needs no random numbers where all cases are few enough."""

    @abc.abstractmethod
    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Maps of shape (b, h, w) or (b, c, h, w)."""

    def __call__(self, model: nn.Module, inputs: Tensor, targets: Tensor, **context: Any) -> Tensor:
        """Explain `targets` of `model` at `inputs`.

        Args:
            model: The network, (b, c, h, w) to (b, k).
            inputs: (b, c, h, w); they are not changed.
            targets: (b,) int64, the index of the explained output.
            **context: `batch`, for the methods that need it.

        Controls do not use the network, which may be None for them.

        Returns:
            (b, h, w): one signed value per pixel, summed over channels, detached.

        Raises:
            BadOption: If inputs or targets do not match the model.
            MethodError: If the maps have another shape, or values that are not finite.
        """
        network: object = model  # a control may be called without one
        if network is not None or self.declaration.family != CONTROLS:
            require_model("model", network)
        check_call(model, inputs, targets)
        with exact_arithmetic(inputs.device), captum_quiet(), torch.enable_grad(), evaluating(model):
            maps = self.attribute(model, inputs.detach().clone(), targets, **context)
        return attribution_maps(maps, inputs.shape, f"{self.spec} must return")

    @property
    def needs_batch(self) -> bool:
        """Whether the method takes the batch as a keyword argument."""
        return "batch" in self.declaration.needs

    @property
    def spec(self) -> str:
        """The canonical spec: name and the options that differ from the defaults, sorted."""
        return format_spec(self.name, changed_options(self))

    @property
    def answers(self) -> str | None:
        """The game that the method answers with these options, as `game@baseline`; None if there is none."""
        game = self.declaration.answers
        if game is None or "@" in game:
            return game
        return f"{game}@{format_value(vars(self)['baseline'])}"

    def exact_answer(self, environment: Environment, batch: Batch) -> ExactValues | None:
        """Exact values of the game that the method answers; None if there is none, or it has no exact values there."""
        baseline = vars(self).get("baseline")
        if isinstance(baseline, BaselineTensor):
            return declared_values(self, environment, batch, self.baseline_like(batch.inputs, baseline))
        return declared_values(self, environment, batch)

    def baseline_like(self, inputs: Tensor, baseline: Baseline) -> Tensor:
        """The baseline as an image per input, (b, c, h, w).

        Raises:
            BadOption: If it is `true` and the method has no environment, or it does not fit the inputs.
        """
        channels = require_tensor("inputs", inputs, "b c *shape", "floating point").shape[1]
        if isinstance(baseline, BaselineTensor):
            images = baseline.images(inputs)
            if len(images) > 1:
                raise bad_option("baseline", "be one image; `deepshap` averages over several", tuple(images.shape))
            return images.expand_as(inputs).contiguous()
        true_baseline = None if self.environment is None else self.environment.true_baseline
        are_colors = self.environment is not None and self.environment.input_range is not None
        color = baseline_color(baseline, channels, true_baseline, are_colors=are_colors).to(inputs)
        return color.reshape(-1, *[1] * (inputs.ndim - 2)).expand_as(inputs).contiguous()


def check_call(model: nn.Module, inputs: Tensor, targets: Tensor) -> None:
    """Refuse inputs and targets that do not match each other or a designed network.

    Raises:
        BadOption: If they do not match.
    """
    require_tensor("inputs", inputs, "b c *shape", "floating point")
    check_targets(targets, len(inputs))
    if isinstance(model, DesignedNetwork):
        shape = ", ".join(map(str, model.input_shape))
        if inputs.shape[1:] != model.input_shape:
            raise BadOption(f"`inputs` must have shape (b, {shape}) for this model, got {tuple(inputs.shape)}")
        odd = targets[(targets < 0) | (targets >= len(model.classes))].tolist()
        if odd:
            raise bad_option("targets", f"be indices of the model's outputs, 0 to {len(model.classes) - 1}", odd[0])


def require_images(method: Method, inputs: Tensor) -> None:
    """Refuse inputs that are not images, for methods that need rows and columns.

    Raises:
        BadOption: If inputs are sequences or rows (b, c, l).
    """
    if inputs.ndim != 4:
        shape = ", ".join(map(str, inputs.shape[1:]))
        raise BadOption(f"`inputs` must be images (b, c, h, w) for {method.spec}, got shape (b, {shape})")


def require_at_least(method: Method, **least: int) -> None:
    """Refuse options that are below their smallest value.

    Raises:
        BadOption: If an option is.
    """
    for option, value in least.items():
        if getattr(method, option) < value:
            raise bad_option(option, f"be at least {value}", getattr(method, option))


Function = TypeVar("Function", bound=MethodFunction)


def declares(
    *,
    sign: Sign = "signed",
    granularity: Granularity = "pixel",
    explains: Explains = "output",
    needs: Collection[Need] = (),
    completeness: str | None = None,
    tolerance: float | None = None,
    source: str = "",
    answers: str | None = None,
    symmetric: bool = True,
    randomness: Randomness = "none",
) -> Callable[[Function], Function]:
    """Attach declared facts to a function, so that it is judged by the suitable kind of truth.

    Example:
        >>> @declares(sign="positive", granularity="coarse")
        ... def my_cam(model, inputs, targets):
        ...     return inputs.sum(dim=1)
    """
    if isinstance(needs, (str, bytes)) or not isinstance(needs, (Sequence, AbstractSet)):
        raise bad_option("needs", "be a list of words", needs)
    for need in needs:
        require_choice("needs", need, typing.get_args(Need))
    declaration = Declaration(
        sign=sign,
        granularity=granularity,
        explains=explains,
        needs=frozenset(needs),
        completeness=completeness,
        tolerance=tolerance,
        source=source,
        answers=answers,
        symmetric=symmetric,
        randomness=randomness,
    )
    if answers is not None and "@" not in answers:
        raise bad_option("answers", "be game@baseline, for example shapley@black", answers)

    def attach(function: Function) -> Function:
        if not callable(function) or isinstance(function, type):
            raise bad_option("function", "be a function (model, inputs, targets) -> Tensor", function)
        function.declaration = declaration  # type: ignore[attr-defined]  # stored on the function
        return function

    return attach


@dataclass(frozen=True, kw_only=True)
class FunctionMethod:
    """A user's function as a method; without `declares` it counts as signed, pixel by pixel, explaining the output.

    Args:
        function: `(model, inputs, targets) -> Tensor`.
        spec: Name under which the function was given.
    """

    function: MethodFunction
    spec: str

    @property
    def declaration(self) -> Declaration:
        """The declaration attached by `declares`, else the defaults."""
        declaration: Declaration = getattr(self.function, "declaration", Declaration())
        return declaration

    @property
    def needs_batch(self) -> bool:
        """Whether the method takes the batch as a keyword argument."""
        return "batch" in self.declaration.needs

    @property
    def answers(self) -> str | None:
        """The game that the function declares to answer, as `game@baseline`; None if there is none."""
        return self.declaration.answers

    def exact_answer(self, environment: Environment, batch: Batch) -> ExactValues | None:
        """As `Method.exact_answer`."""
        return declared_values(self, environment, batch)

    def __call__(self, model: nn.Module, inputs: Tensor, targets: Tensor, **context: Any) -> Tensor:
        """Call the function; see `Method.__call__`."""
        with exact_arithmetic(inputs.device):
            maps = self.function(model, inputs, targets, **context)
        return attribution_maps(maps, inputs.shape, f"{self.spec} must return")


AnyMethod = Method | FunctionMethod


def declared_values(
    method: AnyMethod, environment: Environment, batch: Batch, inputs: Tensor | None = None
) -> ExactValues | None:
    """Exact values of the game that a method answers; None if there is none, or it has no exact values in the environment.

    Args:
        method: The method.
        environment: The environment.
        batch: Its samples.
        inputs: Baselines (b, c, *shape), where no color is the baseline.
    """
    game, _, baseline = (method.answers or "").partition("@")
    if not game or baseline == SAMPLES:
        return None
    color: Any = convert("baseline", baseline, Baseline) if inputs is None else inputs
    explains = method.declaration.explained_in(environment)
    return every_game(environment, batch, color, games=(game,), explains=explains, sampling=ORDERS).get(game)


def mean_path_values(environment: Environment, batch: Batch, references: Tensor) -> ExactValues | None:
    """The mean of the Aumann-Shapley values from each of several baselines; None for a network that is not from this package.

    Args:
        environment: The environment.
        batch: Its samples.
        references: (n, c, *shape), the baselines.
    """
    if not is_designed(environment.model):
        return None
    starts = [reference.expand_as(batch.inputs) for reference in references.to(batch.inputs)]
    exact = [exact_values(environment, batch, "aumann-shapley", start) for start in starts]
    total = torch.stack([each.total for each in exact if each.total is not None]).mean(dim=0)
    values = torch.stack([each.values for each in exact]).mean(dim=0)
    return ExactValues(values, None, total, "aumann-shapley", SAMPLES)


def context_for(method: AnyMethod, batch: object) -> dict[str, object]:
    """Keyword arguments of a method: the batch, if it declares that it needs it."""
    return {"batch": batch} if method.needs_batch else {}


def one_by_one(function: Callable[[Tensor, Tensor], Tensor], inputs: Tensor, targets: Tensor) -> Tensor:
    """Apply `function` to each image separately and concatenate the maps."""
    images = zip(inputs.split(1), targets.split(1), strict=True)
    return torch.cat([function(image, target).detach() for image, target in images])


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, and restore the mode of every module afterwards."""
    modules = model.modules() if isinstance(model, nn.Module) else ()  # a control needs no model
    training = [module for module in modules if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def captum_quiet() -> Iterator[None]:
    """Silence the warnings of captum at every call, about its hooks and about inputs that did not require gradients."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Setting (forward, )?backward hooks")
        warnings.filterwarnings("ignore", message=r"Input Tensor \d+ did not already require gradients")
        yield
