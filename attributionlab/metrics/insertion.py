"""Insertion and Deletion (Petsiuk et al. 2018; appendix G.4), exact: one point of the curve per pixel.

Pixels are taken in the order of falling attribution. Insertion shows them one by one on a canvas, Deletion replaces them by
the canvas; the faster the explained output rises or falls, the better the order. For outputs such as a remainder, whose
value does not rise with every pixel, the steps that change the output are counted instead (appendix F.4).
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.metrics.base import (
    AnyBatch,
    AnyEnvironment,
    Measure,
    Measurement,
    Metric,
    check_measured,
    refuse_prepared,
)
from attributionlab.perturbation import (
    DEFAULT_MEMORY,
    Ranking,
    descending_from,
    switch_pixels,
    switch_steps,
    tie_orders,
)
from attributionlab.specs.arguments import require_choice, whole_number
from attributionlab.tabular import Tabular
from attributionlab.truth.maps import attribution_maps

Canvas = Literal["black", "background", "blur"]

BLUR = 21.0
"""Standard deviation of the blurred canvas in pixels of a 224 pixel wide image, as in appendix G.2."""


@dataclass(frozen=True, eq=False)
class Curve(Tabular):
    """The explained output while pixels are switched one by one.

    Args:
        steps: (s,) int64, numbers of switched pixels, from 0 to P.
        outputs: (b, s), the explained output, or the fraction of correct steps (0 to 1).
        auc: (b,) float64, area under the outputs over the fraction of pixels (trapezoid, both ends included).
        auc_normalized: (b,) float64, `auc` divided by the output for the full image; NaN where that is 0.
        optimum: (b,) float64, the best `auc` of any order in closed form; NaN if it is unknown.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.scores:curve_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.scores:curve_rows"

    steps: Tensor
    outputs: Tensor
    auc: Tensor
    auc_normalized: Tensor
    optimum: Tensor


@dataclass(frozen=True, kw_only=True)
class _Switching(Metric):
    """Area under the explained output while pixels are switched in the order of falling attribution.

    Args:
        canvas: `black`, the true `background`, or the image under a `blur`, rounded to integer colors.
        order: Sort by `signed` values or by their `magnitude`; by default as the environment declares.
        measure: The explained `output`, or the fraction of `correct-steps`, which change the output (F.4).
        steps: Number of steps, by forward passes through any network; None for one point per pixel, evaluated exactly.
        seed: Seed of the order of ties.
    """

    canvas: Canvas = "black"
    order: Ranking | None = None
    measure: Measure = "output"
    steps: int | None = None
    seed: int = 0

    inserts: ClassVar[bool]

    def __post_init__(self) -> None:
        check_switching(self.canvas, self.order, self.measure, self.steps)
        whole_number("seed", self.seed, 0)
        whole_number("max_memory", self.max_memory, 1)

    def evaluate(
        self,
        environment: AnyEnvironment,
        batch: AnyBatch,
        attributions: Sequence[Tensor],
        prepared: object = None,
    ) -> list[Measurement]:
        """The areas and curves; see `Metric.evaluate`. Nothing is prepared, because curves take milliseconds."""
        refuse_prepared(prepared)
        curves = self.curves(environment, batch, attributions)
        return [Measurement(curve.auc, curve.steps / batch.inputs[0, 0].numel(), curve.outputs) for curve in curves]

    def curves(self, environment: AnyEnvironment, batch: AnyBatch, attributions: Sequence[Tensor]) -> list[Curve]:
        """A curve per method; the images are prepared once for all of them."""
        check_measured(environment, batch, attributions)
        by = environment.ranking if self.order is None else self.order
        maps = [attribution_maps(attribution, batch.inputs.shape) for attribution in attributions]
        ties = tie_orders(batch.inputs, seed=self.seed)
        orders = torch.stack([descending_from(ties, values, by=by) for values in maps])
        shown = canvases(environment, batch.inputs, self.canvas)
        start, end = (shown, batch.inputs) if self.inserts else (batch.inputs, shown)
        by_image = orders.transpose(0, 1)
        outputs = switch_pixels(
            environment.model, start, end, by_image, batch.targets, self.steps, self.max_memory
        ).transpose(0, 1)  # (methods, b, s)
        per_pixel = environment.output_per_feature
        if self.measure == "correct-steps":
            n_contributing = contributing(batch)
            correct = correct_steps(outputs, n_contributing) / n_contributing[:, None]
            outputs = correct if self.inserts else 1 - correct
        steps = switch_steps(orders.shape[-1], self.steps)
        widths = steps.diff().to(outputs.device)
        areas = [
            ((values[:, 1:] + values[:, :-1]) * widths).sum(dim=1) / 2 / orders.shape[-1]
            for values in map(Tensor.double, outputs)
        ]
        optima = [self._optimum(batch, values, per_pixel) for values in outputs]
        return [self._curve(steps, *curve) for curve in zip(outputs, areas, optima, strict=True)]

    def _curve(self, steps: Tensor, outputs: Tensor, auc: Tensor, optimum: Tensor) -> Curve:
        """The curve with its normalized area."""
        values = outputs.double()
        full = values[:, -1 if self.inserts else 0]
        return Curve(steps, outputs, auc, torch.where(full != 0, auc / full, torch.nan), optimum)

    def _optimum(self, batch: AnyBatch, outputs: Tensor, per_pixel: float | None) -> Tensor:
        """The best area if all positive pixels contribute equally: k(1 - k/2n) or k(k/2n) times the output of a pixel."""
        counted = self.measure == "correct-steps"
        unknown = torch.full((len(outputs),), torch.nan, dtype=torch.float64)
        if batch.ground_truth is None or self.steps is not None:
            return unknown
        mask = batch.ground_truth.positive_mask  # the only truth where steps are counted
        k, n = mask.flatten(1).sum(dim=1).double().to(outputs.device), mask[0].numel()
        contribution = 1 / k if counted else per_pixel
        if contribution is None:
            return unknown
        area = (k * (2 * n - k) if self.inserts else k * k) / 2 * contribution / n
        empty = outputs[:, 0 if self.inserts else -1]
        return torch.where(empty == 0, area, torch.nan)  # the formula assumes an output of 0 for the canvas


@dataclass(frozen=True, kw_only=True)
class Insertion(_Switching):
    """Show the pixels on a canvas, the highest attribution first."""

    name: ClassVar[str] = "insertion"
    higher_is_better: ClassVar[bool] = True
    source: ClassVar[str] = "Petsiuk et al. 2018"
    inserts: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Deletion(_Switching):
    """Replace the pixels by a canvas, the highest attribution first."""

    name: ClassVar[str] = "deletion"
    higher_is_better: ClassVar[bool] = False
    source: ClassVar[str] = "Petsiuk et al. 2018"
    inserts: ClassVar[bool] = False


def insertion(
    environment: AnyEnvironment,
    batch: AnyBatch,
    attribution: Tensor,
    *,
    canvas: Canvas = "black",
    order: Ranking | None = None,
    measure: Measure = "output",
    steps: int | None = None,
    seed: int = 0,
    max_memory: int = DEFAULT_MEMORY,
) -> Curve:
    """Show the pixels on a canvas, the highest attribution first; a higher area is better.

    Args:
        environment: Environment of the images, whose network is evaluated; a `TrainedNetwork` requires `steps`.
        batch: The images; or `LabeledImages`.
        attribution: (b, h, w) or (b, c, h, w).
        canvas: `black`, the true `background`, or the image under a `blur`, rounded to integer colors.
        order: Sort by `signed` values or by their `magnitude`; by default as the environment declares.
        measure: The explained `output`, or the fraction of `correct-steps`, which change the output (appendix F.4).
        steps: Number of steps, by forward passes through any network; None for one point per pixel, evaluated exactly.
        seed: Seed of the order of ties.
        max_memory: Bytes that the exact evaluation may use at once.

    Returns:
        The curve, with P + 1 points per image unless `steps` are set.

    Raises:
        BadOption: If an option is not valid, or the model is not a designed network and `steps` is None.
        MethodError: If the attribution has the wrong shape, or NaN or infinite values.

    References:
        Petsiuk et al. 2018; Zhang et al. 2024, appendices F.4 and G.4.

    Example:
        >>> import attributionlab as al
        >>> environment = al.make_environment("multi-color-sum[n_redundant=0,output=logit,size=16]")
        >>> batch = environment.sample(2)
        >>> curve = al.insertion(environment, batch, batch.ground_truth.signed)
        >>> bool((curve.auc == curve.optimum).all())
        True
    """
    metric = Insertion(canvas=canvas, order=order, measure=measure, steps=steps, seed=seed, max_memory=max_memory)
    return metric.curves(environment, batch, [attribution])[0]


def deletion(
    environment: AnyEnvironment,
    batch: AnyBatch,
    attribution: Tensor,
    *,
    canvas: Canvas = "black",
    order: Ranking | None = None,
    measure: Measure = "output",
    steps: int | None = None,
    seed: int = 0,
    max_memory: int = DEFAULT_MEMORY,
) -> Curve:
    """Replace the pixels by a canvas, the highest attribution first; a lower area is better.

    See `insertion` for arguments, result and errors.
    """
    metric = Deletion(canvas=canvas, order=order, measure=measure, steps=steps, seed=seed, max_memory=max_memory)
    return metric.curves(environment, batch, [attribution])[0]


def canvases(environment: AnyEnvironment, inputs: Tensor, canvas: Canvas) -> Tensor:
    """Values of missing pixels, (b, c, h, w), in integer colors."""
    if canvas == "black":
        return torch.zeros_like(inputs)
    if canvas == "background":
        color = environment.true_baseline.to(inputs)
        if color.shape != inputs.shape[1:2]:
            raise bad_option("true_baseline", f"have {inputs.shape[1]} channels", tuple(color.shape))
        return color.reshape(-1, *[1] * (inputs.ndim - 2)).expand_as(inputs).contiguous()
    if canvas == "blur":
        if inputs.ndim != 4:
            raise bad_option("canvas", "be black or background for inputs that are not images", canvas)
        deviation = BLUR * min(inputs.shape[2:]) / 224
        blurred = gaussian_filter(inputs.double().cpu().numpy(), sigma=(0, 0, deviation, deviation))
        return torch.from_numpy(np.round(blurred)).to(inputs)
    raise bad_option("canvas", "be black, background or blur", canvas)


def check_switching(canvas: object, order: object, measure: object, steps: object) -> None:
    """Refuse invalid values of the options that Insertion, Deletion and Sensitivity-N share.

    Raises:
        BadOption: If there is no such canvas, order or measure, or `steps` are set although correct steps are counted.
    """
    require_choice("canvas", canvas, typing.get_args(Canvas))
    if order is not None:
        require_choice("order", order, typing.get_args(Ranking))
    require_choice("measure", measure, typing.get_args(Measure))
    if steps is not None:
        whole_number("steps", steps, 1)
    if measure == "correct-steps" and steps is not None:
        raise bad_option("steps", "be none where correct steps are counted, one by one", steps)


def contributing(batch: AnyBatch) -> Tensor:
    """(b,) int64: number of pixels on which the output depends, by the truth."""
    if batch.ground_truth is None:
        raise bad_option("measure", "be output where there is no ground truth", "correct-steps")
    return batch.ground_truth.overall_mask.flatten(1).sum(dim=1).to(batch.inputs.device)


def correct_steps(outputs: Tensor, n_contributing: Tensor) -> Tensor:
    """Running number of steps that changed the output (appendix F.4), (..., s) to (..., s).

    Args:
        outputs: (..., s), after every step.
        n_contributing: Number of steps that must change it, one per contributing pixel of the truth.

    Raises:
        BadOption: If another number of steps changes the output, so that correct steps are not defined.
    """
    changed = (outputs.diff(dim=-1) != 0).cumsum(dim=-1)
    if bool((changed[..., -1] != n_contributing).any()):
        expected = "be output where other pixels than those of the truth change the output"
        raise bad_option("measure", expected, "correct-steps", "it is made for single-color environments")
    return torch.nn.functional.pad(changed, (1, 0)).double()
