"""Two implementations of one method, compared value by value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from attributionlab.specs.arguments import number
from attributionlab.testing.affine import HINGED
from attributionlab.testing.axioms import SIGNED
from attributionlab.testing.contracts import TOLERANCE
from attributionlab.testing.failure import failure, per_image
from attributionlab.testing.moves import MOVES
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject, gaps

_CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "with the opposite sign": torch.neg,
    "with negative values cut off": lambda maps: maps.clamp(min=0),
    "as its absolute values": torch.abs,
    "with rows and columns swapped": lambda maps: maps.transpose(1, 2).reshape(maps.shape),
    "upside down": lambda maps: maps.flip(1),
    "mirrored": lambda maps: maps.flip(2),
    "with its lowest value subtracted": lambda maps: maps - maps.flatten(1).amin(dim=1)[:, None, None],
    "divided by its largest magnitude": lambda maps: (
        maps / maps.abs().flatten(1).amax(dim=1).clamp(min=torch.finfo(maps.dtype).tiny)[:, None, None]
    ),
    **MOVES,
}
"""Changes of the reference's maps that explain a difference."""


def assert_same_as(
    method: AnySubject,
    reference: AnySubject,
    environment: AnyEnvironment | None = None,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 4,
    size: int = 16,
    seed: int = 0,
) -> None:
    """A method gives the maps of another implementation, value by value; so another layer, corner, kernel or ReLU shows, which ranks would hide.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        reference: The other implementation, for example one of ours (`gradcam`) or a library's.
        environment: An environment, or its spec, or `affine` or `hinged`; by default a network with hinges and random weights, and
            a probability that pixels raise and lower.
        tolerance: Largest difference, relative to the largest magnitude of the reference's map.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If a map differs. The message says the factor or the change that explains all of it, if one does.
        MethodError: If one of the two cannot be run.
    """
    __tracebackhide__ = True
    tolerance = number("tolerance", tolerance, 0)
    for where in (HINGED, SIGNED) if environment is None else (environment,):
        subject = Subject.of(method, where, n_samples, size, seed)
        other = Subject.of(reference, where, n_samples, size, seed)
        maps, expected = subject.maps().cpu(), dataclasses.replace(other, batch=subject.batch).maps().cpu()
        gap = gaps(expected, maps)
        if (gap > tolerance).any():
            raise failure(
                subject,
                f"differs from {other.method.spec}: by up to {gap.max():.2g} of its largest value",
                columns=("image", "difference"),
                rows=per_image(gap),
                worst=gap,
                maps=maps,
                expected=expected,
                hint=_explained(maps, expected, tolerance),
            )


def _explained(maps: Tensor, expected: Tensor, tolerance: float) -> str:
    """The change of the expected maps that explains the difference, or where to look."""
    values, reference = maps.double().flatten(), expected.double().flatten()
    factor = float((values @ reference) / (reference @ reference).clamp(min=torch.finfo(values.dtype).tiny))
    if (gaps(factor * expected, maps) <= tolerance).all():
        return f"it is {factor:.4g} times the reference: look for a common factor"
    for name, change in _CHANGES.items():
        if (gaps(change(expected), maps) <= tolerance).all():
            return f"it is the reference {name}"
    return "look at the layer, at the ReLU behind the sum over channels, and at the enlargement: its mode, its corners, its size"
