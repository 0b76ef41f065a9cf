"""Methods: typed options, and a guarded function from (model, inputs, targets) to maps."""

from __future__ import annotations

import abc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from attributionlab.environments.base import Environment
from attributionlab.errors import AttributionLabError, BadOption, bad_option
from attributionlab.methods.declaration import CONTROLS, Declaration, MethodFunction
from attributionlab.methods.declared_values import declared_values
from attributionlab.methods.suitability import raised_by_module, require_explainable
from attributionlab.networks import DesignedNetwork, exact_arithmetic
from attributionlab.specs.grammar import format_spec, format_value
from attributionlab.specs.options import changed_options
from attributionlab.truth.baselines import Baseline, BaselineTensor, baseline_color
from attributionlab.truth.batch import Batch
from attributionlab.truth.maps import attribution_maps, check_targets, only_maps, require_model, require_tensor
from attributionlab.truth.values import ExactValues


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
            BadOption: If inputs or targets do not match the model, or its outputs are not a tensor (b, k).
            MethodError: If the maps have another shape, or values that are not finite.
        """
        network: object = model  # a control may be called without one
        if network is not None or self.declaration.family != CONTROLS:
            require_model("model", network)
        check_call(model, inputs, targets)
        with exact_arithmetic(inputs.device), captum_quiet(), torch.enable_grad(), evaluating(model):
            try:
                maps = self.attribute(model, inputs.detach().clone(), targets, **context)
            except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError) as error:
                if network is not None and not isinstance(error, AttributionLabError) and not raised_by_module(error):
                    by_gradient = "gradients" in self.declaration.needs
                    require_explainable(model, inputs, targets, by_gradient=by_gradient)
                raise
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
    if len(inputs) == 0:
        raise BadOption(f"`inputs` must have at least one sample, got shape {tuple(inputs.shape)}")
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


@dataclass(frozen=True, kw_only=True)
class FunctionMethod:
    """A user's function as a method; without `declares` it counts as signed, pixel by pixel, explaining the output.

    Args:
        function: `(model, inputs, targets) -> Tensor`.
        spec: Name under which the function was given.
    """

    function: MethodFunction
    spec: str

    def __post_init__(self) -> None:
        declared = getattr(self.function, "declaration", None)
        if declared is not None and not isinstance(declared, Declaration):
            hint = f"it has a {type(declared).__name__}; decorate it with @attributionlab.declares or with nothing"
            raise bad_option("method", "be declared as a method", self.spec, hint)

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
            result = self.function(model, inputs, targets, **context)
        return attribution_maps(only_maps(result, inputs.shape), inputs.shape, f"{self.spec} must return")


AnyMethod = Method | FunctionMethod


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
