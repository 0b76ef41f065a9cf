"""What a method declares about the signs of its values, as an assertion."""

from __future__ import annotations

from attributionlab.testing.affine import AFFINE
from attributionlab.testing.axioms import SIGNED
from attributionlab.testing.failure import failure, per_image
from attributionlab.testing.own_network import require_truth
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject

TOLERANCE = 1e-6
"""Relative to a map's largest magnitude: rounding of sums in float32."""


MOST_SEGMENTS = 0.9
"""Largest number of different values of a method that declares segments, as a share of the pixels: segments of one pixel are pixels."""


def assert_declared(
    method: AnySubject,
    environment: AnyEnvironment | None = None,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 4,
    size: int = 16,
    seed: int = 0,
) -> None:
    """A method that declares `positive` or `magnitude` gives no negative value, and one that declares `segment` few different ones.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment, or its spec; by default a probability, whose pixels raise or lower it, and the affine network.
        tolerance: Largest magnitude of a negative value, relative to a map's largest magnitude.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If a map has a negative value of a larger magnitude, or nearly as many values as pixels.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_declared")
    for where in (SIGNED, AFFINE) if environment is None else (environment,):
        subject = Subject.of(method, where, n_samples, size, seed)
        declared, is_by_segment = subject.method.declaration.sign, subject.method.declaration.granularity == "segment"
        if declared == "signed" and not is_by_segment:
            return
        maps = subject.maps().cpu()
        n_pixels, n_values = maps[0].numel(), min(len(each.unique()) for each in maps)
        if is_by_segment and n_values > MOST_SEGMENTS * n_pixels:
            hint = "give all pixels of a segment its value, also behind smoothing and enlargement"
            problem = f"declares segments and has {n_values} different values on {n_pixels} pixels: pixels of a segment have one"
            raise failure(subject, problem, hint=hint)
        if declared == "signed":
            continue
        largest = maps.abs().flatten(1).amax(dim=1)
        below = (-maps.flatten(1).amin(dim=1)).clamp(min=0) / largest.where(largest > 0, 1)
        if (below > tolerance).any():
            raise failure(
                subject,
                f"declares {declared} and gives negative values: down to {below.max():.2g} of its largest magnitude",
                columns=("image", "below zero"),
                rows=per_image(below),
                worst=below,
                maps=maps,
                hint="take the absolute value or cut off at zero last, behind smoothing, sums and enlargement",
            )
