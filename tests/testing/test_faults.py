"""Every fault is caught with the right message, and no correct method is flagged."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from attributionlab.testing import assert_all

PATH = Path(__file__).parents[1] / "faulty" / "methods.py"
SPEC = importlib.util.spec_from_file_location("faulty_methods", PATH)
faulty = importlib.util.module_from_spec(SPEC)
sys.modules["faulty_methods"] = faulty  # dataclasses look their module up
SPEC.loader.exec_module(faulty)


def failed(method, seed):
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
    assertion, message = faulty.FAULTS[fault]
    messages = failed(fault, 0)
    name = next((name for name in messages if re.fullmatch(assertion, name)), None)
    assert name is not None, f"caught only by {', '.join(messages)}"
    assert re.search(message, messages[name], re.DOTALL), messages[name]


@pytest.mark.parametrize("method", faulty.CORRECT, ids=name_of)
def test_a_correct_method_is_not_flagged(method):
    report = assert_all(method)
    assert not report.failed
    assert len(report.passed) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 10))
def test_all_faults_are_caught_and_no_correct_method_is_flagged_with_other_seeds(seed):
    for fault, (assertion, _) in faulty.FAULTS.items():
        assert any(re.fullmatch(assertion, name) for name in failed(fault, seed)), name_of(fault)
    for method in faulty.CORRECT:
        assert_all(method, seed=seed)
