"""Every fault is caught with the right message, and no correct method is flagged."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from attributionlab import testing
from attributionlab.errors import MethodError
from attributionlab.testing import assert_all

PATH = Path(__file__).parents[1] / "faulty" / "methods.py"
SPEC = importlib.util.spec_from_file_location("faulty_methods", PATH)
faulty = importlib.util.module_from_spec(SPEC)
sys.modules["faulty_methods"] = faulty  # dataclasses look their module up
SPEC.loader.exec_module(faulty)


def failed(method, seed=0):
    """Messages by name of the assertions that do not hold."""
    with pytest.raises(AssertionError) as caught:
        assert_all(method, seed=seed)
    text = str(caught.value)
    parts = re.split(r"\n\n(?=assert_\w+: )", text)
    return dict(part.split(": ", 1) for part in parts[1:])


def name_of(method):
    return getattr(method, "__name__", getattr(method, "spec", method))


@pytest.mark.parametrize("fault", faulty.FAULTS, ids=name_of)
def test_a_fault_is_caught_with_the_right_message(fault):
    """By its assertion alone, at the size and number of images of `assert_all`."""
    assertion, message = faulty.FAULTS[fault]
    with pytest.raises((AssertionError, MethodError), match=f"(?s){message}"):
        getattr(testing, assertion)(fault, size=32, seed=0)


@pytest.mark.parametrize("fault", [faulty.sign_flipped, faulty.nan_on_one_image, faulty.leaking_hooks], ids=name_of)
def test_the_report_on_all_assertions_has_the_message_of_the_one_that_catches_a_fault(fault):
    assertion, message = faulty.FAULTS[fault]
    assert re.search(message, failed(fault)[assertion], re.DOTALL)


@pytest.mark.parametrize("method", faulty.CORRECT, ids=name_of)
def test_a_correct_method_is_not_flagged(method):
    report = assert_all(method)
    assert not report.failed
    assert len(report.passed) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 10))
def test_all_faults_are_caught_and_no_correct_method_is_flagged_with_other_seeds(seed):
    for fault, (assertion, _) in faulty.FAULTS.items():
        assert assertion in failed(fault, seed), name_of(fault)
    for method in faulty.CORRECT:
        assert_all(method, seed=seed)
