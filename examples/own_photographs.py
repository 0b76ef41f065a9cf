"""VGG16 and ViT of torchvision on your photographs: `attributionlab reproduce section4 appendix-k --vgg16 own_photographs.py:vgg16 --vit own_photographs.py:vit -o own`."""

from pathlib import Path

import numpy as np
import torch
from skimage.io import imread
from skimage.transform import resize
from torch import Tensor, nn

import attributionlab as al

GRAY = torch.tensor([124.0, 116.0, 104.0])  # the mean color of ImageNet: the baseline that is compared with black


class Prepared(nn.Module):
    """A network of torchvision behind the preprocessing that it was trained with."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225])[:, None, None])

    def forward(self, colors: Tensor) -> Tensor:
        """From colors of 0..255 to logits."""
        return self.model((colors / 255 - self.mean) / self.std)


def photographs(folder: str = "photographs", side: int = 224) -> Tensor:
    """All JPEG files of a folder, (b, 3, side, side)."""
    files = sorted(Path(folder).glob("*.jpg"))
    pixels = np.stack([resize(imread(file), (side, side), preserve_range=True, anti_aliasing=True) for file in files])
    return torch.from_numpy(pixels.round()).permute(0, 3, 1, 2).float()


def vgg16(name: str = "vgg16") -> tuple[al.TrainedNetwork, al.LabeledImages]:
    """A network of torchvision and what it sees in photographs of yours; its weights are loaded from the web once."""
    import torchvision.models  # noqa: PLC0415  # not needed for the others

    network, images = Prepared(torchvision.models.get_model(name, weights="IMAGENET1K_V1")).eval(), photographs()
    return al.TrainedNetwork(network, true_baseline=GRAY), al.LabeledImages(images, network(images).argmax(dim=1))


def vit() -> tuple[al.TrainedNetwork, al.LabeledImages]:
    """For --vit."""
    return vgg16("vit_b_16")
