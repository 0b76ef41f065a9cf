"""GradCAM (activations of a layer, weighted by their average gradient, resized to the image) and guided GradCAM."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from captum.attr import GuidedGradCam as CaptumGuidedGradCam
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.base import Declaration, Method


@dataclass(frozen=True, kw_only=True)
class GradCam(Method):
    """GradCAM at a layer of the accumulator, after ReLU, enlarged by bilinear interpolation.

    Args:
        layer: Index into `model.accumulator.layers` (the paper takes 5), or a dotted module path for other models.
        relu: Whether negative evidence is dropped.
        interpolation: How the map is enlarged.
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
        """By captum."""
        gradcam = LayerGradCam(model, find_layer(model, self.layer))
        coarse = gradcam.attribute(inputs, target=targets, relu_attributions=self.relu)
        height, width = inputs.shape[2:]
        maps: Tensor = LayerAttribution.interpolate(coarse, (height, width), self.interpolation)
        return maps


@dataclass(frozen=True, kw_only=True)
class GuidedGradCam(Method):
    """Guided backpropagation times GradCAM: fine where the one is, chosen by the other.

    Args:
        layer: Layer of GradCAM, as there.
        interpolation: How its map is enlarged.
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
        """By captum."""
        guided = CaptumGuidedGradCam(model, find_layer(model, self.layer))
        maps: Tensor = guided.attribute(inputs, target=targets, interpolate_mode=self.interpolation)
        return maps


def find_layer(model: nn.Module, layer: int | str) -> nn.Module:
    """The layer of a model by index into its accumulator or by dotted path.

    Raises:
        BadOption: If there is none.
    """
    modules: dict[str, nn.Module] = dict(model.named_modules())
    path = f"accumulator.layers.{layer}" if isinstance(layer, int) and "accumulator" in modules else str(layer)
    if path in modules and path:
        return modules[path]
    siblings = [name for name in modules if name.startswith("accumulator.layers.")]
    known = f"an index from 0 to {len(siblings) - 1}" if siblings else "the dotted path of a module of the model"
    raise bad_option("layer", f"be {known}", layer)
