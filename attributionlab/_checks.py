"""Checks of what methods return, shared by everything that takes maps."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.errors import NotFinite, WrongShape


def attribution_maps(value: object, shape: torch.Size, name: str = "attribution") -> Tensor:
    """One signed map per image: channels summed, detached.

    Args:
        value: What a method returned: a real tensor (b, h, w) or (b, c, h, w).
        shape: Shape of the inputs (b, c, h, w).
        name: Whose maps these are, for the message.

    Returns:
        (b, h, w), floating point.

    Raises:
        WrongShape: If it is not such a tensor.
        NotFinite: If it has NaN or infinite values.
    """
    batch, channels, height, width = shape
    if not isinstance(value, Tensor):
        raise WrongShape(f"{name} must return a torch.Tensor, got {type(value).__name__}")
    maps = value.detach()
    allowed = ((batch, height, width), (batch, channels, height, width), (batch, 1, height, width))
    if tuple(maps.shape) not in allowed or maps.is_complex():
        wanted = f"({batch}, {height}, {width}) or ({batch}, {channels}, {height}, {width})"
        got = f"complex {tuple(maps.shape)}" if maps.is_complex() else f"{tuple(maps.shape)}"
        raise WrongShape(f"{name} must return real values of shape {wanted}, got {got}")
    if maps.dtype != torch.float64:
        maps = maps.to(torch.float32)
    if maps.ndim == 4:
        maps = maps.sum(dim=1)
    finite = maps.isfinite().flatten(1).all(dim=1)
    if not finite.all():
        first = int((~finite).nonzero()[0])
        bad = "NaN" if maps[first].isnan().any() else "infinite"
        raise NotFinite(f"{name} must return finite values, got {bad} values in {int((~finite).sum())} of {batch} maps")
    return maps
