"""PatternNet and PatternAttribution: the gradient with weights replaced by patterns, the typical inputs of a neuron.

A weight must also cancel distractors, so it does not show the signal; the pattern does. It is estimated where the neuron is
active (the two-component estimator, where E_+ is the mean over such positions):

    a = (E_+[x y] - E_+[x] E_+[y]) / (w^T (E_+[x y] - E_+[x] E_+[y]))

The paper writes E[y] for the last factor; we take both means over the same positions, so that the numerator is a covariance.

References:
    Kindermans et al. 2018, Eq. 10 and section 4.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.errors import bad_option
from attributionlab.methods.base import Method, one_by_one, require_at_least
from attributionlab.methods.declaration import Declaration
from attributionlab.methods.propagation import Rule, linear_part, transposed
from attributionlab.methods.ruled import RuledPass, require_same_output, require_zero_padding
from attributionlab.methods.suitability import require_python_modules
from attributionlab.networks.designed import logits_of
from attributionlab.networks.folding import without_batch_norm
from attributionlab.networks.layers import Layer

FIRST_SAMPLE = 3_000_000
"""Index of the first sample for the estimation of patterns, far from the explained samples."""

CONSTANT_FEATURES = "where a number checker is active it is always 1, and what does not vary has no pattern"


@dataclass(frozen=True, kw_only=True)
class _Pattern(Method):
    """Backpropagation through other weights, which subclasses choose.

    Args:
        n_samples: Images of the environment from which patterns are estimated.
    """

    n_samples: int = 8

    def __post_init__(self) -> None:
        require_at_least(self, n_samples=1)

    @abc.abstractmethod
    def weight(self, layer: Layer, pattern: Tensor) -> Tensor:
        """Replacement of the layer's weight."""

    @cached_property
    def references(self) -> Tensor:
        """The images (n, c, h, w) from which patterns are estimated, drawn once for all batches."""
        if self.environment is None:
            raise bad_option("environment", "be given: patterns are estimated from its samples", None)
        return self.environment.sample(self.n_samples, FIRST_SAMPLE).inputs

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Propagate the logit back to the input, one image at a time."""
        references = self.references.to(inputs)
        require_python_modules(model)
        network = without_batch_norm(model, inputs)
        require_zero_padding(network)
        patterns = estimate_patterns(network, references)
        rules = {layer: _backward_through(self.weight(layer, pattern)) for layer, pattern in patterns.items()}

        def attribute_one(image: Tensor, target: Tensor) -> Tensor:
            image = image.clone().requires_grad_()
            with RuledPass(network, rules, through_activations=False):
                logits = logits_of(network)(image)
            require_same_output(network, logits, image)
            explained = logits.gather(1, target[:, None])
            (signal,) = torch.autograd.grad(explained, image, explained.detach())
            return signal

        return one_by_one(attribute_one, inputs, targets)


@dataclass(frozen=True, kw_only=True)
class PatternNet(_Pattern):
    """The signal: the part of the input that carries the output."""

    name: ClassVar[str] = "pattern-net"
    declaration: ClassVar[Declaration] = Declaration(
        family="patterns",
        explains="logit",
        needs=frozenset({"gradients"}),
        source="Kindermans et al. 2018",
        zero_maps=CONSTANT_FEATURES,
    )

    def weight(self, layer: Layer, pattern: Tensor) -> Tensor:
        """The pattern."""
        del layer
        return pattern


@dataclass(frozen=True, kw_only=True)
class PatternAttribution(_Pattern):
    """Contribution of each component of the signal to the output."""

    name: ClassVar[str] = "pattern-attribution"
    declaration: ClassVar[Declaration] = Declaration(
        family="patterns",
        explains="logit",
        needs=frozenset({"gradients"}),
        source="Kindermans et al. 2018",
        zero_maps=CONSTANT_FEATURES,
    )

    def weight(self, layer: Layer, pattern: Tensor) -> Tensor:
        """The weight times the pattern."""
        return layer.weight.detach() * pattern


def estimate_patterns(model: nn.Module, inputs: Tensor) -> dict[Layer, Tensor]:
    """The pattern of every Conv2d and Linear layer, shaped like its weight; 0 where a neuron is never active or never varies."""
    layers = [layer for layer in model.modules() if isinstance(layer, Layer)]
    for layer in layers:
        if not isinstance(layer, nn.Conv2d | nn.Linear) or isinstance(getattr(layer, "padding", 0), str):
            raise bad_option("model", "have Conv2d layers (with padding in pixels) and Linear layers only", str(layer))
    sums = {layer: _Sums.empty(layer) for layer in layers}
    handles = [
        layer.register_forward_hook(lambda layer, arguments, output: sums[layer].add(arguments[0], output))
        for layer in layers
    ]
    try:
        with torch.no_grad():
            for image in inputs.split(1):
                logits_of(model)(image)
    finally:
        for handle in handles:
            handle.remove()
    return {layer: layer_sums.pattern() for layer, layer_sums in sums.items()}


@dataclass(eq=False)
class _Sums:
    """Sums over the positions where each neuron is active: their number, and the sums of y, of x and of x y."""

    layer: Layer
    number: Tensor
    of_y: Tensor
    of_x: Tensor
    of_xy: Tensor

    @classmethod
    def empty(cls, layer: Layer) -> _Sums:
        weight = layer.weight.detach().flatten(1).double()
        return cls(
            layer, *(torch.zeros_like(weight[:, 0]) for _ in range(2)), *(torch.zeros_like(weight) for _ in range(2))
        )

    def add(self, inputs: Tensor, output: Tensor) -> None:
        """Add all positions of these inputs, in all groups of channels."""
        groups = self.layer.groups if isinstance(self.layer, nn.Conv2d) else 1
        x = rearrange(self._windows(inputs.double()), "(g j) p -> g j p", g=groups)
        y = rearrange(_flat(output.double()), "(g k) p -> g k p", g=groups)
        active = (y > 0).double()
        self.number += active.sum(dim=2).flatten()
        self.of_y += (active * y).sum(dim=2).flatten()
        self.of_x += torch.bmm(active, x.mT).flatten(0, 1)
        self.of_xy += torch.bmm(active * y, x.mT).flatten(0, 1)

    def pattern(self) -> Tensor:
        """The pattern of every neuron, shaped like the weight."""
        number = self.number.clamp(min=1)[:, None]
        covariance = self.of_xy / number - self.of_x / number * self.of_y[:, None] / number
        scale = (self.layer.weight.detach().flatten(1).double() * covariance).sum(dim=1, keepdim=True)
        varies = scale.abs() > 1e-9  # smaller values are rounding errors of the sums
        patterns = torch.where(varies, covariance / torch.where(varies, scale, 1.0), 0.0)
        return patterns.reshape(self.layer.weight.shape).to(self.layer.weight)

    def _windows(self, inputs: Tensor) -> Tensor:
        """Inputs of a neuron at each position of the output, (inputs of a neuron, positions)."""
        if isinstance(self.layer, nn.Linear):
            return inputs.flatten(0, -2).T
        assert not isinstance(self.layer.padding, str), "checked before"
        unfolded = functional.unfold(
            inputs, self.layer.kernel_size, self.layer.dilation, self.layer.padding, self.layer.stride
        )
        return rearrange(unfolded, "b j p -> j (b p)")


def _flat(output: Tensor) -> Tensor:
    """Outputs by neuron and position, (k, positions)."""
    return output.flatten(0, -2).T if output.ndim == 2 else rearrange(output, "b k h w -> k (b h w)")


def _backward_through(weight: Tensor) -> Rule:
    """The backward pass of a layer with another weight."""

    def rule(layer: Layer, inputs: Tensor, signal: Tensor) -> Tensor:
        return transposed(linear_part(layer), inputs, weight, signal)

    return rule
