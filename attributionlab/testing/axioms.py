"""Axioms with known answers: properties of maps of a network that is a sum over known pixels.

By default they are tested on the logit of `multi-color-sum` without redundant channels, where all pixels of the winner
contribute equally to the output and all other pixels contribute nothing, exactly. So they test whether an implementation is
correct, for methods that distinguish pixels (`granularity="pixel"`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.specs.arguments import number
from attributionlab.testing.failure import failure, per_image
from attributionlab.testing.hints import NEIGHBORS, suggested_fix
from attributionlab.testing.own_network import require_truth
from attributionlab.testing.subject import COUNTING, AnyEnvironment, AnySubject, Subject

TOLERANCE = 1e-3
"""Relative to a map's largest magnitude: errors of sums of float32 gradients and of quotients of small differences."""

_ASYMMETRIC = "a rule that shares values by position, as that of a first layer may, declares symmetric=False"
"""Hint on equal pixels with different values."""

SAMPLED = 0.1
"""Least tolerance of wrong signs for values that are estimated from few random draws."""

SIGNED = "multi-color-sum[n_redundant=0]"
"""An environment whose output, a probability, has pixels that lower it."""


def assert_dummy(
    method: AnySubject,
    environment: AnyEnvironment = COUNTING,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 8,
    size: int = 32,
    seed: int = 0,
) -> None:
    """Pixels that show the background have no attribution.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment without redundant channels, or its spec.
        tolerance: Largest magnitude on the background, relative to the map's largest magnitude.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it. Images have an eighth more columns, so that swapped axes show.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If background pixels have an attribution.
        MethodError: If the method cannot be run.

    References:
        The axiom of the null player (Shapley 1953); Zhang et al. 2024, Proposition 3.1.
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_dummy")
    tolerance = number("tolerance", tolerance, 0)
    subject, maps = _on(method, environment, n_samples, size, seed)
    background = _background(subject)
    worst = _worst(maps, background)
    if (worst > tolerance).any():
        n_pixels = int(((_relative(maps) > tolerance) & background).flatten(1).sum(dim=1)[worst.argmax()])
        raise failure(
            subject,
            f"credits the background: up to {worst.max():.2g} of its largest value, on {n_pixels} pixels of the worst image",
            columns=("image", "largest on the background"),
            rows=per_image(worst),
            worst=worst,
            maps=maps,
            hint=suggested_fix(maps, subject.batch, "positive", subject.environment) or NEIGHBORS,
        )


def assert_symmetric(
    method: AnySubject,
    environment: AnyEnvironment = COUNTING,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 8,
    size: int = 32,
    seed: int = 0,
) -> None:
    """Pixels of one color in one image, which are interchangeable, have equal attributions; see `assert_dummy`.

    Raises:
        AssertionError: If they have different attributions.
        MethodError: If the method cannot be run.

    References:
        The axiom of symmetry (Shapley 1953); Zhang et al. 2024, Proposition 3.2.
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_symmetric")
    tolerance = number("tolerance", tolerance, 0)
    subject, maps = _on(method, environment, n_samples, size, seed)
    spread = torch.zeros(len(maps), dtype=torch.float64)
    relative = _relative(maps, signed=True)
    expected = maps.double().clone()
    for index, image in enumerate(subject.batch.inputs):
        for color in image.flatten(1).unique(dim=1).T:
            same = (image == color[:, None, None]).all(dim=0)
            values = relative[index][same]
            spread[index] = max(spread[index], values.max() - values.min())
            expected[index][same] = maps[index][same].double().mean()
    if (spread > tolerance).any():
        raise failure(
            subject,
            f"treats equal pixels differently: values of one color in one image differ by up to {spread.max():.2g} of the largest",
            columns=("image", "largest difference"),
            rows=per_image(spread),
            worst=spread,
            maps=maps,
            expected=expected,
            hint=suggested_fix(maps, subject.batch, "positive", subject.environment) or f"{NEIGHBORS}; {_ASYMMETRIC}",
        )


def assert_sensitive(
    method: AnySubject,
    environment: AnyEnvironment = COUNTING,
    *,
    share: float = 0.5,
    n_samples: int = 16,
    size: int = 32,
    seed: int = 0,
) -> None:
    """Pixels that affect the output have an attribution, in every color.

    Args:
        method: A name or spec, a function, or the address of one.
        environment: An environment, or its spec.
        share: Smallest fraction of the truth's pixels of each color with an attribution above a thousandth of the map's largest
            magnitude.
        n_samples: Number of images; enough for each color to win in some.
        size: Rows of the images, unless the environment sets it. Images have an eighth more columns, so that swapped axes show.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If too few pixels of a color have an attribution.
        MethodError: If the method cannot be run.

    References:
        The axiom of sensitivity (Sundararajan et al. 2017, section 2.1).
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_sensitive")
    share = number("share", share, 0, 1)
    subject, maps = _on(method, environment, n_samples, size, seed)
    seen, positive = _relative(maps) > TOLERANCE, subject.batch.ground_truth.positive_mask
    _assert_edges(subject, maps, seen)
    colors = subject.batch.inputs.permute(0, 2, 3, 1)[positive]
    rows, ignored = [], []
    for color in colors.unique(dim=0):
        same = (colors == color).all(dim=1)
        part = float(seen[positive][same].double().mean())
        name = ", ".join(f"{value:g}" for value in color.tolist())
        rows.append((f"({name})", str(int(same.sum())), f"{part:.0%}", f">= {share:.0%}"))
        if part < share:
            ignored.append(f"({name})")
    if ignored:
        missing = (positive & ~seen).flatten(1).double().mean(dim=1)
        all_zero = bool((maps == 0).all())
        hint = "all maps are zero everywhere: " if all_zero else ""
        hint += "look for a wrong target, a channel that is left out, a gradient that is cut (detach), or a saturated output"
        elsewhere = _worst(maps, _background(subject)) > TOLERANCE
        problem = f"is blind to {' and '.join(ignored)}: pixels that the output depends on have no attribution"
        if bool(elsewhere.all()):
            problem = f"has its values at wrong places: pixels of the background have one, and many of {' and '.join(ignored)} have none"
            hint = "look for (w, h) where (h, w) is meant, for a reshape in place of a transpose, for the order of patches, and for filters"
        raise failure(
            subject,
            problem,
            columns=("color", "pixels", "with attribution", "expected"),
            rows=rows,
            worst=missing,
            maps=maps,
            hint=suggested_fix(maps, subject.batch, "positive", subject.environment) or hint,
        )


def _assert_edges(subject: Subject, maps: Tensor, seen: Tensor) -> None:
    """Pixels at the four edges have an attribution where those inside have one."""
    __tracebackhide__ = True
    positive = subject.batch.ground_truth.positive_mask
    if positive.ndim != 3 or not (seen & positive)[:, 1:-1, 1:-1].any():  # (b, h, w)
        return
    edges = {"first row": (1, 0), "last row": (1, -1), "first column": (2, 0), "last column": (2, -1)}
    ignored = []
    for name, (axis, index) in edges.items():
        truth, covered = positive.select(axis, index), (seen & positive).select(axis, index)
        if truth.any() and not covered.any():
            ignored.append(name)
    if ignored:
        raise failure(
            subject,
            f"leaves out the {' and the '.join(ignored)}: pixels there that the output depends on have no attribution",
            worst=(positive & ~seen).flatten(1).double().mean(dim=1),
            maps=maps,
            hint=suggested_fix(maps, subject.batch, "positive", subject.environment)
            or "look for loops that end one window too early, strides that leave a rest, and valid instead of same padding",
        )


def assert_sign_correct(
    method: AnySubject,
    environment: AnyEnvironment = SIGNED,
    *,
    tolerance: float = 0.01,
    n_samples: int = 8,
    size: int = 32,
    seed: int = 0,
) -> None:
    """Pixels that raise the output have positive attributions, and those that lower it negative ones.

    Methods that declare `positive` are tested on the former only, methods that declare `magnitude` are not tested. Segments that
    hold pixels of both signs are left out, for methods that declare `segment`; estimates from global random numbers may have a tenth wrong in each of two draws.

    Args:
        method: A name or spec, a function, or the address of one.
        environment: An environment, or its spec; by default one whose probability has pixels that lower it.
        tolerance: Largest fraction with the wrong sign of the absolute attribution of the truth's pixels.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it. Images have an eighth more columns, so that swapped axes show.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If a larger fraction has the wrong sign.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_sign_correct")
    tolerance = number("tolerance", tolerance, 0)
    subject, maps = _on(method, environment, n_samples, size, seed)
    declared = subject.method.declaration
    truth = subject.batch.ground_truth.signed.double()
    if declared.sign == "magnitude":
        return
    wrongly_signed = maps.double() * truth < 0
    if declared.randomness == "global":
        tolerance = max(tolerance, SAMPLED)
        wrongly_signed &= subject.maps(seed=1).cpu().double() * truth < 0  # chance alone is wrong in one draw only
    if declared.sign == "positive" or declared.explains == "logit":
        truth = truth.clamp(min=0)
    if declared.granularity == "segment":
        truth = torch.where(_is_mixed(maps, truth), 0.0, truth)
    values = maps.double() * truth
    on_truth = values.abs().flatten(1).sum(dim=1)
    wrong = torch.where(on_truth > 0, (values.abs() * wrongly_signed).flatten(1).sum(dim=1) / on_truth, 0.0)
    if (wrong > tolerance).any():
        none_negative = declared.sign == "signed" and bool((maps >= 0).all())
        hint = "it has no negative value: look for an absolute value, a square or a ReLU on the way"
        raise failure(
            subject,
            f"has wrong signs: up to {wrong.max():.0%} of the attribution of an image's truth",
            columns=("image", "wrong part"),
            rows=per_image(wrong),
            worst=wrong,
            maps=maps,
            hint=hint if none_negative else suggested_fix(maps, subject.batch, "positive", subject.environment),
        )


def _is_mixed(maps: Tensor, truth: Tensor) -> Tensor:
    """(b, h, w) bool: pixels of segments, which have one value, that hold pixels of both signs."""
    mixed = torch.zeros_like(truth, dtype=torch.bool)
    for index, (values, signs) in enumerate(zip(maps, truth, strict=True)):
        for value in values.unique():
            segment = values == value
            mixed[index] |= segment & bool((signs[segment] > 0).any() and (signs[segment] < 0).any())
    return mixed


def _on(
    method: AnySubject, environment: AnyEnvironment, n_samples: int, size: int, seed: int
) -> tuple[Subject, Tensor]:
    """The subject, and its maps on the CPU."""
    subject = Subject.of(method, environment, n_samples, size, seed)
    return subject, subject.maps().cpu()


def _background(subject: Subject) -> Tensor:
    """(b, h, w) bool: pixels that show the background."""
    color = subject.environment.true_baseline[:, None, None]
    return (subject.batch.inputs == color).all(dim=1)


def _relative(maps: Tensor, *, signed: bool = False) -> Tensor:
    """Values relative to each map's largest magnitude, (b, h, w) float64; zero maps stay zero."""
    values = maps.double()
    largest = values.abs().flatten(1).amax(dim=1)[:, None, None]
    scaled = values / torch.where(largest == 0, 1.0, largest)
    return scaled if signed else scaled.abs()


def _worst(maps: Tensor, mask: Tensor) -> Tensor:
    """The largest magnitude within the mask, relative to each map's largest magnitude, (b,)."""
    return torch.where(mask, _relative(maps), 0.0).flatten(1).amax(dim=1)
