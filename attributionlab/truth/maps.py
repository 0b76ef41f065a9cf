"""Checks of what users hand over and what methods return, shared by everything that takes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
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
        value: A method's result: a real tensor or array (b, *shape) or (b, c, *shape).
        shape: Shape of the inputs (b, c, *shape); c is None where any number of channels will do.
        subject: How the message begins: who must return it, or which parameter must be it.

    Returns:
        (b, *shape), floating point.

    Raises:
        WrongShape: If it is not such a tensor.
        NotFinite: If it has NaN or infinite values.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        value = torch.from_numpy(np.ascontiguousarray(value))
    if not isinstance(value, Tensor):
        raise WrongShape(f"{subject} a torch.Tensor, got {type(value).__name__}")
    if (odd := _oddity(value)) is not None:
        raise WrongShape(f"{subject} a plain, dense tensor, got a {odd} one; convert it, as by .to_dense()")
    batch, channels, *features = shape
    maps = value.detach()
    has_channels = maps.ndim == len(shape)
    any_channels = maps.shape[1] if channels is None and has_channels else channels
    allowed = ((batch, *features), (batch, any_channels, *features), (batch, 1, *features))
    if tuple(maps.shape) not in allowed or maps.is_complex():
        inner = ", ".join(map(str, features))
        expected = f"({batch}, {inner}) or ({batch}, {channels or 'c'}, {inner})"
        got = f"complex {tuple(maps.shape)}" if maps.is_complex() else f"{tuple(maps.shape)}"
        raise WrongShape(f"{subject} real values of shape {expected}, got {got}")
    if maps.dtype != torch.float64:
        maps = maps.to(torch.float32)
    if has_channels:
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
