"""Sensitivity-N (Ancona et al. 2018; appendix G.5): does the attribution of N pixels say what their absence changes?

For every N, over random subsets of N pixels: the Pearson correlation between the subset's summed attribution and the drop of
the explained output when the subset is replaced by the canvas. The first N pixels of a random order are a random subset of N,
so one set of orders serves every N; the same orders serve every image and every method.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attributionlab._checks import attribution_maps, whole_number
from attributionlab.metrics.insertion import Canvas, Images, Network, canvases
from attributionlab.perturbation import SwitchedPixels, random_orders
from attributionlab.perturbation.tree import DEFAULT_MEMORY


@dataclass(frozen=True, eq=False)
class SensitivityCurve:
    """Correlation of summed attribution and drop of the output, by the number of pixels.

    Args:
        sizes: (P - 1,) int64, N from 1 to P - 1.
        correlations: (b, P - 1) float64, in [-1, 1]; NaN where the output does not vary over the subsets, 0 where only the
            attribution is constant.
        mean: (b,) float64, over the sizes where it is defined; NaN if it is defined nowhere.
        n_undefined: (b,) int64, sizes where it is not.
    """

    sizes: Tensor
    correlations: Tensor
    mean: Tensor
    n_undefined: Tensor


def sensitivity_n(
    environment: Network,
    batch: Images,
    attribution: Tensor,
    *,
    n_orders: int = 100,
    canvas: Canvas = "black",
    seed: int = 0,
    max_memory: int = DEFAULT_MEMORY,
) -> SensitivityCurve:
    """Correlate summed attribution with the drop of the output, for every number of pixels; higher is better.

    Args:
        environment: Where the images come from; its network is evaluated.
        batch: The images.
        attribution: (b, h, w) or (b, c, h, w).
        n_orders: Random orders, that is, subsets per N; at least 2.
        canvas: What replaces the pixels; see `insertion`.
        seed: Seed of the orders.
        max_memory: Bytes that the evaluation of the network may take at once.

    Returns:
        One correlation per image and N.

    Raises:
        BadOption: If an option does not fit, or the model is no designed network.
        MethodError: If the attribution has the wrong shape, or NaN or infinite values.

    References:
        Ancona et al. 2018, section 4; Zhang et al. 2024, appendix G.5, which correlates with the output rather than its drop,
        so that the sign flips.
    """
    n_orders = whole_number("n_orders", n_orders, 2)
    maps = attribution_maps(attribution, batch.inputs.shape).flatten(1).double()
    orders = random_orders(n_orders, maps.shape[1], seed=seed).to(batch.inputs.device)
    pairs = zip(batch.inputs, canvases(environment, batch.inputs, canvas), batch.targets.tolist(), maps, strict=True)
    curves = []
    for image, replacement, target, values in pairs:
        outputs = SwitchedPixels(environment.model, image, replacement, max_memory).outputs(orders, target).double()
        drops = outputs[:, :1] - outputs[:, 1:-1]
        sums = values.to(orders.device)[orders].cumsum(dim=1)[:, :-1]
        curves.append(correlate(sums, drops))
    correlations = torch.stack(curves)
    undefined = correlations.isnan().sum(dim=1)
    return SensitivityCurve(torch.arange(1, maps.shape[1]), correlations, correlations.nanmean(dim=1), undefined)


def correlate(sums: Tensor, drops: Tensor) -> Tensor:
    """Pearson's correlation down the first dimension, (n, s) and (n, s) to (s,), with the degenerate cases.

    NaN where the drops are all equal, 0 where only the sums are.
    """
    sums_vary, drops_vary = ((values != values[:1]).any(dim=0) for values in (sums, drops))
    sums, drops = sums - sums.mean(dim=0), drops - drops.mean(dim=0)
    lengths = sums.square().sum(dim=0).sqrt() * drops.square().sum(dim=0).sqrt()
    correlation = ((sums * drops).sum(dim=0) / lengths).clamp(-1, 1)
    correlation = torch.where(sums_vary, correlation, 0.0)
    return torch.where(drops_vary, correlation, torch.nan)
