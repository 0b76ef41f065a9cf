"""Mistakes that turn the known values of the affine network into others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from attributionlab.testing.references import FIT, Known, has_values

MOST_ALIKE = 0.05
"""Largest share of pixels with equal values in maps whose order is compared: digits that are lost make more of them equal."""

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
    "its cubes": lambda maps: maps**3,
    "its signed roots": lambda maps: maps.sign() * maps.abs().sqrt(),
    "its absolute values": torch.abs,
    "its negative values cut off": lambda maps: maps.clamp(min=0),
    "its lowest value subtracted": lambda maps: maps - maps.flatten(1).amin(dim=1)[:, None, None],
    "its mean subtracted": lambda maps: maps - maps.flatten(1).mean(dim=1)[:, None, None],
}

_PLACES: dict[str, Change] = {
    "its rows in reversed order": lambda maps: maps.flip(1),
    "its columns in reversed order": lambda maps: maps.flip(2),
    "the map turned by 180 degrees": lambda maps: maps.flip(1, 2),
    "the map turned by 90 degrees and stretched": lambda maps: _stretched(maps.rot90(1, (1, 2)), maps),
    "the map turned by 270 degrees and stretched": lambda maps: _stretched(maps.rot90(3, (1, 2)), maps),
    "rows and columns swapped, and stretched": lambda maps: _stretched(maps.transpose(1, 2), maps),
    "a reshape where a transpose is meant": lambda maps: maps.transpose(1, 2).reshape(maps.shape),
    "a transpose, then a reshape": lambda maps: maps.reshape(maps.shape[0], maps.shape[2], maps.shape[1]).transpose(
        1, 2
    ),
}


def _stretched(maps: Tensor, like: Tensor) -> Tensor:
    """Maps at the size of others, by the nearest pixel."""
    return functional.interpolate(maps[:, None], size=like.shape[1:])[:, 0]


def _in_windows(side: int, *, with_padding: bool) -> Change:
    """Means over the window around each pixel."""
    return lambda maps: functional.avg_pool2d(maps, side, 1, side // 2, count_include_pad=with_padding)


def _in_cells(side: int, mode: str, *, corners: bool | None) -> Change:
    """Means over cells, enlarged to the size of the image."""

    def change(maps: Tensor) -> Tensor:
        cells = functional.avg_pool2d(maps[:, None], side)
        return functional.interpolate(cells, size=maps.shape[1:], mode=mode, align_corners=corners)[:, 0]

    return change


_MEANS: dict[str, Change] = {
    "averaged over windows of 3 x 3 pixels": _in_windows(3, with_padding=True),
    "averaged over windows of 3 x 3 pixels, fewer at the edges": _in_windows(3, with_padding=False),
    "averaged over windows of 5 x 5 pixels": _in_windows(5, with_padding=True),
    "averaged over cells of 2 x 2 pixels": _in_cells(2, "nearest", corners=None),
    "averaged over cells of 4 x 4 pixels": _in_cells(4, "nearest", corners=None),
    "averaged over cells of 2 x 2 pixels and interpolated": _in_cells(2, "bilinear", corners=False),
    "averaged over cells of 2 x 2 pixels and interpolated with aligned corners": _in_cells(2, "bilinear", corners=True),
}
"""Maps that do not distinguish pixels, such as those of a method that declares `coarse`."""

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
        for explain in (_shift, _part, _offset, _threshold, _weighted_places):
            reason = explain(maps, term.sum(dim=1))
            if reason is not None:
                return f"{name}, {reason}"
    for name, term in _wrong_products(known).items():
        if has_values(maps, term.sum(dim=1)):
            return name
    for text, weights in others.items():
        for name, term in Known(weights, known.images, known.baseline).terms.items():
            if has_values(maps, term.sum(dim=1)):
                return f"{name}, {text}"
    for name, term in known.terms.items():
        if _has_image_added(maps, term.sum(dim=1), known.images):
            return f"{name}, with the image added to it: what is bright has a value without any effect"
        if _has_order(maps, term.sum(dim=1)):
            return f"{name}, changed by a function that is not linear: a power, a logarithm, a softmax or a sigmoid"
    return None


def _changed(term: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Values (b, h, w) after each mistake, with its description."""
    yield from ((text, change(term)) for text, change in _REDUCTIONS.items())
    summed = term.sum(dim=1)
    for changes in (_VALUES, _PLACES, _IMAGES, _MEANS):
        yield from ((text, change(summed)) for text, change in changes.items())


def _wrong_products(known: Known) -> dict[str, Tensor]:
    """Products (b, c, h, w) of images and weights that are no attribution, by description."""
    return {
        "input times gradient, the channels of the input in reversed order": known.weights * known.images.flip(1),
        "input times gradient, multiplied by the input once more": known.weights * known.images**2,
        "the input itself, without the network": known.images,
    }


def _part(maps: Tensor, expected: Tensor) -> str | None:
    """Description of the pixels that have the expected values, where all others are zero; None if they are not."""
    shown = maps != 0
    if shown.all() or not has_values(maps, expected * shown):
        return None
    mask = shown.any(dim=0)  # (h, w)
    rows, columns = ((~mask.any(dim=axis)).nonzero()[:, 0].tolist() for axis in (1, 0))
    covered = torch.ones_like(mask)
    covered[rows], covered[:, columns] = False, False
    if bool((shown == covered).all()):
        missing = [f"{name} {_listed(part)}" for name, part in (("rows", rows), ("columns", columns)) if part]
        return f"without {' and '.join(missing)} of {maps.shape[1]} x {maps.shape[2]} pixels"
    magnitudes = expected.abs()
    least, hidden = magnitudes.where(shown, torch.inf).flatten(1), magnitudes.where(~shown, 0).flatten(1)
    if bool((least.amin(dim=1) >= hidden.amax(dim=1)).all()):
        return "with its small values set to zero"
    return f"on {shown.double().mean():.0%} of the pixels only, the others are zero"


def _listed(numbers: list[int]) -> str:
    """Numbers as text, the first three of many."""
    return ", ".join(map(str, numbers[:3])) + (f" and {len(numbers) - 3} more" if len(numbers) > 3 else "")


def _offset(maps: Tensor, expected: Tensor) -> str | None:
    """Description of a number that is added to the values of each image, which may be scaled; None if there is none."""
    values, reference = (each.flatten(1) - each.flatten(1).mean(dim=1, keepdim=True) for each in (maps, expected))
    tiny = torch.finfo(values.dtype).tiny
    factors = (values * reference).sum(dim=1) / (reference**2).sum(dim=1).clamp(min=tiny)
    residuals = (values - factors[:, None] * reference).norm(dim=1) / values.norm(dim=1).clamp(min=tiny)
    if bool((residuals > FIT).any()) or bool((factors <= 0).any()):
        return None
    added = (maps - factors[:, None, None] * expected).flatten(1).mean(dim=1) / maps.flatten(1).abs().amax(dim=1)
    return (
        f"with a number added in every image, here {added[0]:.2g} of its largest value: zero no longer means no effect"
    )


def _threshold(maps: Tensor, expected: Tensor) -> str | None:
    """Description of a threshold, where maps have two values, the higher where the expected values are above it."""
    high = maps.flatten(1).amax(dim=1)[:, None, None]
    is_high = maps == high
    least, most = expected.where(is_high, torch.inf).flatten(1), expected.where(~is_high, -torch.inf).flatten(1)
    are_two = all(len(image.unique()) == 2 for image in maps)  # values
    if not are_two or bool((least.amin(dim=1) < most.amax(dim=1)).any()):
        return None
    return f"cut at a threshold to two values, the higher on {is_high.double().mean():.0%} of the pixels"


def _weighted_places(maps: Tensor, expected: Tensor) -> str | None:
    """Description of weights that depend on the place of a pixel alone; None if the maps are not the expected ones times such."""
    if len(maps) < 2 or bool((expected == 0).any()):  # two images
        return None
    ratio = maps / expected
    mean = ratio.mean(dim=0)
    if bool((mean <= 0).any()) or bool(((ratio - mean).abs() > FIT * mean).any()):
        return None
    return f"multiplied by weights of the places of pixels, from {mean.min() / mean.max():.2g} to 1: all places count alike"


def _has_image_added(maps: Tensor, expected: Tensor, images: Tensor) -> bool:
    """Whether maps are the sum of expected ones and of the image's channels, each with one factor for all images."""
    columns = torch.stack([expected, *images.transpose(0, 1)]).flatten(1).T
    scale = columns.norm(dim=0)
    factors = torch.linalg.lstsq(columns / scale, maps.flatten()[:, None], driver="gelsd").solution[:, 0]
    residual = (columns / scale) @ factors - maps.flatten()
    is_fit = bool(residual.norm() <= FIT * (factors[0] / scale[0] * expected).norm())
    return is_fit and bool(factors[1:].abs().amax() > 10 * FIT * factors[0].abs()) and bool(factors[0] != 0)


def _has_order(maps: Tensor, expected: Tensor) -> bool:
    """Whether the pixels of every image are in the order of the expected values, and nearly all have values of their own."""
    ordered = maps.flatten(1).gather(1, expected.flatten(1).argsort(dim=1))
    steps = ordered.diff(dim=1)
    return bool((steps >= 0).all()) and bool(((steps == 0).double().mean(dim=1) <= MOST_ALIKE).all())


def _shift(maps: Tensor, expected: Tensor) -> str | None:
    """Description of the rows and columns by which the expected maps are moved in the maps; None if they are not."""
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
    is_moved = has_values(maps[:, *inner], moved[:, *inner])
    return f"moved by {rows} rows and {columns} columns" if is_moved else None
