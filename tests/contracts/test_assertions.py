"""What we ship is what we run: every registered method is held to the assertions that users get."""

import pytest
from few_draws import with_few_draws
from wide import some_of

from attributionlab.methods import METHODS, make_method
from attributionlab.metrics import METRICS
from attributionlab.testing import (
    assert_all,
    assert_batch_invariant,
    assert_complete,
    assert_deterministic,
    assert_device_invariant,
    assert_dtype_robust,
    assert_implementation_invariant,
    assert_inputs_unchanged,
    assert_metric_known_answers,
    assert_model_unchanged,
)

SIZE = 16

NO_FLOAT64 = {
    "extremal-perturbation": "a sort breaks ties by rounding, and a hundred steps of gradient ascent carry it along"
}
"""Methods whose maps in float32 and float64 differ for a reason."""

COMPLETE = tuple(name for name in METHODS if METHODS.get(name).declaration.tolerance is not None)
EXACT = ("gradient", "gradient-magnitude", "input-x-gradient", "truth")
"""Methods that fulfil everything they declare, faithfulness included."""

KINDS = ("gradient", "kernel-shap", "rise")
"""A plain gradient, a fit and masks. `test_methods.py` holds every method to these contracts, but for that on the
precision; that every assertion sees a violation is tested in `tests/testing`.
"""

FAMILIES = (
    "integrated-gradients",
    "deeplift",
    "lrp-epsilon",
    "pattern-net",
    "gradcam",
    "iba",
    "occlusion",
    "extremal-perturbation",
    "lime",
)
"""Methods that compute in ways of their own, for which the precision is tested here; that of all others is in `make test-wide`."""

CONTRACTS = (
    assert_batch_invariant,
    assert_deterministic,
    assert_dtype_robust,
    assert_inputs_unchanged,
    assert_model_unchanged,
)
"""Contracts that every method is held to by itself; `assert_all` has them in its own tests."""


CASES = [
    pytest.param(
        name,
        assertion,
        marks=() if name in KINDS or (assertion is assert_dtype_robust and name in FAMILIES) else pytest.mark.wide,
    )
    for name in METHODS
    for assertion in CONTRACTS
]


@pytest.mark.parametrize(
    ("name", "assertion"),
    [*CASES, *(pytest.param(name, assert_device_invariant, marks=pytest.mark.gpu) for name in METHODS)],
)
def test_every_method_fulfils_the_contracts(name, assertion):
    if assertion is assert_dtype_robust and name in NO_FLOAT64:
        pytest.skip(NO_FLOAT64[name])
    few = {"n_long": 0} if assertion is assert_batch_invariant else {}  # a long batch takes long, and has its own tests
    assertion(with_few_draws(name), size=SIZE, n_samples=2, **few)


@pytest.mark.parametrize("name", COMPLETE)
def test_methods_that_declare_a_tolerance_are_complete_within_it(name):
    assert_complete(name, size=SIZE, n_samples=4)


@pytest.mark.parametrize("method", some_of(EXACT, "gradient-magnitude", "truth"))
def test_methods_that_are_right_in_every_respect_pass_everything(method):
    """But for the contracts above, and for variants of the network, to which `test_variants.py` holds every method."""
    skip = [assertion.__name__ for assertion in (*CONTRACTS, assert_implementation_invariant)]
    report = assert_all(method, size=SIZE, skip=skip)
    assert report.method == make_method(method).spec
    assert not report.failed
    assert len(report.passed) >= 6


@pytest.mark.parametrize("name", some_of(METRICS, "insertion", "deletion"))
def test_every_metric_knows_the_answers(name):
    assert_metric_known_answers(name)
