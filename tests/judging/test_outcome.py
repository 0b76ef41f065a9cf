"""Outcomes from the states of the truths."""

from __future__ import annotations

import itertools

import pytest

from attributionlab.judging.outcome import EXIT_CODES, first_of, outcome_of, states_of
from attributionlab.judging.statistics import Summary

SIGNED = {
    # overall, signed
    ("reached", "reached"): "passed",
    ("reached", "open"): "undecided",
    ("reached", "below"): "pixels-only",
    ("open", "open"): "undecided",
    ("open", "below"): "undecided",
    ("below", "below"): "failed",
}
"""Outcomes where signed truth decides. Signed F1 is never above overall F1, so the other pairs do not occur."""


@pytest.mark.parametrize(("states", "outcome"), SIGNED.items())
def test_where_signed_truth_decides_overall_truth_tells_wrong_pixels_from_wrong_signs(states, outcome):
    assert outcome_of(dict(zip(("overall", "signed"), states, strict=True)), "signed") == outcome


@pytest.mark.parametrize("deciding", ["overall", "positive", "negative", "positive-smooth"])
@pytest.mark.parametrize(("state", "outcome"), [("reached", "passed"), ("open", "undecided"), ("below", "failed")])
def test_any_other_truth_decides_alone(deciding, state, outcome):
    for others in ("reached", "open", "below", None):
        states = {**dict.fromkeys(("overall", "signed", "positive", "negative", "positive-smooth"), others)}
        assert outcome_of({**states, deciding: state}, deciding) == outcome


@pytest.mark.parametrize(("state", "outcome"), [("reached", "passed"), ("open", "undecided"), ("below", "failed")])
def test_a_truth_that_was_named_decides_alone(state, outcome):
    for pixels in ("reached", "open", "below"):
        assert outcome_of({"overall": pixels, "signed": state}, "signed", picked=True) == outcome


def test_blind_maps_are_blind_whatever_they_score():
    for states, deciding in itertools.product(SIGNED, ("overall", "signed")):
        assert outcome_of(dict(zip(("overall", "signed"), states, strict=True)), deciding, blind=True) == "blind"


def test_the_worst_environment_decides():
    order = ["failed", "blind", "pixels-only", "undecided", "passed"]
    for pair in itertools.product(order, repeat=2):
        assert first_of(pair) == order[min(order.index(outcome) for outcome in pair)]
    assert first_of(reversed(order)) == "failed"
    assert first_of(iter(["passed"])) == "passed"


def test_every_outcome_has_its_exit_code():
    assert EXIT_CODES == {"failed": 1, "blind": 1, "pixels-only": 1, "undecided": 4, "passed": 0}


def test_a_truth_that_does_not_apply_has_no_state():
    assert states_of({"overall": Summary(1, 1, 1, 0.8, 1, "reached"), "negative": None}) == {
        "overall": "reached",
        "negative": None,
    }
