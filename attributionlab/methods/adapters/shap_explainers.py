"""Explainers of shap for networks: DeepExplainer, GradientExplainer and PartitionExplainer."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.adapters.adapter import Adapter, import_library, named_class, of_targets, split_options
from attributionlab.methods.declaration import Declaration

NAMES = ("DeepExplainer", "GradientExplainer", "PartitionExplainer")
"""Explainers of torch networks and images."""

OF_NETWORK = ("DeepExplainer", "GradientExplainer")
"""Explainers that take a network and background images; the others take a function and a masker."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShapMethod(Adapter):
    """An explainer of shap.

    Args:
        kind: Its class.
        background: Background images: black, true, a color or a tensor.
        constructor: Arguments of the constructor.
        call: Arguments of `shap_values`, or of the call.
    """

    kind: Any
    background: Any = "black"
    constructor: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> object:
        """Values (b, c, *shape) of the targets, of a copy of the network: shap leaves tensors on its modules."""
        model, inputs = copy.deepcopy(model), inputs.detach()
        background = self.baseline_like(inputs, self.background)
        if self.kind.__name__ not in OF_NETWORK:
            return torch.cat(
                [self.by_function(model, image[None], target) for image, target in zip(inputs, targets, strict=True)]
            )
        if len(background) == 1:
            background = background.repeat(2, *[1] * (inputs.ndim - 1))  # means over one image warn
        values = self.kind(model, background, **self.constructor).shap_values(inputs, **self.call)
        array = np.stack(values, axis=-1) if isinstance(values, list) else values
        return of_targets(torch.from_numpy(np.asarray(array)), targets, inputs).to(inputs)

    def by_function(self, model: nn.Module, image: Tensor, target: Tensor) -> Tensor:
        """Values (1, c, h, w) of one image, whose regions are covered by the background."""
        maskers = import_library("shap.maskers", "shap")

        def outputs(images: Any) -> Any:  # (n, h, w, c)
            with torch.no_grad():
                return model(torch.from_numpy(np.asarray(images)).movedim(-1, 1).to(image)).cpu().numpy()

        canvas = self.baseline_like(image, self.background)[0].movedim(0, -1).cpu().numpy()
        explainer = self.kind(outputs, maskers.Image(canvas, canvas.shape), **self.constructor)
        result = explainer(image.movedim(1, -1).cpu().numpy(), outputs=[int(target)], **{"silent": True, **self.call})
        return torch.from_numpy(result.values[..., 0]).movedim(-1, 1).to(image)


def from_name(name: str, options: Mapping[str, object]) -> ShapMethod:
    """The method of a spec `shap:Name[background=...]`.

    Raises:
        UnknownName: If shap has no such explainer.
        BadOption: If shap is not installed, or the explainer cannot explain a network's images.
    """
    library = import_library("shap", "shap")
    return from_class(named_class("shap", name, [library], library.Explainer), options, f"shap:{name}")


def from_class(kind: Any, options: Mapping[str, object], name: str) -> ShapMethod:
    """The method of a class, built anew on each network that is explained."""
    _require_suitable(kind, name)
    is_network = kind.__name__ in OF_NETWORK
    functions = (kind.__init__, kind.shap_values if is_network else kind.__call__)
    constructor, call, own = split_options(name, options, *functions, taken=TAKEN, own=("background",))
    background = {"background": own["background"]} if own else {}
    is_random = kind.__name__ == "GradientExplainer" and "rseed" not in call
    facts = Declaration(
        family="shap",
        granularity="pixel" if is_network else "coarse",
        randomness="global" if is_random else "none",
    )
    return ShapMethod(name=name, options=constructor | call | own, declaration=facts, kind=kind, constructor=constructor, call=call, **background)  # fmt: skip


def _require_suitable(kind: type, name: str) -> None:
    """Refuse explainers that cannot explain images of a network."""
    if kind.__name__ not in NAMES:
        hint = f"for images shap has {', '.join(NAMES)}; for another one write a function (model, inputs, targets)"
        raise bad_option("method", "be an explainer of networks and images", name, hint)


def from_object(built: Any, options: Mapping[str, object], name: str) -> ShapMethod:
    """The method of an explainer that was built on some network; its background images are kept.

    Raises:
        BadOption: If it was built on a function, which cannot be replaced by another network.
    """
    kind = type(built)
    _require_suitable(kind, name)
    data = getattr(getattr(built, "explainer", None), "data", None)
    if kind.__name__ not in OF_NETWORK or not isinstance(data, list) or not isinstance(data[0], Tensor):
        line = f"write al.adapt(shap.{kind.__name__}), which builds it on each network"
        raise bad_option("method", "be an explainer of a torch network with background images", name, line)
    return from_class(kind, {"background": data[0], **options}, name)


TAKEN = (
    "model",
    "data",
    "session",
    "X",
    "masker",
    "outputs",
    "args",
    "kwargs",
    "ranked_outputs",
    "output_rank_order",
    "return_variances",
)
"""Parameters that the adapter sets itself, or that change the meaning of the result."""
