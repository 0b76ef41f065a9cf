"""Class activation maps of pytorch-grad-cam, and its guided backpropagation."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.adapters.adapter import (
    DEFAULT_LAYER,
    Adapter,
    import_library,
    in_other_network,
    named_class,
    split_options,
)
from attributionlab.methods.adapters.captum_methods import layer_of
from attributionlab.methods.declaration import Declaration

PACKAGE = "grad-cam"
TAKEN = ("model", "target_layers", "input_tensor", "targets", "layer")


@dataclass(frozen=True, kw_only=True, eq=False)
class GradCamMethod(Adapter):
    """A CAM of pytorch-grad-cam; the library scales its maps to 0..1.

    Args:
        kind: Its class.
        layer: Name or index of the layer.
        built: A CAM that was built on another network, or None.
        constructor: Arguments of the constructor.
        call: Arguments of the call.
    """

    kind: Any
    layer: Any = DEFAULT_LAYER
    built: Any = None
    constructor: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> object:
        """Call the CAM, and remove its hooks."""
        target_of = import_library("pytorch_grad_cam.utils.model_targets", PACKAGE).ClassifierOutputTarget
        cam = self.kind(model=model, target_layers=self.layers(model), **self.constructor)
        try:  # leaving its context would swallow an IndexError
            with contextlib.redirect_stderr(io.StringIO()):  # progress bars
                return cam(input_tensor=inputs, targets=[target_of(target) for target in targets.tolist()], **self.call)
        finally:
            cam.activations_and_grads.release()

    def layers(self, model: nn.Module) -> list[nn.Module]:
        """The layers of a network at which the CAM looks."""
        if self.kind.__name__ == "FullGrad":  # it chooses them itself
            return []
        if self.built is None:
            return [layer_of(model, self.layer)]
        layers: list[nn.Module] = in_other_network(list(self.built.target_layers), self.built.model, model)
        return layers


@dataclass(frozen=True, kw_only=True, eq=False)
class GuidedGradCamMethod(Adapter):
    """GuidedBackpropReLUModel of pytorch-grad-cam, which explains one image per call."""

    kind: Any

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> object:
        """Call it for each image; its results are (h, w, c)."""
        explainer = self.kind(model)
        pairs = zip(inputs.split(1), targets.tolist(), strict=True)
        maps = [torch.from_numpy(explainer(image.detach().clone(), target)) for image, target in pairs]
        return torch.stack(maps).movedim(-1, 1)


def from_name(name: str, options: Mapping[str, object]) -> Adapter:
    """The method of a spec `grad-cam:Name[layer=...]`.

    Raises:
        UnknownName: If pytorch-grad-cam has no such class.
        BadOption: If it is not installed.
    """
    library = import_library("pytorch_grad_cam", PACKAGE)
    bases = (library.base_cam.BaseCAM, library.GuidedBackpropReLUModel)
    return from_class(named_class("grad-cam", name, [library], bases), options, f"grad-cam:{name}")


def from_class(kind: Any, options: Mapping[str, object], name: str) -> Adapter:
    """The method of a class, built anew on each network that is explained."""
    if kind.__name__ == "GuidedBackpropReLUModel":
        split_options(name, options, taken=())
        return GuidedGradCamMethod(name=name, declaration=Declaration(family="grad-cam"), kind=kind)
    base = import_library("pytorch_grad_cam.base_cam", PACKAGE).BaseCAM
    call_parameters = {**options}
    layer = call_parameters.pop("target_layers", None)
    if layer is not None:  # the library's own name
        (call_parameters["layer"],) = layer if isinstance(layer, (list, tuple)) else [layer]
    constructor, call, own = split_options(
        name, call_parameters, kind.__init__, base.__call__, taken=TAKEN, own=("layer",)
    )
    layers = {"layer": own["layer"]} if "layer" in own else {}
    return GradCamMethod(
        name=name,
        options=constructor | call | own,
        declaration=DECLARED,
        kind=kind,
        constructor=constructor,
        call=call,
        **layers,
    )


def from_object(built: Any, options: Mapping[str, object], name: str) -> Adapter:
    """The method of a CAM that was built on some network."""
    if type(built).__name__ == "GuidedBackpropReLUModel":
        return from_class(type(built), options, name)
    base = import_library("pytorch_grad_cam.base_cam", PACKAGE).BaseCAM
    if not isinstance(built, base):
        raise bad_option("method", "be a CAM of pytorch-grad-cam", type(built).__name__)
    call, _ = split_options(name, options, base.__call__, taken=TAKEN)
    shape = {} if built.reshape_transform is None else {"reshape_transform": built.reshape_transform}
    return GradCamMethod(name=name, options=call, declaration=DECLARED, kind=type(built), built=built, constructor=shape, call=call)  # fmt: skip


DECLARED = Declaration(family="grad-cam", sign="positive", granularity="coarse")
"""Facts about all CAMs of the library, which drops negative values and scales to 0..1."""
