"""Factors between maps and known values, and their likely reasons."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attributionlab.testing.references import FIT

TOLERANCE = 0.01
"""Largest distance of a factor to a whole number, relative to it."""

ROUNDING = 1e-5
"""Largest deviation of norms that are called equal, relative to their mean: sums of float32."""

DOUBLINGS = 6
"""Least power of two that is taken for the alpha-beta rule, which multiplies by alpha in every layer of positive weights alone."""


def of_outputs(factors: Tensor, outputs: Tensor) -> str | None:
    """How the factors (b,) of images depend on the outputs (b,) that are explained, in words; None if they do not."""
    for text, expected in (("multiplied by the output itself", outputs), ("divided by the output itself", 1 / outputs)):
        ratio = factors / expected
        if len(ratio) > 1 and bool(((ratio - ratio.mean()).abs() <= 10 * FIT * ratio.mean().abs()).all()):
            return text
    return None


def of_targets(factors: Tensor, targets: Tensor) -> str | None:
    """How the factors (b,) of images depend on the number of the explained output, in words; None if they do not."""
    means = {target: factors[targets == target].mean() for target in targets.unique().tolist()}
    expected = torch.stack([means[target] for target in targets.tolist()])
    if (
        len(means) < 2
        or len(targets) == len(means)
        or bool(((factors - expected).abs() > 10 * FIT * expected.abs()).any())
    ):
        return None
    numbers = ", ".join(f"{mean:.3g} for output {target}" for target, mean in means.items())
    return f"multiplied by a number that depends on the output that is explained: {numbers}"


def is_normalized(maps: Tensor) -> bool:
    """Whether all maps have the same largest magnitude, or all sums are equal."""
    magnitudes = maps.abs().flatten(1)
    scales = (magnitudes.amax(dim=1), magnitudes.sum(dim=1), maps.flatten(1).sum(dim=1), magnitudes.norm(dim=1))
    return any(bool(((each - each.mean()).abs() <= ROUNDING * each.mean().abs()).all()) for each in scales)


def is_power(factor: float) -> bool:
    """Whether a factor is a high power of two."""
    exponent = math.log2(factor) if factor > 0 else 0.0
    return round(exponent) >= DOUBLINGS and abs(exponent - round(exponent)) < FIT


def advice(factor: float) -> str:
    """Likely reasons of a factor."""
    if factor < 0:
        return "with the opposite sign it has the right direction: look for a subtraction the wrong way round"
    inverse = 1 / factor
    if factor < 1 and abs(inverse - round(inverse)) < TOLERANCE * inverse:
        return f"it is divided by {round(inverse)} one time too many: look for a mean where a sum is meant, or steps that are counted twice"
    if abs(factor - round(factor)) < TOLERANCE * factor:
        return f"it is multiplied by {round(factor)}: look for a sum where a mean is meant, a scale of colors, or a relevance that starts too large"
    return "look for weights that do not add up to 1, and for a scale of inputs or outputs"
