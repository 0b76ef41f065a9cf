"""By which truth a method is judged."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.measuring.applicable import applicable_truths, judged_truth
from attributionlab.measuring.facts import MapFacts
from attributionlab.methods import Declaration


@cache
def environment_of(output):
    return make_environment("multi-color-sum", size=16, output=output)


@pytest.mark.parametrize("target", ["winner", "loser", 2])
def test_methods_that_explain_the_logit_are_judged_by_the_truth_of_the_logit(target):
    probability, logit = (environment_of(output).sample(3, target=target) for output in ("probability", "logit"))
    of_output, of_logit = (Declaration(explains=explains) for explains in ("output", "logit"))
    environment = environment_of("probability")
    assert torch.equal(judged_truth(of_logit, environment, probability).signed, logit.ground_truth.signed)
    assert judged_truth(of_output, environment, probability) is probability.ground_truth
    assert judged_truth(of_logit, environment_of("logit"), logit) is logit.ground_truth


def test_where_there_is_no_logit_the_batch_has_the_truth():
    environment = make_environment("single-color-sum", size=16)
    batch = environment.sample(1)
    assert judged_truth(Declaration(explains="logit"), environment, batch) is batch.ground_truth


@pytest.mark.parametrize(
    ("declaration", "truths"),
    [
        (Declaration(), ("overall", "signed", "positive", "negative", "positive-smooth")),
        (Declaration(explains="logit"), ("overall", "signed", "positive", "positive-smooth")),
        (Declaration(sign="positive"), ("overall", "positive", "positive-smooth")),
        (Declaration(sign="magnitude"), ("overall", "positive", "positive-smooth")),
    ],
)
def test_signs_are_judged_where_a_method_gives_both(declaration, truths):
    assert applicable_truths(declaration, environment_of("probability")) == truths


def test_facts_of_earlier_records_are_read_without_what_is_gone():
    facts = MapFacts(n_maps=4, n_zero=1, n_negative=2)
    assert MapFacts.from_dict({**facts.to_dict(), "perfect_f1": 2.5}) == facts
