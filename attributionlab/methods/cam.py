"""GradCAM (activations of a layer, weighted by their average gradient, resized to the image) and guided GradCAM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

from attributionlab.errors import MOST_NAMES, bad_option
from attributionlab.methods.base import Method
from attributionlab.methods.declaration import Declaration
from attributionlab.methods.rectifiers import guided, rectified_gradients
from attributionlab.methods.suitability import require_python_modules


@dataclass(frozen=True, kw_only=True)
class GradCam(Method):
    """GradCAM at a layer of the accumulator, after ReLU, enlarged by interpolation.

    Args:
        layer: Index into `model.accumulator.layers` (5 in the paper) or into another model that is an `nn.Sequential`, or the
            dotted path of a module, as `features.3`.
        relu: Whether negative evidence is dropped.
        interpolation: Kind of interpolation that enlarges the map.
    """

    name: ClassVar[str] = "gradcam"
    declaration: ClassVar[Declaration] = Declaration(
        family="activations",
        sign="positive",
        granularity="coarse",
        needs=frozenset({"gradients", "layer"}),
        source="Selvaraju et al. 2017",
    )

    layer: int | str = 5
    relu: bool = True
    interpolation: Literal["bilinear", "nearest"] = "bilinear"

    def __post_init__(self) -> None:
        if not self.relu:  # then it is signed
            object.__setattr__(self, "declaration", replace(type(self).declaration, sign="signed"))

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps by captum."""
        gradcam = LayerGradCam(model, find_maps(model, self.layer, inputs))
        coarse = gradcam.attribute(inputs, target=targets, relu_attributions=self.relu)
        height, width = inputs.shape[2:]
        maps: Tensor = LayerAttribution.interpolate(coarse, (height, width), self.interpolation)
        return maps


@dataclass(frozen=True, kw_only=True)
class GuidedGradCam(Method):
    """Guided backpropagation times GradCAM: pixels of the former, in the region of the latter.

    Args:
        layer: Layer of GradCAM; see `GradCam`.
        interpolation: Kind of interpolation that enlarges its map.
    """

    name: ClassVar[str] = "guided-gradcam"
    declaration: ClassVar[Declaration] = Declaration(
        family="activations",
        sign="positive",
        needs=frozenset({"gradients", "layer"}),
        source="Selvaraju et al. 2017",
    )

    layer: int | str = 5
    interpolation: Literal["bilinear", "nearest"] = "bilinear"

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Multiply the maps of both."""
        region = GradCam(layer=self.layer, interpolation=self.interpolation).attribute(model, inputs, targets)
        return rectified_gradients(model, inputs, targets, guided) * region


def find_layer(model: nn.Module, layer: int | str) -> nn.Module:
    """The layer of a model by index, or by dotted path.

    An index counts the layers of the accumulator, or, in a model without one, its children, as in an `nn.Sequential`. A path
    may begin with `model.`, as `model.0`.

    Raises:
        BadOption: If the model has no such layer.
    """
    modules: dict[str, nn.Module] = dict(model.named_modules(remove_duplicate=False))
    paths = (
        (f"accumulator.layers.{layer}", str(layer)) if isinstance(layer, int) else (layer, layer.removeprefix("model."))
    )
    for path in filter(None, paths):
        if path in modules:
            return modules[path]
    siblings = [name for name in modules if name.startswith("accumulator.layers.")]
    if siblings:
        expectation = f"be an index from 0 to {len(siblings) - 1}"
        if isinstance(layer, int):
            raise bad_option("layer", expectation, layer)
        raise bad_option("layer", f"{expectation}, or the dotted path of a module, such as {siblings[-1]}", layer)
    raise bad_option("layer", "be the dotted path of a module of the model", layer, _paths_hint(modules))


def _paths_hint(modules: Mapping[str, nn.Module]) -> str:
    """The paths of the last modules of a model, as they are written in a spec."""
    leaves = [name for name, module in modules.items() if name and not list(module.children())]
    further = f" ({len(leaves) - MOST_NAMES} more before)" if len(leaves) > MOST_NAMES else ""
    return f"this model has {', '.join(leaves[-MOST_NAMES:])}{further}" if leaves else "this model has none"


def find_maps(model: nn.Module, layer: int | str, inputs: Tensor) -> nn.Module:
    """The layer of a model that returns maps of channels for these inputs.

    Raises:
        BadOption: If there is no such layer, a module is compiled, it does not return maps of channels, or is called more than once.
    """
    require_python_modules(model)
    module = find_layer(model, layer)
    outputs = outputs_of(model, module, inputs[:1])
    if len(outputs) > 1:
        hint = f"this {type(module).__name__} is called {len(outputs)} times; use a module of its own for each call"
        raise bad_option("layer", "be a module that is called once", layer, hint)
    if outputs and isinstance(outputs[0], Tensor) and outputs[0].ndim == 4:
        return module
    shapes = [tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__ for output in outputs[:1]]
    does = f"returns {shapes[0]}" if shapes else "is never called itself"
    expectation = "be one that returns maps (b, c, h, w), as a convolutional layer does"
    raise bad_option("layer", expectation, layer, f"{type(module).__name__} {does}")


@torch.no_grad()
def outputs_of(model: nn.Module, layer: nn.Module, inputs: Tensor) -> list[object]:
    """Outputs of a layer for these inputs, one per call of the layer."""
    seen: list[object] = []
    handle = layer.register_forward_hook(lambda *call: seen.append(call[-1]))
    try:
        model(inputs)
    finally:
        handle.remove()
    return seen
