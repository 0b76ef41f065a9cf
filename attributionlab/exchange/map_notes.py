"""Notes on stored maps before they are judged: what may be meant otherwise than it is read."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.methods import Declaration

COLORMAPS = ("viridis", "jet", "seismic", "RdBu", "coolwarm", "hot", "inferno", "magma", "plasma", "turbo", "bwr")
"""Colormaps of pictures that are recognized, also reversed."""

NEAR = 3 / 255
"""Largest distance of each channel from a color of a colormap: the rounding to bytes, twice, and one level more."""

MOST_PIXELS = 2000
"""Pixels that are compared with colormaps."""

CONSTANT = 0.25
"""Smallest fraction of equal values that are a background."""


def notes_on(values: Tensor, declaration: Declaration, *, has_negative_truth: bool) -> list[str]:
    """Notes, a line each.

    Args:
        values: (n, *shape) or (n, c, *shape), as they are stored.
        declaration: Declared facts about the method that computed them.
        has_negative_truth: Whether some features of the data set lower the explained output.
    """
    colored = _colormap(values)
    if colored is not None:  # other notes would only follow from that
        return [f"the maps look like pictures in the colors of {colored}: store the values instead, before a colormap"]
    notes = (
        _about_channels(values),
        _about_background(values),
        _about_codes(values),
        _about_signs(values, declaration) if has_negative_truth else None,
        _about_copies(values),
    )
    return [note for note in notes if note is not None]


def _about_channels(values: Tensor) -> str | None:
    """Channels are summed."""
    if values.ndim < 4 or values.shape[1] == 1:
        return None
    n = values.shape[1]
    return f"{n} channels are summed with their signs; if they are maps of {n} classes, store that of the explained one alone"


def _about_codes(values: Tensor) -> str | None:
    """Whole numbers other than -1, 0 and 1 may be codes."""
    low, high = float(values.min()), float(values.max())
    if values.dtype == torch.bool or max(-low, high) <= 1 or not bool((values == values.double().round()).all()):
        return None
    return f"all values are whole numbers, {low:g} to {high:g}: if they are codes or bytes, store the values that they stand for"


def _about_background(values: Tensor) -> str | None:
    """Bytes whose most frequent value is not 0."""
    if values.dtype != torch.uint8:
        return None
    counts = torch.bincount(values.flatten().int(), minlength=256)
    level = int(counts.argmax())
    if level == 0 or counts[level] < CONSTANT * values.numel():
        return None
    return f"{counts[level] / values.numel():.0%} of the bytes are {level}, which counts as credit: if it stands for zero, subtract it"


def _about_signs(values: Tensor, declaration: Declaration) -> str | None:
    """Values of one sign only."""
    if declaration.sign != "signed" or bool((values == 0).all()):
        return None
    is_positive, is_negative = bool((values >= 0).all()), bool((values <= 0).all())
    if not is_positive and not is_negative:
        return None
    return f"no value is {'negative' if is_positive else 'positive'}: say --sign positive or --sign magnitude if the method has no signs"


def _about_copies(values: Tensor) -> str | None:
    """One map for all images."""
    if len(values) < 2 or not bool((values == values[:1]).all()):
        return None
    return f"all {len(values)} maps are equal, although the images differ"


def _colormap(values: Tensor) -> str | None:
    """Name of the colormap that a picture (n, 3, *shape) was drawn with; None if it is none."""
    if values.ndim != 4 or values.shape[1] != 3 or bool((values < 0).any()):
        return None
    colors = values.movedim(1, -1).reshape(-1, 3)[:: max(1, values[:, 0].numel() // MOST_PIXELS)].double()
    largest = float(colors.max())
    colors = colors / 255 if values.dtype == torch.uint8 or largest > 1 else colors
    if largest > 255 or largest == 0 or bool((colors == colors[:, :1]).all()):
        return None
    from matplotlib import colormaps  # noqa: PLC0415  # it takes long to import, and few maps have three channels

    for name in COLORMAPS:
        table = torch.from_numpy(colormaps[name](range(256))[:, :3])
        distance = (colors[:, None] - table).abs().amax(dim=2).amin(dim=1)
        if bool((distance <= NEAR).all()):
            return name
    return None
