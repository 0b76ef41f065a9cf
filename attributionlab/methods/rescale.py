"""The rescale rule of DeepLIFT: multipliers (difference of the output / difference of the input), layer by layer.

    m_j = sum_k  m_k  dy_k / dx_j  for elementwise layers,        value of input i = m_i (x_i - baseline_i)

Input and baseline run through the network together. Linear layers keep their gradient; a softmax is treated elementwise, as
`shap.DeepExplainer` does, so that each probability's difference is passed to its own logit and the values add up to the
difference of the output. (captum passes the difference of a softmax on by its gradient, less a mean.)

References:
    Shrikumar et al. 2017, Eq. 3 and section 3.5.1; Lundberg & Lee 2017, section 4.2; shap 0.51, `DeepExplainer`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.operations import MOVED, SUMS, WEIGHTED, Function, WatchedPass, name_of

SMALLEST = 1e-6
"""Differences of a layer's input below this are too small to divide by: the layer's gradient takes the place of the quotient."""

SMALLEST_POOLED = 1e-7
"""The same for maximum pooling, where inputs that do not differ get nothing."""

ELEMENTWISE = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Sigmoid,
    nn.LogSigmoid,
    nn.Tanh,
    nn.Softplus,
    nn.Softsign,
    nn.Hardtanh,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Hardshrink,
    nn.Softshrink,
    nn.Tanhshrink,
    nn.Threshold,
    nn.Softmax,
)
"""Layers whose differences are rescaled element by element."""

POOLING = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
"""Layers that pass on the difference of a maximum to the two places where it was and is."""

LINEAR = (
    *(nn.Linear, nn.Identity, nn.Flatten, nn.Unflatten, nn.Upsample, nn.Embedding),
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    *(nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d, nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d),
    *(nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d, nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d),
    *(nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d),
    *(nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle, nn.Fold, nn.Unfold),
)
"""Layers that are linear, up to a constant, in evaluation mode: their gradient is their multiplier."""


CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)

SELECTIONS = frozenset(
    {"max", "amax", *(f"{kind}max_pool{n}d" for kind in ("", "adaptive_") for n in (1, 2, 3))},
)
"""Functions that select values by their size, which is not linear."""

LINEAR_FUNCTIONS = (
    (MOVED - SELECTIONS) | SUMS | frozenset({"neg", "negative", "cumsum", "lerp", "batch_norm", "fold", "unfold"})
)
"""Functions that are linear, up to a constant, in all their arguments together."""

LINEAR_IN_ONE = WEIGHTED - {"multi_head_attention_forward", "scaled_dot_product_attention"} | {
    "mul",
    "multiply",
    "imul",
    "rmul",
}
"""Functions that are linear where one argument depends on the input."""

QUOTIENTS = frozenset({"div", "divide", "true_divide", "idiv", "truediv", "itruediv"})
"""Functions that are linear where the numerator alone depends on the input."""

HINT = "DeepLIFT defines no multiplier for it; take integrated-gradients, which needs none"


def require_rescaled(model: nn.Module) -> None:
    """Refuse models with a layer of torch that has no rule; what modules from elsewhere compute must be linear (`_LinearPass`).

    Raises:
        BadOption: If there is such a layer.
    """
    for name, module in model.named_modules():
        is_plain = not any(module.children()) and type(module).__module__.startswith("torch.nn.modules.")
        if is_plain and not isinstance(module, (*ELEMENTWISE, *POOLING, *LINEAR, *CONTAINERS)):
            raise bad_option("model", "have a rescale rule for every module", f"{name} ({type(module).__name__})", HINT)


class _LinearPass(WatchedPass):
    """A forward pass that refuses functions that are not linear, outside of the layers that have a rule."""

    def call(self, function: Function, active: list[Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Evaluate a function, or refuse it if its values depend on the input and it is not linear."""
        result, name = function(*args, **kwargs), name_of(function)
        is_linear = (
            name in LINEAR_FUNCTIONS
            or (name in LINEAR_IN_ONE and len(active) == 1)
            or (name in QUOTIENTS and len(active) == 1 and args[0] is active[0])
        )
        results = result if isinstance(result, (tuple, list)) else [result]
        if not is_linear and any(isinstance(value, Tensor) and value.requires_grad for value in results):
            path, module = self.modules[-1] if self.modules else ("", self.model)
            place = f"{name} in {path or 'the model'} ({type(module).__name__})"
            raise bad_option("model", "have a rescale rule for every function", place, HINT)
        return result


def multipliers(model: nn.Module, images: Tensor, baselines: Tensor, target: Tensor) -> Tensor:
    """The multipliers (n, c, *shape) of the output `target` between pairs of images and baselines.

    Args:
        model: The network.
        images: (n, c, *shape).
        baselines: (n, c, *shape).
        target: (1,) int64.
    """
    pairs = torch.cat([images, baselines]).requires_grad_()
    with _rescaled(model), _LinearPass(model):
        explained = model(pairs)[:, target].sum()
        (carried,) = torch.autograd.grad(explained, pairs)
    return carried[: len(images)]


class _Rescale(torch.autograd.Function):
    """The identity on the output of a layer, with the rescale rule as its backward pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, output: Tensor, layer: nn.Module) -> Tensor:
        ctx.save_for_backward(inputs, output)
        ctx.layer = layer
        return output.clone()

    @staticmethod
    def backward(ctx: Any, *carried: Tensor) -> tuple[Tensor, None, None]:
        inputs, output = ctx.saved_tensors
        rule = _pooled if isinstance(ctx.layer, POOLING) else _elementwise
        return rule(ctx.layer, inputs, output, carried[0]), None, None


def _elementwise(layer: nn.Module, inputs: Tensor, output: Tensor, carried: Tensor) -> Tensor:
    """The difference of the output per difference of the input; the gradient where the input does not differ."""
    changes, effects = (before - after for before, after in (inputs.chunk(2), output.chunk(2)))
    quotients = torch.cat([effects / changes] * 2)
    is_small = torch.cat([changes.abs() < SMALLEST] * 2)
    return torch.where(is_small, _gradient(layer, inputs, carried), carried * quotients)


def _pooled(layer: nn.Module, inputs: Tensor, output: Tensor, carried: Tensor) -> Tensor:
    """The rise of the maximum to where it is, and its fall to where it was; overlapping windows add up."""
    changes = inputs.chunk(2)[0] - inputs.chunk(2)[1]
    after, before = output.chunk(2)
    upper = torch.maximum(after, before)
    rise, fall = _gradient(layer, inputs, carried * torch.cat([upper - before, after - upper])).chunk(2)
    return torch.cat([torch.where(changes.abs() < SMALLEST_POOLED, 0.0, (rise + fall) / changes)] * 2)


def _gradient(layer: nn.Module, inputs: Tensor, carried: Tensor) -> Tensor:
    """Gradient of a layer, without its hooks."""
    with torch.enable_grad():
        point = inputs.detach().requires_grad_()
        output = layer.forward(point.clone())  # a copy, because the layer may work in place
        (gradient,) = torch.autograd.grad(output, point, carried)
    return gradient


@contextlib.contextmanager
def _rescaled(model: nn.Module) -> Iterator[None]:
    """Attach the rescale rule to every layer that is not linear."""
    seen: dict[nn.Module, Tensor] = {}

    def before(layer: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen[layer] = arguments[0]
        return (arguments[0].detach().clone(),)  # a copy, because the layer may work in place

    def after(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> Tensor:
        rescaled: Tensor = _Rescale.apply(seen.pop(layer), output.detach(), layer)  # type: ignore[no-untyped-call]
        return rescaled

    layers = [module for module in model.modules() if isinstance(module, (*ELEMENTWISE, *POOLING))]
    handles = [layer.register_forward_pre_hook(before) for layer in layers]
    handles += [layer.register_forward_hook(after) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
