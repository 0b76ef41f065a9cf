"""The outcome of a check in one environment, from the states of all truths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from attributionlab.judging.statistics import State, Summary

Outcome = Literal["failed", "blind", "pixels-only", "undecided", "passed"]
"""Outcomes; of several environments the first one in this order counts."""

EXIT_CODES: Mapping[Outcome, int] = {"failed": 1, "blind": 1, "pixels-only": 1, "undecided": 4, "passed": 0}
"""Exit codes of the command line."""

SIGNED, OVERALL = "signed", "overall"


def outcome_of(
    states: Mapping[str, State | None], deciding: str, *, blind: bool = False, picked: bool = False
) -> Outcome:
    """The outcome from the state of each truth, None where a truth does not apply.

    Where signed truth decides, overall truth says whether at least the pixels are right.

    Args:
        states: State of each kind of truth.
        deciding: The kind of truth that decides.
        blind: Whether the maps do not depend on the network.
        picked: Whether the user named the deciding truth; then it decides alone.
    """
    state = states[deciding]
    pixels = states[OVERALL] if deciding == SIGNED and not picked else state
    if blind:
        return "blind"
    if pixels == "below":
        return "failed"
    if state == "below" and pixels == "reached":
        return "pixels-only"
    return "passed" if state == "reached" else "undecided"


def states_of(truths: Mapping[str, Summary | None]) -> dict[str, State | None]:
    """The state of each kind of truth; None where it does not apply."""
    return {truth: None if summary is None else summary.state for truth, summary in truths.items()}


def first_of(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome over several environments: the first in the order of `Outcome`."""
    present = set(outcomes)
    return next(outcome for outcome in get_args(Outcome) if outcome in present)
