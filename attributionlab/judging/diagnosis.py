"""Diagnosis: explanations of conspicuous maps and scores, with remedies."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from attributionlab.judging.verdict import Diagnostics
from attributionlab.measuring.facts import MapFacts
from attributionlab.methods.unconverged import UNCONVERGED, describe_unconverged

LARGEST_AREA_ERROR = 0.1
"""Relative difference between the area of a mask and the area asked for from which on it is told."""


def diagnose(facts: MapFacts, recorded: Mapping[str, Sequence[float]] | None = None) -> tuple[str, ...]:
    """Everything conspicuous about the maps and what the method recorded about them, a line each."""
    recorded = recorded or {}
    unconverged = [error for error in recorded.get(UNCONVERGED, ()) if math.isfinite(error)]
    about_quadrature = describe_unconverged(unconverged, facts.n_maps)
    lines = (
        _about_zero_maps(facts),
        _about_dust(facts),
        _about_targets(facts),
        _about_area(recorded),
        about_quadrature,
    )
    return tuple(line for line in lines if line)


def summarize_recorded(recorded: Mapping[str, Sequence[float]]) -> Diagnostics:
    """Summaries of the recorded diagnostics over scenes with finite values; without names that have none."""
    finite = {name: [value for value in values if math.isfinite(value)] for name, values in recorded.items()}
    return {name: _summary(values) for name, values in finite.items() if values}


def _summary(values: list[float]) -> dict[str, float]:
    """Mean, range and magnitudes of some values; errors of both signs cancel in the mean, but not in the magnitudes."""
    magnitudes = [abs(value) for value in values]
    return {
        "mean": math.fsum(values) / len(values),
        "low": min(values),
        "high": max(values),
        "median_magnitude": statistics.median(magnitudes),
        "largest_magnitude": max(magnitudes),
    }


def _about_zero_maps(facts: MapFacts) -> str | None:
    """Explain maps that are zero everywhere."""
    if facts.n_zero == 0:
        return None
    line = f"{facts.n_zero} of {facts.n_maps} maps are zero everywhere"
    if facts.n_saturated:
        return (
            f"{line}: on {facts.n_saturated} of them the softmax is saturated (the probability is 1.0 in float32, its slope "
            "along its own logit exactly 0); explain the logit (`output=logit`) or raise the temperature"
        )
    if facts.n_zero_output == facts.n_zero:
        return f"{line}: the network's output is 0 there"
    return line if facts.zero_reason is None else f"{line}: {facts.zero_reason}"


def _about_targets(facts: MapFacts) -> str | None:
    """Explain maps that are those of another output."""
    if facts.n_same_for_winner == 0:
        return None
    return (
        f"{facts.n_same_for_winner} maps stay the same when the winner is explained, whose truth differs: `targets`, the index of the output to "
        "explain, is ignored"
    )


def _about_area(recorded: Mapping[str, Sequence[float]]) -> str | None:
    """Tell of masks whose area is not the one asked for."""
    errors = recorded.get("area_error", ())
    missed = [error for error in errors if abs(error) > LARGEST_AREA_ERROR]
    if not missed:
        return None
    furthest = max(missed, key=abs)
    return (
        f"{len(missed)} of {len(errors)} masks miss their area by more than {LARGEST_AREA_ERROR:.0%} (by up to {furthest:+.0%}): the area "
        "is only a penalty beside the output; raise `area_weight` or `n_steps`"
    )


def _about_dust(facts: MapFacts) -> str | None:
    """Explain values of one sign that are negligible relative to the other's."""
    if facts.n_dusty == 0:
        return None
    return (
        f"on {facts.n_dusty} of {facts.n_maps} maps the values of one sign are less than a millionth of the other's; if they are "
        "rounding errors, set them to 0: each sign is scaled by itself, so they count in full"
    )
