import numpy as np
import pytest

from attributionlab.papers.claims import Direction, Status, judge_evidence, unchecked, within
from attributionlab.papers.evidence import average_networks


def above(bound):
    return lambda value: value >= bound


@pytest.mark.parametrize(
    ("by_seed", "status"),
    [
        ([0.6, 0.6, 0.6, 0.6, 0.6], Status.reproduced),
        ([0.6, 0.6, 0.6, 0.6, 0.4], Status.reproduced),
        ([0.9, 0.9, 0.9, 0.4, 0.4], Status.direction),
        ([0.4, 0.4, 0.4, 0.4, 0.4], Status.not_reproduced),
        ([0.5, 0.5, 0.5, 0.5, 0.0], Status.not_reproduced),
    ],
)
def test_a_claim_must_hold_on_average_and_with_four_of_five_networks(by_seed, status):
    assert judge_evidence(average_networks(by_seed), above(0.5)).status is status


def test_direction_alone_is_direction_only():
    direction = Direction(average_networks([0.1, 0.2, 0.1, 0.1, -0.1]), lambda value: value > 0)
    finding = judge_evidence(average_networks([0.4] * 5), above(0.5), direction)
    assert finding.status is Status.direction
    assert finding.reason == "does not hold on average; its direction does with 4 of 5 networks"


def test_direction_of_too_few_networks_is_not_reproduced():
    direction = Direction(average_networks([0.9, 0.9, 0.9, -0.1, -0.1]), lambda value: value > 0)
    finding = judge_evidence(average_networks([0.4] * 5), above(0.5), direction)
    assert finding.status is Status.not_reproduced


def test_what_cannot_be_checked_says_why():
    finding = unchecked("needs weights")
    assert (finding.status, finding.reason, finding.ours) == (Status.unchecked, "needs weights", None)


def test_an_undefined_number_reproduces_nothing():
    finding = judge_evidence(average_networks([0.9, np.nan]), above(0.5))
    assert finding.status is Status.not_reproduced
    assert finding.ours is None


def test_share_and_reason_count_networks():
    finding = judge_evidence(average_networks([0.9, 0.4, 0.4]), above(0.5), note="noted", cause="caused")
    assert finding.share == pytest.approx(1 / 3)
    assert finding.reason == "holds on average, but with 1 of 3 networks only; noted; caused"


@pytest.mark.parametrize(
    ("by_seed", "reason"),
    [
        ([0.9], "holds"),
        ([0.4], "does not hold"),
        ([0.9, 0.9], "holds with 2 of 2 networks"),
        ([0.4, 0.4], "does not hold"),
        ([0.6, 0.1], "does not hold on average, but with 1 of 2 networks"),
    ],
)
def test_reasons_speak_of_networks_only_where_there_are_several(by_seed, reason):
    assert judge_evidence(average_networks(by_seed), above(0.5)).reason == reason


def test_a_cause_is_given_only_where_something_is_missing():
    assert "caused" not in judge_evidence(average_networks([0.9]), above(0.5), cause="caused").reason


def test_within_includes_its_ends():
    assert within(0.94, 0.1)(1.04)
    assert not within(0.94, 0.1)(1.05)


def test_the_interval_is_that_of_resampled_means_without_undefined_ones():
    found = average_networks([0.0, 1.0], np.array([np.nan, *np.linspace(0, 1, 1001)]))
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.025, 0.975))
