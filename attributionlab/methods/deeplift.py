"""DeepLIFT and DeepSHAP: differences of outputs, propagated backward by the rescale rule."""

from __future__ import annotations

import abc
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from attributionlab.environments.base import Environment
from attributionlab.errors import bad_option
from attributionlab.methods.base import Method, one_by_one
from attributionlab.methods.declaration import Declaration
from attributionlab.methods.declared_values import mean_path_values
from attributionlab.methods.diagnostics import record_convergence
from attributionlab.methods.rescale import multipliers, require_rescaled
from attributionlab.methods.structure import require_relu_modules
from attributionlab.truth.baselines import Baseline, BaselineTensor
from attributionlab.truth.batch import Batch
from attributionlab.truth.values import ExactValues

COMPLETE = "to float rounding; where a layer's input changes by less than 1e-6 its gradient is taken"
BY_CAPTUM = "up to captum's softmax rule, and to float rounding without a softmax"

FIRST_BACKGROUND = 4_000_000
"""Index of the first sample that serves as a baseline, far from the explained samples."""

N_BACKGROUND = 16
"""Samples of the environment that serve as baselines, unless `n_baselines` says otherwise."""


@dataclass(frozen=True, kw_only=True)
class _Rescaled(Method):
    """DeepLIFT's rescale rule by shap's or captum's reading; subclasses choose the baselines.

    Args:
        rule: `shap` passes the difference of each probability of a softmax on to its own logit, so that values add up;
            `captum` passes it on by the softmax's gradient, less a mean over the batch, and they do not.
    """

    rule: Literal["shap", "captum"] = "shap"

    def __post_init__(self) -> None:
        if self.rule == "captum":
            declaration = replace(type(self).declaration, completeness=BY_CAPTUM)
            object.__setattr__(self, "declaration", declaration)

    @property
    def answers(self) -> str | None:
        """The game `aumann-shapley`, where there is no softmax: the rescale rule then follows the path (docs/truth.md)."""
        has_softmax = self.environment is None or self.environment.explains == "probability"
        return None if has_softmax else super().answers

    @abc.abstractmethod
    def baselines_of(self, image: Tensor) -> Tensor:
        """The baselines (n, c, *shape) of an image (1, c, *shape)."""

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps, one image at a time, averaged over its baselines."""
        require_relu_modules(model, inputs, once=True)
        explain = _by_captum if self.rule == "captum" else _by_shap
        if self.rule == "shap":
            require_rescaled(model)
        maps = one_by_one(
            lambda image, target: explain(model, image, self.baselines_of(image), target), inputs, targets
        )
        baselines = torch.stack([self.baselines_of(image) for image in inputs.split(1)])
        record_convergence(model, inputs, baselines, targets, maps)
        return maps


@dataclass(frozen=True, kw_only=True)
class DeepLift(_Rescaled):
    """DeepLIFT with the rescale rule, relative to one baseline.

    Args:
        baseline: Reference of the differences: `black`, `true` (the environment's background), a value per channel, or a tensor.
    """

    name: ClassVar[str] = "deeplift"
    declaration: ClassVar[Declaration] = Declaration(
        family="deeplift",
        needs=frozenset({"gradients", "baseline"}),
        completeness=COMPLETE,
        tolerance=1e-3,
        source="Shrikumar et al. 2017",
        answers="aumann-shapley",
    )

    baseline: Baseline = "black"

    def baselines_of(self, image: Tensor) -> Tensor:
        """The only one."""
        return self.baseline_like(image, self.baseline)


@dataclass(frozen=True, kw_only=True)
class DeepShap(_Rescaled):
    """DeepLIFT averaged over baselines, as in DeepSHAP; the paper uses all-zero ones.

    Args:
        baseline: Reference of the differences: `black`, `true` (the environment's background), a value per channel, `samples` of
            the environment, or a tensor of one or more baselines.
        n_baselines: Number of `samples` (16 if none), or of equal baselines for captum, which requires at least 2 (2 if none).
    """

    name: ClassVar[str] = "deepshap"
    declaration: ClassVar[Declaration] = Declaration(
        family="deeplift",
        needs=frozenset({"gradients", "baseline"}),
        completeness=COMPLETE,
        tolerance=1e-3,
        source="Lundberg & Lee 2017",
        answers="aumann-shapley",
    )

    baseline: Baseline | Literal["samples"] = "black"
    n_baselines: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_baselines is not None and self.n_baselines < 2:
            raise bad_option("n_baselines", "be at least 2", self.n_baselines)

    def exact_answer(self, environment: Environment, batch: Batch) -> ExactValues | None:
        """The mean over the baselines, where they are samples or a tensor."""
        if self.answers is not None and (self.baseline == "samples" or isinstance(self.baseline, BaselineTensor)):
            return mean_path_values(environment, batch, self.baselines_of(batch.inputs[:1]))
        return super().exact_answer(environment, batch)

    @cached_property
    def background(self) -> Tensor:
        """The samples (n, c, *shape) that serve as baselines, drawn once for all batches."""
        if self.environment is None:
            hint = "or give the baselines as a tensor"
            raise bad_option("environment", "be given: its samples are the baselines", None, hint)
        return self.environment.sample(self.n_baselines or N_BACKGROUND, FIRST_BACKGROUND).inputs

    def baselines_of(self, image: Tensor) -> Tensor:
        """The samples, the tensor's, or equal ones, of which only captum wants more than one."""
        if self.baseline == "samples":
            return self.background.to(image)
        if isinstance(self.baseline, BaselineTensor):
            baselines = self.baseline.images(image)
        else:
            baselines = self.baseline_like(image, self.baseline)
        n_equal = (self.n_baselines or 2) if self.rule == "captum" and len(baselines) == 1 else 1
        return baselines.repeat_interleave(n_equal, dim=0)


def _by_shap(model: nn.Module, image: Tensor, baselines: Tensor, target: Tensor) -> Tensor:
    """The map (1, c, *shape) of one image."""
    factors = multipliers(model, image.repeat_interleave(len(baselines), dim=0), baselines, target)
    return (factors * (image - baselines)).mean(dim=0, keepdim=True)


def _by_captum(model: nn.Module, image: Tensor, baselines: Tensor, target: Tensor) -> Tensor:
    """The map (1, c, *shape) of one image by captum, whose softmax rule mixes the images of a batch."""
    from captum.attr import DeepLift as CaptumDeepLift  # noqa: PLC0415  # it imports matplotlib, which takes a second
    from captum.attr import DeepLiftShap  # noqa: PLC0415

    kind = CaptumDeepLift if len(baselines) == 1 else DeepLiftShap
    maps: Tensor = kind(model).attribute(image, baselines, target=target)
    return maps
