"""Orders in which pixels are switched (permutations of the pixels, numbered row by row), and checks of inputs."""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.seeding import content_key, generator

Ranking = Literal["signed", "magnitude"]


def descending(attribution: Tensor, inputs: Tensor, *, by: Ranking = "signed", seed: int = 0) -> Tensor:
    """The pixels by falling attribution; ties in a random order that depends on the image.

    Breaking ties by pixel number would favor pixels at the top of the image, and shift AUCs by up to 0.06.

    Args:
        attribution: (b, *shape).
        inputs: (b, c, *shape); the order of an image's ties depends neither on the batch nor on the method.
        by: Sort by `signed` values or by their `magnitude`.
        seed: Seed of the random order.

    Returns:
        (b, P) int64.

    Raises:
        BadOption: If `by` is neither `signed` nor `magnitude`.
    """
    return descending_from(tie_orders(inputs, seed=seed), attribution, by=by)


def tie_orders(inputs: Tensor, *, seed: int = 0) -> Tensor:
    """A random order of the pixels for each image of (b, c, h, w), which depends on the image: (b, h w) int64.

    The images are copied to the CPU; compute the orders once for the maps of many methods.
    """
    images, n_pixels = inputs.cpu(), inputs[0, 0].numel()
    orders = [generator(seed, "ties", content_key(image)).permutation(n_pixels) for image in images]
    return torch.from_numpy(np.stack(orders)).to(inputs.device)


def descending_from(ties: Tensor, attribution: Tensor, *, by: Ranking = "signed") -> Tensor:
    """The pixels by falling attribution, ties in the order of `ties` (b, h w); see `descending`.

    Raises:
        BadOption: If `by` is neither `signed` nor `magnitude`.
    """
    if by not in ("signed", "magnitude"):
        raise bad_option("order", "be signed or magnitude", by)
    values = (attribution.abs() if by == "magnitude" else attribution).flatten(1)
    ties = ties.to(values.device)
    return ties.take_along_dim(_stable_descending(values.take_along_dim(ties, dim=1)), dim=1)


def _stable_descending(values: Tensor) -> Tensor:
    """Places of values (b, P) by falling value, equal ones in their order: (b, P) int64.

    For float32 on a CPU, a value and its place make one integer of 64 bits, which NumPy sorts six times as fast as torch sorts
    values stably. Adding 0 turns -0 into 0; the bits of a negative number fall where the number rises, so they are flipped.
    """
    if values.dtype != torch.float32 or values.device.type != "cpu":
        return values.argsort(dim=1, descending=True, stable=True)
    bits = (values + 0.0).view(torch.int32)
    rising = bits ^ (bits >> 31 & 0x7FFFFFFF)
    keys = ((~rising).long() << 32 | torch.arange(values.shape[1])).numpy()
    keys.sort(axis=1)
    return torch.from_numpy(keys) & 0xFFFFFFFF


def random_orders(n: int, n_pixels: int, *, seed: int = 0, first: int = 0) -> Tensor:
    """Random orders `first` to `first + n - 1`, (n, p) int64; an order depends on its number and the seed alone."""
    numbers = range(first, first + n)
    return torch.from_numpy(np.stack([generator(seed, "order", index).permutation(n_pixels) for index in numbers]))


def check_orders(orders: Tensor, n_images: int, n_pixels: int) -> Tensor:
    """`orders` (b, n, P), each of which must contain every pixel once.

    Raises:
        BadOption: If one does not.
    """
    if orders.ndim != 3 or (len(orders), orders.shape[2]) != (n_images, n_pixels) or orders.is_floating_point():
        expected = f"be integers of shape ({n_images}, n, {n_pixels}), permutations of the pixels for each image"
        raise bad_option("orders", expected, f"{orders.dtype} of shape {tuple(orders.shape)}")
    inside = (orders >= 0) & (orders < n_pixels)
    pixels = orders.long().clamp(0, n_pixels - 1)  # an index out of range would abort the process on a GPU
    reached = torch.zeros(orders.shape, dtype=torch.bool, device=orders.device).scatter_(2, pixels, value=True)
    wrong = ~(inside & reached).all(dim=2)
    if wrong.any():
        image, order = wrong.nonzero()[0].tolist()
        raise bad_option("orders", "be permutations of the pixels", f"order {order} of image {image} that is none")
    return orders


def explained(outputs: Tensor, targets: Tensor) -> Tensor:
    """Select the explained output, (b, n, s, k) to (b, n, s)."""
    index = targets.to(outputs.device)[:, None, None, None]
    return outputs.gather(3, index.expand(*outputs.shape[:3], 1))[..., 0]


def probability(logits: Tensor, targets: Tensor) -> Tensor:
    """Softmax of the explained output, (b, n, s, k) to (b, n, s).

    Computes with one row per class, because torch's softmax takes ten times as long for short rows. Classes are added in their order, so
    that the bits of a row do not depend on other rows; they may differ from torch's by rounding.
    """
    powers = logits.movedim(3, 0).contiguous()
    powers -= powers.amax(dim=0)
    powers.exp_()
    index = targets.to(powers.device)[:, None, None].expand(powers.shape[1:])
    total: Tensor = functools.reduce(torch.add, powers)
    return powers.gather(0, index[None])[0] / total


def check_indices(targets: Tensor, n_outputs: int) -> None:
    """Refuse targets (b,) that are not indices of the outputs; synchronizes with a GPU, so call it outside of loops.

    Raises:
        BadOption: If a target is not an index of an output.
    """
    odd = targets[(targets < 0) | (targets >= n_outputs)].tolist()
    if odd:
        raise bad_option("targets", f"be indices of the model's outputs, 0 to {n_outputs - 1}", odd[0])


def check_images(start: Tensor, end: Tensor) -> None:
    """Refuse two batches of inputs of different shapes.

    Raises:
        BadOption: If the shapes differ, or have no axis of features.
    """
    if start.ndim < 3 or start.shape != end.shape:
        shapes = f"{tuple(start.shape)} and {tuple(end.shape)}"
        raise bad_option("start and end", "be two batches of inputs (b, c, *shape) of one shape", shapes)
