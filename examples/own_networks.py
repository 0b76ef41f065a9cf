"""Your own trained networks: what `attributionlab reproduce section4 appendix-k --vgg16 own_networks.py:trained -o own` takes."""

import sys

import torch
from torch import nn

import attributionlab as al

GRAY = torch.tensor([124.0, 116.0, 104.0])  # the mean color of ImageNet: the baseline that is compared with black


def trained() -> tuple[al.TrainedNetwork, al.LabeledImages]:
    """EfficientNet-Lite0 with real weights, a cat and an espresso (extra `pretrained`), else a random network."""
    try:
        model, images, labels = al.pretrained()
    except ValueError as error:
        print(f"{error}; a random network takes its place", file=sys.stderr)
        return random_cnn()
    return al.TrainedNetwork(model, true_baseline=GRAY), al.LabeledImages(images[:2], labels[:2])


def random_cnn() -> tuple[al.TrainedNetwork, al.LabeledImages]:
    """An untrained network for a dry run."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        images = nn.functional.interpolate(255 * torch.rand(2, 3, 8, 8), 32, mode="bilinear").round()
        layers = [nn.Conv2d(3, 16, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(256, 10)]
    layers[0].weight.data /= 64  # inputs are colors of 0..255
    layers[-1].weight.data *= 100
    network = nn.Sequential(*layers).eval()
    return al.TrainedNetwork(network, true_baseline=GRAY), al.LabeledImages(images, network(images).argmax(dim=1))
