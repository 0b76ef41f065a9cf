"""All assertions about a method that its declaration implies, in one report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from unittest import SkipTest

from attributionlab.errors import MethodError
from attributionlab.methods import make_method
from attributionlab.methods.base import AnyMethod
from attributionlab.testing.axioms import (
    assert_complete,
    assert_dummy,
    assert_sensitive,
    assert_sign_correct,
    assert_symmetric,
)
from attributionlab.testing.contracts import (
    assert_batch_invariant,
    assert_deterministic,
    assert_device_invariant,
    assert_dtype_robust,
    assert_inputs_unchanged,
    assert_model_unchanged,
)
from attributionlab.testing.faithfulness import assert_faithful, assert_network_dependent
from attributionlab.testing.questions import assert_answers
from attributionlab.testing.subject import AnySubject, Subject
from attributionlab.testing.variants import assert_implementation_invariant

Assertion = Callable[..., dict[str, str] | None]

CONTRACTS: tuple[Assertion, ...] = (
    assert_model_unchanged,
    assert_inputs_unchanged,
    assert_deterministic,
    assert_batch_invariant,
    assert_dtype_robust,
    assert_device_invariant,
    assert_implementation_invariant,
)
PIXEL_AXIOMS: tuple[Assertion, ...] = (assert_sensitive, assert_dummy, assert_symmetric)
ALL: tuple[Assertion, ...] = (
    *CONTRACTS,
    *PIXEL_AXIOMS,
    assert_sign_correct,
    assert_complete,
    assert_answers,
    assert_network_dependent,
    assert_faithful,
)


@dataclass(frozen=True)
class Report:
    """Results of `assert_all`.

    Args:
        method: Canonical spec.
        passed: Names of the assertions that hold.
        failed: Messages of the failed assertions, by name.
        skipped: Reasons of the skipped assertions, by name.
        refused: Messages of refusals, by variant of the network.
    """

    method: str
    passed: tuple[str, ...]
    failed: dict[str, str]
    skipped: dict[str, str]
    refused: dict[str, str]

    def __str__(self) -> str:
        """A line per assertion, then the messages of failed ones."""
        lines = [
            f"{self.method}: {len(self.passed)} assertions hold, {len(self.failed)} fail, {len(self.skipped)} skipped"
        ]
        lines += [f"  holds    {name}" for name in self.passed]
        lines += [f"  skipped  {name}: {reason}" for name, reason in self.skipped.items()]
        lines += [f"  refused  {variant}: {message}" for variant, message in self.refused.items()]
        lines += [f"  FAILS    {name}" for name in self.failed]
        return "\n".join([*lines, *(f"\n{name}: {message}" for name, message in self.failed.items())])


def assert_all(method: AnySubject, *, size: int = 32, seed: int = 0) -> Report:
    """All assertions that the method's declaration implies: contracts, axioms, faithfulness.

    Axioms about pixels are tested for methods that distinguish them (`granularity="pixel"`), completeness for methods that
    declare a tolerance, exact values for methods that declare a game.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        size: Side of the images.
        seed: Seed of the environments.

    Returns:
        Report of passed and skipped assertions.

    Raises:
        AssertionError: If an assertion fails; the message is the report.
        BadOption: If there is no such method.
    """
    __tracebackhide__ = True
    bound = Subject.of(method, "multi-color-sum", 1, size, seed).method
    passed: list[str] = []
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    refused: dict[str, str] = {}
    for assertion in ALL:
        name = assertion.__name__
        reason = _reason_to_skip(assertion, bound)
        if reason is not None:
            skipped[name] = reason
            continue
        try:
            refused |= assertion(method, size=size, seed=seed) or {}
        except SkipTest as skip:
            skipped[name] = str(skip)
        except MethodError as error:  # the method cannot be run; report this once
            if str(error) in failed.values():
                skipped[name] = "the method cannot be run"
            else:
                failed[name] = str(error)
        except AssertionError as error:
            failed[name] = str(error)
        else:
            passed.append(name)
    report = Report(make_method(method).spec, tuple(passed), failed, skipped, refused)
    if failed:
        raise AssertionError(str(report))
    return report


def _reason_to_skip(assertion: Assertion, method: AnyMethod) -> str | None:
    """Reason why an assertion does not apply to a method; None if it applies."""
    declaration = method.declaration
    if assertion in PIXEL_AXIOMS and declaration.granularity == "coarse":
        return "the method declares that it cannot tell neighboring pixels apart"
    if assertion is assert_sign_correct and declaration.sign == "magnitude":
        return "the method declares no signs"
    if assertion is assert_complete and declaration.tolerance is None:
        return "the method declares no tolerance of completeness"
    if assertion is assert_answers and method.answers is None:
        return "the method declares no game whose values it gives to the probability"
    return None
