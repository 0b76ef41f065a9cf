"""Tensors that a method leaves on the modules of a network."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor, nn

_OWN = {"forward", *vars(nn.Module())}
"""Attributes of every module."""


def tensors_on_modules(model: nn.Module) -> dict[str, str]:
    """Types of attributes that hold tensors, by `attribute of module`; parameters, buffers and values that a class computes once are none."""
    return {
        f"{name} of {where or 'the model'}": type(value).__name__
        for where, module in model.named_modules()
        for name, value in vars(module).items()
        if name not in _OWN and not _is_computed(module, name) and _holds_tensors(value)
    }


def _is_computed(module: nn.Module, name: str) -> bool:
    """Whether an attribute is a cached property of the module's class."""
    return isinstance(getattr(type(module), name, None), cached_property)


def _holds_tensors(value: object) -> bool:
    """Whether a value is a tensor, or a container with one."""
    if isinstance(value, (dict, list, tuple)):
        return any(map(_holds_tensors, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Tensor)
