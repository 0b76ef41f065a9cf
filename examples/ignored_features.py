"""A trained network that ignores half of the features that its data were designed to have.

Two classes, one image each. Both the object in the center and the object at the edge tell the class, so a designer of such data might
call both of them "the truth". Training settles for less: a network may use only one of them. A map that shows both is then wrong about
this network. This is why the truth here comes from weights that are written by hand, and not from how data were made.
"""

import torch
from torch import nn


def rectangle(row: int, column: int, height: int, width: int) -> torch.Tensor:
    """White pixels of a rectangle, (32, 32)."""
    pixels = torch.zeros(32, 32)
    pixels[row : row + height, column : column + width] = 1
    return pixels


def disk(center: float, radius: float) -> torch.Tensor:
    """White pixels of a disk, (32, 32)."""
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    return ((rows - center) ** 2 + (columns - center) ** 2 <= radius**2).float()


CENTER = torch.stack([rectangle(11, 10, 10, 12), disk(15.5, 5.5)])[:, None]
EDGE = torch.stack([rectangle(1, 1, 5, 7), disk(27.0, 3.0)])[:, None]


def trained(head: list[nn.Module]) -> nn.Sequential:
    """Two convolutions and a head, trained to tell the two images apart."""
    layers = [nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()]
    network = nn.Sequential(*layers, *head)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(CENTER + EDGE), torch.arange(2)).backward()
        optimizer.step()
    return network.eval()


def main() -> None:
    """Train two kinds of networks and show each the parts of the images."""
    torch.manual_seed(0)
    heads = {"each position": [nn.Flatten(), nn.Linear(1024, 2)]}
    heads["the mean over positions"] = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2)]
    for view, head in heads.items():
        network = trained(head)
        print(f"a network that sees {view}: share of images that it classifies right")
        for part, images in {"whole image": CENTER + EDGE, "center alone": CENTER, "edge alone": EDGE}.items():
            right = (network(images).argmax(dim=1) == torch.arange(2)).double().mean()
            print(f"  {part:14}{right:5.0%}")


if __name__ == "__main__":
    main()
