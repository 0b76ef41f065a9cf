"""Completeness: the values of a map add up to what they explain."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.specs.arguments import number
from attributionlab.testing.axioms import TOLERANCE
from attributionlab.testing.failure import failure
from attributionlab.testing.subject import COUNTING, AnyEnvironment, AnySubject, Subject


def assert_complete(
    method: AnySubject,
    environment: AnyEnvironment = COUNTING,
    *,
    baseline: str | tuple[float, ...] = "auto",
    tolerance: float | None = None,
    n_samples: int = 8,
    size: int = 32,
    seed: int = 0,
) -> None:
    """The values of a map sum to the difference of outputs between image and baseline.

    Args:
        method: A name or spec, a function, or the address of one.
        environment: An environment, or its spec.
        baseline: `auto` (the method's own option, black if it has none), `black`, `true` or a color.
        tolerance: Largest error, relative to the difference; by default as the method declares, else a thousandth.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it. Images have an eighth more columns, so that swapped axes show.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If the error is larger.
        MethodError: If the method cannot be run.

    References:
        The axiom of completeness (Sundararajan et al. 2017, section 3).
    """
    __tracebackhide__ = True
    if tolerance is not None:
        tolerance = number("tolerance", tolerance, 0)
    subject = Subject.of(method, environment, n_samples, size, seed)
    maps = subject.maps().cpu()
    model, inputs, targets = subject.environment.model, subject.batch.inputs, subject.batch.targets
    color = _baseline(subject, baseline).to(inputs)[:, None, None]
    with torch.no_grad():
        outputs = [
            torch.cat([model(image) for image in images.split(1)]) for images in (inputs, color.expand_as(inputs))
        ]
    image_outputs, baseline_outputs = (values.gather(1, targets[:, None])[:, 0].double() for values in outputs)
    difference, total = image_outputs - baseline_outputs, maps.double().flatten(1).sum(dim=1).cpu()
    error = (total - difference).abs() / difference.abs()
    allowed = subject.method.declaration.tolerance if tolerance is None else tolerance
    if (error > (TOLERANCE if allowed is None else allowed)).any():
        declared = subject.method.declaration.completeness
        claims = "" if declared is None else f"it declares completeness {declared}; "
        raise failure(
            subject,
            f"is not complete: sums miss the difference of outputs by up to {error.max():.2g} of it",
            columns=("image", "sum", "expected", "error"),
            rows=[
                (str(index), *(f"{value:.4g}" for value in values))
                for index, values in enumerate(zip(total.tolist(), difference.tolist(), error.tolist(), strict=True))
            ],
            worst=error,
            maps=maps,
            hint=f"{claims}look for a channel that is left out, another baseline, or, on a path, more steps of quadrature "
            "(a color is detected along 1/255 of a path)",
        )


def _baseline(subject: Subject, baseline: str | tuple[float, ...]) -> Tensor:
    """The color (c,) of a baseline."""
    is_auto = isinstance(baseline, str) and baseline == "auto"
    chosen = getattr(subject.method, "baseline", "black") if is_auto else baseline
    background = subject.environment.true_baseline
    if isinstance(chosen, str) and chosen == "black":
        return torch.zeros_like(background)
    if isinstance(chosen, str) and chosen == "true":
        return background
    if not isinstance(chosen, (tuple, list)) or len(chosen) != len(background):
        raise bad_option("baseline", f"be auto, black, true or a color of {len(background)} channels", chosen)
    return torch.tensor([number("baseline", value) for value in chosen], dtype=background.dtype)
