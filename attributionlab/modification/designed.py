"""Designed networks for pictures with a white spot: one that uses the region alone, and one that also uses the rest, legitimately.

Both are linear in the pixels, so that the exact Shapley value of a pixel is its weight times its difference from the baseline.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.modification.builtin import LARGEST_LEVEL
from attributionlab.modification.manipulation import Mask

WHITE = 255
N_COLORS = 3


def region_network(region: Mask) -> nn.Sequential:
    """The positive control: it tells whether the region is white, from the pixels of the region alone.

    Computes: logit 1 = sum over the region of (x - t), t halfway between the largest level of `flat_pictures` and white; logit 0
    is its negative.
    Exact for: pictures of integers; sums below 2**24, as at 64 x 64, are exact in float32.
    Margin: |logit 1| >= 77 per pixel and color of the region.
    Why: Attr% of its gradient, and of its exact Shapley values relative to any baseline, is 1, exactly.

    Args:
        region: bool, (h, w), neither empty nor the whole picture.

    Raises:
        BadOption: If it is either.
    """
    inside = _inside(region)
    threshold = (WHITE + LARGEST_LEVEL) // 2
    return _linear(inside.float(), -threshold * N_COLORS * int(inside.sum()))


def reference_network(region: Mask) -> nn.Sequential:
    """The counterexample: it compares the mean of the region with the mean of the rest, which serves as a reference.

    Computes: logit 1 = n_out * (sum over the region) - n_in * (sum over the rest) - t, t a quarter of the range; logit 0 is its
    negative.
    Exact for: pictures of integers; sums below 2**24, as at 32 x 32 with a spot, are exact in float32.
    Margin: |logit 1| >= 63 per pair of pixels and color.
    Why: it is as accurate as `region_network`, and no expectation about Attr% follows from its accuracy: Attr% of its gradient is 1/2, exactly.

    Args:
        region: bool, (h, w), neither empty nor the whole picture.

    Raises:
        BadOption: If it is either.
    """
    inside = _inside(region)
    n_in, n_out = int(inside.sum()), int((~inside).sum())
    weights = torch.where(inside, float(n_out), -float(n_in))
    return _linear(weights, -(WHITE + 1) // 4 * N_COLORS * n_in * n_out)


def _inside(region: Mask) -> Tensor:
    """The region as a tensor."""
    if not region.any() or region.all():
        raise bad_option("region", "have pixels inside and outside", f"{int(region.sum())} of {region.size}")
    return torch.from_numpy(region)


def _linear(weights: Tensor, bias: float) -> nn.Sequential:
    """A network (b, 3, h, w) to (b, 2) whose logit 1 weighs all colors of a pixel alike, logit 0 the other way round; in evaluation mode."""
    layer = nn.Linear(N_COLORS * weights.numel(), 2)
    with torch.no_grad():
        layer.weight[1] = weights.repeat(N_COLORS, 1, 1).flatten()
        layer.bias[1] = bias
        layer.weight[0], layer.bias[0] = -layer.weight[1], -layer.bias[1]
    return nn.Sequential(nn.Flatten(), layer).eval()
