"""Insertion and Deletion (Petsiuk et al. 2018; appendix G.4), exact: one point of the curve per pixel.

Pixels are taken in the order of falling attribution. Insertion shows them one by one on a canvas, Deletion replaces them by
the canvas; the faster the explained output rises or falls, the better the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from attributionlab._checks import attribution_maps
from attributionlab.errors import bad_option
from attributionlab.perturbation import Ranking, SwitchedPixels, descending
from attributionlab.perturbation.tree import DEFAULT_MEMORY

Canvas = Literal["black", "background", "blur"]

BLUR = 21.0
"""Standard deviation of the blurred canvas in pixels of a 224 pixel wide image, as in appendix G.2."""


class Network(Protocol):
    """What the metrics ask of an environment."""

    @property
    def model(self) -> nn.Module:
        """The network."""
        ...

    @property
    def true_baseline(self) -> Tensor:
        """(c,), the background."""
        ...

    @property
    def ranking(self) -> Ranking:
        """What the pixels are ordered by."""
        ...

    @property
    def output_per_pixel(self) -> float | None:
        """What each pixel of the positive truth adds to the explained output, where that is always the same."""
        ...


class Truth(Protocol):
    """The exact truth."""

    @property
    def positive_mask(self) -> Tensor:
        """(b, h, w)."""
        ...


class Images(Protocol):
    """Images, what they are explained for, and the truth."""

    @property
    def inputs(self) -> Tensor:
        """(b, c, h, w)."""
        ...

    @property
    def targets(self) -> Tensor:
        """(b,)."""
        ...

    @property
    def ground_truth(self) -> Truth:
        """The truth."""
        ...


@dataclass(frozen=True, eq=False)
class Curve:
    """The explained output while pixels are switched one by one.

    Args:
        steps: (s,) int64, 0 to P: how many pixels are switched.
        outputs: (b, s), the explained output as the network gives it.
        auc: (b,) float64, area under the outputs over the fraction of pixels (trapezoid, both ends included).
        auc_normalized: (b,) float64, the same divided by the output for the full image; NaN where that is 0.
        optimum: (b,) float64, the best `auc` of any order in closed form; NaN where none is known.
    """

    steps: Tensor
    outputs: Tensor
    auc: Tensor
    auc_normalized: Tensor
    optimum: Tensor


def insertion(
    environment: Network,
    batch: Images,
    attribution: Tensor,
    *,
    canvas: Canvas = "black",
    order: Ranking | None = None,
    seed: int = 0,
    max_memory: int = DEFAULT_MEMORY,
) -> Curve:
    """Show the pixels on a canvas, the highest attribution first; a higher area is better.

    Args:
        environment: Where the images come from; its network is evaluated.
        batch: The images.
        attribution: (b, h, w) or (b, c, h, w).
        canvas: `black`, the true `background`, or the image under a `blur`, rounded to integer colors.
        order: By `signed` values or their `magnitude`; the environment's own choice if left out.
        seed: Seed of the order among equal values.
        max_memory: Bytes that the evaluation may take at once.

    Returns:
        The curve with P + 1 points per image.

    Raises:
        BadOption: If an option does not fit, or the model is no designed network.
        MethodError: If the attribution has the wrong shape, or NaN or infinite values.

    References:
        Petsiuk et al. 2018; Zhang et al. 2024, appendix G.4.

    Example:
        >>> import attributionlab as al
        >>> environment = al.make_environment("multi-color-sum[n_redundant=0,output=logit,size=16]")
        >>> batch = environment.sample(2)
        >>> curve = al.insertion(environment, batch, batch.ground_truth.signed)
        >>> bool((curve.auc == curve.optimum).all())
        True
    """
    shown = canvases(environment, batch.inputs, canvas)
    curve = _switch(environment, batch, attribution, shown, batch.inputs, order, seed, max_memory)
    return _curve(curve, curve[:, -1], _optimum(environment, batch, curve[:, 0], inserted=True))


def deletion(
    environment: Network,
    batch: Images,
    attribution: Tensor,
    *,
    canvas: Canvas = "black",
    order: Ranking | None = None,
    seed: int = 0,
    max_memory: int = DEFAULT_MEMORY,
) -> Curve:
    """Replace the pixels by a canvas, the highest attribution first; a lower area is better.

    See `insertion` for arguments, result and errors.
    """
    shown = canvases(environment, batch.inputs, canvas)
    curve = _switch(environment, batch, attribution, batch.inputs, shown, order, seed, max_memory)
    return _curve(curve, curve[:, 0], _optimum(environment, batch, curve[:, -1], inserted=False))


def _switch(
    environment: Network,
    batch: Images,
    attribution: Tensor,
    start: Tensor,
    end: Tensor,
    order: Ranking | None,
    seed: int,
    max_memory: int,
) -> Tensor:
    """Outputs after every step, (b, P + 1)."""
    maps = attribution_maps(attribution, batch.inputs.shape)
    orders = descending(maps, batch.inputs, by=environment.ranking if order is None else order, seed=seed)
    curves = [
        SwitchedPixels(environment.model, first, last, max_memory).outputs(one, target)
        for first, last, one, target in zip(
            start, end, orders.to(start.device).split(1), batch.targets.tolist(), strict=True
        )
    ]
    return torch.cat(curves)


def _curve(outputs: Tensor, full: Tensor, optimum: Tensor) -> Curve:
    values = outputs.double()
    n_pixels = outputs.shape[1] - 1
    auc = (values.sum(dim=1) - (values[:, 0] + values[:, -1]) / 2) / n_pixels
    normalized = torch.where(full != 0, auc / full.double(), torch.nan)
    return Curve(torch.arange(n_pixels + 1), outputs, auc, normalized, optimum)


def _optimum(environment: Network, batch: Images, empty: Tensor, *, inserted: bool) -> Tensor:
    """The best area where every positive pixel adds the same: k(1 - k/2n) or k(k/2n) outputs of a pixel."""
    mask = batch.ground_truth.positive_mask
    per_pixel = environment.output_per_pixel
    if per_pixel is None:
        return torch.full((len(mask),), torch.nan, dtype=torch.float64)
    k, n = mask.flatten(1).sum(dim=1).double(), mask[0].numel()
    area = (k * (2 * n - k) if inserted else k * k) / 2 * per_pixel / n
    return torch.where(empty == 0, area.to(empty.device), torch.nan)  # a canvas that counts itself has another optimum


def canvases(environment: Network, inputs: Tensor, canvas: Canvas) -> Tensor:
    """What is shown where pixels are missing, (b, c, h, w), in integer colors."""
    if canvas == "black":
        return torch.zeros_like(inputs)
    if canvas == "background":
        return environment.true_baseline.to(inputs)[:, None, None].expand_as(inputs).contiguous()
    if canvas == "blur":
        deviation = BLUR * min(inputs.shape[2:]) / 224
        blurred = gaussian_filter(inputs.double().cpu().numpy(), sigma=(0, 0, deviation, deviation))
        return torch.from_numpy(np.round(blurred)).to(inputs)
    raise bad_option("canvas", "be black, background or blur", canvas)
