"""All assertions about a method that its declaration implies, in one report."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import SkipTest

from attributionlab.errors import BadOption, InputsChanged, MethodError, ModelChanged, TorchChanged
from attributionlab.judging.dependence import sharing_maps
from attributionlab.testing.axioms import (
    assert_dummy,
    assert_sensitive,
    assert_sign_correct,
    assert_symmetric,
)
from attributionlab.testing.batches import assert_batch_invariant
from attributionlab.testing.completeness import assert_complete
from attributionlab.testing.contracts import (
    assert_deterministic,
    assert_device_invariant,
    assert_inputs_unchanged,
    assert_model_unchanged,
)
from attributionlab.testing.declared import assert_declared
from attributionlab.testing.expectations import Expectations
from attributionlab.testing.faithfulness import assert_faithful, assert_network_dependent
from attributionlab.testing.modes import assert_mode_invariant
from attributionlab.testing.own_network import own_network
from attributionlab.testing.precision import assert_dtype_robust
from attributionlab.testing.questions import assert_answers
from attributionlab.testing.sight import reason_for_blindness, reason_for_ceiling
from attributionlab.testing.state import assert_stateless
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject, has_images_as_baseline
from attributionlab.testing.targets import assert_target_used
from attributionlab.testing.values import assert_values
from attributionlab.testing.variants import assert_implementation_invariant

Assertion = Callable[..., dict[str, str] | None]

TRACES: tuple[Assertion, ...] = (assert_model_unchanged, assert_inputs_unchanged)
MODULES: tuple[Assertion, ...] = (assert_implementation_invariant, assert_mode_invariant)
PIXEL_AXIOMS: tuple[Assertion, ...] = (assert_sensitive, assert_dummy, assert_symmetric)
AXIOMS: tuple[Assertion, ...] = (*PIXEL_AXIOMS, assert_sign_correct)
OF_VALUES: tuple[Assertion, ...] = (*AXIOMS, assert_dtype_robust)
"""Assertions that even the gradient does not pass in some environments: it credits the background, or saturates."""

DESIGNED: tuple[Assertion, ...] = (*AXIOMS, assert_network_dependent, assert_faithful)
"""Assertions on designed networks. Their detectors are one level of color wide, so methods that evaluate them between colors are not tested."""

ALL: tuple[Assertion, ...] = (
    *TRACES,
    assert_deterministic,
    *MODULES,
    assert_stateless,
    assert_target_used,
    assert_batch_invariant,
    assert_device_invariant,
    assert_dtype_robust,
    assert_declared,
    assert_values,
    assert_complete,
    assert_answers,
    *DESIGNED,
)
"""All assertions, causes before consequences: after a failure, later assertions about values would report it again."""

OF_ANY_NETWORK: tuple[Assertion, ...] = (
    *TRACES,
    assert_deterministic,
    assert_implementation_invariant,
    assert_stateless,
    assert_target_used,
    assert_batch_invariant,
    assert_device_invariant,
    assert_dtype_robust,
    assert_complete,
)
"""Assertions that need no truth, so that a network of the user will do."""


@dataclass(frozen=True)
class Report:
    """Results of `assert_all`.

    Args:
        method: Canonical spec.
        passed: Names of the assertions that hold.
        failed: Messages of the failed assertions, by name.
        skipped: Reasons of the skipped assertions, by name.
        refused: Messages of refusals, by variant of the network.
        expected: Reasons of the expected failures, by name.
    """

    method: str
    passed: tuple[str, ...]
    failed: dict[str, str]
    skipped: dict[str, str]
    refused: dict[str, str]
    expected: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """A line per assertion, then the messages of failed ones."""
        lines = [
            f"{self.method}: {len(self.passed)} assertions hold, {len(self.failed)} fail, {len(self.skipped)} skipped"
        ]
        lines += [f"  holds    {name}" for name in self.passed]
        lines += [f"  skipped  {name}: {reason}" for name, reason in self.skipped.items()]
        lines += [f"  refused  {variant}: {message}" for variant, message in self.refused.items()]
        lines += [f"  expected {name} fails: {reason}" for name, reason in self.expected.items()]
        lines += [f"  FAILS    {name}" for name in self.failed]
        return "\n".join([*lines, *(f"\n{name}: {message}" for name, message in self.failed.items())])


def assert_all(
    method: AnySubject,
    environment: AnyEnvironment | None = None,
    *,
    skip: Collection[str] = (),
    expect_fail: Mapping[str, str] | None = None,
    size: int = 32,
    seed: int = 0,
) -> Report:
    """All assertions that the method's declaration implies: contracts, values, axioms, faithfulness.

    Causes are tested before their consequences. After an unexpected failure, assertions that would only repeat it are skipped, and the report says so.
    Axioms about pixels apply to methods that distinguish pixels (`granularity="pixel"`). Completeness applies to methods that declare a
    tolerance, and exact values apply to methods that declare a game.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, the address of one, or a method of a library.
        environment: An environment or its spec for all assertions, by default each assertion's own; or a network and images of
            yours, on which contracts are tested.
        skip: Names of assertions that are not run: `["assert_faithful"]`.
        expect_fail: Reasons of expected failures, by the assertion's name. If such an assertion passes, that is a failure.
        size: Rows of the images of designed networks; other assertions have small images of their own.
        seed: Seed of the environments.

    Returns:
        Report of passed and skipped assertions.

    Raises:
        AssertionError: If an assertion fails, or passes although it was expected to fail; the message is the report.
        BadOption: If there is no such method.
        UnknownName: If there is no such assertion.
    """
    __tracebackhide__ = True
    expectations = Expectations.of(skip, expect_fail, [assertion.__name__ for assertion in ALL])
    subject = Subject.of(method, environment or "multi-color-sum", 2, size, seed)
    results, blindness = _Results(expectations), functools.cache(lambda: reason_for_blindness(subject))
    with sharing_maps():
        for assertion in ALL:
            name = assertion.__name__
            reason = (
                expectations.reason_to_skip(name)
                or _reason_to_skip(assertion, subject, blindness)
                or results.consequence(assertion)
            )
            if reason is None:
                results.add(assertion, method, environment, size, seed)
            else:
                results.skipped[name] = reason
    report = results.report(subject.method.spec)
    if report.failed:
        raise AssertionError(str(report))
    return report


_PERSISTENT = (ModelChanged, InputsChanged, TorchChanged)
"""Errors that every call raises."""


@dataclass
class _Results:
    """Results so far.

    Args:
        expectations: Failures that are expected, which are no cause of others.
        passed: Names of the assertions that hold.
        failed: Messages of the failed assertions, by name.
        skipped: Reasons of the skipped assertions, by name.
        refused: Messages of refusals, by variant of the network.
        cause: Name of the first assertion that failed, and that explains failures of later ones.
        broken: Name of the assertion in which the method could not be run.
    """

    expectations: Expectations
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    cause: str | None = None
    broken: str | None = None

    def consequence(self, assertion: Assertion) -> str | None:
        """Reason not to run an assertion that an earlier failure explains."""
        if self.broken is not None:
            return f"the method cannot be run, see {self.broken}"
        explained = assertion not in TRACES and self.cause is not None
        return f"{self.cause} fails first, and may be the cause" if explained else None

    def add(
        self, assertion: Assertion, method: AnySubject, environment: AnyEnvironment | None, size: int, seed: int
    ) -> None:
        """Run an assertion."""
        name = assertion.__name__
        options: dict[str, Any] = {} if environment is None else {"environment": environment}
        if assertion in DESIGNED or environment is not None:
            options["size"] = size
        try:
            refusals = assertion(method, **options, seed=seed)
        except SkipTest as reason:
            self.skipped[name] = str(reason)
        except BadOption as error:  # an environment that the user chose may lack what an assertion needs
            if environment is None and not self.passed:
                raise
            (self.skipped if environment is not None else self.failed)[name] = str(error)
        except (MethodError, AssertionError) as error:
            may_skip = environment is not None and assertion in OF_VALUES and name not in self.expectations.expect_fail
            if may_skip and _fails_for_gradients(assertion, options, seed):
                self.skipped[name] = f"{_UNSEEN}: {str(error).splitlines()[0]}"
                return
            self.failed[name] = str(error)
            if name in self.expectations.expect_fail:
                return
            if isinstance(error, MethodError) or isinstance(error.__cause__, _PERSISTENT):
                self.broken = name
            if assertion not in (*TRACES, *MODULES):
                self.cause = self.cause or name
        else:
            self.refused |= refusals or {}
            self.passed.append(name)

    def report(self, method: str) -> Report:
        """The report, in which expected failures count as such, and assertions that hold against expectation as failed."""
        failed, expected = self.expectations.divided(self.passed, self.failed)
        passed = tuple(name for name in self.passed if name not in failed)
        return Report(method, passed, failed, self.skipped, self.refused, expected)


_UNSEEN = "the gradient fails it in this environment as well, so a failure tells no mistake here, as it does by default"
"""Reason to leave out an assertion that does not hold in an environment of the user's choice."""


def _fails_for_gradients(assertion: Assertion, options: dict[str, Any], seed: int) -> bool:
    """Whether an assertion fails for the gradient, whose implementation is right."""
    try:
        assertion("gradient", **options, seed=seed)
    except AssertionError:
        return True
    return False


def _reason_to_skip(assertion: Assertion, subject: Subject, blindness: Callable[[], str | None]) -> str | None:
    """Reason why an assertion does not apply to a method; None if it applies."""
    declaration = subject.method.declaration
    if assertion not in OF_ANY_NETWORK and own_network(subject.environment) is not None:
        return "it needs a truth, which is not known of a network of your own"
    if assertion in PIXEL_AXIOMS and declaration.granularity != "pixel":
        return "the method declares that it cannot tell neighboring pixels apart"
    if assertion in PIXEL_AXIOMS and has_images_as_baseline(subject.method):
        return "the method's baseline is images, whose pixels differ from the background"
    if assertion is assert_symmetric and not declaration.symmetric:
        return "the method declares that equal pixels may have different values"
    if assertion is assert_sign_correct and declaration.sign == "magnitude":
        return "the method declares no signs"
    if assertion is assert_complete and declaration.tolerance is None:
        return "the method declares no tolerance of completeness"
    if assertion is assert_answers and subject.method.answers is None:
        return "the method declares no game whose values it gives to the probability"
    if assertion is assert_faithful and (reason := reason_for_ceiling(subject)) is not None:
        return reason
    return blindness() if assertion in DESIGNED else None
