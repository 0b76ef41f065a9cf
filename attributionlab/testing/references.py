"""Known values on the affine network.

With W the weights (b, c, h, w) of the explained outputs and x the images, the maps of correct methods are `W x`, `W (x - z)` for a
baseline z, or W, summed over channels, perhaps normalized per image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FIT = 1e-3
"""Largest residual of values that are called proportional, relative to their norm: half precision is not mistaken for it."""


@dataclass(frozen=True, eq=False)
class Known:
    """Weights and images of which values are known.

    Args:
        weights: W (b, c, h, w) float64.
        images: x (b, c, h, w) float64.
        baseline: z (c,) float64: the true baseline.
    """

    weights: Tensor
    images: Tensor
    baseline: Tensor

    def at(self, rows: Tensor) -> Known:
        """The values of some images."""
        return Known(self.weights[rows], self.images[rows], self.baseline)

    @property
    def terms(self) -> dict[str, Tensor]:
        """Values (b, c, h, w) by name, before channels are summed."""
        away = self.images - self.baseline[:, None, None]
        return {
            "the gradient": self.weights,
            "input times gradient": self.weights * self.images,
            "input minus background times gradient": self.weights * away,
        }


@dataclass(frozen=True, eq=False)
class Match:
    """Values that a map has.

    Args:
        name: Description of the values.
        factors: (b,), the factor of each image.
        colors: (b, c), the baseline of each image; None for the gradient.
        shares: (c,), the factor of each channel of the gradient, relative to the first; None where it is one for all.
    """

    name: str
    factors: Tensor
    colors: Tensor | None = None
    shares: Tensor | None = None

    @property
    def common(self) -> float | None:
        """The factor, if it is the same for all images."""
        mean = self.factors.mean()
        # ten times the residual of one fit: images differ in how well they fit
        return float(mean) if bool(((self.factors - mean).abs() <= 10 * FIT * mean.abs()).all()) else None

    def expected(self, known: Known) -> Tensor:
        """The values (b, h, w), without factor, that images of the same baseline must have."""
        return self.terms(known).sum(dim=1)

    def terms(self, known: Known) -> Tensor:
        """These values (b, c, h, w), before channels are summed."""
        if self.colors is None:
            return known.weights
        return known.weights * (known.images - self.colors.mean(dim=0)[None, :, None, None])


def matching(maps: Tensor, known: Known) -> Match | None:
    """The known values that maps (b, h, w) are proportional to; None if there are none."""
    for name, term in known.terms.items():
        factors, residual = _fit(maps, term.sum(dim=1))
        if residual <= FIT:
            color = {"the gradient": None, "input times gradient": torch.zeros_like(known.baseline)}.get(
                name, known.baseline
            )
            return Match(name, factors, None if color is None else color.expand(len(maps), -1))
    return _with_baseline(maps, known) or _by_channel(maps, known)


def _with_baseline(maps: Tensor, known: Known) -> Match | None:
    """Values relative to an unknown color per image: y = a W x - (a z) W, solved for a and z."""
    solved, residuals = [], []
    for values, weights, image in zip(maps, known.weights, known.images, strict=True):
        columns = torch.stack([(weights * image).sum(dim=0), *(-weights)]).flatten(1).T
        solution, residual = _solve(columns, values.flatten())
        solved.append(solution)
        residuals.append(residual)
    coefficients = torch.stack(solved)
    factors = coefficients[:, 0]
    size = factors.abs() * known.images.mean()
    if max(residuals) > FIT or bool((size < FIT * coefficients[:, 1:].abs().amax(dim=1)).any()):
        return None
    colors = coefficients[:, 1:] / factors[:, None]
    text = ", ".join(f"{value:.0f}" for value in colors.mean(dim=0).tolist())
    same = bool(((colors - colors.mean(dim=0)).abs() < 1).all())
    name = (
        f"input minus baseline times gradient, with baseline ({text})"
        if same
        else "input minus a color of the image times gradient"
    )
    return Match(name, factors, colors)


def _by_channel(maps: Tensor, known: Known) -> Match | None:
    """Sums over channels of the gradient, or of input minus a color times gradient, with other weights than one."""
    gradient = known.weights.transpose(0, 1).flatten(1).T
    product = (known.weights * known.images).transpose(0, 1).flatten(1).T
    terms = {"the gradient": gradient, "input minus a color times gradient": torch.cat([product, gradient], dim=1)}
    for name, columns in terms.items():
        solution, residual = _solve(columns, maps.flatten())
        factors = solution[: gradient.shape[1]]
        if residual <= FIT and bool((factors != 0).any()):
            largest = factors.abs().max()
            return Match(name, largest.expand(len(maps)), None, factors / largest)
    return None


def _solve(columns: Tensor, values: Tensor) -> tuple[Tensor, float]:
    """Least squares (n,), and the norm of the residual relative to that of the values."""
    scale = columns.norm(dim=0)
    solution = torch.linalg.lstsq(columns / scale, values[:, None], driver="gelsd").solution[:, 0]
    residual = (columns / scale) @ solution - values
    return solution / scale, float(residual.norm() / values.norm().clamp(min=torch.finfo(values.dtype).tiny))


def _fit(maps: Tensor, expected: Tensor) -> tuple[Tensor, float]:
    """The factor of each image, and the largest residual relative to the norm of a map."""
    values, reference = maps.flatten(1), expected.flatten(1)
    factors = (values * reference).sum(dim=1) / (reference**2).sum(dim=1).clamp(min=torch.finfo(values.dtype).tiny)
    residual = (values - factors[:, None] * reference).norm(dim=1)
    return factors, float((residual / values.norm(dim=1).clamp(min=torch.finfo(values.dtype).tiny)).max())


def has_values(maps: Tensor, expected: Tensor) -> bool:
    """Whether maps are proportional to expected ones, with one factor above zero for all images."""
    values, reference = maps.flatten(), expected.flatten()
    factor = (values @ reference) / (reference @ reference).clamp(min=torch.finfo(values.dtype).tiny)
    return bool(factor > 0) and bool((values - factor * reference).norm() <= FIT * values.norm())
