"""Methods of captum: classes by name, and objects that were built on a network, which are moved to the network that is explained."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.adapters.adapter import (
    DEFAULT_LAYER,
    Adapter,
    enlarged,
    import_library,
    in_other_network,
    named_class,
    split_options,
)
from attributionlab.methods.base import one_by_one
from attributionlab.methods.declaration import Declaration

TAKEN = ("forward_func", "model", "inputs", "target", "attribution_method", "layer", "baselines", "feature_mask")
"""Parameters that the adapter sets itself."""

OWN = ("attribution_method", "layer", "baselines", "feature_mask")
"""Those of them that are options as well, with values that text can have: the name of a class, of a layer, of a color, of segments."""

ONE_BY_ONE = ("Lime", "LimeBase", "KernelShap")
"""Classes that warn about more than one input."""

POSITIVE = ("GuidedBackprop", "Deconvolution", "GuidedGradCam")
"""Classes that drop what lowers an output."""

RANDOM = ("GradientShap", "LayerGradientShap", "Lime", "KernelShap", "ShapleyValueSampling", "FeaturePermutation")
"""Classes that draw from torch's global generator, as NoiseTunnel does."""

GROUPED = (
    "FeatureAblation",
    "Lime",
    "KernelShap",
    "ShapleyValueSampling",
    "ShapleyValues",
    "FeaturePermutation",
)
"""Classes that credit segments, where they are given segments."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptumMethod(Adapter):
    """A method of captum.

    Args:
        kind: Its class.
        built: An object of the class that was built on another network, or None.
        constructor: Arguments of the constructor.
        call: Arguments of `attribute`.
        own: Options that become arguments for each network and its inputs.
    """

    kind: type
    built: Any = None
    constructor: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> object:
        """Call `attribute`; maps of a layer are enlarged to the size of the inputs."""
        explainer = self.explainer(model) if self.built is None else moved(self.built, model)
        if self.kind.__name__ in ONE_BY_ONE:
            return one_by_one(functools.partial(self.explained, explainer), inputs, targets)
        return self.explained(explainer, inputs, targets)

    def explained(self, explainer: Any, inputs: Tensor, targets: Tensor) -> Any:
        """The result of `attribute`."""
        result = explainer.attribute(inputs, target=targets, **self.call, **self.arguments(inputs, explainer))
        first = result[0] if isinstance(result, tuple) else result
        return enlarged(first, inputs) if isinstance(first, Tensor) and has_layer(type(explainer)) else result

    def explainer(self, model: nn.Module) -> Any:
        """The object of captum for a network."""
        if "attribution_method" in _constructor(self.kind):
            return self.kind(inner_method(self.own["attribution_method"]).explainer(model))
        layer = self.own.get("layer", DEFAULT_LAYER)
        layers = {} if "layer" not in _constructor(self.kind) else {"layer": layer_of(model, layer)}
        return self.kind(model, **layers, **self.constructor)

    def arguments(self, inputs: Tensor, explainer: Any) -> dict[str, Any]:
        """Arguments of `attribute` that depend on the inputs."""
        parameters = inspect.signature(getattr(explainer, "attribution_method", explainer).attribute).parameters
        arguments = {}
        if "baselines" in self.own:
            arguments["baselines"] = self.baseline_like(inputs, self.own["baselines"])
        elif "baselines" in parameters and parameters["baselines"].default is inspect.Parameter.empty:
            arguments["baselines"] = self.baseline_like(inputs, "black")
        if "baselines" in arguments and "Shap" in type(explainer).__name__ and len(arguments["baselines"]) == 1:
            arguments["baselines"] = arguments["baselines"].repeat(
                2, *[1] * (inputs.ndim - 1)
            )  # DeepLiftShap refuses one
        if "feature_mask" in self.own:
            arguments["feature_mask"] = feature_masks(inputs, self.own["feature_mask"])
        return arguments


def from_name(name: str, options: Mapping[str, object]) -> CaptumMethod:
    """The method of a spec `captum:Name[...]`.

    Raises:
        UnknownName: If captum has no such class.
        BadOption: If captum is not installed.
    """
    library = import_library("captum.attr", "captum")
    return from_class(named_class("captum", name, [library], library.Attribution), options, f"captum:{name}")


def from_class(kind: type, options: Mapping[str, object], name: str) -> CaptumMethod:
    """The method of a class, built anew on each network that is explained."""
    _refuse_unsuitable(kind, name)
    wraps = "attribution_method" in _constructor(kind)
    inner = inner_method(options["attribution_method"]) if "attribution_method" in options else None
    owner = kind if inner is None else inner.kind
    own = [each for each in OWN if each in {*_constructor(kind), *_call(kind), *_constructor(owner), *_call(owner)}]
    constructor, call, ours = split_options(name, options, kind.__init__, kind.attribute, taken=TAKEN, own=own)  # type: ignore[misc,attr-defined]  # a class of captum
    if wraps and inner is None:
        raise bad_option(
            "method", "have its option attribution_method", name, f"write {name}[attribution_method=Saliency]"
        )
    facts = declared(owner, {**call, **ours}) if inner is None else _of_noise(inner.declaration, call)
    return CaptumMethod(name=name, options=constructor | call | ours, declaration=facts, kind=kind, constructor=constructor, call=call, own=ours)  # fmt: skip


def from_object(built: Any, options: Mapping[str, object], name: str) -> CaptumMethod:
    """The method of an object that was built on some network.

    Raises:
        BadOption: If it was built on a function, which cannot be replaced by another network.
    """
    kind = type(built)
    _refuse_unsuitable(kind, name)
    if not isinstance(network_of(built), nn.Module):
        line = f"write al.adapt({kind.__name__}), which builds it on each network"
        raise bad_option("method", "be built on a torch.nn.Module, not on a function", name, line)
    inner = getattr(built, "attribution_method", built)
    own = [each for each in ("baselines", "feature_mask") if each in {*_call(kind), *_call(type(inner))}]
    call, ours = split_options(name, options, kind.attribute, taken=TAKEN, own=own)
    facts = declared(type(inner), {**call, **ours})
    facts = facts if inner is built else _of_noise(facts, call)
    return CaptumMethod(name=name, options=call | ours, declaration=facts, kind=kind, built=built, call=call, own=ours)


def inner_method(method: object) -> CaptumMethod:
    """The method that another one repeats, as NoiseTunnel does: a class, or its name."""
    if isinstance(method, type):
        return from_class(method, {}, f"captum:{method.__name__}")
    return from_name(str(method).removeprefix("captum:"), {})


def moved(built: Any, model: nn.Module) -> Any:
    """A copy of an object of captum that explains another network than the one it was built on."""
    own = network_of(built)
    clone = copy.copy(built)
    for name, value in vars(built).items():
        is_captum = type(value).__module__.partition(".")[0] == "captum" and hasattr(value, "attribute")
        setattr(clone, name, moved(value, model) if is_captum else in_other_network(value, own, model))
    return clone


def network_of(built: Any) -> Any:
    """The network or function on which an object of captum was built."""
    return getattr(built, "model", None) or getattr(built, "forward_func", None)


def has_layer(kind: type) -> bool:
    """Whether a class attributes to a layer, so that its maps may be smaller than the inputs."""
    return kind.__name__.startswith("Layer") or kind.__name__ == "InternalInfluence"


def declared(kind: type, options: Mapping[str, Any]) -> Declaration:
    """Facts about a class with these options, from its documentation."""
    name = kind.__name__
    if name == "Saliency":
        return Declaration(family="captum", sign="magnitude" if options.get("abs", True) else "signed")
    if has_layer(kind):
        is_positive = bool(options.get("relu_attributions", False))
        return Declaration(family="captum", sign="positive" if is_positive else "signed", granularity="coarse")
    is_grouped = name in GROUPED and "feature_mask" in options
    return Declaration(
        family="captum",
        sign="positive" if name in POSITIVE else "signed",
        granularity="coarse" if name == "Occlusion" else "segment" if is_grouped else "pixel",
        randomness="global" if name in RANDOM else "none",
        symmetric=name != "GuidedGradCam",  # a product with a coarse map
        explains="logit" if name == "LRP" else "output",  # it has no rule for softmax
    )


def layer_of(model: nn.Module, layer: object) -> nn.Module:
    """The layer of a network by its name or index.

    Raises:
        BadOption: If it has no such layer, or a module is given instead of its name.
    """
    from attributionlab.methods.cam import find_layer  # noqa: PLC0415  # it imports captum

    if isinstance(layer, str) and layer.isdecimal():
        layer = int(layer)
    if not isinstance(layer, (str, int)):
        hint = "each network that is explained has its own modules"
        raise bad_option("layer", "be the name of a layer, as accumulator.layers.5", type(layer).__name__, hint)
    return find_layer(model, layer)


def feature_masks(inputs: Tensor, mask: object) -> Tensor:
    """Feature masks (b, 1, *shape) of segments by name (`slic`, `grid`), or a mask as it is."""
    if not isinstance(mask, str):
        return mask  # type: ignore[return-value]  # captum checks it
    from attributionlab.methods.segments import segment  # noqa: PLC0415  # only where it is used

    return torch.stack([segment(image.cpu(), mask, None) for image in inputs])[:, None].to(inputs.device)


def _of_noise(facts: Declaration, options: Mapping[str, Any]) -> Declaration:
    """Facts about averages over noise: squares and variances have no sign."""
    is_magnitude = options.get("nt_type", "smoothgrad") != "smoothgrad"
    return Declaration(
        family="captum",
        sign="magnitude" if is_magnitude else facts.sign,
        granularity=facts.granularity,
        explains=facts.explains,
        randomness="global",
    )


def _refuse_unsuitable(kind: type, name: str) -> None:
    """Refuse classes that explain something other than an output."""
    if "target" not in _call(kind) and "attribution_method" not in _constructor(kind):
        raise bad_option(
            "method", "explain an output of a network", name, f"{kind.__name__}.attribute takes no `target`"
        )
    if "inp" in _call(kind):
        raise bad_option("method", "explain images or rows of numbers", name, "it explains texts of a language model")


def _constructor(kind: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(kind.__init__).parameters


def _call(kind: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(kind.attribute).parameters
