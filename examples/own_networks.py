"""Your own trained networks: what `attributionlab reproduce section4 appendix-k --vgg16 own_networks.py:vgg16 -o own` takes."""

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


def explained(model: nn.Module, images: Tensor) -> tuple[al.TrainedNetwork, al.LabeledImages]:
    """The network, and the images with what it sees in each."""
    network = Prepared(model).eval()
    with torch.no_grad():
        targets = network(images).argmax(dim=1)
    return al.TrainedNetwork(network, true_baseline=GRAY), al.LabeledImages(images, targets)


def photographs(folder: str = "photographs", side: int = 224) -> Tensor:
    """All JPEG files of a folder, (b, 3, side, side)."""
    files = sorted(Path(folder).glob("*.jpg"))
    pixels = np.stack([resize(imread(file), (side, side), preserve_range=True, anti_aliasing=True) for file in files])
    return torch.from_numpy(pixels.round()).permute(0, 3, 1, 2).float()


def torchvision(name: str) -> tuple[al.TrainedNetwork, al.LabeledImages]:
    """A network of torchvision with its weights for ImageNet, which are loaded from the web once."""
    import torchvision.models  # noqa: PLC0415  # not needed for the random one

    return explained(torchvision.models.get_model(name, weights="IMAGENET1K_V1"), photographs())


def vgg16() -> tuple[al.TrainedNetwork, al.LabeledImages]:
    """For --vgg16."""
    return torchvision("vgg16")


def vit() -> tuple[al.TrainedNetwork, al.LabeledImages]:
    """For --vit."""
    return torchvision("vit_b_16")


def random_cnn() -> tuple[al.TrainedNetwork, al.LabeledImages]:
    """Something small that knows nothing, to try it out."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        images = nn.functional.interpolate(255 * torch.rand(2, 3, 8, 8), 32, mode="bilinear").round()
        layers = [nn.Conv2d(3, 16, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(256, 10)]
    layers[-1].weight.data *= 100
    return explained(nn.Sequential(*layers), images)
