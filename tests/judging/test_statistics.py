"""Means over images and their bootstrap intervals."""

import math

import numpy as np
import pytest
import torch

from attributionlab.judging.statistics import Summary, bootstrap_interval, summarize
from attributionlab.metrics import SoftScores


def scores_of(*f1):
    values = torch.tensor(f1, dtype=torch.float64)
    return SoftScores(values / 2, values / 4, values)


def test_an_interval_of_one_value_has_length_zero():
    assert bootstrap_interval(np.array([0.3]), seed=0) == (0.3, 0.3)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1])
def test_an_interval_of_equal_values_has_length_zero(value):
    assert bootstrap_interval(np.full(7, value), seed=0) == (value, value)


@pytest.mark.parametrize("seed", range(5))
def test_an_interval_contains_the_mean_and_lies_within_the_values(seed):
    values = np.random.default_rng(seed).random(12)
    low, high = bootstrap_interval(values, seed=seed)
    assert values.min() <= low < values.mean() < high <= values.max()


def test_an_interval_is_the_same_for_the_same_seed():
    values = np.random.default_rng(0).random(9)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_an_interval_is_as_wide_as_95_percent_of_a_normal_mean():
    """For 400 values the bootstrap of the mean is nearly normal: 1.96 standard errors to either side.

    The ends of 2,000 resamples are uncertain by about 5 percent of the width.
    """
    values = np.random.default_rng(0).random(400)
    low, high = bootstrap_interval(values, seed=0)
    standard_error = values.std() / math.sqrt(len(values))
    assert (high - low) / (2 * 1.96 * standard_error) == pytest.approx(1.0, abs=0.1)


def test_a_summary_averages_over_images():
    summary = summarize(scores_of(0.2, 0.4, 0.9), 0.5, seed=0)
    assert (summary.precision, summary.recall, summary.f1) == pytest.approx((0.25, 0.125, 0.5))


def test_images_to_which_the_truth_does_not_apply_are_left_out():
    summary = summarize(scores_of(0.2, math.nan, 0.4), 0.5, seed=0)
    assert (summary.precision, summary.recall, summary.f1) == pytest.approx((0.15, 0.075, 0.3))


def test_there_is_no_summary_where_the_truth_never_applies():
    assert summarize(scores_of(math.nan, math.nan), 0.5, seed=0) is None


@pytest.mark.parametrize(
    ("gamma", "passed"), [(0.25, True), (0.5, True), (0.5000001, False), (0.0, True), (1.0, False)]
)
def test_a_mean_passes_from_gamma_on(gamma, passed):
    assert summarize(scores_of(0.25, 0.75), gamma, seed=0).passed is passed


def test_a_summary_is_plain_numbers_in_json():
    summary = summarize(scores_of(0.25, 0.75), 0.5, seed=0)
    assert list(summary.to_dict()) == ["precision", "recall", "f1", "f1_low", "f1_high", "passed"]
    assert [type(value) for value in summary.to_dict().values()] == [float] * 5 + [bool]
    assert Summary(**summary.to_dict()) == summary
