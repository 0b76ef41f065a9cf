"""Running a method without trusting it: it must not raise, nor change the model, the inputs or torch."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import AttributionLabError, InputsChanged, MethodRaised, ModelChanged, TorchChanged
from attributionlab.methods.base import AnyMethod
from attributionlab.printable import error_line

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")

_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "the default device": (
        torch.get_default_device,
        lambda device: torch.set_default_device(None if device.type == "cpu" else device),
    ),
    "the grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "the deterministic mode": (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    "the number of threads": (torch.get_num_threads, torch.set_num_threads),
}
"""Global settings of torch that a method must leave as they are, with how to read and write them."""


@dataclass(frozen=True, eq=False)
class ModelState:
    """Everything about a model that a method must leave as it is.

    Args:
        tensors: Copies of all parameters and buffers.
        flags: Per parameter, whether it requires gradients; per module, its type, mode and number of hooks.
    """

    tensors: dict[str, Tensor]
    flags: dict[str, tuple[object, ...]]

    @classmethod
    def of(cls, model: nn.Module) -> ModelState:
        """The state of `model` now."""
        named = (*model.named_parameters(), *model.named_buffers())
        tensors = {name: tensor.detach().clone() for name, tensor in named}
        flags: dict[str, tuple[object, ...]] = {
            f"requires_grad of {name}": (parameter.requires_grad,) for name, parameter in model.named_parameters()
        }
        for name, module in model.named_modules():
            where = name or "the model"
            flags[f"module {where}"] = (type(module).__name__, id(module), "forward" in vars(module))
            flags[f"training mode of {where}"] = (module.training,)
            flags[f"hooks on {where}"] = (sum(len(getattr(module, hooks)) for hooks in _HOOKS),)
        return cls(tensors, flags)

    def difference(self, later: ModelState) -> str | None:
        """What is different later, in words; None if nothing is."""
        if self.tensors.keys() != later.tensors.keys():
            return "its parameters have other names"
        for name, tensor in self.tensors.items():
            now = later.tensors[name]
            if (tensor.dtype, tensor.shape, tensor.device) != (now.dtype, now.shape, now.device):
                return f"{name} has another type, shape or device"
            if not torch.equal(tensor, now):
                return f"the values of {name} are different"
        for what in sorted(self.flags.keys() | later.flags.keys()):
            before, after = self.flags.get(what), later.flags.get(what)
            if before != after:
                words = (_say(before), _say(after))
                return f"{what} was replaced" if words[0] == words[1] else f"{what} changed from {' to '.join(words)}"
        return None


def run_guarded(method: AnyMethod, model: nn.Module, inputs: Tensor, targets: Tensor, **context: Any) -> Tensor:
    """The maps of a method that is not trusted, (b, h, w).

    The method gets copies of inputs and targets. It may ask for their gradient, but must not write into them.

    Raises:
        MethodRaised: If the method raises.
        WrongShape: If it does not return one value per pixel.
        NotFinite: If it returns NaN or infinity.
        ModelChanged: If the model is not as it was before.
        InputsChanged: If inputs or targets have other values than before.
        TorchChanged: If a global setting of torch is not as it was before; it is put back.
    """
    settings = {name: read() for name, (read, _) in _SETTINGS.items()}
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    state, given, asked = ModelState.of(model), inputs.clone(), targets.clone()
    process = os.getpid()
    try:
        maps = method(model, given, asked, **context)
    except (AttributionLabError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise MethodRaised(f"{method.spec} raised {error_line(error)}") from error
    finally:
        if os.getpid() != process:  # a fork that the method forgot to end would go on with all that follows
            os._exit(1)
        for parameter, gradient in gradients:  # what `backward` leaves behind would add up over calls
            parameter.grad = gradient
        changes = _put_back(settings)
    difference = state.difference(ModelState.of(model))
    if difference is not None:
        raise ModelChanged(f"{method.spec} changed the model: {difference}")
    for name, before, after in (("inputs", inputs, given), ("targets", targets, asked)):
        if not torch.equal(before, after):
            raise InputsChanged(f"{method.spec} wrote into its {name}; work on `{name}.clone()`")
    if changes:
        raise TorchChanged(f"{method.spec} changed torch itself: {changes[0]}")
    return maps


def _put_back(settings: dict[str, Any]) -> list[str]:
    """Give torch the settings that it had; what was different, in words."""
    changes = []
    for name, before in settings.items():
        read, write = _SETTINGS[name]
        if (now := read()) != before:
            write(before)
            changes.append(f"{name} changed from {before} to {now}")
    return changes


def _say(flag: tuple[object, ...] | None) -> str:
    return "absent" if flag is None else str(flag[0])
