"""Networks that methods cannot explain, recognized after a method has failed, and compiled modules, inside of which hooks see nothing."""

from __future__ import annotations

import traceback

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.truth.maps import describe_tensor


def require_python_modules(model: nn.Module) -> None:
    """Refuse modules that torch.jit has traced or scripted: methods that change how a module is evaluated would silently not do so.

    Raises:
        BadOption: If a module was traced or scripted.
    """
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            hint = "hooks see nothing inside of compiled modules; take the module that was compiled"
            place = f"{name or 'the model'} ({type(module).__name__})"
            raise bad_option("model", "have modules of Python only", place, hint)


def raised_by_module(error: BaseException) -> bool:
    """Whether an error comes from the code of a module, rather than from that of a method."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(isinstance(frame.f_locals.get("self"), nn.Module) for frame, _ in frames)


def require_explainable(model: nn.Module, inputs: Tensor, targets: Tensor, *, by_gradient: bool) -> None:
    """Refuse a network that no method can explain, by one more forward pass; nothing happens if the pass itself fails.

    Args:
        model: The network.
        inputs: (b, c, *shape).
        targets: (b,) int64.
        by_gradient: Whether outputs must depend on the inputs by differentiable functions.

    Raises:
        BadOption: If outputs are not a tensor (b, k), a target is not one of them, or they have no gradient.
    """
    image = inputs[:1].detach().clone().requires_grad_()
    try:
        with torch.enable_grad():
            outputs: object = model(image.clone())
    except Exception:  # noqa: BLE001  # what the method raised is told instead
        return
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != 1:
        hint = "wrap it in a module that returns the outputs to explain"
        raise bad_option("model", "return a tensor (b, k)", describe_tensor(outputs) + " for one input", hint)
    odd = targets[(targets < 0) | (targets >= outputs.shape[1])].tolist()
    if odd:
        raise bad_option("targets", f"be indices of the model's outputs, 0 to {outputs.shape[1] - 1}", odd[0])
    if by_gradient and not _has_gradient(outputs, image):
        hint = "detach, no_grad or rounding may have cut it off"
        raise bad_option("model", "have outputs with a gradient by the inputs", "outputs without one", hint)


def _has_gradient(outputs: Tensor, image: Tensor) -> bool:
    """Whether a path of differentiable functions leads from the image to the outputs."""
    return outputs.requires_grad and torch.autograd.grad(outputs.sum(), image, allow_unused=True)[0] is not None
