"""Points at which a method evaluates the network, and whether the detectors of a designed network can be seen from there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attributionlab.errors import MethodError
from attributionlab.measuring.applicable import deciding_truth
from attributionlab.metrics import score
from attributionlab.testing.subject import Subject

LEAST_SEEN = 0.1
"""Smallest share of pixels that a method must show within one level of their color, over all its forward passes."""

GAMMA, MARGIN = 0.5, 0.1
"""Smallest mean F1 that passes, and what the best map must have above it, so that others can pass."""

MOST_OUTSIDE = 0.05
"""Largest share of pixels outside of the range of colors, where noise brings half of those that are at its ends."""


def reason_for_blindness(subject: Subject) -> str | None:
    """Reason why a method cannot see detectors that are one level of color wide; None if it can, or cannot be run."""
    if subject.environment.input_range is None:
        return None
    shown: list[Tensor] = []
    model = subject.model
    model.register_forward_pre_hook(lambda _, arguments: shown.append(arguments[0].detach().cpu()))
    try:
        _call(subject, model)
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
    near = ((pixels - own).abs() < 1).all(dim=1).float().mean()
    if near < LEAST_SEEN:
        return f"it evaluates the network between colors, at {len(rows)} points for an image ({_SEES_NOTHING})"
    return None


_SEES_NOTHING = "the detectors there are one level of color wide; assert_values judges it on a network that it sees"


def reason_for_ceiling(subject: Subject, gamma: float = GAMMA) -> str | None:
    """Reason why no map of a method's segments can reach gamma; None if one can, or the method has no segments."""
    declaration = subject.method.declaration
    if declaration.granularity != "segment":
        return None
    try:
        maps = subject.maps().cpu()
    except MethodError:
        return None
    truth = subject.batch.ground_truth
    best = torch.zeros_like(truth.signed, dtype=torch.float64)
    for index, values in enumerate(maps):
        for value in values.unique():
            segment = values == value
            best[index][segment] = truth.signed[index][segment].double().mean()
    kind = deciding_truth(declaration, subject.environment)
    ceiling = float(score(best, truth).against(kind).f1.nan_to_num().mean())
    if ceiling >= gamma + MARGIN:
        return None
    return f"even a perfect map of its segments has an F1 of {ceiling:.2f} on {kind} truth, where gamma is {gamma:g}"


def _call(subject: Subject, model: nn.Module) -> None:
    """Call the method on a network with a hook of our own."""
    subject.maps(model=model)
