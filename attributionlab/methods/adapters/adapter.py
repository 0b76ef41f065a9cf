"""Parts shared by the adapters of all libraries: options, layers and networks."""

from __future__ import annotations

import abc
import ast
import copy
import importlib
import inspect
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from attributionlab.environments.base import Environment
from attributionlab.errors import bad_option, unknown_name
from attributionlab.methods.base import captum_quiet
from attributionlab.methods.declaration import Declaration
from attributionlab.printable import error_line
from attributionlab.specs.grammar import format_spec
from attributionlab.specs.options import convert
from attributionlab.truth.baselines import Baseline, BaselineTensor, baseline_color

DEFAULT_LAYER = 5
"""Layer of CAMs where none is named, as of `gradcam`: the end of the second block of a designed network."""

EXAMPLES = {"sliding_window_shapes": "3,4,4", "low": "0.0", "high": "255.0", "attribution_method": "Saliency"}
"""Values of required options in messages that show how a method is written; other values are written as dots."""

WORDS = {"true": True, "false": False, "none": None}
"""Words of specs for Python's values."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Adapter(abc.ABC):
    """A method of another library as a function `(model, inputs, targets) -> maps`.

    Args:
        name: Name in specs, `library:Class`.
        options: Options that differ from the library's defaults.
        declaration: Declared facts.
        environment: The environment in which it is used, which has the true baseline.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    declaration: Declaration = field(default_factory=Declaration)
    environment: Environment | None = field(default=None, repr=False)

    @abc.abstractmethod
    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> object:
        """The result of the library: maps, or a tuple that contains them."""

    def __call__(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> object:
        """Explain `targets` of `model`, or of the network before its softmax, at `inputs` (b, c, *shape)."""
        network = without_softmax(model) if self.declaration.explains == "logit" else model
        with captum_quiet():
            for category in (DeprecationWarning, FutureWarning):  # about the library's own code
                warnings.simplefilter("ignore", category)
            return self.attribute(network, inputs, targets)

    @property
    def spec(self) -> str:
        """The canonical spec."""
        return format_spec(self.name, {name: _option_text(value) for name, value in self.options.items()})

    def in_environment(self, environment: Environment) -> Self:
        """A copy that is used in an environment."""
        return replace(self, environment=environment)

    def baseline_like(self, inputs: Tensor, baseline: object) -> Tensor:
        """Baseline images (1 or n, c, *shape): of `black`, `true`, a color, or a tensor."""
        converted: Any = convert("baselines", (baseline,) if isinstance(baseline, (int, float)) else baseline, Baseline)
        if isinstance(converted, tuple) and len(converted) == 1:  # one number for all channels
            converted *= inputs.shape[1]
        if isinstance(converted, BaselineTensor):
            return converted.images(inputs)
        true_baseline = None if self.environment is None else self.environment.true_baseline
        color = baseline_color(converted, inputs.shape[1], true_baseline, are_colors=False).to(inputs)
        return color.reshape(1, -1, *[1] * (inputs.ndim - 2)).expand(1, *inputs.shape[1:]).contiguous()


def import_library(module: str, package: str) -> Any:
    """Import a module of a library.

    Raises:
        BadOption: If the library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        root = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] == root:
            hint = f"pip install {package}"
            raise bad_option("method", f"be of an installed package, here {package}", module, hint) from error
        raise bad_option("method", "be importable", module, error_line(error)) from error
    except Exception as error:  # a library that does not fit another one may raise anything
        raise bad_option("method", "be importable", module, error_line(error)) from error


def named_class(library: str, name: str, modules: Iterable[Any], base: type | tuple[type, ...]) -> type:
    """The class of a library that a spec names.

    Raises:
        UnknownName: If there is none, with the closest names.
    """
    modules = list(modules)
    for module in modules:
        candidate = getattr(module, name, None)
        if isinstance(candidate, type) and issubclass(candidate, base):
            return candidate
    names = {
        key
        for module in modules
        for key, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, base)
        and not key.startswith("_")
        and not inspect.isabstract(value)
    }
    initials = {"".join(filter(str.isupper, key)).lower(): (key,) for key in names}
    error = unknown_name("method", name, names, aliases=initials)
    raise type(error)(str(error).replace(repr(name), repr(f"{library}:{name}"), 1))


def split_options(
    name: str,
    options: Mapping[str, object],
    *functions: Callable[..., Any],
    taken: Collection[str],
    own: Collection[str] = (),
) -> tuple[dict[str, Any], ...]:
    """Options as values, by the function that takes them; the last part has our own ones.

    Args:
        name: Name of the method, for messages.
        options: Options as text or as values.
        *functions: Functions of the library whose parameters they are, for example a constructor and a call.
        taken: Parameters that the adapter sets itself.
        own: Options of the adapter.

    Raises:
        UnknownName: If no function has such a parameter.
        BadOption: If a parameter without a default is missing.
    """
    parameters = [_parameters(function, taken) for function in functions]
    parts: tuple[dict[str, Any], ...] = tuple({} for _ in (*functions, own))
    open_ended = [any(each.kind is each.VAR_KEYWORD for each in part.values()) for part in parameters]
    for option, text in options.items():
        value = text if option in own else literal(text)
        homes = [index for index, part in enumerate(parameters) if option in part]
        if option in own:
            parts[-1][option] = value
        elif homes:
            if not _is_default(value, parameters[homes[0]][option].default):
                parts[homes[0]][option] = value
        elif any(open_ended):
            parts[open_ended.index(True)][option] = value
        else:
            raise unknown_name("option", option, {*own, *(each for part in parameters for each in part)})
    given = {option for part in parts for option in part}
    missing = [
        each.name
        for part in parameters
        for each in part.values()
        if each.default is each.empty
        and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        and each.name not in given
    ]
    if missing:
        line = f"{name}[{','.join(map(_example, missing))}]"
        raise bad_option("method", f"have its options {' and '.join(missing)}", name, f"write {line}")
    return parts


def literal(value: object) -> object:
    """The Python value that the text of an option stands for; other values unchanged."""
    if not isinstance(value, str):
        return value
    if value in WORDS:
        return WORDS[value]
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def without_softmax(model: nn.Module) -> nn.Module:
    """The network before its softmax, with the same modules under the same names."""
    if not isinstance(getattr(model, "softmax", None), nn.Module) or not callable(getattr(model, "logits", None)):
        return model
    network = copy.copy(model)
    network._modules = {**model._modules, "softmax": None}  # noqa: SLF001  # a copy that shares its modules
    return network


def in_other_network(value: Any, own: nn.Module, model: nn.Module) -> Any:
    """A value in which modules of one network are replaced by those of the same name of another.

    Args:
        value: A module, or a list or tuple of modules; other values are returned unchanged.
        own: The network whose modules they are.
        model: The other network.

    Raises:
        BadOption: If the other network has no module of that name.
    """
    if isinstance(value, (list, tuple)):
        return type(value)(in_other_network(each, own, model) for each in value)
    if value is own or not isinstance(value, nn.Module):
        return model if value is own else value
    names = [name for name, module in own.named_modules(remove_duplicate=False) if module is value]
    if not names:
        return value
    modules = dict(model.named_modules(remove_duplicate=False))
    for name in names:
        if name in modules:
            return modules[name]
    hint = "name a layer of the network that is explained, as layer='accumulator.layers.5'"
    raise bad_option("layer", "have its name in every network that is explained", names[0], hint)


def enlarged(maps: Tensor, inputs: Tensor) -> Tensor:
    """Maps (b, c, h', w') of a layer at the size of the inputs, by bilinear interpolation; maps of that size unchanged."""
    if maps.ndim != 4 or maps.shape[2:] == inputs.shape[2:]:
        return maps
    return nn.functional.interpolate(maps.sum(dim=1, keepdim=True), tuple(inputs.shape[2:]), mode="bilinear")


def of_targets(values: Tensor, targets: Tensor, inputs: Tensor) -> Tensor:
    """Of values (b, c, *shape, k), one per output, those of each input's target; values without a last axis unchanged."""
    if values.ndim == inputs.ndim:
        return values
    return values[torch.arange(len(values)), ..., targets.to(values.device)]


def _parameters(function: Callable[..., Any], taken: Collection[str]) -> dict[str, inspect.Parameter]:
    """The parameters of a function, without `self` and those that are taken."""
    parameters = inspect.signature(function).parameters
    return {name: each for name, each in parameters.items() if name not in {"self", *taken}}


def _example(option: str) -> str:
    """A required option with a value, as it is written in a spec."""
    return f"{option}={EXAMPLES.get(option, '...')}"


def _is_default(value: object, default: object) -> bool:
    """Whether an option has its default value."""
    return isinstance(value, (bool, int, float, str, type(None))) and type(value) is type(default) and value == default


def _option_text(value: object) -> object:
    """An option's value as it is written in a spec; objects by their type."""
    if isinstance(value, Tensor) and value.is_floating_point():
        return str(BaselineTensor(value))
    if isinstance(value, tuple):
        return tuple(map(_option_text, value))
    if isinstance(value, str):
        return value.translate({ord(sign): "-" for sign in "[],="})
    return (
        value if isinstance(value, (bool, int, float, type(None))) else getattr(value, "__name__", type(value).__name__)
    )
