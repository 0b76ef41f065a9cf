"""The audit of metrics: what it reports, also of methods that fail."""

from __future__ import annotations

import pytest
import torch

import attributionlab as al
from attributionlab.errors import BadOption, UnknownName

LINEAR = "multi-color-sum[n_redundant=0,output=logit,size=16]"


def negated(model, inputs, targets):
    maps = al.make_method("input-x-gradient")(model, inputs, targets)
    return -maps


def broken(model, inputs, targets):
    raise ValueError("no map today")


def test_metrics_rank_the_truth_first_and_its_opposite_last():
    report = al.audit(["truth", "random", negated], environments=LINEAR, n_samples=4)
    (environment,) = report.environments
    assert report.f1_truth == "positive"
    assert environment.environment == al.make_environment(LINEAR).spec
    scores = list(environment.methods.values())
    assert scores[0].f1 == 1
    assert scores[0].metrics["insertion"] > scores[1].metrics["insertion"] > scores[2].metrics["insertion"]
    assert scores[0].metrics["deletion"] < scores[1].metrics["deletion"] < scores[2].metrics["deletion"]
    assert scores[0].metrics["sensitivity-n"] == pytest.approx(1)
    assert {both.kendall for both in environment.correlations.values()} == {1.0}


def test_scores_are_those_of_the_metrics_whatever_the_batch_size():
    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(3)
    maps = al.make_method("gradient", environment)(environment.model, batch.inputs, batch.targets)
    reports = [
        al.audit(["gradient", "random"], environments=environment, n_samples=3, truth="overall", batch_size=size)
        for size in (1, 3)
    ]
    assert reports[0].to_dict() == reports[1].to_dict()
    scores = reports[0].environments[0].methods["gradient"]
    assert scores.f1 == pytest.approx(float(al.score(maps, batch.ground_truth).overall.f1.mean()))
    expected = al.insertion(environment, batch, maps).auc
    assert torch.equal(torch.from_numpy(scores.image_scores["insertion"]), expected)
    assert scores.metrics["insertion"] == pytest.approx(float(expected.mean()))


def test_a_method_that_fails_is_named_and_the_others_go_on():
    report = al.audit(["truth", broken, "random"], ["deletion"], LINEAR, n_samples=2)
    (environment,) = report.environments
    failed = next(scores for spec, scores in environment.methods.items() if "broken" in spec)
    assert failed.error.type == "MethodRaised"
    assert "no map today" in failed.error.message
    assert environment.correlations["deletion"].kendall == 1
    every = al.audit([broken, also_broken], ["deletion"], LINEAR, n_samples=2)
    assert every.environments[0].correlations["deletion"].spearman is None


def also_broken(model, inputs, targets):
    raise ValueError("none either")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truth": "negative"}, "`truth` must be auto or positive or overall, got 'negative'"),
        ({"n_samples": 0}, "`n_samples` must be at least 1, got 0"),
        ({"methods": ["truth"]}, "`methods` must be at least 2, got 1"),
        ({"metrics": []}, "`metrics` must name at least one"),
        ({"environments": []}, "`environments` must name at least one"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(BadOption, match=message):
        al.audit(**{"methods": ["truth", "random"], "environments": LINEAR, "n_samples": 1, **options})


def test_unknown_metrics_are_named():
    with pytest.raises(UnknownName, match="insertion"):
        al.audit(["truth", "random"], ["insertoin"], LINEAR)
