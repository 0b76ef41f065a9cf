"""Assertions that are left out of `assert_all`, and failures that are expected of it."""

from __future__ import annotations

import pytest
import torch
from faulty.methods import gradient
from torch import nn

from attributionlab.errors import BadOption, UnknownName
from attributionlab.testing import assert_all, assert_batch_invariant, assert_deterministic
from attributionlab.testing.everything import ALL

SLOW = ["assert_faithful", "assert_network_dependent", "assert_sensitive"]
"""Assertions that other tests run."""


def test_an_expected_failure_is_reported_and_does_not_fail():
    reason = "it has no signs, and declares none"
    with pytest.raises(AssertionError, match="FAILS    assert_batch_invariant"):
        assert_all(mixing, skip=EXCEPT_BATCH, size=16)
    report = assert_all(mixing, skip=EXCEPT_BATCH, expect_fail={"assert_batch_invariant": reason}, size=16)
    assert {name: report.skipped[name] for name in SLOW} == dict.fromkeys(SLOW, "left out by `skip`")
    assert (report.expected, report.failed) == ({"assert_batch_invariant": reason}, {})
    assert f"expected assert_batch_invariant fails: {reason}" in str(report)


def test_an_expected_failure_that_holds_is_a_failure():
    message = r"assert_deterministic: holds, though it was expected to fail \(noise\): take it out of `expect_fail`"
    with pytest.raises(AssertionError, match=message):
        assert_all("gradient", skip=EXCEPT_DETERMINISM, expect_fail={"assert_deterministic": "noise"}, size=16)


def test_on_a_network_of_the_user_contracts_are_tested_and_the_rest_is_skipped():
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 6 * 6, 3))
    report = assert_all("gradient", (network, (torch.rand(3, 3, 8, 8), torch.tensor([0, 1, 2]))))
    assert {"assert_batch_invariant", "assert_dtype_robust", "assert_implementation_invariant"} <= set(report.passed)
    assert report.skipped["assert_faithful"] == "it needs a truth, which is not known of a network of your own"


@pytest.mark.parametrize(
    ("environment", "name"),
    [("single-color-sum[size=16]", "assert_dummy"), ("multi-color-sum[size=16]", "assert_dtype_robust")],
)
def test_what_the_gradient_does_not_pass_either_in_an_environment_is_skipped_there(environment, name):
    """It credits background that the detector reacts to, and loses digits where the softmax saturates."""
    others = [assertion.__name__ for assertion in ALL if assertion.__name__ != name]
    report = assert_all(gradient, environment, skip=others)
    assert report.skipped[name].startswith("the gradient fails it in this environment as well")
    assert assert_all(gradient, environment, skip=others, expect_fail={name: "known"}).expected == {name: "known"}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"skip": ["assert_dumy"]}, UnknownName, "`skip` must be a known name, got 'assert_dumy'; did you mean assert_dummy"),
        ({"expect_fail": {"dummy": "why"}}, UnknownName, "`expect_fail` must be a known name, got 'dummy'; did you mean assert_dummy"),
        ({"skip": "assert_dummy"}, BadOption, "`skip` must be a list of names of assertions"),
        ({"expect_fail": ["assert_dummy"]}, BadOption, "`expect_fail` must be a dictionary of reasons"),
        ({"expect_fail": {"assert_dummy": None}}, BadOption, "`expect_fail` must have reasons, got None"),
        ({"skip": ["assert_dummy"], "expect_fail": {"assert_dummy": "why"}}, BadOption, "name other assertions than `skip`"),
    ],
)  # fmt: skip
def test_mistakes_in_expectations_are_named(options, error, message):
    with pytest.raises(error, match=message):
        assert_all("gradient", **options)


def mixing(_model, inputs, _targets):
    return inputs - inputs.mean()


EXCEPT_DETERMINISM = [assertion.__name__ for assertion in ALL if assertion is not assert_deterministic]
EXCEPT_BATCH = [assertion.__name__ for assertion in ALL if assertion is not assert_batch_invariant]
