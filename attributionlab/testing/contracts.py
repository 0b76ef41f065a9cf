"""What holds for every correct implementation, whatever the method: it is a function of its arguments and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from unittest import SkipTest

import torch
from torch import Tensor, nn

from attributionlab.errors import InputsChanged, MethodError, ModelChanged, TorchChanged
from attributionlab.measuring.guard import ModelState
from attributionlab.methods import Method, context_for, make_method
from attributionlab.specs.arguments import number
from attributionlab.specs.options import option_fields
from attributionlab.testing.failure import failure, per_image
from attributionlab.testing.subject import COUNTING, AnyEnvironment, AnySubject, Subject, gaps, generators_kept

TOLERANCE = 1e-4
"""Of a map's largest magnitude: float32 rounds by 6e-8 at each of some hundreds of additions, in another order in a batch."""

ENVIRONMENT = "multi-color-sum"


def assert_batch_invariant(
    method: AnySubject,
    environment: AnyEnvironment = ENVIRONMENT,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 4,
    size: int = 32,
    seed: int = 0,
) -> None:
    """The map of an image is the same alone, in a batch, and in a batch in another order.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or where to find one.
        environment: An environment, or its spec.
        tolerance: Largest difference, in parts of a map's largest magnitude.
        n_samples: Images in the batch.
        size: Side of the images, unless the environment says.
        seed: Seed of environments that do not say.

    Raises:
        AssertionError: If it is not.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    tolerance = number("tolerance", tolerance, 0)
    subject = Subject.of(method, environment, n_samples, size, seed)
    alone, together = subject.one_by_one(), subject.maps()
    backward = _reversed(subject)
    for maps, where in ((together, "together with others"), (backward, "in a batch in another order")):
        gap = gaps(alone, maps)
        if (gap > tolerance).any():
            raise failure(
                subject,
                f"depends on the batch: an image's map alone and {where} differ by up to {gap.max():.2g} of its largest value",
                columns=("image", "difference"),
                rows=per_image(gap),
                worst=gap,
                maps=maps,
                expected=alone,
                hint="look for means, maxima, noise or targets taken over the first axis (captum#1367 is such a case)",
            )


def assert_deterministic(
    method: AnySubject, environment: AnyEnvironment = ENVIRONMENT, *, seed: int = 0, n_samples: int = 2, size: int = 32
) -> None:
    """The same call gives the same map, bit for bit, and random numbers come from the method's own seed.

    A method with an option `seed` must not depend on the global generators, and must give other maps for another seed. A
    function without one may draw from the global generators, but from nothing else.

    Args:
        method: A name or spec, a function, or where to find one.
        environment: An environment, or its spec.
        seed: Seed of the global generators, and of environments that do not say.
        n_samples: Images.
        size: Side of the images, unless the environment says.

    Raises:
        AssertionError: If a map differs.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    subject = Subject.of(method, environment, n_samples, size, seed)
    with generators_kept():
        first = subject.drawn(seed)
        again = subject.drawn(seed)
        elsewhere = subject.drawn(seed + 1)
    has_seed = isinstance(subject.method, Method) and "seed" in option_fields(type(subject.method))
    if not torch.equal(first, again):
        gap = gaps(first, again)
        hint = "seed what it draws, and look for threads, clocks and sets whose order changes"
        raise _differs(subject, "gives another map when it is called again", gap, again, first, hint)
    if has_seed and not torch.equal(first, elsewhere):
        gap = gaps(first, elsewhere)
        hint = "draw from a generator made from `seed`; torch.rand and numpy.random draw from the global ones"
        what = "has an option `seed` and still depends on the global random numbers"
        raise _differs(subject, what, gap, elsewhere, first, hint)
    if has_seed and subject.method.declaration.randomness == "seeded":
        assert isinstance(subject.method, Method)
        another = make_method(subject.method, subject.environment, seed=vars(subject.method)["seed"] + 1)
        other = Subject(another, subject.environment, subject.batch).maps()
        if torch.equal(first, other) and bool((first != 0).any()):
            raise failure(subject, "ignores its option `seed`: another seed gives the same maps, bit for bit")


def assert_device_invariant(
    method: AnySubject,
    environment: AnyEnvironment = ENVIRONMENT,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 2,
    size: int = 32,
    seed: int = 0,
) -> None:
    """The map on a GPU is that on the CPU; see `assert_batch_invariant` for the arguments.

    Raises:
        AssertionError: If it is not, or lies on another device than the inputs.
        unittest.SkipTest: Where torch sees no GPU; test runners report the test as skipped.
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
        raise _differs(subject, "gives another map on the GPU", gap, maps, expected, hint)


def assert_dtype_robust(
    method: AnySubject,
    environment: AnyEnvironment = COUNTING,
    *,
    tolerance: float = 1e-3,
    n_samples: int = 2,
    size: int = 32,
    seed: int = 0,
) -> None:
    """The map of a float64 network is that of the float32 one, up to float32's rounding.

    By default on a logit, where the network itself is exact in both; the slope of a probability near 1 is not.

    Args:
        method: A name or spec, a function, or where to find one.
        environment: An environment, or its spec.
        tolerance: Largest difference, in parts of a map's largest magnitude; ten times that of batches, as quotients of
            small differences lose digits in float32.
        n_samples: Images.
        size: Side of the images, unless the environment says.
        seed: Seed of environments that do not say.

    Raises:
        AssertionError: If it is not, or the method works in float32 only.
        MethodError: If the method cannot be run in float32.
    """
    __tracebackhide__ = True
    tolerance = number("tolerance", tolerance, 0)
    subject = Subject.of(method, environment, n_samples, size, seed)
    expected = subject.maps()
    try:
        maps = subject.maps(model=subject.model.double())
    except MethodError as error:
        hint = "take dtype and device from the inputs: torch.zeros_like(inputs), noise.to(inputs)"
        raise failure(subject, f"works in float32 only: {error}", hint=hint) from error
    gap = gaps(expected, maps)
    if (gap > tolerance).any():
        hint = "look for half precision, for sums of very different numbers, and for quotients of small differences"
        raise _differs(subject, "gives another map in float64 than in float32", gap, maps, expected, hint)


def assert_model_unchanged(
    method: AnySubject, environment: AnyEnvironment = ENVIRONMENT, *, n_samples: int = 2, size: int = 32, seed: int = 0
) -> None:
    """Weights (bit for bit), modes, hooks, requires_grad and torch's settings are as before, also after an exception.

    See `assert_batch_invariant` for the arguments.

    Raises:
        AssertionError: If they are not.
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
            raise failure(subject, f"leaves traces, in {mode} mode: {error}", hint=hint) from error
    for n_calls in (1, 2):
        model = subject.model
        handle = model.register_forward_pre_hook(_raising_at(n_calls))
        before, settings = ModelState.of(model), torch.is_grad_enabled()
        context = context_for(subject.method, subject.batch)
        try:
            subject.method(model, subject.batch.inputs.clone(), subject.batch.targets.clone(), **context)
        except _Interrupted:
            pass
        except Exception as error:  # a method may wrap what it meets, as long as it cleans up
            if not _comes_from(error):
                raise failure(subject, f"raises {type(error).__name__} where a forward pass raises: {error}") from error
        difference = before.difference(ModelState.of(model))
        torch.set_grad_enabled(settings)
        handle.remove()
        if difference is not None:
            what = f"leaves traces where forward pass {n_calls} raises: {difference}"
            raise failure(subject, what, hint="remove hooks and put back modes and flags in a `finally`")


def assert_inputs_unchanged(
    method: AnySubject, environment: AnyEnvironment = ENVIRONMENT, *, n_samples: int = 2, size: int = 32, seed: int = 0
) -> None:
    """Inputs and targets are as before, and inputs that require gradients get none; see `assert_batch_invariant`.

    Raises:
        AssertionError: If they are not.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    subject = Subject.of(method, environment, n_samples, size, seed)
    hint = "work on `inputs.clone().detach()`, and take gradients by torch.autograd.grad"
    try:
        subject.maps()
    except InputsChanged as error:
        raise failure(subject, f"changes what it is given: {error}", hint=hint) from error
    given = subject.batch.inputs.clone().requires_grad_()
    context = context_for(subject.method, subject.batch)
    try:
        subject.method(subject.model, given, subject.batch.targets.clone(), **context)
    except Exception as error:
        what = f"raises {type(error).__name__} where inputs require gradients: {error}"
        raise failure(subject, what, hint=hint) from error
    if given.grad is not None:
        raise failure(
            subject, "leaves a gradient on inputs that require one: the caller's optimizer uses it", hint=hint
        )
    if not given.requires_grad:
        raise failure(subject, "switches off requires_grad of its inputs", hint=hint)


class _Interrupted(RuntimeError):
    """Raised in a forward pass on purpose."""


def _raising_at(n_calls: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    """A hook that raises at the n-th forward pass."""
    seen: list[None] = []

    def interrupt(_module: nn.Module, _inputs: tuple[Tensor, ...]) -> None:
        seen.append(None)
        if len(seen) == n_calls:
            raise _Interrupted("attributionlab interrupts this forward pass to see what is left behind")

    return interrupt


def _comes_from(error: BaseException | None) -> bool:
    """Whether it was raised because of the interruption."""
    while error is not None:
        if isinstance(error, _Interrupted):
            return True
        error = error.__cause__ or error.__context__
    return False


def _reversed(subject: Subject) -> Tensor:
    """Maps of the batch in reversed order, put back into order."""
    environment, batch = subject.environment, subject.batch
    backward = Subject(subject.method, environment, environment.batch(batch.scenes[::-1]))
    return backward.maps().flip(0)


def _differs(subject: Subject, what: str, gap: Tensor, maps: Tensor, expected: Tensor, hint: str) -> AssertionError:
    return failure(
        subject,
        f"{what}, by up to {gap.max():.2g} of its largest value",
        columns=("image", "difference"),
        rows=per_image(gap),
        worst=gap,
        maps=maps,
        expected=expected,
        hint=hint,
    )
