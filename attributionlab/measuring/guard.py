"""Guarded calls of methods, which must not raise, nor change the model, the inputs or torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import AttributionLabError, InputsChanged, MethodRaised, ModelChanged, TorchChanged
from attributionlab.machine import contained
from attributionlab.measuring.settings import SETTINGS, restore_functions, torch_functions
from attributionlab.methods.base import AnyMethod
from attributionlab.printable import error_line

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@dataclass(frozen=True, eq=False)
class ModelState:
    """State of a model that a method must not change.

    Args:
        tensors: Copies of all parameters and buffers.
        flags: Per parameter, whether it requires gradients; per module, its type, mode, options and number of hooks.
    """

    tensors: dict[str, Tensor]
    flags: dict[str, tuple[object, ...]]

    @classmethod
    def of(cls, model: nn.Module) -> ModelState:
        """The current state of `model`."""
        parameters = dict(model.named_parameters())
        tensors = {name: tensor.detach().clone() for name, tensor in (*parameters.items(), *model.named_buffers())}
        flags: dict[str, tuple[object, ...]] = {
            f"requires_grad of {name}": (parameter.requires_grad,) for name, parameter in parameters.items()
        }
        for name, module in model.named_modules():
            where = name or "the model"
            flags[f"module {where}"] = (type(module).__name__, id(module), "forward" in vars(module))
            flags[f"training mode of {where}"] = (module.training,)
            flags[f"hooks on {where}"] = (sum(len(getattr(module, hooks)) for hooks in _HOOKS),)
            flags |= {f"option {option} of {where}": (value,) for option, value in _options(module)}
        return cls(tensors, flags)

    def difference(self, later: ModelState) -> str | None:
        """Description of the first difference from a later state, or None."""
        if self.tensors.keys() != later.tensors.keys():
            added = ", ".join(sorted(later.tensors.keys() - self.tensors.keys()))
            return f"it has the new tensor {added}" if added else "its parameters have other names"
        for name, tensor in self.tensors.items():
            later_tensor = later.tensors[name]
            if _form(tensor) != _form(later_tensor):
                return f"{name} has another type, shape or device"
            if not torch.equal(tensor, later_tensor):
                return f"the values of {name} are different"
        for flag in sorted(self.flags.keys() | later.flags.keys(), key=_options_last):
            before, after = self.flags.get(flag), later.flags.get(flag)
            if before != after:
                words = (_flag_text(before), _flag_text(after))
                return f"{flag} was replaced" if words[0] == words[1] else f"{flag} changed from {' to '.join(words)}"
        return None


def run_guarded(method: AnyMethod, model: nn.Module, inputs: Tensor, targets: Tensor, **context: Any) -> Tensor:
    """Compute the maps (b, *shape) of a method, and check that it has no side effects.

    The method receives copies of inputs and targets. It may compute their gradients, but must not write into them.

    Raises:
        MethodRaised: If the method raises an exception.
        WrongShape: If it does not return one value per feature.
        NotFinite: If it returns NaN or infinity.
        ModelChanged: If it changes the model.
        InputsChanged: If it writes into inputs or targets.
        TorchChanged: If it changes a global setting of torch, which is then restored.
    """
    settings, functions = {name: read() for name, (read, _) in SETTINGS.items()}, torch_functions()
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    state, inputs_copy, targets_copy = ModelState.of(model), inputs.clone(), targets.clone()
    process = os.getpid()
    try:
        with contained():
            maps = method(model, inputs_copy, targets_copy, **context)
    except (AttributionLabError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise MethodRaised(f"{method.spec} raised {error_line(error)}{_hint(error)}") from error
    finally:
        if os.getpid() != process:  # a forked child of the method must not run our code
            os._exit(1)
        for parameter, gradient in gradients:  # gradients of `backward` would accumulate over calls
            parameter.grad = gradient
        changes = [*_restore(settings), *(f"{name} was replaced" for name in restore_functions(functions))]
    difference = state.difference(ModelState.of(model))
    if difference is not None:
        raise ModelChanged(f"{method.spec} changed the model: {difference}")
    for name, before, after in (("inputs", inputs, inputs_copy), ("targets", targets, targets_copy)):
        if not torch.equal(before, after):
            raise InputsChanged(f"{method.spec} wrote into its {name}; work on `{name}.clone()`")
    if changes:
        raise TorchChanged(f"{method.spec} changed torch itself: {changes[0]}")
    return maps


def _restore(settings: dict[str, Any]) -> list[str]:
    """Restore the settings of torch; return descriptions of those that had changed."""
    changes = []
    for name, before in settings.items():
        read, write = SETTINGS[name]
        if before is not None and (after := read()) != before:
            write(before)
            changes.append(f"{name} changed{_from_to(before, after)}")
    return changes


def _from_to(before: object, after: object) -> str:
    """The two values for a message, as far as they are short: of a mapping those that changed."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = [name for name in before | after if before.get(name) != after.get(name)]
        return f", {names[0]} from {before.get(names[0])!r} to {after.get(names[0])!r}" if names else ""
    return "" if isinstance(before, tuple) else f" from {before} to {after}"


def _hint(error: BaseException) -> str:
    """A remedy for an error that functions of NumPy arrays raise where they are given tensors."""
    takes_arrays = any(text in error_line(error) for text in _OF_ARRAYS)
    return "; if it takes arrays, write attributionlab.adapt(function, arrays=True)" if takes_arrays else ""


_OF_ARRAYS = ("expected np.ndarray (got Tensor)", "'Tensor' object has no attribute 'astype'")
"""Messages of functions of arrays that are given tensors."""


def _form(tensor: Tensor) -> tuple[torch.dtype, torch.Size, torch.device]:
    """Type, shape and device of a tensor."""
    return tensor.dtype, tensor.shape, tensor.device


def _options(module: nn.Module) -> list[tuple[str, object]]:
    """Options of a module by name, such as the rate of a Dropout."""
    return [
        (name, value)
        for name, value in vars(module).items()
        if isinstance(value, (int, float, str)) and not name.startswith("_") and name not in _FLAGS
    ]


def _options_last(flag: str) -> tuple[bool, str]:
    """Key that sorts options of modules behind all else: a module that was replaced has other ones."""
    return flag.startswith("option "), flag


_FLAGS = ("training", "call_super_init")
"""Attributes that are no options: the mode is a flag of its own."""


def _flag_text(flag: tuple[object, ...] | None) -> str:
    """First value of a flag for a message."""
    return "absent" if flag is None else str(flag[0])
