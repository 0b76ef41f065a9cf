"""Contracts of every method: its maps are a function of its arguments alone, and it has no side effects."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Callable
from pathlib import Path
from unittest import SkipTest

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.errors import InputsChanged, ModelChanged, TorchChanged
from attributionlab.measuring.explain import attribute
from attributionlab.measuring.guard import ModelState
from attributionlab.methods import Method, context_for, make_method
from attributionlab.specs.arguments import number
from attributionlab.specs.options import option_fields
from attributionlab.testing.affine import HINGED
from attributionlab.testing.failure import failure, per_image
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject, gaps, generators_kept, seed_generators
from attributionlab.testing.traces import attributes_of_modules

TOLERANCE = 1e-4
"""Relative to a map's largest magnitude: hundreds of float32 additions, in another order in a batch, with errors of 6e-8."""

ENVIRONMENT = HINGED
"""Environment of the contracts: a network of which every method sees something, and with a value of its own at every pixel."""


def assert_deterministic(
    method: AnySubject, environment: AnyEnvironment = ENVIRONMENT, *, seed: int = 0, n_samples: int = 2, size: int = 16
) -> None:
    """Equal calls give equal maps, bit for bit, and random numbers come from the method's own seed.

    A method with an option `seed` must not depend on the global generators, and must give other maps for another seed. A
    function without one may use the global generators, but no other source of randomness.

    Args:
        method: A name or spec, a function, or the address of one.
        environment: An environment, or its spec.
        seed: Seed of the global generators, and of environments that do not set it.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it.

    Raises:
        AssertionError: If a map differs.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    subject = Subject.of(method, environment, n_samples, size, seed)
    first, repeated, reseeded = (subject.maps(seed=value) for value in (seed, seed, seed + 1))
    has_seed = isinstance(subject.method, Method) and "seed" in option_fields(type(subject.method))
    if not torch.equal(first, repeated):
        gap = gaps(first, repeated)
        hint = "seed what it draws, and look for counters of calls, threads, clocks and sets whose order changes"
        raise differs(subject, "gives another map when it is called again", gap, repeated, first, hint)
    if has_seed and not torch.equal(first, reseeded):
        gap = gaps(first, reseeded)
        hint = "draw from a generator made from `seed`; torch.rand and numpy.random draw from the global ones"
        problem = "has an option `seed` and still depends on the global random numbers"
        raise differs(subject, problem, gap, reseeded, first, hint)
    if has_seed and subject.method.declaration.randomness == "seeded":
        assert isinstance(subject.method, Method)
        if subject.method.may_enumerate:
            return
        with_next_seed = make_method(subject.method, subject.environment, seed=vars(subject.method)["seed"] + 1)
        maps = dataclasses.replace(subject, method=with_next_seed).maps()
        if torch.equal(first, maps) and bool((first != 0).any()):
            raise failure(subject, "ignores its option `seed`: another seed gives the same maps, bit for bit")
    _assert_leaves_generators(subject, seed)


def _assert_leaves_generators(subject: Subject, seed: int) -> None:
    """No global generator is in the same state after calls that began in different ones."""
    __tracebackhide__ = True
    before, after = zip(*(_states(subject, value) for value in (seed, seed + 1)), strict=True)
    for name in before[0]:
        if before[0][name] != before[1][name] and after[0][name] == after[1][name]:
            raise failure(
                subject,
                f"sets the seed of {name}: whatever it was before, it is the same after the call",
                hint="draw from a generator of your own, torch.Generator().manual_seed(seed): a global seed changes what the caller draws",
            )


def _states(subject: Subject, seed: int) -> tuple[dict[str, str], dict[str, str]]:
    """States of the global generators before and after a call, by name."""
    with generators_kept():
        seed_generators(seed)
        before = _state_of_generators()
        attribute(subject.method, subject.model, subject.batch)
        return before, _state_of_generators()


def _state_of_generators() -> dict[str, str]:
    """States of the global generators of torch, numpy and Python, by name, for comparisons."""
    return {
        "torch's global generator": str(torch.get_rng_state().tolist()),
        "numpy's global generator": str(np.random.get_state(legacy=False)["state"]),  # noqa: NPY002  # methods may use the global generator
        "Python's global generator": str(random.getstate()),
    }


def assert_device_invariant(
    method: AnySubject,
    environment: AnyEnvironment = ENVIRONMENT,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 2,
    size: int = 16,
    seed: int = 0,
) -> None:
    """Maps on a GPU are equal to those on the CPU; see `assert_batch_invariant` for the arguments.

    Raises:
        AssertionError: If a map differs, or is not on the device of the inputs.
        unittest.SkipTest: If torch sees no GPU; test runners report the test as skipped.
    """
    __tracebackhide__ = True
    tolerance = number("tolerance", tolerance, 0)
    subject = Subject.of(method, environment, n_samples, size, seed)
    if not torch.cuda.is_available():
        raise SkipTest("torch sees no CUDA device here")
    expected, maps = subject.maps(), subject.maps(model=subject.model.to("cuda"))
    gap = gaps(expected, maps)
    if (gap > tolerance).any():
        hint = "look for tensors made on the CPU, and for TensorFloat-32 or half precision"
        raise differs(subject, "gives another map on the GPU", gap, maps, expected, hint)


def assert_model_unchanged(
    method: AnySubject, environment: AnyEnvironment = ENVIRONMENT, *, n_samples: int = 2, size: int = 16, seed: int = 0
) -> None:
    """The method does not change weights (bit for bit), modes, hooks, requires_grad or settings of torch, even if it raises.

    See `assert_batch_invariant` for the arguments.

    Raises:
        AssertionError: If the method changes one of these.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    subject = Subject.of(method, environment, n_samples, size, seed)
    for training in (False, True):
        try:
            subject.maps(model=subject.model.train(training))
        except (ModelChanged, TorchChanged) as error:
            mode = "training" if training else "evaluation"
            hint = "remove hooks and put back modes and flags in a `finally`"
            cause = None if training else error  # in evaluation mode every call fails
            raise failure(subject, f"leaves traces, in {mode} mode: {error}", hint=hint) from cause
    _assert_leaves_nothing(subject)
    _assert_stays(subject)
    _assert_leaves_gradients(subject)
    _assert_cleans_up(subject)


def _assert_leaves_nothing(subject: Subject) -> None:
    """No attribute is left on a module."""
    __tracebackhide__ = True
    model = subject.model
    before = attributes_of_modules(model)
    subject.maps(model=model)
    left = {name: kind for name, kind in attributes_of_modules(model).items() if name not in before}
    if left:
        name = min(left, key=lambda name: left[name] != "tensor")
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        things = "tensors" if left[name] == "tensor" else "attributes"
        raise failure(
            subject,
            f"leaves {things} on the network: {name}, a {left[name]}{more}",
            hint="keep what hooks see in a dictionary of the call, or delete the attribute in a `finally`",
        )


def _assert_stays(subject: Subject) -> None:
    """The working folder is the same after a call."""
    __tracebackhide__ = True
    folder, context = Path.cwd(), context_for(subject.method, subject.batch)
    try:
        subject.method(subject.model, subject.batch.inputs.clone(), subject.batch.targets.clone(), **context)
        later = Path.cwd()
    finally:
        os.chdir(folder)
    if later != folder:
        hint = "write paths in full, or change it by contextlib.chdir, which puts it back"
        raise failure(subject, f"changes the working folder, from {folder} to {later}", hint=hint)


def _assert_leaves_gradients(subject: Subject) -> None:
    """Parameters have the gradients that they had, as in the middle of a step of training."""
    __tracebackhide__ = True
    model, context = subject.model.requires_grad_(), context_for(subject.method, subject.batch)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    subject.method(model, subject.batch.inputs.clone(), subject.batch.targets.clone(), **context)
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            hint = (
                "leave out model.zero_grad(): torch.autograd.grad(outputs, inputs) touches no gradients of parameters"
            )
            raise failure(subject, f"deletes the gradient that {name} had, which an optimizer waits for", hint=hint)
        if not torch.equal(parameter.grad, torch.ones_like(parameter)):
            hint = "take torch.autograd.grad(outputs, inputs) in place of backward(), which adds to gradients of parameters"
            raise failure(subject, f"changes the gradient that {name} had, which an optimizer uses", hint=hint)


def _assert_cleans_up(subject: Subject) -> None:
    """The method leaves no traces if the first or second forward pass raises."""
    __tracebackhide__ = True
    for n_calls in (1, 2):
        model = subject.model
        handle = model.register_forward_pre_hook(_raising_at(n_calls))
        before, settings = ModelState.of(model), torch.is_grad_enabled()
        context = context_for(subject.method, subject.batch)
        try:
            subject.method(model, subject.batch.inputs.clone(), subject.batch.targets.clone(), **context)
        except _Interrupted:
            pass
        except Exception as error:  # a method may wrap the exception, as long as it cleans up
            if not _comes_from(error):
                raise failure(subject, f"raises {type(error).__name__} where a forward pass raises: {error}") from error
        difference = before.difference(ModelState.of(model))
        torch.set_grad_enabled(settings)
        handle.remove()
        if difference is not None:
            problem = f"leaves traces where forward pass {n_calls} raises: {difference}"
            raise failure(subject, problem, hint="remove hooks and put back modes and flags in a `finally`")


def assert_inputs_unchanged(
    method: AnySubject, environment: AnyEnvironment = ENVIRONMENT, *, n_samples: int = 2, size: int = 16, seed: int = 0
) -> None:
    """The method does not change inputs and targets, nor leave gradients on inputs; see `assert_batch_invariant`.

    Raises:
        AssertionError: If inputs, targets or gradients change.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    subject = Subject.of(method, environment, n_samples, size, seed)
    hint = "work on `inputs.clone().detach()`, and take gradients by torch.autograd.grad"
    try:
        subject.maps()
    except InputsChanged as error:
        raise failure(subject, f"changes what it is given: {error}", hint=hint) from error
    inputs = subject.batch.inputs.clone().requires_grad_()
    context = context_for(subject.method, subject.batch)
    try:
        subject.method(subject.model, inputs, subject.batch.targets.clone(), **context)
    except Exception as error:
        problem = f"raises {type(error).__name__} where inputs require gradients: {error}"
        raise failure(subject, problem, hint=hint) from error
    if inputs.grad is not None:
        raise failure(
            subject, "leaves a gradient on inputs that require one: the caller's optimizer uses it", hint=hint
        )
    if not inputs.requires_grad:
        raise failure(subject, "switches off requires_grad of its inputs", hint=hint)


class _Interrupted(RuntimeError):
    """Exception raised on purpose in a forward pass."""


def _raising_at(n_calls: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    """A hook that raises at the n-th forward pass."""
    seen: list[None] = []

    def interrupt(_module: nn.Module, _inputs: tuple[Tensor, ...]) -> None:
        seen.append(None)
        if len(seen) == n_calls:
            raise _Interrupted("attributionlab interrupts this forward pass to see what is left behind")

    return interrupt


def _comes_from(error: BaseException | None) -> bool:
    """Whether the interruption caused the exception."""
    while error is not None:
        if isinstance(error, _Interrupted):
            return True
        error = error.__cause__ or error.__context__
    return False


def differs(subject: Subject, problem: str, gap: Tensor, maps: Tensor, expected: Tensor, hint: str) -> AssertionError:
    """The failure for maps that differ from the expected ones."""
    return failure(
        subject,
        f"{problem}, by up to {gap.max():.2g} of its largest value",
        columns=("image", "difference"),
        rows=per_image(gap),
        worst=gap,
        maps=maps,
        expected=expected,
        hint=hint,
    )
