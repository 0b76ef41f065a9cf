"""Layer-wise relevance propagation: the logit is distributed backward, layer by layer, in proportion to contributions.

`propagation.py` has the rules; a method chooses the rule of each layer.

References:
    Bach et al. 2015, Montavon et al. 2017 (deep Taylor), Montavon et al. 2019 (presets by layer).
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.base import Declaration, Method, one_by_one
from attributionlab.methods.propagation import (
    Layer,
    Rule,
    alpha_beta_rule,
    box_rule,
    epsilon_rule,
    flat_rule,
    hooked,
    require_ruled,
)
from attributionlab.methods.structure import require_chain
from attributionlab.networks.designed import logits_of


@dataclass(frozen=True, kw_only=True)
class _Relevance(Method):
    """Relevance propagation; subclasses choose a rule for every layer."""

    @abc.abstractmethod
    def rule(self, layer: Layer, *, is_first: bool) -> Rule:
        """The rule of a layer."""

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Relevance of the input for the logit."""
        layers = [layer for layer in model.modules() if isinstance(layer, Layer)]
        if not layers:
            raise bad_option("model", "have Conv2d or Linear layers for relevance propagation", type(model).__name__)
        require_ruled(model)
        require_chain(model, inputs)
        rules = {layer: self.rule(layer, is_first=layer is layers[0]) for layer in layers}

        def attribute_one(image: Tensor, target: Tensor) -> Tensor:
            image = image.clone().requires_grad_()
            with hooked(model, rules):
                explained = logits_of(model)(image).gather(1, target[:, None])
            (relevance,) = torch.autograd.grad(explained, image, explained.detach())
            return relevance

        return one_by_one(attribute_one, inputs, targets)


@dataclass(frozen=True, kw_only=True)
class LrpEpsilon(_Relevance):
    """The epsilon rule in every layer.

    Args:
        epsilon: Distance by which sums are moved away from 0.
    """

    name: ClassVar[str] = "lrp-epsilon"
    declaration: ClassVar[Declaration] = Declaration(
        family="relevance", explains="logit", needs=frozenset({"gradients"}), source="Bach et al. 2015"
    )

    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        if self.epsilon < 0:
            raise bad_option("epsilon", "be at least 0", self.epsilon)

    def rule(self, layer: Layer, *, is_first: bool) -> Rule:
        """Epsilon."""
        del layer, is_first
        return epsilon_rule(self.epsilon)


@dataclass(frozen=True, kw_only=True)
class LrpZ(_Relevance):
    """The z rule in every layer: on ReLU networks it is input times gradient of the logit.

    (Except for sums of exactly 0 that no ReLU follows, which pass on no relevance.)
    """

    name: ClassVar[str] = "lrp-z"
    declaration: ClassVar[Declaration] = Declaration(
        family="relevance", explains="logit", needs=frozenset({"gradients"}), source="Bach et al. 2015"
    )

    def rule(self, layer: Layer, *, is_first: bool) -> Rule:
        """Epsilon, with epsilon 0."""
        del layer, is_first
        return epsilon_rule(0.0)


@dataclass(frozen=True, kw_only=True)
class LrpAlphaBeta(_Relevance):
    """The alpha-beta rule in every layer.

    Args:
        alpha: Weight of positive contributions; beta is alpha - 1.
    """

    name: ClassVar[str] = "lrp-alpha-beta"
    declaration: ClassVar[Declaration] = Declaration(
        family="relevance", explains="logit", needs=frozenset({"gradients"}), source="Bach et al. 2015"
    )

    alpha: float = 2.0

    def __post_init__(self) -> None:
        if self.alpha < 1:
            raise bad_option("alpha", "be at least 1", self.alpha)

    def rule(self, layer: Layer, *, is_first: bool) -> Rule:
        """Alpha-beta."""
        del layer, is_first
        return alpha_beta_rule(self.alpha, self.alpha - 1)


@dataclass(frozen=True, kw_only=True)
class _Preset(_Relevance):
    """Flat in the first layer, epsilon in linear layers, and the rule of the subclass in the other convolutions.

    Args:
        epsilon: Epsilon of the linear layers.
    """

    convolution: ClassVar[Rule]

    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        if self.epsilon < 0:
            raise bad_option("epsilon", "be at least 0", self.epsilon)

    def rule(self, layer: Layer, *, is_first: bool) -> Rule:
        """Choose by position and kind of the layer."""
        if is_first:
            return flat_rule()
        return type(self).convolution if isinstance(layer, nn.Conv2d) else epsilon_rule(self.epsilon)


@dataclass(frozen=True, kw_only=True)
class LrpEpsilonPlusFlat(_Preset):
    """Epsilon in linear layers, only positive contributions (z+) in convolutions, flat in the first layer."""

    name: ClassVar[str] = "lrp-epsilon-plus-flat"
    declaration: ClassVar[Declaration] = Declaration(
        family="relevance", explains="logit", needs=frozenset({"gradients"}), source="Montavon et al. 2019"
    )
    convolution: ClassVar[Rule] = staticmethod(alpha_beta_rule(1.0, 0.0))


@dataclass(frozen=True, kw_only=True)
class LrpEpsilonAlpha2Beta1Flat(_Preset):
    """Epsilon in linear layers, alpha 2 and beta 1 in convolutions, flat in the first layer."""

    name: ClassVar[str] = "lrp-epsilon-alpha2-beta1-flat"
    declaration: ClassVar[Declaration] = Declaration(
        family="relevance", explains="logit", needs=frozenset({"gradients"}), source="Montavon et al. 2019"
    )
    convolution: ClassVar[Rule] = staticmethod(alpha_beta_rule(2.0, 1.0))


@dataclass(frozen=True, kw_only=True)
class DeepTaylor(_Relevance):
    """Deep Taylor decomposition: positive contributions (z+), and the bounds of pixel values in the first layer.

    Args:
        low: Smallest value of an input; that of the environment if none.
        high: Largest value of an input; that of the environment if none.
    """

    name: ClassVar[str] = "deep-taylor"
    declaration: ClassVar[Declaration] = Declaration(
        family="relevance",
        sign="positive",
        explains="logit",
        needs=frozenset({"gradients"}),
        source="Montavon et al. 2017",
    )

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.high <= self.low:
            raise bad_option("high", f"be above `low` ({self.low:g})", self.high)

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value of an input.

        Raises:
            BadOption: If one is neither set nor given by the environment, or they are in the wrong order.
        """
        bounds = self.environment.input_range if self.environment is not None else None
        low, high = (
            (bounds[side] if bounds is not None else None) if value is None else value
            for side, value in enumerate((self.low, self.high))
        )
        for name, value in (("low", low), ("high", high)):
            if value is None:
                hint = "deep Taylor decomposition needs the range of the inputs, and no environment gives it"
                raise bad_option(name, "be set", value, hint)
        assert low is not None and high is not None
        if high <= low:
            raise bad_option("high", f"be above `low` ({low:g})", high)
        return low, high

    def rule(self, layer: Layer, *, is_first: bool) -> Rule:
        """Choose by position of the layer."""
        del layer
        return box_rule(*self.bounds) if is_first else alpha_beta_rule(1.0, 0.0)
