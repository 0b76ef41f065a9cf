"""Layer-wise relevance propagation: the logit is distributed backward, layer by layer, in proportion to contributions.

`propagation.py` has the rules of layers, of which a method chooses, and `ruled.py` those of all other functions. BatchNorm is folded
into the layers (`folding.py`).

References:
    Bach et al. 2015, Montavon et al. 2017 (deep Taylor), Montavon et al. 2019 (gamma, presets by layer).
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.base import Method, one_by_one
from attributionlab.methods.declaration import Declaration
from attributionlab.methods.propagation import (
    Rule,
    alpha_beta_rule,
    box_rule,
    epsilon_rule,
    flat_rule,
    gamma_rule,
)
from attributionlab.methods.ruled import RuledPass, inputs_of_first_layers, require_same_output, require_zero_padding
from attributionlab.methods.suitability import require_python_modules
from attributionlab.networks.designed import logits_of
from attributionlab.networks.folding import without_batch_norm
from attributionlab.networks.layers import Layer


@dataclass(frozen=True, kw_only=True)
class _Relevance(Method):
    """Relevance propagation; subclasses choose a rule for every layer."""

    positive: ClassVar[bool] = False
    """Whether only summands that raise a sum of branches receive a share."""

    @abc.abstractmethod
    def rule(self, layer: Layer) -> Rule:
        """The rule of a layer."""

    def first_rule(self, model: nn.Module, layer: Layer, inputs: Tensor) -> Rule:
        """The rule of a layer that reads the image."""
        del model, inputs
        return self.rule(layer)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Relevance of the input for the logit."""
        require_python_modules(model)
        network = without_batch_norm(model, inputs)
        layers = [layer for layer in network.modules() if isinstance(layer, Layer)]
        if not layers:
            raise bad_option("model", "have Conv2d or Linear layers for relevance propagation", type(model).__name__)
        require_zero_padding(network)
        rules = {layer: self.rule(layer) for layer in layers}
        for layer in inputs_of_first_layers(network, inputs[:1]):
            rules[layer] = self.first_rule(network, layer, inputs)

        def attribute_one(image: Tensor, target: Tensor) -> Tensor:
            image = image.clone().requires_grad_()
            with RuledPass(network, rules, positive=self.positive):
                logits = logits_of(network)(image)
            require_same_output(network, logits, image)
            explained = logits.gather(1, target[:, None])
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

    def rule(self, layer: Layer) -> Rule:
        """Epsilon."""
        del layer
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

    def rule(self, layer: Layer) -> Rule:
        """Epsilon, with epsilon 0."""
        del layer
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

    def rule(self, layer: Layer) -> Rule:
        """Alpha-beta."""
        del layer
        return alpha_beta_rule(self.alpha, self.alpha - 1)


@dataclass(frozen=True, kw_only=True)
class LrpGamma(_Relevance):
    """The gamma rule in every layer: contributions with the sign of their sum weigh 1 + gamma times as much.

    It is the z rule for gamma = 0, and tends to the positive contributions of positive sums (z+) for large gamma.

    Args:
        gamma: Additional weight.
    """

    name: ClassVar[str] = "lrp-gamma"
    declaration: ClassVar[Declaration] = Declaration(
        family="relevance", explains="logit", needs=frozenset({"gradients"}), source="Montavon et al. 2019"
    )

    gamma: float = 0.25

    def __post_init__(self) -> None:
        if self.gamma < 0:
            raise bad_option("gamma", "be at least 0", self.gamma)

    def rule(self, layer: Layer) -> Rule:
        """Gamma."""
        del layer
        return gamma_rule(self.gamma)


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

    def rule(self, layer: Layer) -> Rule:
        """Choose by kind of the layer."""
        return epsilon_rule(self.epsilon) if isinstance(layer, nn.Linear) else type(self).convolution

    def first_rule(self, model: nn.Module, layer: Layer, inputs: Tensor) -> Rule:
        """Flat."""
        del model, layer, inputs
        return flat_rule()


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
    positive: ClassVar[bool] = True

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

    def rule(self, layer: Layer) -> Rule:
        """Positive contributions."""
        del layer
        return alpha_beta_rule(1.0, 0.0)

    def first_rule(self, model: nn.Module, layer: Layer, inputs: Tensor) -> Rule:
        """Bounds as the layer sees them, behind the preprocessing."""
        low, high = (inputs_of_first_layers(model, torch.full_like(inputs[:1], bound))[layer] for bound in self.bounds)
        return box_rule(torch.minimum(low, high), torch.maximum(low, high))
