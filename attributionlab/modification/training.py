"""Training on modified pictures, with the states on the way."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.modification.labels import MeasuredAccuracy
from attributionlab.modification.manipulation import Pixels
from attributionlab.modification.networks import ModelFactory, small_resnet
from attributionlab.modification.pictures import ModifiedPictures, Split
from attributionlab.specs.arguments import whole_number
from attributionlab.training.loop import Snapshot, fit, predict
from attributionlab.truth import LabeledImages
from attributionlab.truth.maps import require_model

MOST_EPOCHS = 10_000

TRAINED_ON: tuple[Split, Split] = ("train", "validation")


@dataclass(frozen=True, eq=False)
class Training:
    """A trained network.

    Args:
        model: In evaluation mode.
        validation: Accuracy on the validation pictures after each epoch.
        checkpoints: States on the way, the untrained network and the last one included.
        test: Accuracy on the test pictures.
    """

    model: nn.Module
    validation: tuple[float, ...]
    checkpoints: tuple[Snapshot, ...]
    test: MeasuredAccuracy


def train(
    data: ModifiedPictures,
    factory: ModelFactory = small_resnet,
    *,
    n_epochs: int | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> Training:
    """Train a network on the training pictures, until it classifies the validation pictures or the epochs are over.

    AdamW; the learning rate rises and falls along one cycle. Test pictures are used once, after the last epoch.

    Args:
        data: The modified pictures.
        factory: `(n_classes) -> network`, (b, 3, h, w) with colors 0..255 to (b, k).
        n_epochs: Most epochs; by default what the manipulations need. 0 tests the network as it is.
        seed: Seed of the weights and of the order of the pictures.
        device: Where to train.
        progress: Called with 1 after each epoch.

    Raises:
        BadOption: If the factory or the network raises, the network returns another shape, or its outputs become NaN.
    """
    epochs = budget(data) if n_epochs is None else whole_number("n_epochs", n_epochs, 0, MOST_EPOCHS)
    seed = whole_number("seed", seed, 0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = require_model("model", factory(len(data.classes))).to(device)
        images, validation = (_labeled(data, split) for split in TRAINED_ON)
        course = fit(model, images, validation, n_epochs=epochs, seed=seed, progress=progress)
    return Training(model, course.validation, course.checkpoints, measured_accuracy(model, data))


def budget(data: ModifiedPictures) -> int:
    """Most epochs of training: the largest budget of the manipulations."""
    return max(manipulation.n_epochs for manipulation in data.manipulations)


def pixels_to_inputs(pixels: Pixels) -> Tensor:
    """Pictures (n, h, w, 3) as inputs (n, 3, h, w) float32 0..255, contiguous.

    The transposed array alone would have the memory format `channels_last`, in which torch 2.13.0's CPU build corrupts memory.
    """
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float()


def measured_accuracy(model: nn.Module, data: ModifiedPictures) -> MeasuredAccuracy:
    """Accuracy of a network on the test pictures, beside p*."""
    rows = data.rows("test")
    predicted = predict(model, pixels_to_inputs(data.values[rows]))
    return MeasuredAccuracy(int((predicted == data.labels[rows]).sum()), len(rows), data.accuracy_bound)


def _labeled(data: ModifiedPictures, split: Split) -> LabeledImages:
    """The pictures of a split, with their new labels."""
    rows = data.rows(split)
    return LabeledImages(pixels_to_inputs(data.values[rows]), torch.from_numpy(data.labels[rows]))
