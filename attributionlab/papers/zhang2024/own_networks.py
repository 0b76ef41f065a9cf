"""A user's own trained networks: loaded, checked and explained before anything else is measured.

So a mistake in a user's file shows within seconds, not after the hours that the designed networks take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

from attributionlab.environments import Environment, TrainedNetwork
from attributionlab.errors import AttributionLabError
from attributionlab.machine import find_device
from attributionlab.measuring.guard import run_guarded
from attributionlab.methods import AnyMethod, Iba, make_method
from attributionlab.papers.own_networks import load_network, on_device_of
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024.lime import LIME_OF_CAPTUM
from attributionlab.papers.zhang2024.sam import sam_options
from attributionlab.truth import LabeledImages

OPTIONS = {"VGG16": "vgg16", "ViT-B-16": "vit"}
"""The option for a user's network, by the paper's name of the network."""

STUDIES = {"VGG16": ("section4", "appendix-k"), "ViT-B-16": ("appendix-k",)}
"""The studies that explain a network, by the paper's name of the network."""

CLASSICAL = ("quickshift", "felzenszwalb")
BLACK = (0, 0, 0)
WHITE = (255, 255, 255)
N_STEPS = 50
"""Nodes of integrated gradients, as in the studies of designed networks."""

N_WINDOWS = 14
"""Occlusion's windows along a side, beside each other; 16x16 pixels at 224x224. The paper does not say."""


@dataclass(frozen=True, eq=False)
class OwnMaps:
    """Maps on a user's trained network.

    Args:
        address: Address of the function that returned the network.
        images: (b, 3, h, w), colors 0..255.
        targets: (b,), the explained outputs.
        maps: (b, h, w) by method.
        color: The baseline that is not black.
        coarse: (b, h, w) by method, of methods that cannot distinguish neighboring pixels.
    """

    address: str
    images: Tensor
    targets: Tensor
    maps: Mapping[str, Tensor]
    color: tuple[int, ...]
    coarse: Mapping[str, Tensor] = field(default_factory=dict)


def explain_networks(setting: StudySetting, studies: Sequence[str]) -> dict[str, OwnMaps]:
    """The maps that these studies show, by the paper's name of the network.

    Raises:
        AttributionLabError: If a network cannot be loaded or explained; all are loaded before the first is explained.
    """
    addresses = {
        network: setting.options[option]
        for network, option in OPTIONS.items()
        if option in setting.options and any(study in studies for study in STUDIES[network])
    }
    loaded = {network: load_network(address, OPTIONS[network]) for network, address in addresses.items()}
    return {
        network: explain_images(
            addresses[network], *pair, setting, in_full="section4" in studies and network == "VGG16"
        )
        for network, pair in loaded.items()
    }


def explain_images(
    address: str, own: TrainedNetwork, images: LabeledImages, setting: StudySetting, *, in_full: bool
) -> OwnMaps:
    """Maps image by image, by all methods of section 4 or by LIME alone.

    Raises:
        AttributionLabError: If a method cannot explain this network; the message names the method.
    """
    device = find_device(setting.device)
    model = own.model.to(device)
    color = tuple(int(value) for value in own.true_baseline.round().tolist())
    color = WHITE if color == BLACK else color
    beside_lime = methods_beside_lime(color, min(images.inputs.shape[2:])) if in_full else {}
    coarse = coarse_methods(model, images) if in_full else {}
    methods = {**beside_lime, **lime_methods(setting), **coarse}
    inputs, targets = images.inputs.detach().to(device), images.targets.to(device)
    maps: dict[str, list[Tensor]] = {name: [] for name in methods}
    with setting.watch(address, len(methods) * len(inputs)) as advance:
        for image, target in zip(inputs.split(1), targets.split(1), strict=True):
            for name, method in methods.items():
                try:
                    maps[name].append(run_guarded(method, model, image, target).cpu())
                except AttributionLabError as error:
                    raise type(error)(f"{name} cannot explain {address!r}; {error}") from error
                advance(1)
    joined = {name: torch.cat(parts) for name, parts in maps.items() if name not in coarse}
    of_coarse = {name: torch.cat(maps[name]) for name in coarse}
    return OwnMaps(address, images.inputs.detach().cpu(), images.targets.cpu(), joined, color, of_coarse)


def lime_methods(setting: StudySetting) -> dict[str, AnyMethod]:
    """LIME with the classical priors, and with SAM if its weights are given."""
    methods: dict[str, AnyMethod] = {
        f"LIME ({prior})": make_method("lime", segments=prior, baseline="black", **LIME_OF_CAPTUM)
        for prior in CLASSICAL
    }
    sam = sam_options(setting)
    if sam:
        methods["LIME (sam)"] = make_method("lime", segments="sam", baseline="black", **LIME_OF_CAPTUM, **sam)
    return methods


def methods_beside_lime(color: tuple[int, ...], side: int) -> dict[str, AnyMethod]:
    """The methods that section 4 shows beside LIME: DeepSHAP from black, IG and Occlusion from two colors."""
    window = max(1, side // N_WINDOWS)
    windows = {"window": window, "stride": max(1, window // 2)}
    methods: dict[str, AnyMethod] = {"DeepSHAP": make_method("deepshap[rule=captum]")}
    steps: dict[str, object] = {"n_steps": N_STEPS}
    for name, method, options in (("IG", "integrated-gradients", steps), ("Occlusion", "occlusion", windows)):
        for baseline in (BLACK, color):
            methods[from_color(name, baseline)] = make_method(method, baseline=baseline, **options)
    return methods


@dataclass(frozen=True, eq=False)
class _Photographs:
    """The user's images, from which IBA estimates its statistics in place of those of an environment."""

    images: LabeledImages

    def sample(self, n: int, start: int) -> LabeledImages:
        """Draw the images in turn."""
        indices = torch.arange(start, start + n) % len(self.images.inputs)
        return LabeledImages(self.images.inputs[indices], self.images.targets[indices])


def coarse_methods(model: nn.Module, images: LabeledImages) -> dict[str, AnyMethod]:
    """GradCAM, ExPerturb and IBA at the last layer that returns maps; empty if there is no such layer."""
    layer = last_maps(model, on_device_of(model, images.inputs[:1]))
    if layer is None:
        return {}
    return {
        "GradCAM": make_method("gradcam", layer=layer),
        "ExPerturb": make_method("extremal-perturbation"),
        "IBA": Iba(layer=layer, environment=cast(Environment, _Photographs(images))),
    }


@torch.no_grad()
def last_maps(model: nn.Module, image: Tensor) -> str | None:
    """The dotted path of the last module that returns maps of more than one pixel and is called once; None if there is none."""
    calls: list[str] = []
    handles = [
        module.register_forward_hook(lambda _, __, output, name=name: calls.append(name) if _is_maps(output) else None)
        for name, module in model.named_modules()
        if name
    ]
    try:
        model(image)
    finally:
        for handle in handles:
            handle.remove()
    once = [name for name in calls if calls.count(name) == 1]
    return f"model.{once[-1]}" if once else None


def _is_maps(output: object) -> bool:
    return isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1


def from_color(name: str, color: tuple[int, ...]) -> str:
    """The name of a method with this baseline."""
    color_names: dict[tuple[int, ...], str] = {BLACK: "black", WHITE: "white"}
    return f"{name}, {color_names.get(color, ','.join(map(str, color)))}"
