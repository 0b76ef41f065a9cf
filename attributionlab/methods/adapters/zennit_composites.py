"""Composites and attributors of zennit."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.adapters.adapter import Adapter, import_library, named_class, split_options
from attributionlab.methods.declaration import Declaration


@dataclass(frozen=True, kw_only=True, eq=False)
class ZennitMethod(Adapter):
    """An attributor of zennit, by default the gradient under a composite.

    Args:
        attributor: Class of the attributor, or an attributor that was built on another network.
        composite: Composite, or None for an attributor with its own.
        arguments: Further arguments of the attributor's constructor.
    """

    attributor: Any
    composite: Any = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> object:
        """Call the attributor with 1 at the target and 0 at the other outputs, as zennit's documentation does."""

        def starts(outputs: Tensor) -> Tensor:
            return nn.functional.one_hot(targets, outputs.shape[1]).to(outputs)

        attributor = self.on(model)
        with attributor:
            return attributor(inputs, starts)[1]

    def on(self, model: nn.Module) -> Any:
        """The attributor for a network."""
        if isinstance(self.attributor, type):
            return self.attributor(model=model, composite=_unregistered(self.composite), **self.arguments)
        attributor = copy.copy(self.attributor)
        attributor.model, attributor.composite = model, _unregistered(attributor.composite)
        return attributor


def from_name(name: str, options: Mapping[str, object]) -> ZennitMethod:
    """The method of a spec `zennit:Name[...]`: a composite, or an attributor with its option `composite`.

    Raises:
        UnknownName: If zennit has no such class.
        BadOption: If zennit is not installed.
    """
    core, composites, attribution = _modules()
    kind = named_class("zennit", name, [composites, attribution], (core.Composite, attribution.Attributor))
    return from_class(kind, options, f"zennit:{name}")


def from_class(kind: Any, options: Mapping[str, object], name: str) -> ZennitMethod:
    """The method of a class of composites or attributors."""
    core, composites, attribution = _modules()
    if issubclass(kind, core.Composite):
        (arguments, _) = split_options(name, options, kind.__init__, taken=())
        composite = kind(**arguments)
        return ZennitMethod(name=name, options=arguments, declaration=declared(composite), attributor=attribution.Gradient, composite=composite)  # fmt: skip
    arguments, ours = split_options(
        name, options, kind.__init__, taken=("model", "attr_output", "composite"), own=("composite",)
    )
    composite = ours.get("composite")
    if isinstance(composite, str):
        composite = named_class("zennit", composite, [composites], core.Composite)()
    facts = Declaration(family="zennit", granularity="coarse" if kind.__name__ == "Occlusion" else "pixel")
    facts = facts if composite is None else declared(composite)
    if kind.__name__ == "SmoothGrad":
        facts = replace(facts, randomness="global")
    return ZennitMethod(name=name, options=arguments | ours, declaration=facts, attributor=kind, composite=composite, arguments=arguments)  # fmt: skip


def from_object(built: Any, options: Mapping[str, object], name: str) -> ZennitMethod:
    """The method of a composite, or of an attributor that was built on some network."""
    core, _, attribution = _modules()
    if options:
        raise bad_option("options", "be empty for an object, which has its own", dict(options))
    if isinstance(built, core.Composite):
        return ZennitMethod(name=name, declaration=declared(built), attributor=attribution.Gradient, composite=built)
    facts = Declaration(family="zennit") if built.composite is None else declared(built.composite)
    return ZennitMethod(name=name, declaration=facts, attributor=built)


def declared(composite: object) -> Declaration:
    """Facts about a composite: rules of relevance have none for softmax, so the logit is explained; many treat equal pixels differently."""
    del composite
    return Declaration(family="zennit", explains="logit", symmetric=False)


def _unregistered(composite: Any) -> Any:
    """A copy of a composite without hooks: it may be registered on another network at the same time."""
    if composite is None:
        return None
    clone = copy.copy(composite)
    clone.handles, clone.hook_refs = type(composite.handles)(), type(composite.hook_refs)()
    return clone


def _modules() -> tuple[Any, Any, Any]:
    """The modules core, composites and attribution of zennit."""
    core, composites, attribution = (
        import_library(f"zennit.{part}", "zennit") for part in ("core", "composites", "attribution")
    )
    return core, composites, attribution
