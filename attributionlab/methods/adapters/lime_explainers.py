"""LimeImageExplainer of lime."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.adapters.adapter import Adapter, import_library, named_class, split_options
from attributionlab.methods.declaration import Declaration

TAKEN = ("image", "classifier_fn", "labels", "top_labels", "progress_bar")


@dataclass(frozen=True, kw_only=True, eq=False)
class LimeMethod(Adapter):
    """A LimeImageExplainer; each pixel gets the weight of its segment.

    Args:
        kind: Its class.
        built: An explainer, which is copied for each image so that its random numbers are the same in every call; or None.
        constructor: Arguments of the constructor.
        call: Arguments of `explain_instance`.
    """

    kind: Any
    built: Any = None
    constructor: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> object:
        """Maps (b, h, w), image by image."""
        return torch.stack([self.weights(model, *pair) for pair in zip(inputs.detach(), targets.tolist(), strict=True)])

    def weights(self, model: nn.Module, image: Tensor, target: int) -> Tensor:
        """The map (h, w) of an image (c, h, w)."""
        pixels = picture(image)

        def outputs(pictures: Any) -> Any:  # (n, h, w, 3)
            images = torch.from_numpy(np.asarray(pictures)).movedim(-1, 1)[:, : len(image)]
            with torch.no_grad():
                return model(images.to(image)).cpu().numpy()

        explainer = (
            self.kind(**{"random_state": 0, **self.constructor}) if self.built is None else copy.deepcopy(self.built)
        )
        with contextlib.redirect_stderr(io.StringIO()):  # progress bars
            result = explainer.explain_instance(pixels, outputs, labels=(target,), top_labels=None, **self.call)
        weights = dict(result.local_exp[target])
        values = np.vectorize(weights.get, otypes=[float])(result.segments)
        return torch.from_numpy(values).to(image)


def picture(image: Tensor) -> npt.NDArray[Any]:
    """An image (c, h, w) as lime expects it: (h, w, 3), bytes where its values are colors 0..255."""
    pixels = image.movedim(0, -1).cpu().double().numpy()
    pixels = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
    is_bytes = bool((pixels == np.clip(np.rint(pixels), 0, 255)).all()) and pixels.max() > 1
    return pixels.astype(np.uint8) if is_bytes else pixels


def from_name(name: str, options: Mapping[str, object]) -> LimeMethod:
    """The method of a spec `lime:LimeImageExplainer[num_samples=...]`.

    Raises:
        UnknownName: If lime has no such class for images.
        BadOption: If lime is not installed.
    """
    library = import_library("lime.lime_image", "lime")
    kind = named_class("lime", name, [library], library.LimeImageExplainer)
    return from_class(kind, options, f"lime:{name}")


def from_class(kind: Any, options: Mapping[str, object], name: str) -> LimeMethod:
    """The method of the class."""
    _require_images(kind, name)
    constructor, call, _ = split_options(name, options, kind.__init__, kind.explain_instance, taken=TAKEN)
    return LimeMethod(name=name, options=constructor | call, declaration=DECLARED, kind=kind, constructor=constructor, call=call)  # fmt: skip


def from_object(built: Any, options: Mapping[str, object], name: str) -> LimeMethod:
    """The method of an explainer."""
    _require_images(type(built), name)
    call, _ = split_options(name, options, built.explain_instance, taken=TAKEN)
    return LimeMethod(name=name, options=call, declaration=DECLARED, kind=type(built), built=built, call=call)


def _require_images(kind: type, name: str) -> None:
    """Refuse explainers of tables and texts."""
    if not hasattr(kind, "explain_instance") or "Image" not in kind.__name__:
        raise bad_option("method", "be an explainer of images", name, "lime:LimeImageExplainer is one")


DECLARED = Declaration(family="lime", granularity="segment")
"""Facts about LIME: all pixels of a segment have one value."""
