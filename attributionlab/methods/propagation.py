"""Rules by which relevance passes a layer backward; `ruled.py` substitutes them for gradients.

    R_j = sum_k  z_jk / sum_j z_jk  R_k            z_jk: contribution of input j to output k, by which the rules differ

captum's LRP has neither the alpha-beta nor the flat rule.

References:
    Bach et al. 2015 (z, epsilon, alpha-beta), Lapuschkin et al. 2017 (flat), Montavon et al. 2017 (box), Montavon et al. 2019
    and Andeol et al. 2021 (gamma).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.networks.layers import Layer, Transposed

Rule = Callable[[Layer, Tensor, Tensor], Tensor]
"""(layer, input, relevance of the output) -> relevance of the input."""


def epsilon_rule(epsilon: float) -> Rule:
    """z_jk = a_j w_jk, with sums moved away from 0 by epsilon (the z rule for epsilon = 0). The bias absorbs its share."""

    def rule(layer: Layer, inputs: Tensor, relevance: Tensor) -> Tensor:
        forward = linear_part(layer)
        sums = forward(inputs, layer.weight, layer.bias)
        sums = sums + epsilon * torch.where(sums >= 0, 1.0, -1.0)
        return inputs * transposed(forward, inputs, layer.weight, per_contribution(relevance, sums))

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
            ratio = factor * per_contribution(relevance, sums)
            total = total + sides[0] * transposed(forward, inputs, same_sign, ratio)
            total = total + sides[1] * transposed(forward, inputs, opposite_sign, ratio)
        return total

    return rule


def gamma_rule(gamma: float) -> Rule:
    """Contributions with the sign of their sum z_k weigh 1 + gamma times as much; the bias is a contribution like others."""

    def rule(layer: Layer, inputs: Tensor, relevance: Tensor) -> Tensor:
        forward = linear_part(layer)
        sides = (inputs.clamp(min=0), inputs.clamp(max=0))
        raised = layer.weight + gamma * layer.weight.clamp(min=0)
        lowered = layer.weight + gamma * layer.weight.clamp(max=0)
        outputs = forward(inputs, layer.weight, layer.bias)
        total = torch.zeros_like(inputs)
        for chosen, (of_positive, of_negative), limits in (
            (outputs > 0, (raised, lowered), {"min": 0.0}),
            (outputs < 0, (lowered, raised), {"max": 0.0}),
        ):
            bias = None if layer.bias is None else layer.bias + gamma * layer.bias.clamp(**limits)
            sums = forward(sides[0], of_positive, bias) + forward(sides[1], of_negative, None)
            ratio = torch.where(chosen, per_contribution(relevance, sums), 0.0)
            total = total + sides[0] * transposed(forward, inputs, of_positive, ratio)
            total = total + sides[1] * transposed(forward, inputs, of_negative, ratio)
        return total

    return rule


def flat_rule() -> Rule:
    """z_jk = 1: all inputs of a cell receive equal shares."""

    def rule(layer: Layer, inputs: Tensor, relevance: Tensor) -> Tensor:
        forward, flat_weight = linear_part(layer), torch.ones_like(layer.weight)
        sums = forward(torch.ones_like(inputs), flat_weight, None)
        return transposed(forward, inputs, flat_weight, per_contribution(relevance, sums))

    return rule


def box_rule(low: float | Tensor, high: float | Tensor) -> Rule:
    """z_jk = a_j w_jk - l w_jk^+ - h w_jk^-, for inputs between l and h (deep Taylor's rule for pixels)."""

    def rule(layer: Layer, inputs: Tensor, relevance: Tensor) -> Tensor:
        forward = linear_part(layer)
        lows, highs = (torch.as_tensor(bound).to(inputs).expand_as(inputs) for bound in (low, high))
        positive, negative = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
        sums = forward(inputs, layer.weight, None) - forward(lows, positive, None) - forward(highs, negative, None)
        ratio = per_contribution(relevance, sums)
        return (
            inputs * transposed(forward, inputs, layer.weight, ratio)
            - lows * transposed(forward, inputs, positive, ratio)
            - highs * transposed(forward, inputs, negative, ratio)
        )

    return rule


LinearPart = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def linear_part(layer: Layer) -> LinearPart:
    """The layer as a function of (input, weight, bias)."""
    if isinstance(layer, nn.Linear):
        return functional.linear
    convolve = _CONVOLVE[type(layer)]
    if isinstance(layer, Transposed):
        return lambda inputs, weight, bias: convolve(
            inputs, weight, bias, layer.stride, layer.padding, layer.output_padding, layer.groups, layer.dilation
        )
    return lambda inputs, weight, bias: convolve(
        inputs, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups
    )


_CONVOLVE: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Conv1d: functional.conv1d,
    nn.Conv2d: functional.conv2d,
    nn.Conv3d: functional.conv3d,
    nn.ConvTranspose1d: functional.conv_transpose1d,
    nn.ConvTranspose2d: functional.conv_transpose2d,
    nn.ConvTranspose3d: functional.conv_transpose3d,
}


def transposed(forward: LinearPart, inputs: Tensor, weight: Tensor, ratio: Tensor) -> Tensor:
    """Apply the transposed linear map with these weights to values at the outputs."""
    with torch.enable_grad():
        point = torch.zeros_like(inputs).requires_grad_()
        (carried,) = torch.autograd.grad(forward(point, weight.detach(), None), point, ratio)
    return carried


def per_contribution(relevance: Tensor, sums: Tensor) -> Tensor:
    """Relevance per contribution; 0 if the contributions sum to 0."""
    return torch.where(sums == 0, 0.0, relevance / torch.where(sums == 0, 1.0, sums))


def _clamped(bias: Tensor | None, **limits: float) -> Tensor | None:
    """The bias within limits, if there is one."""
    return None if bias is None else bias.clamp(**limits)
