"""Maps of all methods on a network, and the similarities of two such sets of maps."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attributionlab.errors import AttributionLabError
from attributionlab.measuring import Failure, Maps, explain
from attributionlab.methods import AnyMethod
from attributionlab.metrics import SIMILARITIES, gaussian_maps, map_similarity
from attributionlab.modification.explaining import PictureBackground, bind
from attributionlab.training import LinearizedLoss, NegativeLogProbability, predict
from attributionlab.truth import LabeledImages

AllMaps = Mapping[str, Tensor | str]
"""Maps (n, h, w) by method, or why there are none."""

Similarities = dict[str, list[float]]
"""By name of a similarity: a value for each image."""

FLOOR_SEED = 0


@dataclass(frozen=True, eq=False)
class Explainer:
    """Explains networks by the methods of the paper.

    Args:
        methods: By the paper's names.
        background: Mean color and images of the training data.
        device: Device on which methods run.
    """

    methods: Mapping[str, AnyMethod]
    background: PictureBackground
    device: torch.device

    def maps(self, model: nn.Module, images: LabeledImages) -> dict[str, Tensor | str]:
        """The maps of the targets of images."""
        return {name: self._explain(method, model, images) for name, method in self.methods.items()}

    def own_maps(
        self, model: nn.Module, images: LabeledImages, maps: AllMaps
    ) -> tuple[dict[str, Tensor | str], LabeledImages]:
        """The maps of the classes that the network itself predicts; where this is the target, the map of `maps` is taken."""
        own = own_class(model, images)
        changed = (own.targets != images.targets).nonzero().flatten()
        if not len(changed):
            return dict(maps), own
        anew = self.maps(model, LabeledImages(own.inputs[changed], own.targets[changed]))
        return {name: _replaced(maps[name], anew[name], changed) for name in maps}, own

    def loss_maps(
        self, model: nn.Module, images: LabeledImages, *, has_rule: Callable[[str], bool]
    ) -> dict[str, Tensor | str]:
        """The maps of the loss at the targets; of its linearization in logits for methods that have no rule for a softmax."""
        maps: dict[str, Tensor | str] = {}
        for name, method in self.methods.items():
            if has_rule(name):
                maps[name] = self._explain(method, NegativeLogProbability(model).eval(), images)
                continue
            parts = [
                self._explain(
                    method,
                    LinearizedLoss(model, images.inputs[[row]], int(images.targets[row])).eval(),
                    LabeledImages(images.inputs[[row]], torch.zeros(1, dtype=torch.int64)),
                )
                for row in range(len(images))
            ]
            failures = [part for part in parts if isinstance(part, str)]
            maps[name] = failures[0] if failures else torch.cat([part for part in parts if isinstance(part, Tensor)])
        return maps

    def _explain(self, method: AnyMethod, model: nn.Module, images: LabeledImages) -> Tensor | str:
        model = copy.deepcopy(model).to(self.device).requires_grad_(requires_grad=False)
        try:
            maps: Maps | Failure = explain(
                bind(method, model, self.background), model, images, batch_size=8, device=self.device
            )
        except AttributionLabError as error:  # the method does not fit this network
            return str(error)
        return maps.message if isinstance(maps, Failure) else maps.values.cpu().double()


def own_class(model: nn.Module, images: LabeledImages) -> LabeledImages:
    """Images with the classes that a network predicts as targets."""
    return LabeledImages(images.inputs, torch.from_numpy(predict(model, images.inputs)))


def similarities(first: Tensor | str, second: Tensor | str) -> Similarities:
    """The similarities of two sets of maps (n, h, w); empty if one is missing."""
    if isinstance(first, str) or isinstance(second, str):
        return {}
    compared = map_similarity(first, second)
    return {name: getattr(compared, name).tolist() for name in SIMILARITIES}


def noise_like(maps: Tensor | str) -> Tensor | str:
    """Gaussian maps of the same norm in place of maps: the floor of every similarity."""
    if isinstance(maps, str):
        return maps
    noise = gaussian_maps(maps, FLOOR_SEED)
    norms = (values.flatten(1).norm(dim=1) for values in (maps.double(), noise))
    return noise * torch.div(*norms).view(-1, 1, 1)


def _replaced(maps: Tensor | str, anew: Tensor | str, rows: Tensor) -> Tensor | str:
    """Maps with others in some rows."""
    if isinstance(maps, str) or isinstance(anew, str):
        return maps if isinstance(maps, str) else anew
    return maps.index_copy(0, rows, anew)
