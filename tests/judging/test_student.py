"""The table of Student's quantiles against scipy."""

import pytest
from scipy.special import stdtrit

from attributionlab.judging.checking import LAST_LOOK
from attributionlab.judging.student import QUANTILES, student_quantile

ROUNDING = 1e-15
"""Versions of scipy round differently in the last place."""


def test_quantiles_of_the_table_are_those_of_scipy():
    assert [pytest.approx(stdtrit(n, 0.975), rel=ROUNDING) for n in range(1, len(QUANTILES) + 1)] == [
        student_quantile(n) for n in range(1, len(QUANTILES) + 1)
    ]


def test_the_table_covers_the_last_look_of_a_check():
    assert len(QUANTILES) > LAST_LOOK


def test_quantiles_beyond_the_table_come_from_scipy():
    assert student_quantile(1000) == float(stdtrit(1000, 0.975))
