"""What is conspicuous about maps and scores, and what to do about it."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.judging.statistics import Summary
from attributionlab.methods import Declaration
from attributionlab.metrics import score
from attributionlab.truth import Batch

DUST = 1e-6
"""Values of one sign below this part of the other's are taken for rounding: maps are float32."""


def diagnose(
    environment: Environment,
    batch: Batch,
    declaration: Declaration,
    truths: dict[str, Summary | None],
    maps: Tensor,
    deciding: str,
) -> str | None:
    """One line per conspicuous thing, joined; None if there is none.

    Args:
        environment: Where the method ran.
        batch: The images.
        declaration: The facts about the method.
        truths: Its scores.
        maps: (b, h, w).
        deciding: The kind of truth that decides.
    """
    has_signs = declaration.sign == "signed" and bool((maps < 0).any())
    findings = [
        about_zero_maps(environment, batch, declaration, (maps == 0).flatten(1).all(dim=1)),
        _about_signs(truths) if has_signs else None,
        _about_dust(maps),
        _about_logits(environment, batch, declaration, truths, deciding) if (maps != 0).any() else None,
    ]
    return "; ".join(finding for finding in findings if finding) or None


def about_zero_maps(environment: Environment, batch: Batch, declaration: Declaration, zero_maps: Tensor) -> str | None:
    """Why maps are zero everywhere, as far as that is known; None if there are none.

    Args:
        environment: Where the method ran.
        batch: The images.
        declaration: The facts about the method.
        zero_maps: (b,) bool, whose maps are zero.
    """
    n_zero = int(zero_maps.sum())
    if n_zero == 0:
        return None
    said = f"{n_zero} of {len(batch)} maps are zero everywhere"
    inputs, targets = batch.inputs[zero_maps], batch.targets[zero_maps]
    outputs = torch.cat([environment.model(image).detach() for image in inputs.split(1)])
    if environment.explains == "probability" and declaration.explains == "output":
        saturated = int((_own_slope(outputs, targets) == 0).sum())
        if saturated:
            return (
                f"{said}: on {saturated} of them the softmax is saturated (the probability is 1.0 in float32, its slope "
                "along its own logit exactly 0); explain the logit (`output=logit`) or raise the temperature"
            )
    if environment.explains == "value" and (outputs == 0).all():
        return f"{said}: the network's output is 0 there"
    return said if declaration.zero_maps is None else f"{said}: {declaration.zero_maps}"


def _own_slope(probabilities: Tensor, targets: Tensor) -> Tensor:
    """The float32 slope of the target's probability along its own logit, as autograd computes it: p (1 - p)."""
    of_target = probabilities.gather(1, targets[:, None])
    return of_target * (1 - of_target)


def _about_logits(
    environment: Environment, batch: Batch, declaration: Declaration, truths: dict[str, Summary | None], deciding: str
) -> str | None:
    overall, positive = truths["overall"], truths["positive"]
    if declaration.explains != "logit" or environment.explains != "probability" or deciding != "overall":
        return None
    if overall is None or positive is None or overall.passed:
        return None
    perfect = float(score(batch.ground_truth.positive_mask, batch.ground_truth).overall.f1.mean())
    return (
        "it explains the logit, in which the other colors have no part, so that even a perfect map has an F1 of only "
        f"{perfect:.2f} on overall truth; {'it passes' if positive.passed else 'it fails as well'} on positive truth "
        "(`--truth positive`, or `output=logit`), which is the truth of the logit"
    )


def _about_dust(maps: Tensor) -> str | None:
    """Values of one sign that are next to nothing beside the other's."""
    values = maps.double().flatten(1)
    raising, lowering = values.amax(dim=1).clamp(min=0), -values.amin(dim=1).clamp(max=0)
    smaller, larger = torch.minimum(raising, lowering), torch.maximum(raising, lowering)
    n_dusty = int(((smaller > 0) & (smaller < DUST * larger)).sum())
    if n_dusty == 0:
        return None
    return (
        f"on {n_dusty} of {len(maps)} maps the values of one sign are below a millionth of the other's, as rounding is: each sign "
        "is scaled by itself, so they count in full; if they are rounding, set them to 0"
    )


def _about_signs(truths: dict[str, Summary | None]) -> str | None:
    overall, positive, negative = (truths[truth] for truth in ("overall", "positive", "negative"))
    if overall is None or positive is None or negative is None:
        return None
    if overall.passed and not positive.passed and not negative.passed:
        return "right pixels, wrong signs: it passes on overall truth and fails on both positive and negative truth"
    return None
