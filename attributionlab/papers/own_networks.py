"""A user's own trained network and images: loaded and checked before anything is measured."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attributionlab.environments import TrainedNetwork
from attributionlab.errors import BadOption, MachineError, bad_option
from attributionlab.printable import error_line
from attributionlab.specs.functions import load_function
from attributionlab.truth import LabeledImages, describe_tensor


def load_network(address: str, option: str) -> tuple[TrainedNetwork, LabeledImages]:
    """The network, which takes colors of 0..255, and the images that the function at this address returns.

    Raises:
        MissingFile: If there is no such function.
        MachineError: If the function reports that the machine fails, for example a download.
        BadOption: If it raises any other exception, or returns something else.
    """
    function = load_function(address, option)
    try:
        returned: object = function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        message = f"`{option}` must return a network and images, got {address!r}; it raised {error_line(error)}"
        machine_fails = isinstance(error, (OSError, MemoryError)) and not isinstance(error, FileNotFoundError)
        raise (MachineError if machine_fails else BadOption)(message) from error
    match returned:
        case (TrainedNetwork() as own, LabeledImages() as images):
            try:
                check_images(images)
                check_network(own, images)
            except BadOption as error:
                raise BadOption(
                    f"`{option}` must return a network and images that fit, got {address!r}; {error}"
                ) from error
            return own, images
    raise bad_option(option, "return (TrainedNetwork, LabeledImages)", address, f"it returns {_described(returned)}")


def check_images(images: LabeledImages) -> None:
    """Refuse images that are not colors of 0..255.

    Raises:
        BadOption: If inputs are not float32 of shape (b, 3, h, w), are empty, or have values outside of 0..255.
    """
    inputs = images.inputs
    if inputs.dtype != torch.float32 or inputs.ndim != 4 or inputs.shape[1] != 3:
        raise BadOption(f"`inputs` must be float32 of shape (b, 3, h, w), got {describe_tensor(inputs)}")
    if inputs.numel() == 0:
        raise BadOption(f"`inputs` must hold at least one image, got shape {tuple(inputs.shape)}")
    if not inputs.isfinite().all():
        raise BadOption("`inputs` must be finite, got NaN or infinite values")
    low, high = float(inputs.min()), float(inputs.max())
    if low < 0 or high > 255 or high <= 1:
        hint = (
            "colors of 0..1 are multiplied by 255"
            if low >= 0 and high <= 1
            else "preprocessing belongs into the network"
        )
        raise BadOption(f"`inputs` must be colors of 0..255, got {low:.4g} to {high:.4g}; {hint}")


def check_network(own: TrainedNetwork, images: LabeledImages) -> None:
    """Refuse a network that is in training mode, does not take an image, or gives no finite output for each target.

    Raises:
        BadOption: If the network or its baseline is refused, with the reason.
    """
    if any(module.training for module in own.model.modules()):
        raise bad_option("model", "be in evaluation mode", "training mode", "call .eval() on it")
    color = own.true_baseline
    if color.shape != (3,) or not bool(((color >= 0) & (color <= 255)).all()):
        raise BadOption(f"`true_baseline` must be three values in 0..255, got {color!r}")
    try:
        with torch.no_grad():
            outputs: object = own.model(on_device_of(own.model, images.inputs[:1]))
    except Exception as error:
        shape = tuple(images.inputs[:1].shape)
        raise bad_option("model", "take an image", shape, f"it raised {error_line(error)}") from error
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != 1:
        raise BadOption(f"`model` must give (1, k) for an image, got {_described(outputs)}")
    if not outputs.isfinite().all():
        raise BadOption("`model` must give finite outputs, got NaN or infinite values")
    odd = images.targets[(images.targets < 0) | (images.targets >= outputs.shape[1])].tolist()
    if odd:
        raise bad_option("targets", f"be indices of the model's outputs, 0 to {outputs.shape[1] - 1}", odd[0])


def on_device_of(model: nn.Module, inputs: Tensor) -> Tensor:
    """The inputs on the device of the model."""
    weights = next(model.parameters(), None)
    return inputs if weights is None else inputs.to(weights.device)


def _described(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_described, value))})"
    return describe_tensor(value)
