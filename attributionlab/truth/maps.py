"""Checks of tensors from users and of maps from methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attributionlab.errors import BadOption, NotFinite, WrongShape, bad_option


def check_targets(targets: object, n_images: int) -> None:
    """Refuse targets that are not one output index per image.

    Raises:
        BadOption: If `targets` is not int64 of shape (n_images,).
    """
    is_plain = isinstance(targets, Tensor) and _oddity(targets) in (None, "meta")
    if not (isinstance(targets, Tensor) and is_plain and targets.shape == (n_images,) and targets.dtype == torch.int64):
        expectation = f"be int64 of shape ({n_images},), one per input"
        raise BadOption(f"`targets` must {expectation}, got {describe_tensor(targets)}")


def require_tensor(
    name: str, value: object, axes: str, dtypes: str = "real numbers", *, allow_meta: bool = False
) -> Tensor:
    """`value`, which must be a plain, dense tensor.

    Args:
        name: Name of the parameter.
        value: Its value.
        axes: Letters of its axes: `b c h w`, or `b c *shape`, whose last letter stands for one or more axes.
        dtypes: `real numbers`, `floating point`, `integers` or `booleans`.
        allow_meta: Whether a tensor without values, on the device `meta`, is accepted.

    Raises:
        BadOption: If `value` is not such a tensor.
    """
    letters = axes.split()
    shape = f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"
    tensor = value if isinstance(value, Tensor) else None
    odd = "no tensor" if tensor is None else _oddity(tensor)
    is_plain = odd is None or (odd == "meta" and allow_meta)
    n_axes = -1 if tensor is None else tensor.ndim
    has_axes = n_axes >= len(letters) if letters[-1].startswith("*") else n_axes == len(letters)
    if tensor is None or not is_plain or not has_axes or not _DTYPES[dtypes](tensor):
        raise BadOption(f"`{name}` must be {dtypes} of shape {shape}, got {describe_tensor(value)}")
    return tensor


_DTYPES: dict[str, Callable[[Tensor], bool]] = {
    "real numbers": lambda tensor: not tensor.is_complex(),
    "floating point": lambda tensor: tensor.is_floating_point(),
    "integers": lambda tensor: not (tensor.is_complex() or tensor.is_floating_point() or tensor.dtype == torch.bool),
    "booleans": lambda tensor: tensor.dtype == torch.bool,
}
"""Predicates on the type of a tensor's values, by name."""


def require_model(name: str, value: object) -> nn.Module:
    """`value`, which must be a network.

    Raises:
        BadOption: If `value` is not a `torch.nn.Module`.
    """
    if not isinstance(value, nn.Module):
        raise bad_option(name, "be a torch.nn.Module", value)
    return value


def describe_tensor(value: object) -> str:
    """Describe a tensor by type and shape, any other value by its type."""
    if not isinstance(value, Tensor):
        return type(value).__name__
    return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"


def attribution_maps(value: object, shape: Sequence[int | None], subject: str = "`attribution` must be") -> Tensor:
    """One signed map per image: channels summed, detached.

    Args:
        value: A method's result: a real tensor or array (b, *shape) or (b, c, *shape).
        shape: Shape of the inputs (b, c, *shape); c is None if any number of channels is valid.
        subject: Beginning of the message, which names the method or the parameter.

    Returns:
        (b, *shape), floating point.

    Raises:
        WrongShape: If `value` is not such a tensor.
        NotFinite: If it has NaN or infinite values.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        value = _tensor_of(value)
    if isinstance(value, Tensor) and value.is_quantized:
        value = value.dequantize()
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
        is_swapped = len(set(features[-2:])) > 1 and list(maps.shape[-2:]) == list(features[:-3:-1])
        hint = "; rows and columns are swapped: look for (w, h) where (h, w) is meant" if is_swapped else ""
        raise WrongShape(f"{subject} real values of shape {expected}, got {got}{hint}")
    if maps.dtype != torch.float64:
        maps = maps.to(torch.float32)
    if has_channels:
        maps = maps.sum(dim=1)
    _require_finite(maps, subject)
    return maps


def _tensor_of(values: npt.NDArray[Any]) -> Tensor:
    """An array of real numbers as a tensor; masked values are 0, and bytes in the order that torch knows."""
    filled = values.filled(0) if isinstance(values, np.ma.MaskedArray) else values
    is_long = filled.dtype.kind == "f" and filled.dtype.itemsize > 8
    return torch.from_numpy(
        np.ascontiguousarray(filled, dtype=np.float64 if is_long else filled.dtype.newbyteorder("="))
    )


def only_maps(result: object, shape: Sequence[int]) -> object:
    """The maps in a tuple or list that also holds other results, as a convergence delta or outputs; anything else unchanged.

    Args:
        result: What a method returned.
        shape: Shape of the inputs (b, c, *shape).
    """
    if not isinstance(result, (tuple, list)):
        return result
    batch, _, *features = shape
    parts = [only_maps(part, shape) for part in result]
    maps = [
        part
        for part in parts
        if isinstance(part, (Tensor, np.ndarray))
        and tuple(part.shape) in {(batch, *features), (batch, *part.shape[1:2], *features)}
    ]
    return maps[0] if len(maps) == 1 else result


def _require_finite(maps: Tensor, subject: str) -> None:
    """Refuse maps (b, *shape) with NaN or infinite values."""
    finite = maps.isfinite().flatten(1).all(dim=1)
    if not finite.all():
        first = int((~finite).nonzero()[0])
        bad = "NaN" if maps[first].isnan().any() else "infinite"
        raise NotFinite(f"{subject} finite values, got {bad} values in {int((~finite).sum())} of {len(maps)} maps")


def _oddity(tensor: Tensor) -> str | None:
    """First property that makes a tensor unusable as an array of numbers, or None."""
    odd = {"nested": tensor.is_nested, "quantized": tensor.is_quantized, "meta": tensor.is_meta}
    properties = [name for name, holds in odd.items() if holds]
    layout = [] if tensor.layout == torch.strided else [str(tensor.layout).removeprefix("torch.").removeprefix("_")]
    return next(iter(properties + layout), None)
