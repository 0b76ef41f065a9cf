import numpy as np
import pytest

from attributionlab.papers.claims import (
    Direction,
    Finding,
    JudgedClaim,
    PublishedClaim,
    Status,
    judge_evidence,
    unchecked,
    within,
)
from attributionlab.papers.evidence import average_images, average_networks


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
    assert finding.reason == "holds on average, but only with 1 of 3 networks; noted; caused"


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


def test_networks_with_the_same_four_digits_count_once():
    scores = np.array([[0.61234, 0.61234], [0.61233, 0.61233], [0.4, 0.4]])
    evidence = average_images(scores)
    assert evidence.different == pytest.approx((0.61234, 0.4))
    finding = judge_evidence(evidence, above(0.5))
    assert (finding.status, finding.share) == (Status.direction, 0.5)
    assert finding.reason == "holds on average, but only with 1 of 2 networks, 1 more being alike"
    assert (
        judge_evidence(average_images(scores[:2]), above(0.5)).reason == "holds with the one figure of all 2 networks"
    )


def test_networks_whose_fourth_digit_differs_all_count():
    assert len(average_images(np.array([[0.6123], [0.6124]])).different) == 2


def test_trained_networks_with_the_same_accuracy_all_count():
    assert len(average_networks([1.0, 1.0, 0.5]).different) == 3


def claim(fitted=""):
    return PublishedClaim("key", "Table 9", "It holds", "1", "equal", fitted=fitted)


@pytest.mark.parametrize(
    ("worst", "others"),
    [
        (Status.not_reproduced, {Status.unmeasured, Status.reproduced}),
        (Status.unmeasured, {Status.direction, Status.unchecked}),
        (Status.direction, {Status.unchecked, Status.reproduced}),
        (Status.unchecked, {Status.fitted, Status.reproduced}),
        (Status.fitted, {Status.reproduced}),
    ],
)
def test_a_claim_has_the_worst_status_of_its_readings(worst, others):
    findings = tuple(Finding("", status, "") for status in (*others, worst, *others))
    assert JudgedClaim(claim(), findings).status is worst


def test_a_claim_that_was_put_in_is_fitted_where_it_holds_and_not_reproduced_where_it_does_not():
    direction = Direction(average_networks([0.4]), above(0.3))
    findings = (
        judge_evidence(average_networks([0.9]), above(0.5)),
        judge_evidence(average_networks([0.4]), above(0.5), direction),
        judge_evidence(average_networks([0.2]), above(0.5)),
    )
    judged = JudgedClaim(claim("the radii"), findings)
    assert [finding.status for finding in judged.findings] == [Status.fitted, Status.fitted, Status.not_reproduced]
    assert judged.findings[0].reason == "put in: the radii; holds"
    assert judged.findings[1].reason.startswith("put in: the radii; direction only; does not hold")
