"""Surrogates, LIME and KernelSHAP: linear models of the effect of hiding segments."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from captum.attr import KernelShap as CaptumKernelShap
from captum.attr import Lime as CaptumLime
from captum.attr._core.lime import get_exp_kernel_similarity_function
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from attributionlab.environments.base import Environment
from attributionlab.errors import bad_option
from attributionlab.games import exact_values
from attributionlab.methods.base import Declaration, Method, require_at_least, require_images
from attributionlab.methods.diagnostics import record
from attributionlab.methods.sam import SamModel, sam_segmenter, weights_file
from attributionlab.methods.segmenters import prior_names
from attributionlab.methods.segments import segment
from attributionlab.networks import DesignedNetwork
from attributionlab.seeding import content_key, generator
from attributionlab.specs.grammar import format_value
from attributionlab.specs.options import changed_options
from attributionlab.truth.baselines import Baseline
from attributionlab.truth.batch import Batch
from attributionlab.truth.values import ExactValues

ROUNDING = 1e-6
"""Coefficients below this fraction of the largest are considered rounding errors, because outputs are float32."""


@dataclass(frozen=True)
class _Judged:
    """captum's linear model, fitted in float64, with a record of its goodness of fit, which captum does not report.

    KernelSHAP weights the full and the empty image by a million. In float32, coefficients that should be 0 would be up to a
    thousandth of the largest, and since scores scale both signs separately (Eq. 17), these errors would count in full.

    Args:
        model: captum's linear model.
    """

    model: Any

    def fit(self, train_data: DataLoader[Any]) -> None:
        """Fit the model, and record the weighted r squared, NaN if all outputs are equal."""
        hidden, outputs, weights = (torch.cat(parts).double() for parts in zip(*train_data, strict=True))
        self.model.fit(DataLoader(TensorDataset(hidden, outputs, weights), batch_size=len(hidden)))
        record("r_squared", _r_squared(outputs.flatten(), self.model(hidden.float()).double().flatten(), weights))

    def representation(self) -> Tensor:
        """The coefficients, with rounding errors set to 0."""
        coefficients: Tensor = self.model.representation()
        return torch.where(coefficients.abs() < ROUNDING * coefficients.abs().max(), 0.0, coefficients)


def _r_squared(outputs: Tensor, fitted: Tensor, weights: Tensor) -> Tensor:
    """The explained fraction of the weighted variance."""
    mean = (weights * outputs).sum() / weights.sum()
    return 1 - (weights * (outputs - fitted).square()).sum() / (weights * (outputs - mean).square()).sum()


@dataclass(frozen=True, eq=False)
class _Switched:
    """An image whose segments are shown or hidden, split at the first layer that mixes pixels.

    A designed network's detector is pointwise, so it is evaluated once for image and baseline, and its outputs are merged.

    Args:
        function: Function from merged channels to outputs.
        image: (1, c, h, w).
        baseline: (1, c, h, w), the values of hidden pixels.
        channels: The channels to merge, of image and baseline.
    """

    function: Callable[[Tensor], Tensor]
    image: Tensor
    baseline: Tensor
    channels: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, model: nn.Module, image: Tensor, baseline: Tensor) -> _Switched:
        """Split the network after its detector, if it has one."""
        if isinstance(model, DesignedNetwork):
            return cls(model.finish, image, baseline, (model.detect(image), model.detect(baseline)))
        return cls(model, image, baseline, (image, baseline))


@dataclass(frozen=True, kw_only=True)
class _Surrogate(Method):
    """One value per segment, given to all its pixels.

    Args:
        segments: The segmentation prior: a registered segmenter, `oracle` for the scene's own patches, `sam` for the masks of SAM.
        sam_checkpoint: File of SAM's weights, a state dict; required for `segments=sam` and refused for other priors.
        sam_model: Size of the SAM with these weights; only for `segments=sam`.
        baseline: Values of hidden pixels.
        n_samples: Images with hidden segments per explained image.
        seed: Seed of the choice of hidden segments.
        internal_batch_size: Images per forward pass.
    """

    segments: str = field(default="quickshift", metadata={"choices": prior_names})
    sam_checkpoint: str | None = None
    sam_model: SamModel = "vit_h"
    baseline: Baseline = "true"
    n_samples: int = 500
    seed: int = 0
    internal_batch_size: int = 8

    def __post_init__(self) -> None:
        require_at_least(self, n_samples=2, seed=0, internal_batch_size=1)
        if self.segments == "sam":
            weights_file(self.sam_checkpoint)
            return
        changed = changed_options(self)
        for name in ("sam_checkpoint", "sam_model"):
            if name in changed:
                raise bad_option(name, f"be left out where segments={self.segments}", changed[name])

    @property
    def needs_batch(self) -> bool:
        """Whether the prior is the oracle, which uses the patches of the batch."""
        return self.segments == "oracle"

    @abc.abstractmethod
    def fit(self, switched: _Switched, target: Tensor, segments: Tensor) -> Tensor:
        """The map (1, c, h, w) of one image by its segments (1, 1, h, w)."""

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor, *, batch: Batch | None = None) -> Tensor:
        """Compute the maps by captum, one image at a time, with random numbers seeded by the image."""
        require_images(self, inputs)
        maps = []
        for index, (image, target) in enumerate(zip(inputs.split(1), targets.split(1), strict=True)):
            segments = self.segments_of(image[0], batch, index).to(inputs.device)
            stream = int(generator(self.seed, "hidden segments", content_key(image[0])).integers(2**63))
            with torch.random.fork_rng(), torch.no_grad():
                torch.manual_seed(stream)
                switched = _Switched.of(model, image, self.baseline_like(image, self.baseline))
                values = self.fit(switched, target, segments[None, None])
            maps.append(values[:, 0].to(inputs))  # every channel of a pixel carries the value of its segment
        return torch.cat(maps)

    def segments_of(self, image: Tensor, batch: Batch | None, index: int) -> Tensor:
        """(h, w) int64: the segment of each pixel of an image (c, h, w), the sample `index` of a batch."""
        sam = sam_segmenter(self.sam_checkpoint, self.sam_model, image.device) if self.segments == "sam" else None
        patch_ids = None if batch is None else batch.ground_truth.patch_ids
        return segment(image, self.segments, None if patch_ids is None else patch_ids[index], sam)

    def by_captum(self, surrogate: CaptumLime, switched: _Switched, target: Tensor, segments: Tensor) -> Tensor:
        """The map (1, c, h, w) of a surrogate of captum."""
        surrogate.interpretable_model = _Judged(surrogate.interpretable_model)
        shown, hidden = switched.channels
        maps: Tensor = surrogate.attribute(
            shown,
            baselines=hidden,
            target=target,
            feature_mask=segments.expand_as(shown),
            n_samples=self.n_samples,
            perturbations_per_eval=self.internal_batch_size,
        )
        return maps


@dataclass(frozen=True, kw_only=True)
class Lime(_Surrogate):
    """A sparse linear model around the image, weighted by the visible part of the image."""

    name: ClassVar[str] = "lime"
    declaration: ClassVar[Declaration] = Declaration(
        family="surrogate",
        needs=frozenset({"segments", "baseline"}),
        randomness="seeded",
        source="Ribeiro et al. 2016",
    )

    def fit(self, switched: _Switched, target: Tensor, segments: Tensor) -> Tensor:
        """Fit by captum: Lasso with an exponential kernel on the cosine distance between images."""
        kernel = get_exp_kernel_similarity_function()

        def similarity(_original: Tensor, _shown: Tensor, shown_segments: Tensor, **_: Any) -> float:
            shown = torch.where(shown_segments[0][segments].bool(), switched.image, switched.baseline)
            weight: float = kernel(switched.image, shown, shown_segments)
            return weight

        lime = CaptumLime(switched.function, similarity_func=similarity)
        return self.by_captum(lime, switched, target, segments)


@dataclass(frozen=True, kw_only=True)
class KernelShap(_Surrogate):
    """Shapley values of the segments, by a weighted regression."""

    name: ClassVar[str] = "kernel-shap"
    declaration: ClassVar[Declaration] = Declaration(
        family="surrogate",
        needs=frozenset({"segments", "baseline"}),
        randomness="seeded",
        completeness="over segments, each counted once, to the regression's rounding",
        source="Lundberg & Lee 2017",
        answers="shapley",
    )

    @property
    def answers(self) -> str | None:
        """The game `shapley` of which the segments are the players."""
        return f"shapley[segments={self.segments}]@{format_value(self.baseline)}"

    def exact_answer(self, environment: Environment, batch: Batch) -> ExactValues | None:
        """Shapley values of the segments, exact for up to 8 of them, else estimated."""
        masks = [self.segments_of(image, batch, index) for index, image in enumerate(batch.inputs)]
        return exact_values(environment, batch, "shapley", self.baseline, feature_mask=torch.stack(masks))

    def fit(self, switched: _Switched, target: Tensor, segments: Tensor) -> Tensor:
        """Fit by captum; for a single segment, which captum cannot fit, use the difference of outputs."""
        if int(segments.max()) == 0:
            shown, hidden = (switched.function(channels)[:, target] for channels in switched.channels)
            return (shown - hidden).reshape(1, 1, 1, 1).expand_as(switched.image)
        return self.by_captum(CaptumKernelShap(switched.function), switched, target, segments)
