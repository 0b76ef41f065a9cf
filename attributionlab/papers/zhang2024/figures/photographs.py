"""Maps on a real network for Figures 5b, 6b, 7d, 8b and 25: computed once, then stored beside the figures."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attributionlab.environments import TrainedNetwork, pretrained
from attributionlab.files import KEPT, write_whole
from attributionlab.machine import versions
from attributionlab.papers.own_networks import load_network
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024.own_networks import OPTIONS, OwnMaps, explain_images
from attributionlab.papers.zhang2024.sam import sam_options
from attributionlab.truth import LabeledImages

NETWORK = "VGG16"
"""The paper's network; the option of this name brings a user's own."""

N_PHOTOGRAPHS = 2
GRAY = (124.0, 116.0, 104.0)
"""The mean color of ImageNet, rounded."""

KNOWN = f"{__name__}:known_photographs"
"""Address of the network that is explained where a user brings none."""

FILE = "real-network.npz"
COARSE = "coarse/"
"""Begins the stored names of coarse maps."""


def known_photographs() -> tuple[TrainedNetwork, LabeledImages]:
    """EfficientNet-Lite0 with real weights, a cat and an espresso at 224x224 (extra `pretrained`).

    Raises:
        BadOption: If the extra is not installed.
    """
    model, images, labels = pretrained()
    network = TrainedNetwork(model, true_baseline=torch.tensor(GRAY))
    return network, LabeledImages(images[:N_PHOTOGRAPHS], labels[:N_PHOTOGRAPHS])


def maps_on_photographs(setting: StudySetting, folder: Path) -> OwnMaps:
    """The maps of the user's network of option `vgg16`, else of EfficientNet-Lite0; stored in `folder`, and read from there.

    Raises:
        AttributionLabError: If the extra is missing, or a network cannot be loaded or explained.
    """
    address = str(setting.options.get(OPTIONS[NETWORK], KNOWN))
    file, identity = folder / FILE, _identity(address, setting)
    stored = _read(file, identity, address)
    if stored is not None:
        return stored
    network, images = known_photographs() if address == KNOWN else load_network(address, OPTIONS[NETWORK])
    own = explain_images(address, network, images, setting, in_full=True)
    _write(file, identity, own)
    return own


def _identity(address: str, setting: StudySetting) -> str:
    """The inputs on which the maps depend, as text."""
    return repr((address, sorted(sam_options(setting).items()), sorted(versions().items())))


def _write(file: Path, identity: str, own: OwnMaps) -> None:
    """Store maps, as a whole file or not at all."""
    tensors = {f"maps/{name}": values for name, values in own.maps.items()}
    tensors |= {f"maps/{COARSE}{name}": values for name, values in own.coarse.items()}
    tensors |= {"images": own.images, "targets": own.targets, "color": torch.tensor(own.color)}
    arrays: dict[str, Any] = {name: values.detach().cpu().numpy() for name, values in tensors.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, identity=np.array(identity), **arrays)
    write_whole(file, buffer.getvalue(), KEPT)


def _read(file: Path, identity: str, address: str) -> OwnMaps | None:
    """Stored maps; None if there are none, or they came from another network or version."""
    if not file.is_file():
        return None
    with np.load(file, allow_pickle=False) as stored:
        if str(stored["identity"]) != identity:
            return None
        maps = {
            name.removeprefix("maps/"): torch.from_numpy(stored[name]) for name in stored.files if name[:5] == "maps/"
        }
        images, targets = (torch.from_numpy(stored[name]) for name in ("images", "targets"))
        color = tuple(int(value) for value in stored["color"])
    return OwnMaps(address, images, targets, _part(maps, coarse=False), color, _part(maps, coarse=True))


def _part(maps: Mapping[str, Tensor], *, coarse: bool) -> dict[str, Tensor]:
    """The coarse maps, or the others."""
    return {name.removeprefix(COARSE): values for name, values in maps.items() if name.startswith(COARSE) == coarse}
