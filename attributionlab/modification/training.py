"""Training on modified pictures, with the states on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attributionlab.errors import BadOption, bad_option
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.modification.labels import MeasuredAccuracy
from attributionlab.modification.manipulation import Pixels
from attributionlab.modification.networks import ModelFactory, calls_to_model, small_resnet
from attributionlab.modification.pictures import ModifiedPictures
from attributionlab.seeding import generator
from attributionlab.specs.arguments import whole_number
from attributionlab.truth.maps import require_model

LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-4
BATCH = 32

ENOUGH = 0.99
"""Accuracy on the validation pictures at which training ends, if two epochs in a row reach it."""

STEP = 0.1
"""Gain in validation accuracy after which the state of the network is kept."""

MOST_CHECKPOINTS = 2 + round(1 / STEP)
"""The untrained network, the last one, and a gain each between them."""

MOST_EPOCHS = 10_000

State = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A network on the way.

    Args:
        epoch: Number of epochs done.
        accuracy: On the validation pictures.
        state: The network's weights and buffers.
    """

    epoch: int
    accuracy: float
    state: State


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
        with calls_to_model():
            inputs = {split: pixels_to_inputs(data.values[data.rows(split)]) for split in ("train", "validation")}
            labels = {split: torch.from_numpy(data.labels[data.rows(split)]) for split in ("train", "validation")}
            validation, checkpoints = _epochs(model, inputs, labels, epochs, seed, progress)
    model.eval()
    return Training(model, tuple(validation), tuple(checkpoints), measured_accuracy(model, data))


def budget(data: ModifiedPictures) -> int:
    """Most epochs of training: the largest budget of the manipulations."""
    return max(manipulation.n_epochs for manipulation in data.manipulations)


def pixels_to_inputs(pixels: Pixels) -> Tensor:
    """Pictures (n, h, w, 3) as inputs (n, 3, h, w) float32 0..255, contiguous.

    The transposed array alone would have the memory format `channels_last`, in which torch 2.13.0's CPU build corrupts memory.
    """
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float()


def predict(model: nn.Module, inputs: Tensor) -> npt.NDArray[np.int64]:
    """Predicted classes (n,) of inputs (n, 3, h, w).

    Raises:
        BadOption: If the network raises, or returns NaN or another shape.
    """
    device = next(iter(model.parameters()), torch.empty(0)).device
    was_training = model.training
    model.eval()
    try:
        with calls_to_model(), torch.no_grad():
            outputs = [_checked(model(part.to(device)), len(part)).argmax(dim=1).cpu() for part in inputs.split(BATCH)]
    finally:
        model.train(was_training)
    classes: npt.NDArray[np.int64] = torch.cat(outputs).numpy()
    return classes


def measured_accuracy(model: nn.Module, data: ModifiedPictures) -> MeasuredAccuracy:
    """Accuracy of a network on the test pictures, beside p*."""
    rows = data.rows("test")
    predicted = predict(model, pixels_to_inputs(data.values[rows]))
    return MeasuredAccuracy(int((predicted == data.labels[rows]).sum()), len(rows), data.accuracy_bound)


def _epochs(
    model: nn.Module,
    inputs: dict[str, Tensor],
    labels: dict[str, Tensor],
    epochs: int,
    seed: int,
    progress: Progress,
) -> tuple[list[float], list[Snapshot]]:
    """Train epoch by epoch; returns validation accuracies and checkpoints."""

    def accuracy() -> float:
        return float((predict(model, inputs["validation"]) == labels["validation"].numpy()).mean())

    checkpoints = [Snapshot(0, accuracy(), _state(model))]
    validation: list[float] = []
    if not epochs:
        return validation, checkpoints
    one_epoch = _optimization(model, inputs["train"], labels["train"], epochs)
    for epoch in range(epochs):
        one_epoch(generator(seed, "epoch", epoch).permutation(len(labels["train"])))
        validation.append(accuracy())
        progress(1)
        is_last = epoch == epochs - 1 or (len(validation) > 1 and min(validation[-2:]) >= ENOUGH)
        if is_last or validation[-1] >= checkpoints[-1].accuracy + STEP:
            checkpoints.append(Snapshot(epoch + 1, validation[-1], _state(model)))
        if is_last:
            break
    return validation, checkpoints


def _optimization(
    model: nn.Module, inputs: Tensor, labels: Tensor, epochs: int
) -> Callable[[npt.NDArray[np.int64]], None]:
    """A function that trains for one epoch, the pictures in an order."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise bad_option("model", "have weights to train, or n_epochs be 0", type(model).__name__)
    device = trained[0].device
    steps = -(-len(labels) // BATCH)
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=epochs * steps, pct_start=0.2)

    def one_epoch(order: npt.NDArray[np.int64]) -> None:
        model.train()
        for rows in torch.from_numpy(order).split(BATCH):
            if len(rows) == 1 and len(order) > 1:  # batch norm needs two
                schedule.step()
                continue
            optimizer.zero_grad(set_to_none=True)
            outputs = _checked(model(inputs[rows].contiguous().to(device)), len(rows))
            nn.functional.cross_entropy(outputs, labels[rows].to(device)).backward()
            optimizer.step()
            schedule.step()

    return one_epoch


def _checked(outputs: object, n: int) -> Tensor:
    """Outputs (n, k) without NaN.

    Raises:
        BadOption: If they are something else.
    """
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != n:
        shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise BadOption(f"`model` must return one output per class, (b, k), got {shape} for {n} pictures")
    if not outputs.isfinite().all():
        raise BadOption("`model` must return finite outputs, got NaN or infinity")
    return outputs


def _state(model: nn.Module) -> State:
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
