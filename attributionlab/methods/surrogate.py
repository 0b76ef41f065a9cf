"""Surrogates, LIME and KernelSHAP: linear models of the effect of hiding segments."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attributionlab.environments.base import Environment
from attributionlab.errors import bad_option
from attributionlab.games import exact_values
from attributionlab.methods.base import Method, require_at_least, require_images
from attributionlab.methods.declaration import Declaration
from attributionlab.methods.diagnostics import record
from attributionlab.methods.sam import SamModel, sam_segmenter, weights_file
from attributionlab.methods.segmenters import prior_names
from attributionlab.methods.segments import segment
from attributionlab.methods.shapley import draw_coalitions, shapley_regression, shapley_values
from attributionlab.perturbation import SwitchedSegments, all_coalitions, segment_means
from attributionlab.seeding import content_key, generator
from attributionlab.specs.arguments import share
from attributionlab.specs.grammar import format_spec, format_value
from attributionlab.specs.options import changed_options
from attributionlab.truth.baselines import Baseline
from attributionlab.truth.batch import Batch
from attributionlab.truth.values import ExactValues

Values = npt.NDArray[np.float64]

MEANS_OF_ONE_COLOR = (
    "a segment of one color is its own mean color, so hiding it changes nothing (`baseline=true` hides it)"
)

ORACLE_ONLY = "the right borders are known only for segments=oracle"

ROUNDING = 1e-6
"""Values below this fraction of the largest are considered rounding errors, because outputs are float32."""


@dataclass(frozen=True, kw_only=True)
class _Surrogate(Method):
    """One value per segment, given to all its pixels.

    Args:
        segments: The segmentation prior: a registered segmenter, `oracle` for the scene's own patches, `sam` for the masks of SAM.
        segment_error: Share of the pixels of each patch that `segments=oracle` draws wrongly: those nearest to its border go to the
            background, and as many pixels of the background beside it are taken instead.
        sam_checkpoint: File of SAM's weights, a state dict; required for `segments=sam` and refused for other priors.
        sam_model: Size of the SAM with these weights; only for `segments=sam`.
        baseline: Values of hidden pixels: `mean` (the segment's mean color), `black`, `true` (the environment's background), a value
            per channel, or a tensor.
        n_samples: Coalitions of shown segments per explained image.
        seed: Seed of the choice of hidden segments.
        internal_batch_size: Images per forward pass.
    """

    segments: str = field(default="quickshift", metadata={"choices": prior_names})
    segment_error: float = 0.0
    sam_checkpoint: str | None = None
    sam_model: SamModel = "vit_h"
    baseline: Baseline | Literal["mean"] = "mean"
    n_samples: int = 1000
    seed: int = 0
    internal_batch_size: int = 8

    def __post_init__(self) -> None:
        require_at_least(self, n_samples=2, seed=0, internal_batch_size=1)
        if share("segment_error", self.segment_error) and self.segments != "oracle":
            raise bad_option("segment_error", f"be 0 where segments={self.segments}", self.segment_error, ORACLE_ONLY)
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
    def values(self, switched: SwitchedSegments, target: int, n_segments: int, random: np.random.Generator) -> Values:
        """The value of each segment, (m,)."""

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor, *, batch: Batch | None = None) -> Tensor:
        """Compute the maps, one image at a time, with random numbers seeded by the image."""
        require_images(self, inputs)
        maps = []
        for index, (image, target) in enumerate(zip(inputs.split(1), targets.tolist(), strict=True)):
            segments = self.segments_of(image[0], batch, index)
            switched = SwitchedSegments(model, image, self.hidden(image, segments), segments, self.internal_batch_size)
            random = generator(self.seed, "hidden segments", content_key(image[0]))
            values = _without_dust(self.values(switched, target, int(segments.max()) + 1, random))
            maps.append(torch.from_numpy(values).to(inputs)[segments])
        return torch.stack(maps)

    def segments_of(self, image: Tensor, batch: Batch | None, index: int) -> Tensor:
        """(h, w) int64: the segment of each pixel of an image (c, h, w), the sample `index` of a batch."""
        sam = sam_segmenter(self.sam_checkpoint, self.sam_model, image.device) if self.segments == "sam" else None
        patch_ids = None if batch is None else batch.ground_truth.patch_ids
        own = None if patch_ids is None else patch_ids[index]
        return segment(image, self.segments, own, sam, segment_error=self.segment_error).to(image.device)

    def hidden(self, image: Tensor, segments: Tensor) -> Tensor:
        """The values of hidden pixels, (1, c, h, w)."""
        return segment_means(image, segments) if self.baseline == "mean" else self.baseline_like(image, self.baseline)


def evaluate(switched: SwitchedSegments, coalitions: Tensor, target: int) -> Values:
    """The explained output of every coalition, (n,) float64."""
    outputs = switched.outputs(coalitions.to(switched.image.device))[:, target]
    values: Values = outputs.double().cpu().numpy()
    return values


def _without_dust(values: Values) -> Values:
    """Values, with rounding errors set to 0: scores scale both signs separately (Eq. 17), so they would count in full."""
    return np.where(np.abs(values) < ROUNDING * np.abs(values).max(), 0.0, values)


@dataclass(frozen=True, kw_only=True)
class Lime(_Surrogate):
    """A weighted linear model of the output around the image; the value of a segment is its coefficient.

    The defaults are those of the authors' package `lime`: ridge regression, the whole image among 1,000 random coalitions, and
    weights exp(-d^2 / (2 w^2)) of the cosine distance d between coalition and image. captum's choices are
    `regression=lasso,distance=image,kernel_width=1`.

    Args:
        regression: `ridge`, or `lasso`, which zeroes most values.
        alpha: Strength of the penalty: 1 for `ridge` and 0.01 for `lasso` if none.
        distance: Whether d compares the shown `segments`, each counted once, or the pixels of the `image`.
        kernel_width: w.
    """

    name: ClassVar[str] = "lime"
    declaration: ClassVar[Declaration] = Declaration(
        family="surrogate",
        needs=frozenset({"segments", "baseline"}),
        randomness="seeded",
        source="Ribeiro et al. 2016",
        zero_maps=MEANS_OF_ONE_COLOR,
    )

    regression: Literal["ridge", "lasso"] = "ridge"
    alpha: float | None = None
    distance: Literal["segments", "image"] = "segments"
    kernel_width: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        for option in ("alpha", "kernel_width"):
            if getattr(self, option) is not None and getattr(self, option) <= 0:
                raise bad_option(option, "be above 0", getattr(self, option))

    def values(self, switched: SwitchedSegments, target: int, n_segments: int, random: np.random.Generator) -> Values:
        """Draw coalitions by fair coins, the whole image first, and fit the model."""
        coalitions = torch.from_numpy(random.integers(0, 2, (self.n_samples, n_segments)) == 1)
        coalitions[0] = True
        outputs = evaluate(switched, coalitions, target)
        return self.fit(coalitions.numpy(), outputs, self.weights(switched, coalitions))

    def weights(self, switched: SwitchedSegments, coalitions: Tensor) -> Values:
        """The weight of each coalition, (n,)."""
        if self.distance == "segments":
            similarity = coalitions.double().mean(dim=1).sqrt()  # of ones and zeros to ones
        else:
            similarity = _image_similarity(switched, coalitions)
        weights: Values = (-((1 - similarity) ** 2) / (2 * self.kernel_width**2)).exp().numpy()
        return weights

    def fit(self, coalitions: npt.NDArray[np.bool_], outputs: Values, weights: Values) -> Values:
        """The coefficients of the weighted linear model; its r squared is recorded.

        Args:
            coalitions: (n, m), which segments are shown.
            outputs: (n,).
            weights: (n,).
        """
        from sklearn.linear_model import Lasso, Ridge  # noqa: PLC0415  # it takes a second

        is_ridge = self.regression == "ridge"
        alpha = self.alpha if self.alpha is not None else (1.0 if is_ridge else 0.01)
        model = (Ridge if is_ridge else Lasso)(alpha=alpha)
        shown = coalitions.astype(np.float64)
        model.fit(shown, outputs, sample_weight=weights)
        record("r_squared", _r_squared(outputs, model.predict(shown), weights))
        coefficients: Values = model.coef_
        return coefficients


def _image_similarity(switched: SwitchedSegments, coalitions: Tensor) -> Tensor:
    """Cosine similarity (n,) of the image to itself under each coalition; products of pixels are summed by segment."""
    image, hidden = (values[0].double() for values in (switched.image, switched.replacement))
    ids = switched.segments.flatten()

    def by_segment(products: Tensor) -> Tensor:
        return torch.bincount(ids, weights=products.sum(dim=0).flatten(), minlength=coalitions.shape[1]).cpu()

    whole, mixed, other = by_segment(image * image), by_segment(image * hidden), by_segment(hidden * hidden)
    shown = coalitions.double()
    product = shown @ whole + (1 - shown) @ mixed
    square = shown @ whole + (1 - shown) @ other
    return product / (whole.sum() * square).sqrt().clamp(min=1e-8)


def _r_squared(outputs: Values, fitted: Values, weights: Values) -> float:
    """The explained fraction of the weighted variance, NaN if all outputs are equal."""
    mean = np.average(outputs, weights=weights)
    variance = np.average((outputs - mean) ** 2, weights=weights)
    return float(1 - np.average((outputs - fitted) ** 2, weights=weights) / variance) if variance > 0 else float("nan")


@dataclass(frozen=True, kw_only=True)
class KernelShap(_Surrogate):
    """Shapley values of the segments: exact if all coalitions fit into `n_samples`, else by a weighted regression.

    Without all coalitions the largest and smallest are enumerated while samples suffice, and the others are drawn in pairs with
    their complements, as in the package `shap` (but all segments are kept: shap's default drops all but ten).
    """

    name: ClassVar[str] = "kernel-shap"
    declaration: ClassVar[Declaration] = Declaration(
        family="surrogate",
        needs=frozenset({"segments", "baseline"}),
        randomness="seeded",
        completeness="over segments, each counted once, to float rounding",
        source="Lundberg & Lee 2017",
        answers="shapley",
    )

    may_enumerate: ClassVar[bool] = True

    baseline: Baseline | Literal["mean"] = "true"
    n_samples: int = 500

    @property
    def answers(self) -> str | None:
        """The game `shapley` of which the segments are the players."""
        wrong = {"segment_error": self.segment_error} if self.segment_error else {}
        return f"{format_spec('shapley', {'segments': self.segments, **wrong})}@{format_value(self.baseline)}"

    def exact_answer(self, environment: Environment, batch: Batch) -> ExactValues | None:
        """Shapley values of the segments, exact for up to 8 of them, else estimated."""
        images = list(batch.inputs.split(1))
        segments = [self.segments_of(image[0], batch, index) for index, image in enumerate(images)]
        hidden = torch.cat([self.hidden(image, ids) for image, ids in zip(images, segments, strict=True)])
        return exact_values(environment, batch, "shapley", hidden, feature_mask=torch.stack(segments))

    def values(self, switched: SwitchedSegments, target: int, n_segments: int, random: np.random.Generator) -> Values:
        """Enumerate all coalitions, or draw some and fit."""
        if 2**n_segments <= self.n_samples:
            return shapley_values(evaluate(switched, all_coalitions(n_segments), target))
        coalitions, weights = draw_coalitions(n_segments, self.n_samples, random)
        ends = torch.tensor([[False], [True]]).expand(2, n_segments)
        outputs = evaluate(switched, torch.cat([ends, torch.from_numpy(coalitions)]), target)
        values, r_squared = shapley_regression(coalitions, weights, outputs[2:], outputs[0], outputs[1])
        record("r_squared", r_squared)
        return values
