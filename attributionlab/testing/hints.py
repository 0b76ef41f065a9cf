"""Hints on wrong maps: repairs that are tried, and advised only if they make the maps right."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from attributionlab.environments import Environment
from attributionlab.metrics import score
from attributionlab.truth import Batch, GroundTruth

GOOD = 0.9
"""Mean F1 that a repair must reach, where the truth itself has 1."""

GAIN = 0.1
"""Smallest increase of F1 by a repair."""

NEIGHBORS = (
    "maps of a method that works on cells or on segments cannot be right here: such a method declares granularity='coarse' or "
    "'segment'; one that tells pixels apart should look at padding, windows and enlargement"
)
"""Hint on pixels that get the values of their neighbors, where no repair helps."""

_CHANGES: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "with the opposite sign": (
        torch.neg,
        "look for a subtraction the wrong way round, and for a loss that is explained in place of an output",
    ),
    "with rows and columns swapped": (
        lambda maps: maps.transpose(1, 2).reshape(maps.shape),
        "look for (w, h) where (h, w) is meant",
    ),
    "with rows and columns swapped and stretched": (
        lambda maps: functional.interpolate(maps[:, None].transpose(2, 3), size=maps.shape[1:])[:, 0],
        "look for (w, h) where (h, w) is meant, in a transpose and in a size",
    ),
    "with a transpose in place of a reshape": (
        lambda maps: maps.reshape(len(maps), maps.shape[2], maps.shape[1]).transpose(1, 2),
        "a reshape does not swap axes: use transpose or permute",
    ),
    "upside down": (lambda maps: maps.flip(1), "look at the order of the rows"),
    "mirrored": (lambda maps: maps.flip(2), "look at the order of the columns"),
    "turned by 180 degrees": (lambda maps: maps.flip(1, 2), "look at kernels that are applied the wrong way round"),
    "with its lowest value subtracted": (
        lambda maps: maps - maps.flatten(1).amin(dim=1)[:, None, None],
        "look for a zero point or an offset that is added",
    ),
    "with its most frequent value subtracted": (
        lambda maps: maps - maps.flatten(1).mode(dim=1).values[:, None, None],
        "look for a zero point or an offset that is added",
    ),
    "with the images in reversed order": (
        lambda maps: maps.flip(0),
        "look at the order in which maps are put together",
    ),
    "as the map of the image before it": (lambda maps: maps.roll(-1, 0), "look at the index of the image in a loop"),
    "as the map of the image after it": (lambda maps: maps.roll(1, 0), "look at the index of the image in a loop"),
}
_QUARTERS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    f"turned by {90 * turns} degrees": (lambda maps, turns=turns: maps.rot90(turns, (1, 2)), "look for rot90")  # type: ignore[misc]  # bound at once
    for turns in (1, 3)
}


def suggested_fix(maps: Tensor, batch: Batch, truth: str, environment: Environment | None = None) -> str | None:
    """The change of the maps (b, h, w) that makes them right, as a hint; None if none does.

    Args:
        maps: (b, h, w).
        batch: The images and their truth.
        truth: The kind of truth.
        environment: Where the truth of other outputs is known, to recognize the map of another one.
    """
    if len(maps) > 1 and bool((maps == maps[:1]).all()) and bool((maps != 0).any()):
        return "it gives one map for all images: look for a cache, or for [0] where an index is meant"
    usual = _f1(maps, batch.ground_truth, truth)
    tried = [(_f1(changed, batch.ground_truth, truth), name, advice) for name, changed, advice in _changed(maps)]
    rows, columns = _offset(maps, batch)
    if (rows, columns) != (0, 0):
        moved = maps.roll((rows, columns), (1, 2))
        seen = _inner(maps.shape[1], rows), _inner(maps.shape[2], columns)  # what was moved out of the image is lost
        name = f"moved by {rows} rows and {columns} columns"
        f1 = _f1(moved[:, *seen], _cropped(batch.ground_truth, seen), truth)
        tried.append((f1, name, "look at padding, strides, windows and how the map is enlarged"))
    tried += [
        (_f1(maps, other, truth), name, "look at the index of the output that is explained")
        for name, other in _other_truths(batch, environment)
    ]
    best, name, advice = max(tried, key=lambda each: each[0])
    if best < max(GOOD, usual + GAIN):
        return None
    return f"{name} its F1 on {truth} truth would be {best:.2f} instead of {usual:.2f}: {advice}"


def _changed(maps: Tensor) -> Iterator[tuple[str, Tensor, str]]:
    """Maps after each repair, with its name and the advice."""
    is_square = maps.shape[1] == maps.shape[2]
    for name, (change, advice) in (_CHANGES | _QUARTERS if is_square else _CHANGES).items():
        yield name, change(maps), advice


def _inner(side: int, offset: int) -> slice:
    """The part of a side that is still of the image after it is moved."""
    return slice(max(offset, 0), side + min(offset, 0))


def _cropped(truth: GroundTruth, seen: tuple[slice, slice]) -> GroundTruth:
    """The truth of a part of the images."""
    parts = {name: None if values is None else values[:, *seen] for name, values in vars(truth).items()}
    return GroundTruth(**parts)  # type: ignore[arg-type]  # tensors


def _offset(maps: Tensor, batch: Batch) -> tuple[int, int]:
    """Rows and columns by which the maps must be moved to agree with the truth best, on the mean over images."""
    truth = batch.ground_truth.positive_mask.to(maps)
    values = maps / maps.abs().flatten(1).amax(dim=1).clamp(min=torch.finfo(maps.dtype).tiny)[:, None, None]
    product = torch.fft.ifft2(torch.fft.fft2(truth) * torch.fft.fft2(values).conj()).real.sum(dim=0)
    height, width = product.shape
    best = int(product.argmax())
    rows, columns = best // width, best % width
    return (rows - height if 2 * rows > height else rows), (columns - width if 2 * columns > width else columns)


def _other_truths(batch: Batch, environment: Environment | None) -> Iterator[tuple[str, GroundTruth]]:
    """Truths of other outputs, by the name of the output."""
    if environment is None or not environment.has_targets:
        return
    n_outputs = int(batch.labels.max()) + 1
    chosen = {f"as a map of output {index}": torch.full_like(batch.targets, index) for index in range(n_outputs)}
    chosen |= {
        "as a map of the next output": (batch.targets + 1) % n_outputs,
        "as a map of the output before": (batch.targets - 1) % n_outputs,
    }
    for name, targets in chosen.items():
        if not torch.equal(targets, batch.targets):
            yield name, environment.ground_truth(batch.scenes, targets.tolist())


def _f1(maps: Tensor, ground_truth: GroundTruth, kind: str) -> float:
    """Mean F1 of the maps; images without a truth, as a part of an image may be, are left out."""
    return float(score(maps, ground_truth).against(kind).f1.nanmean().nan_to_num())
