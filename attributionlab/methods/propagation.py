"""Rules that propagate relevance backward through a network, and the hooks that substitute them for gradients.

    R_j = sum_k  z_jk / sum_j z_jk  R_k            z_jk: contribution of input j to output k, by which the rules differ

A rule replaces the gradient of each `nn.Conv2d` and `nn.Linear`; every `nn.ReLU` passes relevance on unchanged. Forward hooks
attach the rules to the modules during one call. captum's LRP has neither the alpha-beta nor the flat rule.

References:
    Bach et al. 2015 (z, epsilon, alpha-beta), Lapuschkin et al. 2017 (flat), Montavon et al. 2017 (box).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.errors import bad_option
from attributionlab.networks.designed import logits_of

Layer = nn.Conv2d | nn.Linear
Rule = Callable[[Layer, Tensor, Tensor], Tensor]
"""(layer, input, relevance of the output) -> relevance of the input."""


def epsilon_rule(epsilon: float) -> Rule:
    """z_jk = a_j w_jk, with sums moved away from 0 by epsilon (the z rule for epsilon = 0). The bias absorbs its share."""

    def rule(layer: Layer, inputs: Tensor, relevance: Tensor) -> Tensor:
        forward = linear_part(layer)
        sums = forward(inputs, layer.weight, layer.bias)
        sums = sums + epsilon * torch.where(sums >= 0, 1.0, -1.0)
        return inputs * transposed(forward, inputs, layer.weight, _ratio(relevance, sums))

    return rule


def alpha_beta_rule(alpha: float, beta: float) -> Rule:
    """Positive contributions receive alpha times the relevance, negative ones -beta times; alpha - beta = 1."""

    def rule(layer: Layer, inputs: Tensor, relevance: Tensor) -> Tensor:
        forward = linear_part(layer)
        sides = (inputs.clamp(min=0), inputs.clamp(max=0))
        weights = (layer.weight.clamp(min=0), layer.weight.clamp(max=0))
        total = torch.zeros_like(inputs)
        for factor, (same_sign, opposite_sign), bias in (
            (alpha, weights, _clamped(layer.bias, min=0)),
            (-beta, weights[::-1], _clamped(layer.bias, max=0)),
        ):
            if factor == 0:
                continue
            sums = forward(sides[0], same_sign, bias) + forward(sides[1], opposite_sign, None)
            ratio = factor * _ratio(relevance, sums)
            total = total + sides[0] * transposed(forward, inputs, same_sign, ratio)
            total = total + sides[1] * transposed(forward, inputs, opposite_sign, ratio)
        return total

    return rule


def flat_rule() -> Rule:
    """z_jk = 1: all inputs of a cell receive equal shares."""

    def rule(layer: Layer, inputs: Tensor, relevance: Tensor) -> Tensor:
        forward, flat_weight = linear_part(layer), torch.ones_like(layer.weight)
        sums = forward(torch.ones_like(inputs), flat_weight, None)
        return transposed(forward, inputs, flat_weight, _ratio(relevance, sums))

    return rule


def box_rule(low: float, high: float) -> Rule:
    """z_jk = a_j w_jk - l w_jk^+ - h w_jk^-, for inputs between l and h (deep Taylor's rule for pixels)."""

    def rule(layer: Layer, inputs: Tensor, relevance: Tensor) -> Tensor:
        forward = linear_part(layer)
        lows, highs = torch.full_like(inputs, low), torch.full_like(inputs, high)
        positive, negative = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
        sums = forward(inputs, layer.weight, None) - forward(lows, positive, None) - forward(highs, negative, None)
        ratio = _ratio(relevance, sums)
        return (
            inputs * transposed(forward, inputs, layer.weight, ratio)
            - lows * transposed(forward, inputs, positive, ratio)
            - highs * transposed(forward, inputs, negative, ratio)
        )

    return rule


TRANSPARENT = (nn.ReLU, nn.Flatten, nn.Identity, nn.Dropout, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.MaxPool2d)
"""Modules without rules whose gradient passes relevance on correctly."""


def require_ruled(model: nn.Module) -> None:
    """Refuse models with modules of torch that have no rule; modules from elsewhere use their gradient.

    Raises:
        BadOption: If there is such a module; a final softmax is allowed if the network has a method `logits`.
    """
    has_logits = logits_of(model) is not model
    for name, module in model.named_modules():
        is_transparent = isinstance(module, TRANSPARENT) or (has_logits and isinstance(module, nn.Softmax))
        if any(module.children()) or is_transparent or not type(module).__module__.startswith("torch.nn."):
            continue
        if not isinstance(module, Layer) or getattr(module, "padding_mode", "zeros") != "zeros":
            raise bad_option("model", "have a relevance rule for every module", f"{name} ({type(module).__name__})")


class _Propagate(torch.autograd.Function):
    """The identity on the output of a layer, with a rule as its backward pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, output: Tensor, layer: nn.Module, rule: Rule | None) -> Tensor:
        ctx.save_for_backward(inputs)
        ctx.layer, ctx.rule = layer, rule
        return output.clone()

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor, None, None, None]:
        (inputs,) = ctx.saved_tensors
        if ctx.rule is None:
            return relevance[0], None, None, None
        return ctx.rule(ctx.layer, inputs, relevance[0]).detach(), None, None, None


@contextlib.contextmanager
def hooked(model: nn.Module, rules: Mapping[Layer, Rule], *, through_relu: bool = True) -> Iterator[None]:
    """Attach rules to layers, and the identity to every ReLU if `through_relu`; else inactive ReLUs stop relevance."""

    def hook(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        rule = rules.get(layer) if isinstance(layer, Layer) else None
        propagated: Tensor = _Propagate.apply(arguments[0], output.detach(), layer, rule)  # type: ignore[no-untyped-call]
        return propagated

    identities = (nn.ReLU,) if through_relu else ()
    modules = [module for module in model.modules() if module in rules or isinstance(module, identities)]
    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


LinearPart = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def linear_part(layer: Layer) -> LinearPart:
    """The layer as a function of (input, weight, bias)."""
    if isinstance(layer, nn.Conv2d):
        return lambda inputs, weight, bias: functional.conv2d(
            inputs, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups
        )
    return functional.linear


def transposed(forward: LinearPart, inputs: Tensor, weight: Tensor, ratio: Tensor) -> Tensor:
    """Apply the transposed linear map with these weights to values at the outputs."""
    with torch.enable_grad():
        point = torch.zeros_like(inputs).requires_grad_()
        (carried,) = torch.autograd.grad(forward(point, weight.detach(), None), point, ratio)
    return carried


def _ratio(relevance: Tensor, sums: Tensor) -> Tensor:
    """Relevance per contribution; 0 if the contributions sum to 0."""
    return torch.where(sums == 0, 0.0, relevance / torch.where(sums == 0, 1.0, sums))


def _clamped(bias: Tensor | None, **limits: float) -> Tensor | None:
    """The bias within limits, if there is one."""
    return None if bias is None else bias.clamp(**limits)
