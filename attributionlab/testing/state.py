"""A method keeps nothing between calls that changes its maps, and nothing that grows."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.measuring.explain import attribute
from attributionlab.testing.affine import hinged_network
from attributionlab.testing.contracts import ENVIRONMENT, TOLERANCE
from attributionlab.testing.failure import failure, per_image
from attributionlab.testing.subject import (
    AnyEnvironment,
    AnySubject,
    Subject,
    gaps,
    generators_kept,
    seed_generators,
)
from attributionlab.truth import Batch, LabeledImages

N_CALLS = 25
"""Calls after which a method must still give its first map."""

ANOTHER = 1_000_003
"""Seed of the other weights."""

_NUMPY = np.lib.tracemalloc_domain

WARM, MEASURED = 1, 4
"""Calls before and while memory is measured."""


def assert_stateless(
    method: AnySubject,
    environment: AnyEnvironment = ENVIRONMENT,
    *,
    n_samples: int = 2,
    size: int = 16,
    seed: int = 0,
) -> None:
    """Maps do not depend on earlier calls: images A, B, A again, other targets, other weights, and 25 calls in a row.

    Tensors, their memory and the network are the same objects in all calls, with other contents, as in a loop that fills a
    buffer. Every call starts with the same global seed.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment, or its spec, or `affine`.
        n_samples: Number of images of a call.
        size: Rows of the images, unless the environment sets it.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If a map depends on an earlier call, a returned map changes later, or memory grows by a map per call.
        MethodError: If the method cannot be run.
    """
    __tracebackhide__ = True
    subject = Subject.of(method, environment, n_samples, size, seed)
    if subject.method.needs_batch:
        return
    other = Subject.of(method, environment, n_samples, size, seed, start=n_samples).batch
    calls = _Calls(subject)
    first = calls.maps(subject.batch)
    kept = first.clone()
    second = calls.maps(other)
    if not torch.equal(first, kept):
        problem = "returns one buffer twice: the maps of a call change when it is called again"
        raise failure(subject, problem, hint="return a tensor of its own for every call: maps.clone()")
    again = calls.maps(subject.batch)
    _assert_repeated(subject, kept, again, "after a call with other images")
    if bool((kept != 0).any()) and torch.equal(second, kept) and _depends_on_images(subject, other, kept):
        problem = "remembers an earlier call: other images of the same shape get the same maps, bit for bit"
        raise failure(subject, problem, hint=_HINT)
    _assert_follows(subject, calls, kept)
    for call in range(4, N_CALLS + 1):
        _assert_repeated(subject, kept, calls.maps(subject.batch), f"at call {call}")
    _assert_no_growth(subject, calls)


_HINT = "look for caches by shape, by id() or by target, for values that are set at the first call, and for lru_cache"


class _Calls:
    """Calls of a method with the same tensors and the same network, whose contents change.

    Args:
        subject: The method and its network.
    """

    def __init__(self, subject: Subject) -> None:
        self.method, self.model = subject.method, subject.model
        self.inputs, self.targets = subject.batch.inputs.clone(), subject.batch.targets.clone()

    def maps(self, batch: Batch, targets: Tensor | None = None) -> Tensor:
        """Maps (b, h, w) of a batch, which is written into the tensors of the calls before."""
        self.inputs.copy_(batch.inputs)
        self.targets.copy_(batch.targets if targets is None else targets)
        with generators_kept():
            seed_generators(0)
            return self.method(self.model, self.inputs, self.targets)

    def exchange(self, weights: nn.Module) -> None:
        """Give the network other weights."""
        self.model.load_state_dict(weights.state_dict())


def _assert_repeated(subject: Subject, expected: Tensor, maps: Tensor, when: str) -> None:
    """The maps are those of the first call, bit for bit."""
    __tracebackhide__ = True
    if not torch.equal(expected, maps):
        gap = gaps(expected, maps)
        raise failure(
            subject,
            f"remembers earlier calls: the same images have other maps {when}, by up to {gap.max():.2g} of the largest value",
            columns=("image", "difference"),
            rows=per_image(gap),
            worst=gap,
            maps=maps,
            expected=expected,
            hint=_HINT,
        )


def _depends_on_images(subject: Subject, other: Batch, maps: Tensor) -> bool:
    """Whether the other images have other maps in a batch of another length, which a cache by shape or identity does not know."""
    return not torch.equal(subject.maps(slice(0, 1), batch=other), maps[:1])


def _assert_follows(subject: Subject, calls: _Calls, first: Tensor) -> None:
    """Maps follow targets and weights that change within the same objects, as they do within new ones."""
    __tracebackhide__ = True
    if subject.network is None:
        return
    targets = (subject.batch.targets + 1) % 4
    weights = _larger(hinged_network(subject.environment.model, ANOTHER))
    fresh = subject.maps(model=weights)
    if bool((first != 0).any()) and torch.equal(fresh, first) and _depends_on_targets(subject, targets):
        problem = "remembers the network of an earlier call: another one with other weights gets the same maps"
        raise failure(subject, problem, hint="explain the `model` of each call, and keep none")
    calls_before = calls.maps(subject.batch, targets)
    if bool((first != 0).any()) and torch.equal(calls_before, first) and _depends_on_targets(subject, targets):
        problem = "remembers an earlier call: another target for the same tensor of images gets the same maps"
        raise failure(subject, problem, hint=_HINT)
    before = {name: value.clone() for name, value in calls.model.state_dict().items()}
    calls.exchange(weights)
    maps = calls.maps(subject.batch)
    calls.model.load_state_dict(before)
    if torch.equal(maps, first) and not torch.equal(fresh, first):
        problem = "remembers an earlier call: the network with other weights gets the same maps"
        raise failure(subject, problem, hint=_HINT)
    _assert_repeated(subject, first, calls.maps(subject.batch), "after a call with a network of larger outputs")


def _larger(network: nn.Module) -> nn.Module:
    """The network with outputs eight times as large, which a running maximum would remember."""
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight *= 8
    return network


def _depends_on_targets(subject: Subject, targets: Tensor) -> bool:
    """Whether other targets matter in batches of lengths that were not seen before, which no cache knows."""
    maps = []
    for n_images, chosen in ((5, subject.batch.targets), (6, targets)):
        rows = torch.arange(n_images) % len(subject.batch)
        images = LabeledImages(subject.batch.inputs[rows], chosen[rows])
        maps.append(attribute(subject.method, subject.model, images)[:1])
    return bool((gaps(*maps) > TOLERANCE).any())


def _assert_no_growth(subject: Subject, calls: _Calls) -> None:
    """Neither tensors, threads and open files nor the memory of arrays grow by one, or a map, per call."""
    __tracebackhide__ = True
    gc.collect()
    gc.freeze()  # objects of now are not looked at again
    try:
        for _ in range(WARM):
            calls.maps(subject.batch)
        before, tensors = _things_of_the_process(), _n_new_tensors()
        tracemalloc.start()
        for _ in range(MEASURED):
            calls.maps(subject.batch)
        tensors, after = _n_new_tensors() - tensors, _things_of_the_process()
        arrays = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(inclusive=True, domain=_NUMPY)])
    finally:
        tracemalloc.stop()
        gc.unfreeze()
    for name, hint in _HINTS_ON_THINGS.items():
        if (n_more := (after[name] - before[name]) // MEASURED) >= 1:
            problem = f"leaves {name} behind: {n_more} more after every call"
            raise failure(subject, problem, hint=hint)
    bytes_per_call = sum(trace.size for trace in arrays.traces) / MEASURED
    per_call = tensors / MEASURED
    if per_call >= 1 or bytes_per_call > 0.5 * calls.inputs[:, 0].numel():  # one byte of each second value
        amount = f"{per_call:.0f} tensors" if per_call >= 1 else f"{bytes_per_call:,.0f} bytes of arrays"
        problem = f"keeps what it computes: {amount} more after every call"
        raise failure(
            subject,
            problem,
            hint="look for lists that are appended to, hooks that are not removed, and caches without a bound",
        )


_HINTS_ON_THINGS = {
    "threads": "join them, or use `with ThreadPoolExecutor() as pool`",
    "processes": "join them, or use `with Pool() as pool`; a DataLoader keeps them with persistent_workers=True",
    "open files": "open them by `with`",
}
"""Repairs, by what a method may leave behind in the process."""


def _things_of_the_process() -> dict[str, int]:
    """Numbers of threads, children and open files of this process."""
    try:
        n_files = len(list(_OPEN_FILES.iterdir()))
    except OSError:  # Windows has no such folder
        n_files = 0
    n_children = len(multiprocessing.active_children())
    return {"threads": threading.active_count(), "processes": n_children, "open files": n_files}


_OPEN_FILES = Path("/dev/fd")


def _n_new_tensors() -> int:
    """Number of tensors that are alive and were made since the collector was frozen."""
    gc.collect()
    return sum(issubclass(type(value), Tensor) for value in gc.get_objects())
