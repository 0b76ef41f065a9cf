"""The map of an image is a function of this image and its target alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from attributionlab.errors import MethodError
from attributionlab.specs.arguments import MOST_IMAGES, number, whole_number
from attributionlab.testing.contracts import ENVIRONMENT, TOLERANCE
from attributionlab.testing.failure import failure, per_image
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject, gaps
from attributionlab.truth import Batch

MOST_COMMON_CHUNK = 32

LONG = MOST_COMMON_CHUNK + 3
"""Images of the long batch; not a multiple of usual chunk sizes."""

LONG_SIZE = 16

_ORDERS: dict[str, Callable[[Tensor], Tensor]] = {
    "every image has the map of the one before it": lambda maps: maps.roll(1, 0),
    "every image has the map of the one after it": lambda maps: maps.roll(-1, 0),
    "the maps are in reversed order": lambda maps: maps.flip(0),
    "every image has the map of the first one": lambda maps: maps[:1].expand_as(maps),
    "every image has the map of the last one": lambda maps: maps[-1:].expand_as(maps),
    "every image has the sum of its map and all before it": lambda maps: maps.cumsum(dim=0),
}
"""Mistakes in the order of a batch, as changes of the correct maps."""


def assert_batch_invariant(
    method: AnySubject,
    environment: AnyEnvironment = ENVIRONMENT,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 4,
    n_long: int = LONG,
    size: int = 16,
    seed: int = 0,
) -> None:
    """The map of an image does not depend on the batch: on other images, on their number, on its place.

    All calls start with the same global seed. Where maps depend on that seed, an image's random numbers may shift with the
    number of images; it is then compared at the same place of batches of the same length, whose other images differ.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment, or its spec, or `affine`.
        tolerance: Largest difference, relative to a map's largest magnitude.
        n_samples: Images in the batch; a longer one is tested as well, unless an environment is given.
        n_long: Images of the longer batch, more than 32; 0 leaves it out, for methods that take long.
        size: Rows of the images, unless the environment sets it.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If a map depends on its batch.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    tolerance = number("tolerance", tolerance, 0)
    subject = Subject.of(method, environment, n_samples, size, seed)
    together = subject.maps()
    _assert_own_maps(subject, together)
    others = Subject.of(method, environment, n_samples, size, seed, start=n_samples)
    random = is_random(subject, together)
    if not random:
        _assert_same(subject, subject.one_by_one(), together, "together with others", tolerance)
    for first in (0, 1):
        mixed = _alternating(subject.batch, others.batch, first)
        maps = subject.maps(batch=mixed)
        kept = torch.where(_every_second(maps, first), maps, together)
        _assert_same(subject, together, kept, "with other images around it", tolerance)
    if random:
        return
    _assert_same(subject, together, _reversed(subject), "in a batch in another order", tolerance)
    n_long = whole_number("n_long", n_long, 0, MOST_IMAGES)
    if isinstance(environment, str) and environment == ENVIRONMENT and n_long > MOST_COMMON_CHUNK:
        _assert_long(Subject.of(method, environment, n_long, LONG_SIZE, seed), tolerance)


def is_random(subject: Subject, maps: Tensor) -> bool:
    """Whether the maps, of the global seed 0, depend on the global seed."""
    return not torch.equal(maps, subject.maps(seed=1))


def _assert_own_maps(subject: Subject, maps: Tensor) -> None:
    """Images that have different maps alone do not all have one map together."""
    __tracebackhide__ = True
    if len(maps) > 1 and _are_alike(maps) and not _are_alike(subject.one_by_one()):
        raise failure(
            subject,
            f"depends on the batch: it gives the same map for all {len(maps)} images, bit for bit",
            hint="look for a mean or a sum over the first axis, for [0] where [index] is meant, and for a map that is kept",
        )


def _are_alike(maps: Tensor) -> bool:
    """Whether all maps are the same, and not zero."""
    return bool((maps[0] != 0).any()) and bool((maps == maps[:1]).all())


def _assert_same(subject: Subject, expected: Tensor, maps: Tensor, setting: str, tolerance: float) -> None:
    """An image has the same map in both settings."""
    __tracebackhide__ = True
    gap = gaps(expected, maps)
    if (gap > tolerance).any():
        hint = (
            "look for means, maxima, noise, baselines or targets taken over the first axis or from its first image (captum#1367 is such "
            "a case), and for repeat where repeat_interleave is meant"
        )
        problem = f"depends on the batch: an image's map alone and {setting} differ by up to {gap.max():.2g} of its largest value"
        if _is_rounding(subject, tolerance):
            problem = (
                f"loses precision: an image's map alone and {setting} differ by up to {gap.max():.2g} of its largest value in float32, "
                "and not in float64"
            )
            hint = "look for quotients of small differences, whose digits are those of rounding"
        raise failure(
            subject,
            problem,
            columns=("image", "difference"),
            rows=per_image(gap),
            worst=gap,
            maps=maps,
            expected=expected,
            hint=_order(expected, maps, tolerance) or hint,
        )


def _is_rounding(subject: Subject, tolerance: float) -> bool:
    """Whether images have the same maps alone and together in float64."""
    try:
        together = subject.maps(model=subject.model.double())
        rows = [slice(row, row + 1) for row in range(len(together))]
        alone = torch.cat([subject.maps(row, model=subject.model.double()) for row in rows])
    except MethodError:
        return False
    return bool((gaps(alone, together) <= tolerance).all())


def _order(expected: Tensor, maps: Tensor, tolerance: float) -> str | None:
    """What an image has in place of its map, as a hint; None if it is neither another image's map nor a multiple of its own."""
    look = "look at the order in which maps are put together"
    is_shown, was_shown = ((each != 0).flatten(1).any(dim=1) for each in (maps, expected))
    for some, other, text in ((is_shown, was_shown, "together"), (was_shown, is_shown, "alone")):
        if bool(other.all()) and not some.all():
            images = ", ".join(str(index) for index in (~some).nonzero()[:, 0].tolist())
            return f"{text} images {images} have no map, all values are zero: look for [0] and [:1], and for a rest that is left out"
    for name, change in _ORDERS.items():
        if (gaps(change(expected), maps) <= tolerance).all():
            return f"{name}: {look}"
    same = torch.stack([gaps(each.expand_as(maps), maps) <= tolerance for each in expected])  # (other images, b)
    if bool(same.any(dim=0).all()):
        others = ", ".join(map(str, same.int().argmax(dim=0).tolist()))
        return f"the maps are those of images {others}, in this order: {look}"
    values, reference = maps.double().flatten(1), expected.double().flatten(1)
    factors = (values * reference).sum(dim=1) / (reference**2).sum(dim=1).clamp(min=torch.finfo(values.dtype).tiny)
    if bool((gaps(factors.reshape(-1, *[1] * (maps.ndim - 1)).to(expected) * expected, maps) <= tolerance).all()):
        text = ", ".join(f"{factor:.3g}" for factor in factors.tolist())
        return f"the maps are multiples of those alone, by {text}: look for means, maxima and sums over the first axis"
    return None


def _assert_long(subject: Subject, tolerance: float) -> None:
    """The last images of a long batch have the maps that they have without the others."""
    __tracebackhide__ = True
    maps = subject.maps()
    rows = slice(MOST_COMMON_CHUNK, len(maps))
    few = dataclasses.replace(subject, batch=subject.batch[rows])
    gap = gaps(few.maps(), maps[rows])
    if (gap > tolerance).any():
        is_empty = bool((maps[rows] == 0).all())
        raise failure(
            subject,
            f"depends on the batch: the last images of {len(maps)} {'have no map' if is_empty else 'have other maps than without the first'}, "
            f"by up to {gap.max():.2g} of the largest value",
            columns=("image", "difference"),
            rows=[(str(MOST_COMMON_CHUNK + index), value) for index, (_, value) in enumerate(per_image(gap))],
            hint="look at the loop over chunks: the last one is shorter",
        )


def _alternating(first: Batch, second: Batch, start: int) -> Batch:
    """Images of one batch at every second place from `start`, and of another between them."""
    own = _every_second(first.targets, start)
    scenes = tuple(a if mine else b for a, b, mine in zip(first.scenes, second.scenes, own.tolist(), strict=True))
    inputs = torch.where(_every_second(first.inputs, start), first.inputs, second.inputs)
    return dataclasses.replace(
        first, inputs=inputs, targets=torch.where(own, first.targets, second.targets), scenes=scenes
    )


def _every_second(values: Tensor, start: int) -> Tensor:
    """(b, 1, ..) bool, as many axes as `values`: every second sample from `start`."""
    return (torch.arange(len(values), device=values.device) % 2 == start).reshape(-1, *[1] * (values.ndim - 1))


def _reversed(subject: Subject) -> Tensor:
    """Maps of the reversed batch, in the original order."""
    batch = subject.batch
    order = torch.arange(len(batch) - 1, -1, -1)
    parts: dict[str, Any] = {
        name: None if value is None else value[order] for name, value in vars(batch.ground_truth).items()
    }
    truth = dataclasses.replace(batch.ground_truth, **parts)
    backward = Batch(batch.inputs[order], batch.targets[order], batch.labels[order], truth, batch.scenes[::-1])
    return subject.maps(batch=backward).flip(0)
