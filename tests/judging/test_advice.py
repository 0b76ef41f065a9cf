"""Advice where no scene has the truth that decides: neither more scenes nor other maps would help."""

import pytest

from attributionlab.judging.advice import Symptoms, advise


@pytest.mark.parametrize("n_zero", [0, 2])
def test_an_empty_truth_asks_for_another_environment_and_not_for_more_scenes(n_zero):
    advice = advise(Symptoms("undecided", {"overall": None}, "overall", 0.5, n_zero=n_zero, n_maps=2))
    assert advice.startswith(
        "no scene has a pixel of the truth that decides, so there is no F1: use another environment"
    )


def test_a_time_limit_before_the_first_score_asks_for_more_time():
    advice = advise(Symptoms("undecided", {"overall": None}, "overall", 0.5, n_maps=2, out_of_time=True))
    assert advice.startswith("the time limit came before a decision")
