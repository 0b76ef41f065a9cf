"""The gradient with another rule at every rectifier, as guided backpropagation and deconvnet have it.

    guided backpropagation   dL/dx = 1[x active] 1[dL/dy > 0] dL/dy
    deconvnet                dL/dx = 1[dL/dy > 0] dL/dy

A ReLU is active above 0, a ReLU6 between 0 and 6. Other activations are never inactive in this sense, so the methods
have no rule for them and refuse them. Allowed is only a function at the end that computes the outputs from the logits,
such as a softmax.

References:
    Springenberg et al. 2015, Zeiler & Fergus 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import BadOption, bad_option
from attributionlab.methods.operations import NONLINEAR, RECTIFIERS, Function, WatchedPass, name_of, tensors_of
from attributionlab.methods.structure import require_relu_modules

Rectify = Callable[[Tensor, Tensor], Tensor]
"""(gradient of the output, whether each value is active) -> gradient of the input."""

OUTPUTS = frozenset({"softmax", "log_softmax", "softmin", "sigmoid"})
"""Functions that compute the outputs from the logits."""


def guided(gradient: Tensor, active: Tensor) -> Tensor:
    """The positive part of the gradient where the rectifier is active."""
    return gradient.clamp(min=0) * active


def deconvolved(gradient: Tensor, active: Tensor) -> Tensor:
    """The positive part of the gradient."""
    del active
    return gradient.clamp(min=0)


def rectified_gradients(model: nn.Module, inputs: Tensor, targets: Tensor, rectify: Rectify) -> Tensor:
    """Gradients (b, c, *shape) of the explained outputs, with another rule at rectifiers.

    Args:
        model: Returns outputs (b, k).
        inputs: (b, c, *shape).
        targets: (b,) int64, index of each input's explained output.
        rectify: The rule.

    Raises:
        BadOption: If the model has an activation without a rule.
    """
    require_relu_modules(model, inputs)
    leaves = inputs.detach().clone().requires_grad_()
    with _RectifiedPass(model, rectify) as watched:
        outputs = model(leaves)
    watched.require_ruled(outputs)
    return torch.autograd.grad(outputs.gather(1, targets[:, None]).sum(), leaves)[0]


class _RectifiedPass(WatchedPass):
    """A forward pass with a rule at rectifiers, which keeps the values of other activations."""

    def __init__(self, model: nn.Module, rectify: Rectify) -> None:
        super().__init__(model)
        self.rectify = rectify
        self.activations: list[tuple[str, Tensor, BadOption]] = []

    def call(self, function: Function, active: list[Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Evaluate a function; rectifiers by their rule."""
        name = name_of(function)
        if name in RECTIFIERS and self.modules and is_rectifier(self.modules[-1][1]):
            output = function(active[0].detach().clone(), *args[1:], **kwargs)
            return _Rectified.apply(active[0], output, self._limit, self.rectify)  # type: ignore[no-untyped-call]
        output = function(*args, **kwargs)
        if name in NONLINEAR:
            values = [value for value in tensors_of([output], {}) if value.requires_grad]  # attention returns several
            self.activations += [(name, value, self._refused(name)) for value in values]
        return output

    @property
    def _limit(self) -> float:
        """The value at which the rectifier that is being called ends."""
        return float(getattr(self.modules[-1][1], "max_val", torch.inf))

    def _refused(self, name: str) -> BadOption:
        path, module = self.modules[-1] if self.modules else ("", self.model)
        place = f"{name} in {path or 'the model'} ({type(module).__name__})"
        hint = "the method has a rule for ReLU and ReLU6 only, and would be the plain gradient there"
        return bad_option("model", "have no other activations", place, hint)

    def require_ruled(self, outputs: Tensor) -> None:
        """Refuse activations without a rule, except at the end.

        Raises:
            BadOption: If an activation has no rule.
        """
        for name, value, error in self.activations:
            if value is not outputs or name not in OUTPUTS:
                raise error


def is_rectifier(module: nn.Module) -> bool:
    """Whether a module is a ReLU, a ReLU6, or another identity between 0 and a limit."""
    return isinstance(module, nn.ReLU) or (isinstance(module, nn.Hardtanh) and module.min_val == 0 < module.max_val)


class _Rectified(torch.autograd.Function):
    """A rectifier with another rule as its backward pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, output: Tensor, limit: float, rectify: Rectify) -> Tensor:
        del inputs  # its history is what the gradient goes on to
        ctx.save_for_backward((output > 0) & (output < limit))
        ctx.rectify = rectify
        return output.clone()

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (active,) = ctx.saved_tensors
        return ctx.rectify(gradient[0], active), None, None, None
