"""Diagnosis: explanations of conspicuous maps and scores, with remedies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from attributionlab.judging.statistics import Summary
from attributionlab.measuring.facts import MapFacts
from attributionlab.methods.diagnostics import Recorded
from attributionlab.methods.path_integrals import UNCONVERGED, describe_unconverged

if TYPE_CHECKING:
    from attributionlab.judging.verdict import EnvironmentVerdict

WRONG_SIGNS = 0.1
"""F1 on positive and on negative truth below which nearly all signs count as inverted."""


def diagnose(facts: MapFacts, recorded: Recorded | None = None) -> tuple[str, ...]:
    """Everything conspicuous about the maps, and about what the method recorded of its own work, a line each."""
    unconverged = [error for error in (recorded or {}).get(UNCONVERGED, ()) if math.isfinite(error)]
    about_quadrature = describe_unconverged(unconverged, facts.n_maps)
    lines = (_about_zero_maps(facts), _about_dust(facts), _about_targets(facts), about_quadrature)
    return tuple(line for line in lines if line)


def advise(verdict: EnvironmentVerdict, deciding: str, gamma: float) -> str:
    """The likely cause of an outcome that is not `passed`, and what to do next, in one line; empty for `passed`."""
    if verdict.outcome == "passed":
        return ""
    if verdict.error is not None:
        return "mend the error; the check says nothing about the maps before"
    if verdict.n_zero_maps == verdict.n_samples:
        return "all maps are zero; the diagnosis says why"
    if verdict.outcome == "blind":
        return "the maps are the same under a network that uses other features: the method does not look at the network"
    summaries = verdict.truths
    if verdict.outcome == "pixels-only":
        return f"right pixels, wrong signs: {_about_signs(summaries)}"
    if verdict.ignores_target:
        return "the maps are the same for another class: use `targets`, the index of the output to explain"
    if verdict.outcome == "undecided":
        return _about_undecided(verdict, deciding, gamma)
    summary = summaries[deciding]
    assert summary is not None, "a method without an error has scores"
    if summary.recall < summary.precision:
        return "much of the truth has little value: compare with the exact maps in a picture (`attributionlab show`)"
    return (
        "much of the value lies where the truth is 0: compare with the exact maps in a picture (`attributionlab show`)"
    )


def _about_signs(truths: Mapping[str, Summary | None]) -> str:
    """The signs that are wrong."""
    positive, negative = truths.get("positive"), truths.get("negative")
    if positive is not None and negative is not None and max(positive.f1, negative.f1) < WRONG_SIGNS:
        return "nearly all signs are inverted; return the negative of the maps"
    return "look for absolute values, and for a baseline that turns signs around; `attributionlab show` draws the maps"


def _about_undecided(verdict: EnvironmentVerdict, deciding: str, gamma: float) -> str:
    """The reason why the interval contains gamma."""
    summary = verdict.truths[deciding]
    if verdict.out_of_time:
        return "the time was up before it was decided: give it more (`--max-seconds`)"
    if summary is None or summary.state == "open":
        return f"the interval of the mean contains {gamma:g}: give it more scenes (`--n-samples`), or report it as undecided"
    return "the signs are open: give it more scenes (`--n-samples`)"


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


def _about_dust(facts: MapFacts) -> str | None:
    """Explain values of one sign that are negligible relative to the other's."""
    if facts.n_dusty == 0:
        return None
    return (
        f"on {facts.n_dusty} of {facts.n_maps} maps the values of one sign are below a millionth of the other's, as rounding "
        "is: each sign is scaled by itself, so they count in full; if they are rounding, set them to 0"
    )
