"""`adapt`: the method that an object, a class or a name of another library stands for."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.adapters.adapter import Adapter, literal, split_options, without_softmax
from attributionlab.methods.base import FunctionMethod, Method
from attributionlab.specs.functions import address_of, load_function, parse_address
from attributionlab.specs.grammar import parse_options
from attributionlab.specs.options import join_options

ADAPTERS = {
    "captum": "captum_methods",
    "zennit": "zennit_composites",
    "shap": "shap_explainers",
    "grad-cam": "gradient_cams",
    "lime": "lime_explainers",
}
"""Modules of this package by the name of the library in specs."""

PACKAGES = {"captum": "captum", "zennit": "zennit", "shap": "shap", "pytorch_grad_cam": "grad-cam", "lime": "lime"}
"""Names of libraries in specs by the package that is imported."""

OTHER_NAMES = {
    "pytorch-grad-cam": "grad-cam",
    "pytorch_grad_cam": "grad-cam",
    "gradcam": "grad-cam",
    "grad_cam": "grad-cam",
}
"""Other names of libraries that specs may have."""

FACTS = ("sign", "granularity", "explains")
"""Declared facts that `adapt` takes."""


def adapt(
    method: object,
    /,
    *,
    sign: str | None = None,
    granularity: str | None = None,
    explains: str | None = None,
    arrays: bool | None = None,
    **options: object,
) -> FunctionMethod:
    """Make a method of another library usable wherever a method is taken.

    `check`, `audit`, plans and assertions do this themselves; `adapt` is for options and for facts that differ.

    Args:
        method: A class (`captum.attr.IntegratedGradients`), an object (`IntegratedGradients(model)`, a composite or attributor of
            zennit, an explainer of shap or lime, a CAM) or its bound method, which is moved to the network that is explained; a
            name as in specs (`captum:IntegratedGradients[n_steps=200]`); or a function `(model, inputs, targets)` that returns a tensor,
            an array, or a tuple with one of these.
        sign: As in `Declaration`; by default from the library's documentation.
        granularity: As in `Declaration`.
        explains: As in `Declaration`; a method that explains the logit is given the network before its softmax.
        arrays: Whether a function takes and returns NumPy arrays, as Quantus has it; by default judged by its annotations.
        **options: Arguments of the library's constructor and call, or of the function. Layers are named (`layer="features.3"`);
            `baselines` and `background` may be `black`, `true`, a color or a tensor.

    Returns:
        The method; it can be called as `(model, inputs, targets)` and returns maps (b, *shape).

    Raises:
        BadOption: If the object is not a method, or its library is not installed.
        UnknownName: If there is no such class or option.

    Example:
        >>> adapt("captum:IntegratedGradients", n_steps=200).spec
        'captum:IntegratedGradients[n_steps=200]'
    """
    if isinstance(method, Method):
        raise bad_option("method", "be of another library, or a function", method)
    unwrapped = method.func if isinstance(method, functools.partial) else method
    is_known = isinstance(method, str) or library_of(unwrapped) is not None
    adapted = adapted_method(method, options) if is_known else None
    if adapted is None:
        adapted = _of_function(method, options, arrays)
    elif arrays is not None:
        raise bad_option("arrays", "be left out for a method of a known library", arrays)
    facts = {"sign": sign, "granularity": granularity, "explains": explains}
    return _declaring(adapted, {name: fact for name, fact in facts.items() if fact is not None})


def adapted_method(source: object, options: Mapping[str, object], spec: str | None = None) -> FunctionMethod | None:
    """The method that an object, class, bound method or name of a known library stands for; None for anything else.

    Args:
        source: The object.
        options: Its options.
        spec: The address by which it was loaded, or None.

    Raises:
        AttributionLabError: If it is of a known library and cannot be used.
    """
    if isinstance(source, str):
        return _of_text(source, options)
    if isinstance(source, functools.partial) and library_of(source.func) is not None:
        if source.args:
            raise bad_option("method", "have its arguments by name", address_of(source.func))
        return adapted_method(source.func, {**source.keywords, **options}, spec)
    library = library_of(source)
    if library is None:
        return None if options else _of_plain(source, spec)
    owner = getattr(source, "__self__", source)
    kind = owner if isinstance(owner, type) else type(owner)
    is_theirs = PACKAGES.get(kind.__module__.partition(".")[0]) == library
    name = f"{library}:{kind.__name__}" if is_theirs else spec or address_of(kind)
    module = _adapter(library)
    build = module.from_class if isinstance(owner, type) else module.from_object
    return _method(build(owner, options, name))


def library_of(source: object) -> str | None:
    """Name of the library that an object, a class or a bound method comes from, also by a base class; None if there is none."""
    owner = source.__self__ if inspect.ismethod(source) else source
    kind = owner if isinstance(owner, type) else type(owner)
    roots = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((PACKAGES[root] for root in roots if root in PACKAGES), None)


def takes_arrays(function: object) -> bool:
    """Whether a function's annotations say that it takes NumPy arrays, as Quantus has it: `(model, inputs, targets, **kwargs) -> ndarray`."""
    if isinstance(function, type) or not callable(function):
        return False
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return False
    parameters = list(signature.parameters.values())
    if len(parameters) < 3:
        return False
    annotation, is_open = parameters[1].annotation, parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
    is_as_in_quantus = (
        is_open and annotation is inspect.Parameter.empty and "ndarray" in str(signature.return_annotation)
    )
    return "ndarray" in str(annotation) or is_as_in_quantus


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayFunction:
    """A function of NumPy arrays as a function of tensors.

    Args:
        function: `(model, inputs, targets) -> array`.
    """

    function: Callable[..., Any]

    def __call__(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> object:
        """Call it with arrays; an array becomes a tensor on the inputs' device."""
        result = self.function(model, inputs.detach().cpu().numpy(), targets.cpu().numpy())
        return torch.as_tensor(result).to(inputs.device)


def _of_text(text: str, options: Mapping[str, object]) -> FunctionMethod | None:
    """The method of `library:Class[option=value]`; None for other text."""
    address = parse_address(text)
    if address is None:
        return None
    library = OTHER_NAMES.get(address.where, address.where)
    if library not in ADAPTERS:
        return None
    written = parse_options(address.options or "")
    values = {name: literal(value) if name in options else value for name, value in written.items()}
    return _method(_adapter(library).from_name(address.name, join_options(options, values, text)))


def _of_function(function: object, options: Mapping[str, object], arrays: bool | None) -> FunctionMethod:
    """The method of a function of the user, or of its address."""
    spec = None
    if isinstance(function, str):
        spec = function
        parsed = parse_address(function)
        if parsed is None:
            hint = "a name of ours goes to attributionlab.make_method"
            raise bad_option("method", "be library:Class, package.module:function or file.py:function", function, hint)
        options = {**parse_options(parsed.options or ""), **options}
        function = load_function(str(parsed), "method")
        adapted = adapted_method(function, options, spec)
        if adapted is not None:
            return adapted
    if not callable(function) or isinstance(function, type):
        raise bad_option("method", "be a method of a known library, or a function (model, inputs, targets)", function)
    require_arguments(function)
    is_array = takes_arrays(function) if arrays is None else arrays
    if options:
        arguments, _ = split_options(address_of(function), options, function, taken=("model", "inputs", "targets"))
        spec = spec or address_of(function)
        function = functools.partial(function, **arguments)
    wrapped: Any = ArrayFunction(function=function) if is_array else function
    return FunctionMethod(function=wrapped, spec=spec or address_of(function))


def require_arguments(function: Callable[..., Any]) -> None:
    """Refuse a function that cannot be called as (model, inputs, targets).

    Raises:
        BadOption: If it cannot, with the line that makes it so.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some builtins have none
        return
    needs = getattr(getattr(function, "declaration", None), "needs", ())
    if "batch" in needs and not _takes(signature, "batch"):
        raise bad_option("method", "take `batch`, which it declares to need", f"{_name(function)}{signature}")
    try:
        signature.bind(None, None, None, **({"batch": None} if "batch" in needs else {}))
    except TypeError as error:
        name = _name(function)
        call = ", ".join(("inputs", "targets")[: len(signature.parameters)])
        hint = f"write lambda model, inputs, targets: {'method' if name == '<lambda>' else name}({call}), which must explain `model`"
        raise bad_option("method", "take (model, inputs, targets)", f"{name}{signature}", hint) from error


def _takes(signature: inspect.Signature, name: str) -> bool:
    """Whether a function takes an argument by this keyword."""
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    return name in signature.parameters or inspect.Parameter.VAR_KEYWORD in kinds


def _name(function: Callable[..., Any]) -> str:
    """The function's name, or that of its class."""
    return str(getattr(function, "__name__", type(function).__name__))


def _of_plain(source: object, spec: str | None) -> FunctionMethod | None:
    """The method of a function of arrays; None for any other object."""
    if isinstance(source, (Method, FunctionMethod, type)) or not callable(source):
        return None
    require_arguments(source)
    if not takes_arrays(source):
        return None
    return FunctionMethod(function=ArrayFunction(function=source), spec=spec or address_of(source))  # type: ignore[arg-type]  # checked where it is called


def _method(adapter: Adapter) -> FunctionMethod:
    """An adapter as a method."""
    return FunctionMethod(function=adapter, spec=adapter.spec)  # type: ignore[arg-type]  # its result is checked where it is called


def _declaring(method: FunctionMethod, facts: Mapping[str, Any]) -> FunctionMethod:
    """A copy that declares other facts."""
    if not facts:
        return method
    declaration = replace(method.declaration, **facts)
    function: Any = method.function
    if isinstance(function, Adapter):
        return replace(method, function=replace(function, declaration=declaration))  # type: ignore[arg-type]  # as above
    is_logit = facts.get("explains") == "logit"
    wrapped = functools.partial(_before_softmax, function) if is_logit else functools.partial(function)
    wrapped.declaration = declaration  # type: ignore[attr-defined]  # stored on the function
    return replace(method, function=wrapped)


def _before_softmax(
    function: Callable[..., Any], model: nn.Module, inputs: Tensor, targets: Tensor, **context: Any
) -> Any:
    """Call a function on the network before its softmax."""
    return function(without_softmax(model), inputs, targets, **context)


def _adapter(library: str) -> Any:
    """The module of this package for a library."""
    return importlib.import_module(f"attributionlab.methods.adapters.{ADAPTERS[library]}")
