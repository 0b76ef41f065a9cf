"""Points at which a method evaluates the network, and whether the detectors of a designed network can be seen from there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attributionlab.errors import MethodError
from attributionlab.measuring.applicable import deciding_truth
from attributionlab.metrics import score
from attributionlab.testing.cells import cells_of, grids_of
from attributionlab.testing.subject import Subject
from attributionlab.truth import GroundTruth

LEAST_SEEN = 0.2
"""Smallest share of pixels that a method must show within one level of their color, over all its forward passes of an image;
pixels that it never shows in another color do not count if there are others."""

GAMMA, MARGIN = 0.5, 0.1
"""Smallest mean F1 that passes, and what the best map must have above it, so that others can pass."""

SAME_IMAGE = 1e-4
"""Largest residual of images that are another one's values, multiplied and moved in each channel: rounding of float32."""

ROUGH = 0.8
"""Smallest roughness of images that are not called smoothed, relative to that of the random images; noise has no less."""

MOST_OUTSIDE = 0.05
"""Largest share of pixels outside of the range of colors, where noise brings half of those that are at its ends."""


def reason_for_blindness(subject: Subject) -> str | None:
    """Reason why a method cannot see detectors that are one level of color wide; None if it can, or cannot be run."""
    if subject.environment.input_range is None:
        return None
    model = subject.model
    shown = inputs_of(model)
    try:
        subject.maps(slice(0, 1), model=model)  # alone, so that all that is shown is made of this image
    except MethodError:
        return None
    truth = subject.batch.ground_truth.overall_mask[0]
    image = subject.batch.inputs[0]
    rows = [row[:, truth] for inputs in shown if inputs.shape[1:] == image.shape for row in inputs]
    if not rows or not truth.any():
        return None
    pixels, own = torch.stack(rows), image[:, truth]
    low, high = subject.environment.input_range
    outside = ((pixels < low) | (pixels > high)).any(dim=1).float().mean()
    if outside > MOST_OUTSIDE:
        return f"it adds noise to the images ({_SEES_NOTHING})"
    near = ((pixels - own).abs() < 1).all(dim=1)  # n p: points, pixels
    moved = ~near.all(dim=0)  # a path that starts at a pixel's own color stays there, and tells nothing about it
    seen = near[:, moved] if moved.any() else near
    if seen.float().mean() < LEAST_SEEN:
        return f"it evaluates the network between colors, at {len(rows)} points for an image ({_SEES_NOTHING})"
    return None


def inputs_of(model: nn.Module) -> list[Tensor]:
    """A list that will have what a network is given in each forward pass."""
    shown: list[Tensor] = []

    def note(_module: nn.Module, arguments: tuple[object, ...]) -> None:
        if arguments and isinstance(arguments[0], Tensor) and _has_values(arguments[0]):
            shown.append(arguments[0].detach().cpu())

    model.register_forward_pre_hook(note)
    return shown


def _has_values(tensor: Tensor) -> bool:
    """Whether a tensor has values of its own, which those of `torch.func` lack outside of it."""
    try:
        tensor.data_ptr()
    except RuntimeError:
        return False
    return True


_SEES_NOTHING = "the detectors there are one level of color wide; assert_values judges it on a network that it sees"


def reason_for_ceiling(subject: Subject, gamma: float = GAMMA) -> str | None:
    """Reason why no map of a method's cells or segments can reach gamma; None if one can, or the method tells pixels apart."""
    declaration = subject.method.declaration
    if declaration.granularity == "pixel" or subject.network is not None:
        return None
    try:
        maps = subject.maps().cpu()
    except MethodError:
        return None
    truth = subject.batch.ground_truth
    kind = deciding_truth(declaration, subject.environment)
    best = (
        _best_of_segments(maps, truth) if declaration.granularity == "segment" else _best_of_cells(subject, maps, kind)
    )
    if best is None:
        return None
    name = "segments" if declaration.granularity == "segment" else "cells"
    ceiling = float(score(best, truth).against(kind).f1.nan_to_num().mean())
    if ceiling >= gamma + MARGIN:
        return None
    return f"even a perfect map of its {name} has an F1 of {ceiling:.2f} on {kind} truth, where gamma is {gamma:g}"


def _best_of_segments(maps: Tensor, truth: GroundTruth) -> Tensor:
    """The mean truth of every segment; pixels of equal value are a segment."""
    best = torch.zeros_like(truth.signed, dtype=torch.float64)
    for index, values in enumerate(maps):
        for value in values.unique():
            segment = values == value
            best[index][segment] = truth.signed[index][segment].double().mean()
    return best


def _best_of_cells(subject: Subject, maps: Tensor, kind: str) -> Tensor | None:
    """The map of the method's cells that comes nearest to the truth; None if its cells are not those of a layer."""
    cells = cells_of(maps.double(), grids_of(subject.model, subject.batch.inputs)) if bool((maps != 0).any()) else None
    truth = subject.batch.ground_truth
    smooth = truth.smooth_positive_mask
    goal = smooth if kind == "positive-smooth" and smooth is not None else truth.positive_mask
    return None if cells is None else cells.best_map(goal.double()).clamp(min=0)


def shows_other_images(subject: Subject, shown: list[Tensor]) -> str | None:
    """How the images that a network is shown differ from those that are to be explained; None if they do not, or are several.

    Args:
        subject: The method and its images.
        shown: What the network was given in each forward pass of one call.
    """
    images = subject.batch.inputs.double()
    points = [inputs.double() for inputs in shown]
    if not points or any(each.shape != images.shape or not torch.equal(each, points[0]) for each in points):
        return None
    if torch.equal(points[0], images):
        return None
    for name, change in (("rounded to", torch.round), ("cut to", torch.trunc)):
        if torch.equal(points[0], change(images)):
            return f"their values {name} whole numbers"
    channels, levels = (values.transpose(0, 1).flatten(1) for values in (points[0], images))
    if torch.equal(channels, levels.flip(0)):
        return "their channels in reversed order"
    centered, reference = (values - values.mean(dim=1, keepdim=True) for values in (channels, levels))
    factors = (centered * reference).sum(dim=1) / (reference**2).sum(dim=1)
    residual = (centered - factors[:, None] * reference).norm() / centered.norm().clamp(
        min=torch.finfo(torch.float64).tiny
    )
    if residual > SAME_IMAGE:
        return "they are smoothed or resized" if _roughness(points[0]) < ROUGH * _roughness(images) else None
    added = channels.mean(dim=1) - factors * levels.mean(dim=1)
    text = [", ".join(dict.fromkeys(f"{value:.3g}" for value in values.tolist())) for values in (factors, added)]
    return f"their values times {text[0]}" + (f", plus {text[1]}" if bool((added.abs() > SAME_IMAGE).any()) else "")


def _roughness(images: Tensor) -> float:
    """Mean difference of neighboring pixels, relative to the standard deviation of all."""
    steps = [images.diff(dim=axis).abs().mean() for axis in (2, 3)]
    return float(sum(steps) / images.std().clamp(min=torch.finfo(images.dtype).tiny))
