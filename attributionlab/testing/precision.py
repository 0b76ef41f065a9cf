"""Digits of a map's values: as many as the numbers of its network have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import MethodError
from attributionlab.measuring.explain import attribute
from attributionlab.methods import FunctionMethod
from attributionlab.specs.arguments import number
from attributionlab.testing.affine import AFFINE
from attributionlab.testing.contracts import differs
from attributionlab.testing.failure import failure
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject, gaps

TOLERANCE = 1e-4
"""Relative to a map's largest magnitude: quotients of differences of outputs that are sums over hundreds of pixels, each with
errors of 6e-8; float16 has errors of 5e-4."""

FEW_DIGITS: dict[str, Callable[[Tensor], Tensor]] = {
    "whole numbers": torch.round,
    "bfloat16": lambda maps: maps.bfloat16().to(maps.dtype),
    "float16": lambda maps: maps.half().to(maps.dtype),
}
"""Ways to store numbers with few digits, the coarsest first."""

LEVELS = (255, 254)
"""Steps between the smallest and the largest value of 8 bits, or between the values of largest magnitude of both signs."""

ON_GRID = 1e-3
"""Largest distance of a value to its level, as a share of the distance between two of them."""

FEW = 0.05
"""Largest difference that lost digits explain; above it a method is not proportional to the outputs for another reason."""

LEAST_VALUES = 20
"""Fewest different values of a map whose digits are looked at; a map of few values may have them from few segments."""

CLIPPED = 0.01
"""Largest share of a map's values that may be equal to its largest one where the others are all different."""


def assert_dtype_robust(
    method: AnySubject,
    environment: AnyEnvironment = AFFINE,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 2,
    size: int = 16,
    seed: int = 0,
) -> None:
    """Maps are floats with as many digits as the network's numbers; they are not clipped, and float32 and float64 agree up to rounding.

    Args:
        method: A name or spec, a function, or the address of one.
        environment: An environment, or its spec, or `affine`, whose pixels have different values with all digits. The slope of
            a probability near 1 has few.
        tolerance: Largest difference, relative to a map's largest magnitude.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it; few, because outputs are sums over all pixels.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If a map that does not depend on the global seed differs, a map has the digits of a shorter type, is clipped, or the method works in float32 only.
        MethodError: If the method cannot be run in float32.
    """
    __tracebackhide__ = True
    tolerance = number("tolerance", tolerance, 0)
    subject = Subject.of(method, environment, n_samples, size, seed)
    expected = subject.maps()
    _assert_floats(subject)
    if subject.network is not None:
        _assert_digits(subject, expected)
    try:
        maps = subject.maps(model=subject.model.double())
    except MethodError as error:
        hint = "take dtype and device from the inputs: torch.zeros_like(inputs), noise.to(inputs)"
        raise failure(subject, f"works in float32 only: {error}", hint=hint) from error
    if subject.network is not None:
        _assert_scales(subject, maps, tolerance)
    if not torch.equal(expected, subject.maps(seed=1)):
        return  # torch draws other numbers in float64 from the same seed
    gap = gaps(expected, maps)
    if (gap > tolerance).any():
        hint = "look for half precision, for sums of numbers of different size, and for quotients of small differences"
        raise differs(subject, "gives another map in float64 than in float32", gap, maps, expected, hint)


def _assert_scales(subject: Subject, maps: Tensor, tolerance: float) -> None:
    """Maps of a network whose outputs are three times as large are proportional: digits of a shorter type are rounded otherwise."""
    __tracebackhide__ = True
    is_random = not torch.equal(maps, subject.maps(model=subject.model.double(), seed=1))
    if is_random or subject.method.declaration.granularity == "coarse":
        return
    model = subject.model.double()
    last = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight *= 3
    larger = subject.maps(model=model)
    values, reference = larger.flatten(1), maps.flatten(1)
    factors = (values * reference).sum(dim=1) / (reference**2).sum(dim=1).clamp(min=torch.finfo(values.dtype).tiny)
    scaled = factors[:, None, None] * maps
    gap = gaps(scaled, larger)
    if _is_added(subject, model, maps, larger, tolerance):
        return  # a part of the maps does not come from the outputs, which is no matter of digits
    if bool((gap > tolerance).any()) and not bool((gap > FEW).any()) and not _are_ordered_alike(maps, larger):
        problem = "loses precision: for outputs three times as large its maps are not proportional"
        hint = "look for .half(), .bfloat16(), autocast and quantization between the inputs and the map"
        raise differs(subject, problem, gap, larger, scaled, hint)


def _is_added(subject: Subject, model: nn.Module, maps: Tensor, larger: Tensor, tolerance: float) -> bool:
    """Whether maps are a multiple of the outputs plus a part that is the same for outputs one, three and nine times as large."""
    last = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight *= 3
    largest = subject.maps(model=model)
    parts = (3 * maps - larger) / 2, (9 * maps - largest) / 8
    return bool((parts[0] != 0).any()) and bool((gaps(*parts) <= tolerance).all())


def _are_ranks(maps: Tensor) -> bool:
    """Whether the sorted values of every map rise in equal steps."""
    steps = maps.double().flatten(1).sort(dim=1).values.diff(dim=1)
    mean = steps.mean(dim=1, keepdim=True)
    return bool((mean > 0).all()) and bool(((steps - mean).abs() <= ON_GRID * mean).all())


def _is_on_grid(maps: Tensor, n_levels: int) -> bool:
    """Whether the values of every map lie on equidistant levels between its ends, or those of its largest magnitude."""
    values = maps.double().flatten(1)
    low, high = values.amin(dim=1, keepdim=True), values.amax(dim=1, keepdim=True)
    largest = torch.maximum(high, -low)
    for start, end in ((low, high), (-largest, largest)):
        levels = (values - start) / (end - start).clamp(min=torch.finfo(values.dtype).tiny) * n_levels
        if bool(((levels - levels.round()).abs() <= ON_GRID).all()):
            return True
    return False


def _are_ordered_alike(maps: Tensor, others: Tensor) -> bool:
    """Whether the pixels of every image are in the same order in both maps, no two alike: a number that is added keeps it, lost digits do not."""
    ordered = others.flatten(1).gather(1, maps.flatten(1).argsort(dim=1))
    return bool((ordered.diff(dim=1) > 0).all())


def _assert_floats(subject: Subject) -> None:
    """A function returns floats, of no fewer bytes than its inputs."""
    __tracebackhide__ = True
    method = subject.method
    if not isinstance(method, FunctionMethod) or method.needs_batch:
        return
    returned: list[Any] = []

    def noted(model: nn.Module, inputs: Tensor, targets: Tensor) -> Any:
        returned.append(method.function(model, inputs, targets))
        return returned[0]

    attribute(FunctionMethod(function=noted, spec=method.spec), subject.model, subject.batch)
    for value in returned:
        kind = str(getattr(value, "dtype", "")).removeprefix("torch.")
        if kind and kind not in ("float32", "float64"):
            raise failure(
                subject,
                f"returns {kind}, which has fewer digits than the float32 of its inputs",
                hint="return the values before they are quantized or converted to a picture",
            )


def _assert_digits(subject: Subject, maps: Tensor) -> None:
    """The values of the affine network's pixels, which are random, are not those of a type with few digits."""
    __tracebackhide__ = True
    values = maps[maps != 0].double()
    distinct = values.unique()
    if len(distinct) < LEAST_VALUES:
        return
    if _are_ranks(maps):
        problem = "has ranks: the sorted values of each map rise in equal steps, whatever the effects of the pixels are"
        raise failure(subject, problem, hint="return the values that were ranked; look for argsort and rankdata")
    for kind, change in FEW_DIGITS.items():
        if torch.equal(change(values.to(torch.float32)).double(), values):
            problem = f"has values with the digits of {kind}, where the network computes in float32"
            raise failure(subject, problem, hint="look for .half(), autocast, quantization, and rounding")
    grids = [next((n for n in LEVELS if _is_on_grid(image[None], n)), None) for image in maps]
    n_levels = max((n for n in grids if n is not None), default=None)
    if n_levels is not None and None not in grids:
        problem = f"has only the precision of a picture: the values of each map lie on {n_levels + 1} levels, at equal distances"
        raise failure(subject, problem, hint="return the values before they are quantized to 8 bits")
    largest, magnitude = maps.flatten(1).amax(dim=1), maps.abs().flatten(1).amax(dim=1)
    for shown, extreme, name in (
        (maps, largest, "largest one"),
        (maps, maps.flatten(1).amin(dim=1), "smallest one"),
        (maps.abs(), magnitude, "largest magnitude"),
    ):
        same = (shown == extreme[:, None, None]) & (maps != 0)
        share = same.flatten(1).double().mean(dim=1)
        rest = [image[~part].unique() for image, part in zip(maps, same, strict=True)]
        are_different = all(len(each) > 0.5 * float((~part).sum()) for each, part in zip(rest, same, strict=True))
        if bool((share > CLIPPED).all()) and are_different:
            problem = f"is clipped: {share.max():.0%} of the values of a map are equal to its {name}, and the others all differ"
            raise failure(subject, problem, hint="look for clamp, percentiles, and conversions for pictures")
