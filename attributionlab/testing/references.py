"""Known values on the affine network, and mistakes that turn them into others.

With W the weights (b, c, h, w) of the explained outputs and x the images, the maps of correct methods are `W x`, `W (x - z)` for a
baseline z, or W, summed over channels, perhaps normalized per image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

FIT = 1e-3
"""Largest residual of values that are called proportional, relative to their norm: half precision is not mistaken for it."""

MOST_SHIFTED = 0.5
"""Largest shift that is tried, as a share of each side."""


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
        return float(mean) if bool(((self.factors - mean).abs() <= 10 * FIT * mean.abs()).all()) else None

    def expected(self, known: Known) -> Tensor:
        """The values (b, h, w), without factor, that images of the same baseline must have."""
        if self.colors is None:
            return known.weights.sum(dim=1)
        color = self.colors.mean(dim=0)[None, :, None, None]
        return (known.weights * (known.images - color)).sum(dim=1)


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
    """Sums over channels of the gradient with other weights than one."""
    columns = known.weights.transpose(0, 1).flatten(1).T
    solution, residual = _solve(columns, maps.flatten())
    if residual > FIT:
        return None
    largest = solution.abs().max()
    return Match("the gradient", largest.expand(len(maps)), None, solution / largest)


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


Change = Callable[[Tensor], Tensor]

_REDUCTIONS: dict[str, Change] = {
    "its maximum over channels where their sum is meant": lambda term: term.amax(dim=1),
    "its minimum over channels where their sum is meant": lambda term: term.amin(dim=1),
    "its largest magnitude over channels where their sum is meant": lambda term: term.gather(
        1, term.abs().argmax(dim=1, keepdim=True)
    )[:, 0],
    "its length over channels where their sum is meant": lambda term: term.norm(dim=1),
    "its first channel where the sum over all is meant": lambda term: term[:, 0],
    "its second channel where the sum over all is meant": lambda term: term[:, 1 % term.shape[1]],
    "its last channel where the sum over all is meant": lambda term: term[:, -1],
    "the product of its channels where their sum is meant": lambda term: term.prod(dim=1),
    "its last channel left out": lambda term: term[:, :-1].sum(dim=1),
    "its first channel left out": lambda term: term[:, 1:].sum(dim=1),
    "the signed squares of its channels": lambda term: (term * term.abs()).sum(dim=1),
    "the squares of its channels": lambda term: (term**2).sum(dim=1),
    "the absolute values of its channels": lambda term: term.abs().sum(dim=1),
}

_VALUES: dict[str, Change] = {
    "its signed squares": lambda maps: maps * maps.abs(),
    "its squares": lambda maps: maps**2,
    "its signed roots": lambda maps: maps.sign() * maps.abs().sqrt(),
    "its absolute values": torch.abs,
    "its negative values cut off": lambda maps: maps.clamp(min=0),
    "its lowest value taken off": lambda maps: maps - maps.flatten(1).amin(dim=1)[:, None, None],
    "its mean taken off": lambda maps: maps - maps.flatten(1).mean(dim=1)[:, None, None],
}

_PLACES: dict[str, Change] = {
    "its rows in reversed order": lambda maps: maps.flip(1),
    "its columns in reversed order": lambda maps: maps.flip(2),
    "the map turned by 180 degrees": lambda maps: maps.flip(1, 2),
    "a reshape where a transpose is meant": lambda maps: maps.transpose(1, 2).reshape(maps.shape),
    "a transpose, then a reshape": lambda maps: maps.reshape(maps.shape[0], maps.shape[2], maps.shape[1]).transpose(
        1, 2
    ),
}

_IMAGES: dict[str, Change] = {
    "the map of the image before it": lambda maps: maps.roll(1, 0),
    "the map of the image after it": lambda maps: maps.roll(-1, 0),
    "the maps in reversed order of images": lambda maps: maps.flip(0),
}


def mistaken(maps: Tensor, known: Known, others: dict[str, Tensor]) -> str | None:
    """The mistake that turns known values into these maps (b, h, w), in words; None if none of those that are tried does.

    Args:
        maps: (b, h, w).
        known: Weights and images.
        others: Weights of other outputs, by description.
    """
    for name, term in known.terms.items():
        for text, values in _changed(term):
            if has_values(maps, values):
                return f"{name}, {text}"
        shifted = _shift(maps, term.sum(dim=1))
        if shifted is not None:
            return f"{name}, moved by {shifted[0]} rows and {shifted[1]} columns"
    swapped = (known.weights * known.images.flip(1)).sum(dim=1)
    if has_values(maps, swapped):
        return "input times gradient, the channels of the input in reversed order"
    for text, weights in others.items():
        for name, term in Known(weights, known.images, known.baseline).terms.items():
            if has_values(maps, term.sum(dim=1)):
                return f"{name}, {text}"
    return None


def _changed(term: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Values (b, h, w) after each mistake, with its description."""
    yield from ((text, change(term)) for text, change in _REDUCTIONS.items())
    summed = term.sum(dim=1)
    for changes in (_VALUES, _PLACES, _IMAGES):
        yield from ((text, change(summed)) for text, change in changes.items())


def _shift(maps: Tensor, expected: Tensor) -> tuple[int, int] | None:
    """Rows and columns by which the expected maps are moved in the maps; None if they are not."""
    product = torch.fft.ifft2(torch.fft.fft2(maps) * torch.fft.fft2(expected).conj()).real.sum(dim=0)
    height, width = product.shape
    best = int(product.argmax())
    rows, columns = best // width, best % width
    rows, columns = (
        (rows - height if rows > height // 2 else rows),
        (columns - width if columns > width // 2 else columns),
    )
    if (rows, columns) == (0, 0):
        return None
    inner = (
        slice(max(rows, 0), height + min(rows, 0)),
        slice(max(columns, 0), width + min(columns, 0)),
    )
    moved = expected.roll((rows, columns), (1, 2))
    return (rows, columns) if has_values(maps[:, *inner], moved[:, *inner]) else None
