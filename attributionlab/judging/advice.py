"""Advice on an outcome that is not `passed`: the likely cause, and the next command to type."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from attributionlab.judging.outcome import Outcome
from attributionlab.judging.statistics import Summary

WRONG_SIGNS = 0.1
"""F1 on positive and on negative truth below which nearly all signs count as inverted."""


@dataclass(frozen=True)
class Symptoms:
    """Facts about an outcome that is not `passed`.

    Args:
        outcome: The outcome.
        truths: The scores by kind of truth.
        deciding: The kind of truth that decides.
        gamma: The threshold on F1.
        has_error: Whether the method broke.
        n_zero: Maps that are zero everywhere.
        n_maps: Number of maps.
        ignores_target: Whether the maps are the same for another class.
        out_of_time: Whether the time limit came before a decision.
        show: The command that draws the maps beside the truth.
        more: How to get more scenes: a command, or options.
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
    show: str = "attributionlab show"
    more: str = "`--n-samples`"


def advise(symptoms: Symptoms) -> str:
    """The likely cause of an outcome that is not `passed`, and what to do next, in one line; empty for `passed`."""
    if symptoms.outcome == "passed":
        return ""
    if symptoms.has_error:
        return "fix the error first; until then the check cannot judge the maps"
    if _has_no_truth(symptoms):
        return "no scene has a pixel of the truth that decides, so there is no F1: use another environment, or `attributionlab debug`, where an empty truth asks for an empty map"
    if 2 * symptoms.n_zero > symptoms.n_maps:
        return f"{'all' if symptoms.n_zero == symptoms.n_maps else 'most'} maps are zero; the notes give the reason if it is known: {_look(symptoms)}"
    if symptoms.outcome == "blind":
        return (
            "the maps do not depend on the network, or less than half of their F1 does: check that they are computed from "
            f"`model`, and not from the inputs alone; {_look(symptoms)}"
        )
    if symptoms.outcome == "pixels-only":
        return f"right pixels, wrong signs: {_about_signs(symptoms)}"
    if symptoms.ignores_target:
        return "the maps are the same for another class: use `targets`, the index of the output to explain"
    if symptoms.outcome == "undecided":
        return _about_undecided(symptoms)
    summary = symptoms.truths[symptoms.deciding]
    assert summary is not None, "a method without an error has scores"
    if summary.recall < summary.precision:
        return f"many pixels that affect the output have small values in the map: {_look(symptoms)}"
    return f"much of the map lies on pixels that do not affect the output: {_look(symptoms)}"


def _has_no_truth(symptoms: Symptoms) -> bool:
    """Whether maps were compared with scenes none of which has the truth that decides."""
    return symptoms.n_maps > 0 and not symptoms.out_of_time and symptoms.truths[symptoms.deciding] is None


def _look(symptoms: Symptoms) -> str:
    """The command that shows what is wrong."""
    return f"compare with the exact maps in a picture: `{symptoms.show}`"


def show_command(environment: str, method: str) -> str:
    """The command that draws maps beside the truth, without maps of a method that a command line cannot name."""
    methods = f" --methods {shlex.quote(method)}" if is_typed(method) else ""
    return f"attributionlab show {shlex.quote(environment)}{methods} -o maps.png"


def check_command(environment: str, method: str, options: Mapping[str, object]) -> str:
    """The command that checks a method in an environment with these options, by their long names."""
    texts = (f"--{name} {f'{value:g}' if isinstance(value, float) else value}" for name, value in options.items())
    return " ".join(["attributionlab check", shlex.quote(method), "--env", shlex.quote(environment), *texts])


def is_typed(method: str) -> bool:
    """Whether a command line can name the method: no function of a script, or within another function."""
    return bool(method) and "<" not in method and not method.startswith("__main__:")


def _about_signs(symptoms: Symptoms) -> str:
    """The signs that are wrong."""
    positive, negative = symptoms.truths.get("positive"), symptoms.truths.get("negative")
    if positive is not None and negative is not None and max(positive.f1, negative.f1) < WRONG_SIGNS:
        return "nearly all signs are inverted; return the negative of the maps"
    return f"look for absolute values, and for a baseline that reverses signs; {_look(symptoms)}"


def _about_undecided(symptoms: Symptoms) -> str:
    """The reason why the interval contains gamma."""
    summary = symptoms.truths[symptoms.deciding]
    if symptoms.out_of_time:
        return f"the time limit came before a decision: allow more time ({symptoms.more})"
    if summary is None or summary.state == "open":
        return (
            f"the interval of the mean contains {symptoms.gamma:g}: use more scenes ({symptoms.more}), or report it as "
            "undecided"
        )
    return f"the pixels are right, the signs are undecided: use more scenes ({symptoms.more})"
