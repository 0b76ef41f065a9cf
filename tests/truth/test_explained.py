from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest

from attributionlab.seeding import generator
from attributionlab.truth.explained import explained_output, output_difference, successive_differences


def probability(logits, target):
    """With as many digits as the context has."""
    return 1 / sum((Decimal(float(logit)) - Decimal(float(logits[target]))).exp() for logit in logits)


@pytest.mark.parametrize("scale", [1.0, 30.0, 200.0])
def test_differences_of_probabilities_are_exact_however_small(scale):
    random = generator(0, "logits", int(scale))
    before = scale * random.standard_normal((8, 4))
    after = before + np.eye(4)[random.integers(4, size=8)]
    computed = output_difference(before, after, 1, "probability")
    with localcontext() as context:
        context.prec = 400
        exact = [float(probability(two, 1) - probability(one, 1)) for one, two in zip(before, after, strict=True)]
    assert min(map(abs, exact)) > 0
    np.testing.assert_allclose(computed, exact, rtol=1e-12)  # exp of differences of rounded logits up to 800


@pytest.mark.parametrize("logits", [(0.0, 7000.0), (7000.0, 0.0), (-7000.0, 7000.0)])
def test_logits_far_apart_neither_overflow_nor_give_nan(logits):
    before, after = np.array(logits), np.array(logits[::-1])
    change = {True: -1.0, False: 1.0}[logits[0] > logits[1]]
    assert output_difference(before, after, 0, "probability") == change
    assert output_difference(before, before, 0, "probability") == 0
    assert explained_output(before, 0, "probability") == (logits[0] > logits[1])


def test_logits_and_values_are_subtracted():
    before, after = np.array([1.0, 2.0]), np.array([1.5, 7.0])
    assert output_difference(before, after, 1, "logit") == 5.0
    assert output_difference(before, after, 0, "value") == 0.5
    assert explained_output(after, 0, "logit") == 1.5


@pytest.mark.parametrize("explains", ["probability", "logit"])
def test_successive_differences_are_those_of_neighboring_steps(explains):
    logits = generator(0, "steps").standard_normal((2, 5, 3))
    steps = successive_differences(logits, 2, explains)
    assert steps.shape == (2, 4)
    assert (steps == output_difference(logits[:, :-1], logits[:, 1:], 2, explains)).all()


def test_one_vector_of_logits_is_compared_with_many():
    before, after = np.zeros(3), generator(0, "many").standard_normal((4, 3))
    each = [output_difference(before, row, 0, "probability") for row in after]
    assert output_difference(before, after, 0, "probability").tolist() == each
