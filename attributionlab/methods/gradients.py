"""Methods based on gradients: gradient, input x gradient, integrated gradients, guided backpropagation, deconvnet.

captum is imported where it is used: it imports matplotlib, which takes a second.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from attributionlab.methods.base import Method, one_by_one, require_at_least
from attributionlab.methods.declaration import Declaration
from attributionlab.methods.diagnostics import record_convergence
from attributionlab.methods.path_integrals import integrate_all, require_quadrature
from attributionlab.methods.quadrature import Integral, Paths
from attributionlab.methods.rectifiers import deconvolved, guided, rectified_gradients
from attributionlab.truth.baselines import Baseline


@dataclass(frozen=True, kw_only=True)
class Gradient(Method):
    """The signed gradient of the explained output."""

    name: ClassVar[str] = "gradient"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients", needs=frozenset({"gradients"}), source="Simonyan et al. 2013"
    )

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps by autograd."""
        return output_gradients(model, inputs, targets)


@dataclass(frozen=True, kw_only=True)
class GradientMagnitude(Method):
    """The magnitude of the gradient, summed over channels."""

    name: ClassVar[str] = "gradient-magnitude"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients", sign="magnitude", needs=frozenset({"gradients"}), source="Simonyan et al. 2013"
    )

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps by autograd."""
        return output_gradients(model, inputs, targets).abs()


@dataclass(frozen=True, kw_only=True)
class InputXGradient(Method):
    """The gradient times the input."""

    name: ClassVar[str] = "input-x-gradient"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients", needs=frozenset({"gradients"}), source="Shrikumar et al. 2016"
    )

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps by autograd."""
        return inputs * output_gradients(model, inputs, targets)


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients(Method):
    """The gradient integrated along the straight path from a baseline, times the difference to it.

    A color is detected along 1/255 of a path from black, so equal steps do not see it. Left and middle sums have no
    node there, and 50 Gauss-Legendre nodes are far from the integral. By default intervals are halved where the
    estimated error is large, without knowledge of the network (see `attributionlab.methods.quadrature`).

    Args:
        baseline: Start of the path: `black`, `true` (the environment's background) or a color.
        n_steps: Nodes of the quadrature, or `auto`: as many as `tolerance` needs.
        tolerance: Estimated error of a map's values at which `auto` ends: the sum of magnitudes of the errors, relative to
            the sum of magnitudes of the values.
        max_evaluations: Points of the path at which `auto` ends in any case, at least 81. It is then recorded as
            `unconverged_error`, and warned of where nobody collects diagnostics.
        quadrature: Rule for a number of nodes. (captum's trapezoid rule is not offered: its weights do not sum to 1.)
        internal_batch_size: Nodes per forward pass.
    """

    name: ClassVar[str] = "integrated-gradients"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients",
        needs=frozenset({"gradients", "baseline"}),
        completeness="up to `tolerance`, by estimate; with a number of nodes up to quadrature: a color is detected along 1/255 of the path",
        answers="aumann-shapley",
        source="Sundararajan et al. 2017",
    )

    baseline: Baseline = "black"
    n_steps: Literal["auto"] | int = "auto"
    tolerance: float = 0.01
    max_evaluations: int = 2000
    quadrature: Literal["gausslegendre", "riemann_left", "riemann_right", "riemann_middle"] = "gausslegendre"
    internal_batch_size: int = 10

    def __post_init__(self) -> None:
        require_at_least(self, internal_batch_size=1)
        require_quadrature(self, "n_steps", rule="quadrature")

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps one image at a time, so that a map does not depend on the batch."""
        if self.n_steps == "auto":
            return integrate_all(self.spec, functools.partial(self._integrate, model), inputs, targets)
        maps = one_by_one(functools.partial(self._by_captum, model), inputs, targets)
        record_convergence(model, inputs, self.baseline_like(inputs, self.baseline), targets, maps)
        return maps

    def _integrate(self, model: nn.Module, image: Tensor, target: Tensor) -> Integral:
        """The integral of one image, by adaptive quadrature."""
        paths = Paths(
            model=model,
            image=image,
            baselines=self.baseline_like(image, self.baseline),
            target=target,
            batch_size=self.internal_batch_size,
        )
        return paths.integrate(self.tolerance, self.max_evaluations)

    def _by_captum(self, model: nn.Module, image: Tensor, target: Tensor) -> Tensor:
        """The map of one image, by a fixed number of nodes."""
        from captum.attr import IntegratedGradients as CaptumIntegratedGradients  # noqa: PLC0415

        maps: Tensor = CaptumIntegratedGradients(model).attribute(
            image,
            baselines=self.baseline_like(image, self.baseline),
            target=target,
            n_steps=self.n_steps,
            method=self.quadrature,
            internal_batch_size=self.internal_batch_size,
        )
        return maps


@dataclass(frozen=True, kw_only=True)
class GuidedBackprop(Method):
    """The gradient with negative gradients dropped at every ReLU, so that only raising evidence reaches the input.

    ReLU6 clips both ways. Networks with other activations are refused: the method has no rule for them.
    """

    name: ClassVar[str] = "guided-backprop"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients", sign="positive", needs=frozenset({"gradients"}), source="Springenberg et al. 2015"
    )

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps by autograd, equal to those of captum on networks of ReLUs."""
        return rectified_gradients(model, inputs, targets, guided)


@dataclass(frozen=True, kw_only=True)
class Deconvnet(Method):
    """The gradient with ReLU applied to it instead of to the input, at every ReLU.

    The same at ReLU6. Networks with other activations are refused: the method has no rule for them.
    """

    name: ClassVar[str] = "deconvnet"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients", sign="positive", needs=frozenset({"gradients"}), source="Zeiler & Fergus 2014"
    )

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps by autograd, equal to those of captum on networks of ReLUs."""
        return rectified_gradients(model, inputs, targets, deconvolved)


def output_gradients(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The signed gradients (b, c, *shape) of the explained outputs along the inputs, equal to those of captum's Saliency.

    Args:
        model: Returns outputs (b, k).
        inputs: (b, c, *shape).
        targets: (b,) int64, index of each input's explained output.
    """
    leaves = inputs.detach().requires_grad_()
    explained = model(leaves).gather(1, targets[:, None]).sum()
    return torch.autograd.grad(explained, leaves)[0]
