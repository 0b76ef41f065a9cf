"""The verdict on maps from elsewhere."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption, WrongShape
from attributionlab.judging import check, check_maps
from attributionlab.methods import Declaration

MULTI = "multi-color-sum[size=16]"


@cache
def environment_of(spec):
    return make_environment(spec)


def verdict_of(change, n=8, **options):
    environment = environment_of(MULTI)
    batch = environment.sample(n)
    return check_maps(change(batch.ground_truth), environment, batch, **options)


def test_the_interval_over_images_decides_unless_the_point_rule_is_asked_for():
    by_rule = {rule: verdict_of(lambda truth: truth.signed, gamma=0.8, rule=rule) for rule in ("interval", "point")}
    assert [verdict.outcome for verdict in by_rule.values()] == ["undecided", "passed"]
    assert [verdict.rule for verdict in by_rule.values()] == ["interval", "point"]
    assert verdict_of(lambda truth: truth.signed).outcome == "passed", "of 8 perfect maps the interval begins at 0.77"


def test_signs_decide():
    (environment,) = verdict_of(lambda truth: -truth.signed).environments
    assert environment.outcome == "pixels-only"
    assert "return the negative of the maps" in environment.advice
    magnitudes = Declaration(sign="magnitude")
    assert verdict_of(lambda truth: truth.overall_mask, declaration=magnitudes).deciding_truth == "overall"


def test_images_share_a_network_and_whether_the_maps_depend_on_it_is_not_tested():
    (environment,) = verdict_of(lambda truth: truth.signed).environments
    assert (environment.n_samples, environment.network_seeds, environment.n_held) == (8, (0,), 1)
    assert (environment.dependence, environment.ignores_target) == (None, None)
    assert environment.seconds_per_image is None


@pytest.mark.wide
def test_maps_of_the_logit_are_judged_by_its_truth():
    of_logit = Declaration(explains="logit", sign="signed")
    verdict = verdict_of(lambda truth: truth.positive_mask, declaration=of_logit)
    assert verdict.environments[0].truths["signed"].f1 == 1
    assert verdict.environments[0].truths["negative"] is None
    assert verdict_of(lambda truth: truth.positive_mask).environments[0].truths["signed"].f1 < 1


@pytest.mark.wide
def test_they_score_as_the_method_that_computed_them():
    environment = environment_of(MULTI)
    batch = environment.sample(4)
    maps = torch.ones(4, 16, 16)
    declaration = Declaration(sign="magnitude")
    (stored,) = check_maps(maps, environment, batch, declaration=declaration, rule="point").environments
    (computed,) = check("constant", environment, n_samples=4, truth="overall", rule="point").environments
    for truth in ("overall", "positive", "positive-smooth"):
        assert stored.truths[truth] == computed.truths[truth]


def test_an_unknown_rule_is_refused():
    with pytest.raises(BadOption, match=r"^`rule` must be interval or point, got 'mean'$"):
        verdict_of(lambda truth: truth.signed, rule="mean")


def test_maps_of_counterparts_are_refused_where_they_say_nothing():
    environment, single = environment_of(MULTI), environment_of("single-color-sum[size=16]")
    for message, place, batch in (
        ("be left out in this environment, got 'single", single, single.sample(2)),
        ("be left out where the target is not the winner", environment, environment.sample(2, target="loser")),
        ("be of at least 2 images, got 1", environment, environment.sample(1)),
    ):
        maps = batch.ground_truth.signed
        with pytest.raises(BadOption, match=rf"^`counterpart_maps` must {message}"):
            check_maps(maps, place, batch, counterpart_maps=maps)
    batch = environment.sample(2)
    with pytest.raises(WrongShape, match=r"^`counterpart_maps` must be"):
        check_maps(batch.ground_truth.signed, environment, batch, counterpart_maps=torch.ones(3, 16, 16))
