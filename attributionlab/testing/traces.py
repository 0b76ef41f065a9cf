"""Attributes that a method leaves on the modules of a network."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor, nn

_OWN = {"forward", *vars(nn.Module())}
"""Attributes of every module."""


def attributes_of_modules(model: nn.Module) -> dict[str, str]:
    """Kinds of the attributes of all modules, by `attribute of module`: `tensor` or the name of a type.

    Parameters, buffers and values that a class computes once are left out.
    """
    return {
        f"{name} of {where or 'the model'}": "tensor" if _holds_tensors(value) else type(value).__name__
        for where, module in model.named_modules()
        for name, value in vars(module).items()
        if name not in _OWN and not _is_computed(module, name)
    }


def _is_computed(module: nn.Module, name: str) -> bool:
    """Whether an attribute is a cached property of the module's class."""
    return isinstance(getattr(type(module), name, None), cached_property)


def _holds_tensors(value: object) -> bool:
    """Whether a value is a tensor, or a container with one."""
    if isinstance(value, (dict, list, tuple)):
        return any(map(_holds_tensors, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Tensor)
