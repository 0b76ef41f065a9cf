"""Means over units, their intervals, and what these say about gamma."""

import math
import statistics

import numpy as np
import pytest
from scipy import stats

from attributionlab.judging.statistics import Summary, mean_interval, state_of, summarize


def interval_of(scores):
    return mean_interval(len(scores), math.fsum(scores), math.fsum(score**2 for score in scores))


def literal_interval(scores):
    """One score 0 and one score 1 are appended; Student's interval of all, around the mean of the scores alone."""
    extended = [*scores, 0.0, 1.0]
    reach = stats.t.ppf(0.975, len(scores) + 1) * statistics.stdev(extended) / math.sqrt(len(scores) + 2)
    mean = statistics.fmean(scores)
    return max(mean - reach, 0.0), min(mean + reach, 1.0)


def summary_of(*f1, gamma=0.5, rule="interval"):
    values = np.array(f1)
    return summarize(values / 2, values / 4, values, gamma, rule)


# The interval


@pytest.mark.parametrize("n", [1, 2, 4, 7, 60])
@pytest.mark.parametrize("seed", range(3))
def test_an_interval_is_that_of_its_definition(n, seed):
    scores = np.random.default_rng(seed).random(n).tolist()
    # the variance is a difference of sums here, and a sum of differences there: some digits are lost
    assert interval_of(scores) == pytest.approx(literal_interval(scores), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", [4, 8, 32])
def test_equal_scores_have_an_interval_that_shrinks_with_their_number(n):
    """Of n scores 1, with a 0 and a 1 appended: the variance is 1 / (n + 2), so the half-width is t / (n + 2)."""
    reach = stats.t.ppf(0.975, n + 1) / (n + 2)
    assert interval_of([1.0] * n) == pytest.approx((1 - reach, 1.0))
    assert interval_of([0.0] * n) == pytest.approx((0.0, reach))


def test_an_interval_has_the_width_that_tables_of_t_say():
    """0.5 eight times, with 0 and 1: variance 0.5 / 9; t(.975, 9) = 2.262157 in any table."""
    reach = 2.262157 * math.sqrt(0.5 / 9 / 10)
    assert interval_of([0.5] * 8) == pytest.approx((0.5 - reach, 0.5 + reach), rel=1e-6)


@pytest.mark.parametrize("scores", [[0.0], [1.0], [0.0, 1.0], [0.9] * 4, [0.1, 0.2, 0.9, 1.0]])
def test_an_interval_contains_the_mean_and_lies_in_the_unit_interval(scores):
    low, high = interval_of(scores)
    assert 0 <= low <= statistics.fmean(scores) <= high <= 1
    assert low < high


def coverage(n, low, high):
    """Probability that the interval holds the true mean, exactly, for scores of two values and 49 shares of the higher one."""
    k = np.arange(n + 1)
    intervals = [interval_of([high] * count + [low] * (n - count)) for count in k]
    shares = np.linspace(0.02, 0.98, 49)
    holds = [[start <= low + (high - low) * share <= end for start, end in intervals] for share in shares]
    return np.array([stats.binom.pmf(k, n, share)[row].sum() for share, row in zip(shares, holds, strict=True)])


@pytest.mark.parametrize("n", [4, 8, 16, 32])
def test_an_interval_holds_the_true_mean_as_often_as_promised(n):
    for low, high in ((0.3, 0.7), (0.5, 1.0), (0.0, 0.2)):
        assert coverage(n, low, high).min() >= 0.94
    # Scores of 0 and 1 only are the worst case: 94 to 97 percent on average over the shares, and 85 percent at some.
    assert coverage(n, 0.0, 1.0).mean() >= 0.94
    assert coverage(n, 0.0, 1.0).min() >= 0.85


# States


@pytest.mark.parametrize(
    ("interval", "state"),
    [
        ((0.5, 0.9), "reached"),
        ((0.499, 0.9), "open"),
        ((0.1, 0.5), "open"),
        ((0.1, 0.499), "below"),
        ((0.0, 1.0), "open"),
    ],
)
def test_the_interval_says_whether_gamma_is_reached(interval, state):
    assert state_of(0.5, interval, 0.5, "interval") == state


@pytest.mark.parametrize(("mean", "state"), [(0.5, "reached"), (0.5 - 1e-9, "below"), (0.0, "below"), (1.0, "reached")])
def test_by_the_point_rule_the_mean_says_it_alone(mean, state):
    assert state_of(mean, (0.0, 1.0), 0.5, "point") == state


# Summaries


def test_a_summary_averages_over_units():
    summary = summary_of(0.2, 0.4, 0.9)
    assert (summary.precision, summary.recall, summary.f1) == pytest.approx((0.25, 0.125, 0.5))
    assert (summary.f1_low, summary.f1_high) == pytest.approx(literal_interval([0.2, 0.4, 0.9]))
    assert summary.state == "open"


def test_units_to_which_the_truth_does_not_apply_are_left_out():
    assert summary_of(0.2, math.nan, 0.4) == summary_of(0.2, 0.4)


def test_there_is_no_summary_where_the_truth_never_applies():
    assert summary_of(math.nan, math.nan) is None


@pytest.mark.parametrize(
    ("gamma", "state"), [(0.25, "reached"), (0.5, "reached"), (0.5000001, "below"), (1.0, "below")]
)
def test_the_rule_decides_about_the_state_and_not_about_the_interval(gamma, state):
    point, interval = (summary_of(0.25, 0.75, gamma=gamma, rule=rule) for rule in ("point", "interval"))
    assert (point.state, interval.state) == (state, "open")
    assert (point.f1_low, point.f1_high) == (interval.f1_low, interval.f1_high)


def test_a_summary_is_plain_numbers_in_json():
    summary = summary_of(0.25, 0.75)
    assert list(summary.to_dict()) == ["precision", "recall", "f1", "f1_low", "f1_high", "state"]
    assert [type(value) for value in summary.to_dict().values()] == [float] * 5 + [str]
    assert Summary(**summary.to_dict()) == summary
