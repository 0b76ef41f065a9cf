"""From a spec, a function or the name of a function to a method."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.methods.base import AnyMethod, FunctionMethod, Method, MethodFunction, Setting
from attributionlab.methods.bottleneck import Iba
from attributionlab.methods.cam import GradCam, GuidedGradCam
from attributionlab.methods.controls import Constant, Edge, Input, Random, Truth
from attributionlab.methods.deeplift import DeepLift, DeepShap
from attributionlab.methods.extremal import ExtremalPerturbation
from attributionlab.methods.gradients import (
    Deconvnet,
    Gradient,
    GradientMagnitude,
    GuidedBackprop,
    InputXGradient,
    IntegratedGradients,
)
from attributionlab.methods.occlusion import Occlusion
from attributionlab.methods.patterns import PatternAttribution, PatternNet
from attributionlab.methods.relevance import (
    DeepTaylor,
    LrpAlphaBeta,
    LrpEpsilon,
    LrpEpsilonAlpha2Beta1Flat,
    LrpEpsilonPlusFlat,
    LrpZ,
)
from attributionlab.methods.rise import Rise
from attributionlab.methods.sampled import ExpectedGradients, SmoothGrad, SmoothGradSquared, VarGrad
from attributionlab.methods.surrogate import KernelShap, Lime
from attributionlab.specs.catalog import Registry
from attributionlab.specs.functions import WANTED, load_function, parse_address
from attributionlab.specs.grammar import parse_spec
from attributionlab.specs.options import convert_options, join_options

if TYPE_CHECKING:
    from typing_extensions import TypeIs

METHODS: Registry[type[Method] | MethodFunction] = Registry("method", "attributionlab.methods")
_OURS: tuple[type[Method], ...] = (
    Gradient,
    GradientMagnitude,
    InputXGradient,
    SmoothGrad,
    SmoothGradSquared,
    VarGrad,
    IntegratedGradients,
    ExpectedGradients,
    GuidedBackprop,
    Deconvnet,
    DeepLift,
    DeepShap,
    LrpEpsilon,
    LrpZ,
    LrpAlphaBeta,
    LrpEpsilonPlusFlat,
    LrpEpsilonAlpha2Beta1Flat,
    DeepTaylor,
    PatternNet,
    PatternAttribution,
    GradCam,
    GuidedGradCam,
    Iba,
    Occlusion,
    Rise,
    ExtremalPerturbation,
    Lime,
    KernelShap,
    Random,
    Constant,
    Edge,
    Input,
    Truth,
)
for _kind in _OURS:
    METHODS.register(_kind.name, _kind)


def make_method(
    method: str | AnyMethod | MethodFunction, setting: Setting | None = None, /, **options: object
) -> AnyMethod:
    """Build a method from its name or spec, or wrap a function.

    Args:
        method: A registered name or spec (`integrated-gradients[baseline=true]`), a function
            `(model, inputs, targets) -> Tensor`, or where to find one: `package.module:function`, `file.py:function`.
        setting: The environment in which it is used; methods ask it for the true baseline.
        **options: Options of the method.

    Raises:
        UnknownName: If there is no such method or option.
        BadOption: If a value does not fit or contradicts the spec, or a function is given options.
        MissingFile: If the module, file or function is not there.

    Example:
        >>> make_method("integrated-gradients", n_steps=20).spec
        'integrated-gradients[n_steps=20]'
    """
    if setting is not None:
        require_setting(setting)
    if isinstance(method, Method):
        return dataclasses.replace(method, setting=setting or method.setting, **convert_options(type(method), options))
    if isinstance(method, str):
        return _from_text(method, setting, options)
    if not callable(method):
        raise bad_option("method", "be a spec or a function (model, inputs, targets) -> Tensor", method)
    if options:
        raise bad_option("options", "be empty for a function", options)
    return method if isinstance(method, FunctionMethod) else FunctionMethod(function=method, spec=_name_of(method))


def require_setting(setting: object) -> None:
    """Refuse what a method cannot ask for the true baseline and images.

    Raises:
        BadOption: If `setting` is not an environment.
    """
    baseline = getattr(setting, "true_baseline", None)
    if isinstance(setting, type) or not isinstance(baseline, Tensor) or not callable(getattr(setting, "sample", None)):
        raise bad_option("setting", "be an environment, as make_environment returns it, or none", setting)


def is_method_class(entry: type[Method] | MethodFunction) -> TypeIs[type[Method]]:
    """Whether a registered entry is a class with options, rather than a plain function."""
    return isinstance(entry, type) and issubclass(entry, Method)


def _from_text(text: str, setting: Setting | None, options: dict[str, object]) -> AnyMethod:
    address = parse_address(text)
    if address is not None:
        if options or address.options:
            raise bad_option("options", f"be empty for a function ({address})", options or address.options)
        return FunctionMethod(function=load_function(text, "method"), spec=text)
    if not text.strip() or text.endswith(".py"):
        raise bad_option("method", WANTED, text)
    spec = parse_spec(text)
    kind = METHODS.get(spec.name)
    if is_method_class(kind):
        given, written = (convert_options(kind, some) for some in (options, spec.options))
        return kind(setting=setting, **join_options(given, written, text))
    if options or spec.options:
        raise bad_option("options", f"be empty for {spec.name}, which is a function", {**options, **spec.options})
    return FunctionMethod(function=kind, spec=spec.name)


def _name_of(function: MethodFunction) -> str:
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', None) or 'unknown'}:{name}"
