"""Diagnosis: explanations of conspicuous maps and scores, with remedies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attributionlab.judging.outcome import Outcome
from attributionlab.judging.statistics import Summary
from attributionlab.measuring.facts import MapFacts
from attributionlab.methods.unconverged import UNCONVERGED, describe_unconverged

WRONG_SIGNS = 0.1
"""F1 on positive and on negative truth below which nearly all signs count as inverted."""


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


@dataclass(frozen=True)
class Symptoms:
    """What is known about an outcome that is not `passed`.

    Args:
        outcome: The outcome.
        truths: The scores by kind of truth.
        deciding: The kind of truth that decides.
        gamma: The threshold on F1.
        has_error: Whether the method broke.
        n_zero: Maps that are zero everywhere.
        n_maps: Number of maps.
        ignores_target: Whether the maps are the same for another class.
        out_of_time: Whether the time was up before it was decided.
        more: How to get more scenes, in the words of the command.
    """

    outcome: Outcome
    truths: Mapping[str, Summary | None]
    deciding: str
    gamma: float
    has_error: bool = False
    n_zero: int = 0
    n_maps: int = 0
    ignores_target: bool = False
    out_of_time: bool = False
    more: str = "`--n-samples`"


def advise(symptoms: Symptoms) -> str:
    """The likely cause of an outcome that is not `passed`, and what to do next, in one line; empty for `passed`."""
    if symptoms.outcome == "passed":
        return ""
    if symptoms.has_error:
        return "mend the error; the check says nothing about the maps before"
    if 2 * symptoms.n_zero > symptoms.n_maps:
        return f"{'all' if symptoms.n_zero == symptoms.n_maps else 'most'} maps are zero; the diagnosis says why"
    if symptoms.outcome == "blind":
        return "the maps are the same under a network that uses other features: the method does not look at the network"
    if symptoms.outcome == "pixels-only":
        return f"right pixels, wrong signs: {_about_signs(symptoms.truths)}"
    if symptoms.ignores_target:
        return "the maps are the same for another class: use `targets`, the index of the output to explain"
    if symptoms.outcome == "undecided":
        return _about_undecided(symptoms)
    summary = symptoms.truths[symptoms.deciding]
    assert summary is not None, "a method without an error has scores"
    if summary.recall < summary.precision:
        return f"many pixels with an effect have little value in the map: {_LOOK}"
    return f"much of the map lies on pixels without an effect: {_LOOK}"


_LOOK = "compare with the exact maps in a picture (`attributionlab show`)"


def _about_signs(truths: Mapping[str, Summary | None]) -> str:
    """The signs that are wrong."""
    positive, negative = truths.get("positive"), truths.get("negative")
    if positive is not None and negative is not None and max(positive.f1, negative.f1) < WRONG_SIGNS:
        return "nearly all signs are inverted; return the negative of the maps"
    return "look for absolute values, and for a baseline that turns signs around; `attributionlab show` draws the maps"


def _about_undecided(symptoms: Symptoms) -> str:
    """The reason why the interval contains gamma."""
    summary = symptoms.truths[symptoms.deciding]
    if symptoms.out_of_time:
        return "the time was up before it was decided: give it more (`--max-seconds`)"
    if summary is None or summary.state == "open":
        return (
            f"the interval of the mean contains {symptoms.gamma:g}: give it more scenes ({symptoms.more}), or report it as "
            "undecided"
        )
    return f"the signs are open: give it more scenes ({symptoms.more})"


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
        f"{facts.n_same_for_winner} maps are the same for the winner, whose truth is another: `targets`, the index of the output to "
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
        "is a penalty that gives way to the output; raise `area_weight` or `n_steps`"
    )


def _about_dust(facts: MapFacts) -> str | None:
    """Explain values of one sign that are negligible relative to the other's."""
    if facts.n_dusty == 0:
        return None
    return (
        f"on {facts.n_dusty} of {facts.n_maps} maps the values of one sign are below a millionth of the other's, as rounding "
        "is: each sign is scaled by itself, so they count in full; if they are rounding, set them to 0"
    )
