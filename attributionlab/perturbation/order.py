"""Orders in which pixels are switched, permutations of the pixels numbered row by row; and checks of what is switched."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.seeding import content_key, generator

Ranking = Literal["signed", "magnitude"]


def descending(attribution: Tensor, inputs: Tensor, *, by: Ranking = "signed", seed: int = 0) -> Tensor:
    """The pixels by falling attribution; equal ones in a random order that belongs to the image.

    Ties in the order of the pixels' numbers would favor what stands at the top, up to 0.06 of AUC from nothing.

    Args:
        attribution: (b, *shape).
        inputs: (b, c, *shape); an image's ties are broken alike alone and in a batch, for every method.
        by: Whether `signed` values or their `magnitude` are compared.
        seed: Seed of the random order.

    Returns:
        (b, P) int64.

    Raises:
        BadOption: If `by` is something else.
    """
    return descending_from(tie_orders(inputs, seed=seed), attribution, by=by)


def tie_orders(inputs: Tensor, *, seed: int = 0) -> Tensor:
    """A random order of the pixels for each image of (b, c, h, w), which belongs to the image: (b, h w) int64.

    The images are copied to the CPU once, all together: compute it once for the maps of many methods.
    """
    images, n_pixels = inputs.cpu(), inputs[0, 0].numel()
    orders = [generator(seed, "ties", content_key(image)).permutation(n_pixels) for image in images]
    return torch.from_numpy(np.stack(orders)).to(inputs.device)


def descending_from(ties: Tensor, attribution: Tensor, *, by: Ranking = "signed") -> Tensor:
    """The pixels by falling attribution, equal ones in the order of `ties` (b, h w); see `descending`.

    Raises:
        BadOption: If `by` is neither `signed` nor `magnitude`.
    """
    if by not in ("signed", "magnitude"):
        raise bad_option("order", "be signed or magnitude", by)
    values = (attribution.abs() if by == "magnitude" else attribution).flatten(1)
    ties = ties.to(values.device)
    return ties.take_along_dim(values.take_along_dim(ties, dim=1).argsort(dim=1, descending=True, stable=True), dim=1)


def random_orders(n: int, n_pixels: int, *, seed: int = 0) -> Tensor:
    """`n` random orders (n, p) int64; order i is the same however many are drawn."""
    return torch.from_numpy(np.stack([generator(seed, "order", index).permutation(n_pixels) for index in range(n)]))


def check_orders(orders: Tensor, n_images: int, n_pixels: int) -> Tensor:
    """The orders (b, n, P), if each names every pixel once.

    Raises:
        BadOption: If one does not.
    """
    if orders.ndim != 3 or (len(orders), orders.shape[2]) != (n_images, n_pixels) or orders.is_floating_point():
        expected = f"be integers of shape ({n_images}, n, {n_pixels}), permutations of the pixels for each image"
        raise bad_option("orders", expected, f"{orders.dtype} of shape {tuple(orders.shape)}")
    inside = (orders >= 0) & (orders < n_pixels)
    pixels = orders.long().clamp(0, n_pixels - 1)  # an index outside would end a GPU's process
    reached = torch.zeros(orders.shape, dtype=torch.bool, device=orders.device).scatter_(2, pixels, value=True)
    wrong = ~(inside & reached).all(dim=2)
    if wrong.any():
        image, order = wrong.nonzero()[0].tolist()
        raise bad_option("orders", "be permutations of the pixels", f"order {order} of image {image} that is none")
    return orders


def explained(outputs: Tensor, targets: Tensor) -> Tensor:
    """The explained one of all outputs, (b, n, s, k) to (b, n, s)."""
    index = targets.to(outputs.device)[:, None, None, None]
    return outputs.gather(3, index.expand(*outputs.shape[:3], 1))[..., 0]


def check_indices(targets: Tensor, n_outputs: int) -> None:
    """Refuse targets (b,) that are not indices of the outputs; on a GPU this waits for it, so ask outside of loops.

    Raises:
        BadOption: If a target is not an index of an output.
    """
    odd = targets[(targets < 0) | (targets >= n_outputs)].tolist()
    if odd:
        raise bad_option("targets", f"be indices of the model's outputs, 0 to {n_outputs - 1}", odd[0])


def check_images(start: Tensor, end: Tensor) -> None:
    """Refuse values that are not two batches of inputs of one shape.

    Raises:
        BadOption: If they are not.
    """
    if start.ndim < 3 or start.shape != end.shape:
        shapes = f"{tuple(start.shape)} and {tuple(end.shape)}"
        raise bad_option("start and end", "be two batches of inputs (b, c, *shape) of one shape", shapes)
