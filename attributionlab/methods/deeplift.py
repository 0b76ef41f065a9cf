"""DeepLIFT and DeepSHAP: differences of outputs, propagated backward by the rescale rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from captum.attr import DeepLift as CaptumDeepLift
from captum.attr import DeepLiftShap
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.base import Declaration, Method, one_by_one
from attributionlab.methods.diagnostics import record_convergence
from attributionlab.methods.structure import require_relu_modules
from attributionlab.truth.baselines import Baseline


@dataclass(frozen=True, kw_only=True)
class DeepLift(Method):
    """DeepLIFT with the rescale rule, relative to one baseline.

    captum's rule for a softmax subtracts a mean over the whole batch, so each image is attributed in a separate call.

    Args:
        baseline: Reference of the differences: `black`, `true` (the environment's background) or a color.
    """

    name: ClassVar[str] = "deeplift"
    declaration: ClassVar[Declaration] = Declaration(
        family="deeplift",
        needs=frozenset({"gradients", "baseline"}),
        completeness="up to captum's softmax rule, and to float rounding without a softmax",
        tolerance=1e-3,
        source="Shrikumar et al. 2017",
        answers="aumann-shapley",
    )

    baseline: Baseline = "black"

    @property
    def answers(self) -> str | None:
        """The game `aumann-shapley`, where there is no softmax: the rescale rule then follows the path (docs/truth.md)."""
        return super().answers if has_no_softmax(self) else None

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps by captum, one image at a time."""
        deeplift = CaptumDeepLift(model)
        require_relu_modules(model, inputs, once=True)
        maps = one_by_one(
            lambda image, target: deeplift.attribute(image, self.baseline_like(image, self.baseline), target=target),
            inputs,
            targets,
        )
        record_convergence(model, inputs, self.baseline_like(inputs, self.baseline), targets, maps)
        return maps


@dataclass(frozen=True, kw_only=True)
class DeepShap(Method):
    """DeepLIFT averaged over baselines, as in DeepSHAP; the paper uses all-zero ones.

    Args:
        baseline: Reference of the differences: `black`, `true` (the environment's background) or a color.
        n_baselines: Number of equal baselines; captum requires at least 2.
    """

    name: ClassVar[str] = "deepshap"
    declaration: ClassVar[Declaration] = Declaration(
        family="deeplift",
        needs=frozenset({"gradients", "baseline"}),
        completeness="up to captum's softmax rule, and to float rounding without a softmax",
        tolerance=1e-3,
        source="Lundberg & Lee 2017",
        answers="aumann-shapley",
    )

    baseline: Baseline = "black"
    n_baselines: int = 2

    @property
    def answers(self) -> str | None:
        """As of DeepLIFT."""
        return super().answers if has_no_softmax(self) else None

    def __post_init__(self) -> None:
        if self.n_baselines < 2:
            raise bad_option("n_baselines", "be at least 2", self.n_baselines)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps by captum, one image at a time."""
        deepshap = DeepLiftShap(model)
        require_relu_modules(model, inputs, once=True)

        def attribute_one(image: Tensor, target: Tensor) -> Tensor:
            baselines = self.baseline_like(image, self.baseline).repeat_interleave(self.n_baselines, dim=0)
            maps: Tensor = deepshap.attribute(image, baselines, target=target)
            return maps

        maps = one_by_one(attribute_one, inputs, targets)
        record_convergence(model, inputs, self.baseline_like(inputs, self.baseline), targets, maps)
        return maps


def has_no_softmax(method: Method) -> bool:
    """Whether the outputs of the method's environment do not come from a softmax."""
    return method.environment is not None and method.environment.explains != "probability"
