"""Mislabeled training examples: a share of the labels is wrong, and everything else stays the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.seeding import generator
from attributionlab.specs.arguments import share, whole_number
from attributionlab.truth import LabeledImages


def mislabel(
    images: LabeledImages, n_classes: int, *, wrong: float = 0.1, seed: int = 0
) -> tuple[LabeledImages, npt.NDArray[np.int64]]:
    """Give a share of the images another class, drawn at random.

    Args:
        images: Images with their right classes as targets.
        n_classes: Number of classes, at least 2.
        wrong: Share of wrong labels, rounded to whole images.
        seed: Seed of the images and of their classes.

    Returns:
        The images with the labels, and the indices (n,) of the mislabeled ones in rising order.

    Raises:
        BadOption: If `wrong` is not in [0, 1], or there are fewer than two classes.

    Example:
        >>> images = LabeledImages(torch.zeros(20, 3, 16, 16), torch.arange(20) % 2)
        >>> labeled, rows = mislabel(images, 2)
        >>> len(rows), int((labeled.targets != images.targets).sum())
        (2, 2)
    """
    whole_number("n_classes", n_classes, 2)
    random = generator(whole_number("seed", seed, 0), "mislabel")
    rows = np.sort(random.permutation(len(images))[: round(share("wrong", wrong) * len(images))])
    targets = images.targets.clone()
    targets[rows] = (targets[rows] + torch.from_numpy(random.integers(1, n_classes, len(rows)))) % n_classes
    return LabeledImages(images.inputs, targets), rows


class NegativeLogProbability(nn.Module):
    """Cross-entropy of each class as output: -log softmax of a network's logits, (b, c, h, w) to (b, k).

    Its output at the label is the loss, so that explaining that output explains the loss.

    Args:
        model: The network.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.log_softmax = nn.LogSoftmax(dim=1)

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, c, h, w) to (b, k)."""
        losses: Tensor = -self.log_softmax(self.model(inputs))
        return losses


class LinearizedLoss(nn.Module):
    """First-order approximation of the loss at one image, in logits: a linear layer on top of the network, (b, c, h, w) to (b, 1).

    For methods that have no rule for a softmax. At the image itself its gradient is that of the loss.

    Args:
        model: The network.
        image: (1, c, h, w).
        label: The label.
    """

    def __init__(self, model: nn.Module, image: Tensor, label: int) -> None:
        super().__init__()
        with torch.no_grad():
            logits = model(image)
        if logits.shape != (1, logits.shape[-1]) or not 0 <= label < logits.shape[1]:
            raise bad_option("label", f"be a class of one image, 0 to {logits.shape[-1] - 1}", label)
        slopes = logits.softmax(dim=1)
        slopes[0, label] -= 1
        self.model = model
        self.loss = nn.Linear(logits.shape[1], 1, bias=False)
        self.loss.weight = nn.Parameter(slopes, requires_grad=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, c, h, w) to (b, 1)."""
        outputs: Tensor = self.loss(self.model(inputs))
        return outputs
