"""The questions that maps answer: rules, the values of all games, and what a verdict says about them."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch
from table_environment import WeightedColumns

import attributionlab as al
from attributionlab.errors import BrokenEnvironment
from attributionlab.judging import games as module
from attributionlab.judging.game_agreement import SCORES, GameAgreement, answered
from attributionlab.judging.games import GameScores, values_of_games
from attributionlab.metrics.values import ValueAgreement
from attributionlab.truth import ExactValues


def test_the_scores_are_those_of_value_agreement():
    assert tuple(field.name for field in dataclasses.fields(ValueAgreement)) == SCORES


@pytest.fixture(scope="module")
def environment():
    return al.make_environment("multi-color-sum", size=16)


def rows(*l1, noise=None):
    extra = {} if noise is None else {"noise": noise}
    return [dict.fromkeys(SCORES, 0.5) | {"l1": value} | extra for value in l1]


@pytest.mark.parametrize(
    ("images", "is_answered"),
    [
        (rows(0.0, 0.049), True),
        (rows(0.0, 0.05), False),  # the largest decides
        (rows(0.1, 0.3, noise=0.2), True),  # the mean decides
        (rows(0.1, 0.31, noise=0.2), False),
        (rows(0.04, noise=0.01), True),  # below 0.05 whatever the noise is
        (rows(0.6, noise=0.7), False),  # so noisy an estimate tells nothing
        (rows(math.nan, 0.01), True),  # an image without effects does not count
        (rows(math.nan), False),
    ],
)
def test_a_game_is_answered_by_the_rule_of_the_contract(images, is_answered):
    agreement = GameAgreement.of(images)
    assert agreement.is_answered == is_answered
    assert answered({"x": agreement}) == (["x"] if is_answered else [])


def test_scores_are_means_over_the_images_to_which_they_apply():
    agreement = GameAgreement.of(rows(0.25, math.nan, 0.75))
    assert (agreement.scores["l1"], agreement.largest_l1, agreement.noise) == (0.5, 0.75, None)
    nothing = GameAgreement.of([dict.fromkeys(SCORES, math.nan)])
    assert set(nothing.scores.values()) == {None}
    assert nothing.distance == math.inf
    assert GameAgreement.of(rows(math.inf)).scores["l1"] is None, "JSON has no infinity"


def test_the_nearest_game_comes_first_and_incomplete_ones_are_left_out():
    scores = GameScores()
    value = torch.ones(1, 2, 2, dtype=torch.float64)
    near, far, zero = (ExactValues(number * value, None, None, "removal", "true") for number in (1.01, 3.0, 0.0))
    scores.add(value, {"far@true": far, "near@true": near, "zero@true": zero})
    scores.add(value, {"far@true": far, "near@true": near})
    assert list(scores.agreements()) == ["near@true", "far@true"]


def test_noise_is_the_largest_mean_error_that_standard_errors_allow():
    scores = GameScores()
    values = torch.tensor([[1.0, -3.0]], dtype=torch.float64)
    scores.add(values.clone(), {"x": ExactValues(values, values.abs() / 10, None, "shapley", "black", 2)})
    assert scores.agreements()["x"].noise == pytest.approx(0.1)


@pytest.mark.wide
def test_values_are_kept_for_the_next_method_and_for_no_other_question(environment, monkeypatch):
    batch, calls = environment.sample(1), []
    values = module.every_game
    monkeypatch.setattr(module, "_KEPT", type(module._KEPT)())
    monkeypatch.setattr(module, "every_game", lambda *a, **k: calls.append(a[2]) or values(*a, **k))
    first = values_of_games(environment, batch, "probability")
    again = values_of_games(al.make_environment("multi-color-sum", size=16), batch, "probability")
    assert calls == ["true", "black"]
    assert all(first[name] is again[name] for name in first)
    assert set(first) == {
        *(f"{game}@true" for game in ("removal", "alone", "shapley", "aumann-shapley")),
        *(f"{game}@black" for game in ("removal", "alone", "aumann-shapley")),  # Shapley would take random orders
    }
    other = environment.changed(network_seed=1)
    for question in (
        (other, batch, "probability"),
        (environment, batch, "logit"),
        (environment, environment.sample(1, 1), "probability"),
    ):
        calls.clear()
        values_of_games(*question)
        assert calls == ["true", "black"]
    monkeypatch.setattr(module, "N_KEPT", 2)
    values_of_games(environment, batch, "probability")
    assert len(module._KEPT) == 2


@pytest.mark.wide
def test_a_verdict_says_which_games_are_answered(environment):
    verdict = al.check("occlusion[stride=1,window=1]", environment, n_samples=4)
    stored = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))["environments"][0]
    assert stored["answers"] == ["removal@black"]
    assert set(stored["games"]["removal@black"]) == set(SCORES)
    assert stored["games"]["removal@black"]["l1"] == 0
    assert stored["games"]["removal@true"]["l1"] > 0.5
    text = " ".join(str(verdict).split())
    assert (
        "answers removal@black: effects relative to that baseline, a different question from the one with the true background as baseline"
        in text
    )


def test_exact_maps_answer_their_own_question_only(environment):
    for game in ("shapley", "aumann-shapley"):
        result = al.check(f"exact[game={game}]", environment, n_samples=4, one_network=True).environments[0]
        assert result.answers == [f"{game}@true"]
        assert result.games[f"{game}@true"].largest_l1 < 1e-6  # maps are float32
        assert result.n_compared == 4


def test_where_all_games_agree_all_are_answered():
    verdict = al.check("occlusion[stride=1,window=1]", "single-color-sum[size=16]", n_samples=4)
    assert len(verdict.environments[0].answers) == 8
    assert "answers every game" in str(verdict)


def test_an_environment_whose_logits_raise_is_named():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Broken(WeightedColumns):
        def logits(self, *_):
            raise ZeroDivisionError("no logits")

    with pytest.raises(BrokenEnvironment, match="logits"):
        al.check("gradient", Broken(), n_samples=4)
    assert al.check("gradient", WeightedColumns(), n_samples=4).environments[0].games


@pytest.mark.wide
def test_of_large_images_two_are_compared(environment, monkeypatch):
    monkeypatch.setattr(module, "FEW_FEATURES", 255)
    assert al.check("gradient", environment, n_samples=4).environments[0].n_compared == 2


@pytest.mark.wide
def test_maps_from_elsewhere_and_failures(environment):
    batch = environment.sample(5)
    exact = al.exact_values(environment, batch, "aumann-shapley", "black")
    verdict = al.check_maps(exact.values, environment, batch)
    assert verdict.environments[0].answers == ["aumann-shapley@black"]

    def broken(*_):
        raise RuntimeError("no map")

    failed = al.check(broken, environment, n_samples=4).to_dict()["environments"][0]
    assert (failed["games"], failed["answers"]) == ({}, [])
