"""Checks of what users hand over and what methods return, shared by everything that takes them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from attributionlab.errors import BadOption, NotFinite, WrongShape


def check_targets(targets: object, n_images: int) -> None:
    """Refuse what is not one index of an output per image.

    Raises:
        BadOption: If it is not int64 of shape (n_images,).
    """
    if not isinstance(targets, Tensor) or targets.shape != (n_images,) or targets.dtype != torch.int64:
        wanted = f"be int64 of shape ({n_images},), one per input"
        raise BadOption(f"`targets` must {wanted}, got {describe_tensor(targets)}")


def describe_tensor(value: object) -> str:
    """A tensor by type and shape, anything else by its type."""
    if not isinstance(value, Tensor):
        return type(value).__name__
    return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"


def attribution_maps(value: object, shape: Sequence[int | None], subject: str = "`attribution` must be") -> Tensor:
    """One signed map per image: channels summed, detached.

    Args:
        value: What a method returned: a real tensor (b, h, w) or (b, c, h, w).
        shape: Shape of the inputs (b, c, h, w); c is None where any number of channels will do.
        subject: How the message begins: who must return it, or which parameter must be it.

    Returns:
        (b, h, w), floating point.

    Raises:
        WrongShape: If it is not such a tensor.
        NotFinite: If it has NaN or infinite values.
    """
    if not isinstance(value, Tensor):
        raise WrongShape(f"{subject} a torch.Tensor, got {type(value).__name__}")
    if (odd := _oddity(value)) is not None:
        raise WrongShape(f"{subject} a plain, dense tensor, got a {odd} one; convert it, as by .to_dense()")
    batch, channels, height, width = shape
    maps = value.detach()
    any_channels = maps.shape[1] if channels is None and maps.ndim == 4 else channels
    allowed = ((batch, height, width), (batch, any_channels, height, width), (batch, 1, height, width))
    if tuple(maps.shape) not in allowed or maps.is_complex():
        wanted = f"({batch}, {height}, {width}) or ({batch}, {channels or 'c'}, {height}, {width})"
        got = f"complex {tuple(maps.shape)}" if maps.is_complex() else f"{tuple(maps.shape)}"
        raise WrongShape(f"{subject} real values of shape {wanted}, got {got}")
    if maps.dtype != torch.float64:
        maps = maps.to(torch.float32)
    if maps.ndim == 4:
        maps = maps.sum(dim=1)
    finite = maps.isfinite().flatten(1).all(dim=1)
    if not finite.all():
        first = int((~finite).nonzero()[0])
        bad = "NaN" if maps[first].isnan().any() else "infinite"
        raise NotFinite(f"{subject} finite values, got {bad} values in {int((~finite).sum())} of {batch} maps")
    return maps


def _oddity(tensor: Tensor) -> str | None:
    """What keeps a tensor from being an array of numbers, or None."""
    odd = {"nested": tensor.is_nested, "quantized": tensor.is_quantized, "meta": tensor.is_meta}
    found = [name for name, is_so in odd.items() if is_so]
    layout = [] if tensor.layout == torch.strided else [str(tensor.layout).removeprefix("torch.").removeprefix("_")]
    return next(iter(found + layout), None)
