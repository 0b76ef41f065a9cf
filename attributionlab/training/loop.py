"""The loop that trains a network: batches as a function of the seed, validation after each epoch, states on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attributionlab.errors import BadOption, bad_option
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.printable import error_line
from attributionlab.seeding import generator
from attributionlab.truth import LabeledImages

STEP = 0.1
"""Gain in validation accuracy after which the state of the network is kept."""

MOST_CHECKPOINTS = 2 + round(1 / STEP)
"""The untrained network, the last one, and a gain each between them."""

State = dict[str, Tensor]


@dataclass(frozen=True)
class Recipe:
    """Choices of a training.

    Args:
        learning_rate: Learning rate of Adam; with `one_cycle` the largest one.
        weight_decay: Decoupled decay of the weights (AdamW).
        one_cycle: Whether the learning rate rises and falls along one cycle; otherwise it is constant.
        batch_size: Images per step.
        enough: Accuracy on the validation images at which training ends, if two epochs in a row reach it; None to train all epochs.
    """

    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    one_cycle: bool = True
    batch_size: int = 32
    enough: float | None = 0.99


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A network on the way.

    Args:
        epoch: Number of epochs done.
        accuracy: On the validation images.
        state: The network's weights and buffers.
    """

    epoch: int
    accuracy: float
    state: State


@dataclass(frozen=True, eq=False)
class Course:
    """The course of a training.

    Args:
        validation: Accuracy on the validation images after each epoch.
        checkpoints: States on the way, the untrained network and the last one included.
    """

    validation: tuple[float, ...]
    checkpoints: tuple[Snapshot, ...]


def fit(
    model: nn.Module,
    images: LabeledImages,
    validation: LabeledImages,
    *,
    n_epochs: int,
    seed: int = 0,
    recipe: Recipe | None = None,
    progress: Progress = no_progress,
) -> Course:
    """Train a network in place by cross-entropy, until it classifies the validation images or the epochs are over.

    The order of the images is a function of the seed and of the epoch alone, so two trainings of one seed see the same batches.
    Inputs are contiguous in memory: torch 2.13.0's CPU build corrupts memory in the backward pass of convolutions of fewer than 16
    channels on inputs of the format `channels_last`.

    Args:
        model: (b, c, h, w) to (b, k) logits; left in evaluation mode.
        images: Training images.
        validation: Validation images.
        n_epochs: Most epochs; 0 leaves the network as it is.
        seed: Seed of the order of the images.
        recipe: Optimizer and end; by default `Recipe()`.
        progress: Called with 1 after each epoch.

    Raises:
        BadOption: If the network has no weights to train, raises, returns another shape, or its outputs become NaN.
    """
    with calls_to_model():
        course = _epochs(model, images, validation, n_epochs, seed, recipe or Recipe(), progress)
    model.eval()
    return course


def accuracy(model: nn.Module, images: LabeledImages) -> float:
    """Share of images whose predicted class is their target."""
    return float((predict(model, images.inputs) == images.targets.numpy()).mean())


def predict(model: nn.Module, inputs: Tensor, *, batch_size: int = 32) -> npt.NDArray[np.int64]:
    """Predicted classes (n,) of inputs (n, c, h, w).

    Raises:
        BadOption: If the network raises, or returns NaN or another shape.
    """
    device = next(iter(model.parameters()), torch.empty(0)).device
    was_training = model.training
    model.eval()
    try:
        with calls_to_model(), torch.no_grad():
            parts = inputs.split(batch_size)
            outputs = [_checked(model(part.to(device)), len(part)).argmax(dim=1).cpu() for part in parts]
    finally:
        model.train(was_training)
    classes: npt.NDArray[np.int64] = torch.cat(outputs).numpy()
    return classes


@contextmanager
def calls_to_model() -> Iterator[None]:
    """Turn what a user's network raises into one line.

    Raises:
        BadOption: If it raises.
    """
    try:
        yield
    except (BadOption, KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise BadOption(f"`model` must accept (b, 3, h, w) and learn, got {error_line(error)}") from error


def _epochs(
    model: nn.Module,
    images: LabeledImages,
    validation: LabeledImages,
    n_epochs: int,
    seed: int,
    recipe: Recipe,
    progress: Progress,
) -> Course:
    """Train epoch by epoch."""
    checkpoints = [Snapshot(0, accuracy(model, validation), state_of(model))]
    accuracies: list[float] = []
    if not n_epochs:
        return Course((), tuple(checkpoints))
    one_epoch = _optimization(model, images, n_epochs, recipe)
    for epoch in range(n_epochs):
        one_epoch(generator(seed, "epoch", epoch).permutation(len(images)))
        accuracies.append(accuracy(model, validation))
        progress(1)
        is_enough = recipe.enough is not None and len(accuracies) > 1 and min(accuracies[-2:]) >= recipe.enough
        is_last = epoch == n_epochs - 1 or is_enough
        if is_last or accuracies[-1] >= checkpoints[-1].accuracy + STEP:
            checkpoints.append(Snapshot(epoch + 1, accuracies[-1], state_of(model)))
        if is_last:
            break
    return Course(tuple(accuracies), tuple(checkpoints))


def _optimization(
    model: nn.Module, images: LabeledImages, n_epochs: int, recipe: Recipe
) -> Callable[[npt.NDArray[np.int64]], None]:
    """A function that trains for one epoch, the images in an order."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise bad_option("model", "have weights to train, or n_epochs be 0", type(model).__name__)
    device = trained[0].device
    steps = -(-len(images) // recipe.batch_size)
    optimizer = torch.optim.AdamW(trained, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = _schedule(optimizer, recipe, n_epochs * steps)

    def one_epoch(order: npt.NDArray[np.int64]) -> None:
        model.train()
        for rows in torch.from_numpy(order).split(recipe.batch_size):
            if len(rows) == 1 and len(order) > 1:  # batch norm needs two
                schedule.step()
                continue
            optimizer.zero_grad(set_to_none=True)
            outputs = _checked(model(images.inputs[rows].contiguous().to(device)), len(rows))
            nn.functional.cross_entropy(outputs, images.targets[rows].to(device)).backward()
            optimizer.step()
            schedule.step()

    return one_epoch


def _schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, n_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate step by step: one cycle, or constant."""
    if not recipe.one_cycle:
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=n_steps, pct_start=0.2)


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


def state_of(model: nn.Module) -> State:
    """A copy of the weights and buffers, on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
