"""A method under test: bound to an environment, with images, and called by the guard."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import itertools
import random
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.environments import Environment, complete_environment
from attributionlab.environments.factory import require_environment
from attributionlab.environments.images import LARGEST_SIDE, SMALLEST_SIDE
from attributionlab.errors import bad_option
from attributionlab.measuring.explain import attribute
from attributionlab.methods import AnyMethod, FunctionMethod, MethodFunction, make_method
from attributionlab.networks.copying import copy_network
from attributionlab.specs.arguments import MOST_IMAGES, whole_number
from attributionlab.specs.grammar import parse_spec
from attributionlab.testing.affine import NETWORKS, affine_sample
from attributionlab.testing.edges import reaching_edges
from attributionlab.testing.own_network import OwnNetwork, OwnNetworkImages, own_network
from attributionlab.truth import Batch
from attributionlab.truth.baselines import BaselineTensor

COUNTING = "multi-color-sum[n_redundant=0,output=logit]"
"""Environment in which the axioms hold exactly, because the logit is a sum over the winner's pixels alone."""

N_KEPT = 8
"""Batches, and networks of random weights, that are kept."""

_SIDES = {"size", "height", "width"}

AnySubject = str | AnyMethod | MethodFunction
AnyEnvironment = str | Environment | OwnNetworkImages


@dataclass(frozen=True, eq=False)
class Subject:
    """A method, an environment, and images of it.

    Args:
        method: The method, bound to the environment.
        environment: The environment.
        batch: The images to explain.
        network: Network to explain; None for that of the environment.
    """

    method: AnyMethod
    environment: Environment
    batch: Batch
    network: nn.Module | None = None

    @classmethod
    def of(
        cls, method: AnySubject, environment: AnyEnvironment, n_samples: int, size: int, seed: int, start: int = 0
    ) -> Subject:
        """Build a subject from the arguments of an assertion.

        Images of an environment given by its spec are an eighth wider than high, and the truth reaches all four edges of an
        image in some of them. The environments `affine` and `hinged` are the logit's network with random weights and random images; a
        method that needs the scenes is tested on the logit instead.

        Raises:
            AttributionLabError: If there is no such method or environment, or an option is not valid.
        """
        n_samples = whole_number("n_samples", n_samples, 1, MOST_IMAGES)
        size, seed = whole_number("size", size, SMALLEST_SIDE, LARGEST_SIDE), whole_number("seed", seed, 0)
        own = own_network(environment)
        if own is not None:
            return cls.on_own(method, own, n_samples, start)
        assert not isinstance(environment, tuple), "it would be a network of the user"
        is_spec = isinstance(environment, str)
        is_random = isinstance(environment, str) and environment in NETWORKS
        built = (
            _built(COUNTING if is_random else environment, size, seed) if isinstance(environment, str) else environment
        )
        require_environment("environment", built)
        bound = make_method(method, built)
        batch = _images(built, n_samples, start) if is_spec else built.sample(n_samples, start)
        if not is_random or bound.needs_batch:
            return cls(bound, built, batch)
        return cls(bound, built, affine_sample(batch, seed + start), _network(str(environment), built, seed))

    @classmethod
    def on_own(cls, method: AnySubject, own: OwnNetwork, n_samples: int, start: int = 0) -> Subject:
        """Build a subject on a network of the user.

        Raises:
            BadOption: If the method needs the truth.
        """
        bound = make_method(method)
        if bound.needs_batch:
            raise bad_option("method", "need no scenes on a network of your own", bound.spec)
        substitute: Any = own  # as far as no truth is asked for
        return cls(bound, substitute, own.sample(min(n_samples, len(own.inputs)), start))

    @classmethod
    def at(cls, subject: Subject, environment: Environment) -> Subject:
        """Copy a subject, with its method and images, to the network of another environment."""
        return cls(make_method(subject.method, environment), environment, subject.batch)

    @property
    def model(self) -> nn.Module:
        """A copy of the network, so that a method cannot affect later calls."""
        return copy_network(self.environment.model if self.network is None else self.network)

    @property
    def place(self) -> str:
        """The environment or the network, for messages."""
        if self.network is None:
            return self.environment.spec
        height, width = self.batch.inputs.shape[2:]
        return f"a network of random weights, {height}x{width} pixels"

    def maps(
        self, rows: slice | None = None, model: nn.Module | None = None, *, batch: Batch | None = None, seed: int = 0
    ) -> Tensor:
        """Maps (b, h, w) of selected images, on the device of the network.

        The global generators are seeded for every call, so that random numbers explain no difference between two calls with as
        many images, and restored afterwards.

        Raises:
            MethodError: If the method raises, returns no valid maps, or changes the model, the inputs or torch.
        """
        part = self.batch if batch is None else batch
        part = part if rows is None else part[rows]
        model = self.model if model is None else model
        first = next(itertools.chain(model.parameters(), model.buffers()), self.batch.inputs)
        part = dataclasses.replace(part.to(first.device), inputs=part.inputs.to(first))
        _note_first(self.method, part.inputs)
        with generators_kept():
            seed_generators(seed)
            return attribute(self.method, model, part)

    def one_by_one(self) -> Tensor:
        """Maps of the images, one call per image."""
        return torch.cat([self.maps(slice(row, row + 1)) for row in range(len(self.batch))])


_FIRST: weakref.WeakKeyDictionary[object, dict[str, Tensor]] = weakref.WeakKeyDictionary()
"""Colors of the first images that a method was given, by function or method."""


def _note_first(method: AnyMethod, inputs: Tensor) -> None:
    """Keep colors of the images of a method's first call."""
    subject = method.function if isinstance(method, FunctionMethod) else method
    with contextlib.suppress(TypeError):  # an object that cannot be weakly referred to, or has no hash
        if inputs.ndim == 4 and subject not in _FIRST:  # (b, c, h, w)
            first = inputs[0].double().cpu()
            _FIRST[subject] = {
                "the first corner": first[:, 0, 0],
                "the last corner": first[:, -1, -1],
                "the mean color": first.flatten(1).mean(dim=1),
                "the mean color of all": inputs.double().cpu().transpose(0, 1).flatten(1).mean(dim=1),
                "the darkest color": first.flatten(1).amin(dim=1),
                "the brightest color": first.flatten(1).amax(dim=1),
                "the median color": first.flatten(1).median(dim=1).values,
            }


def first_colors(method: AnyMethod) -> dict[str, Tensor]:
    """Colors (c,) of the first images that a method was given, by description."""
    subject = method.function if isinstance(method, FunctionMethod) else method
    try:
        return _FIRST.get(subject, {})
    except TypeError:
        return {}


def has_images_as_baseline(method: AnyMethod) -> bool:
    """Whether an option of a method is images that it compares with."""
    subject: Any = method.function if isinstance(method, FunctionMethod) else method
    options = [*getattr(subject, "options", {}).values(), *getattr(subject, "__dict__", {}).values()]
    tensors = [value.values if isinstance(value, BaselineTensor) else value for value in options]
    return any(
        isinstance(value, Tensor) and value.is_floating_point() and value.ndim > 2 for value in tensors
    )  # (.., h, w)


def seed_generators(seed: int) -> None:
    """Seed the global generators; see `generators_kept`."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # methods may use the global generator
    random.seed(seed)


@contextmanager
def generators_kept() -> Iterator[None]:
    """Restore the global generators afterwards."""
    numpy_state, python_state = copy.deepcopy(np.random.get_state()), random.getstate()  # noqa: NPY002  # as above
    try:
        with torch.random.fork_rng():
            yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002  # as above
        random.setstate(python_state)


@cache
def _built(spec: str, size: int, seed: int) -> Environment:
    """An environment of a spec, cached with its network; sides and seed are defaults of the spec."""
    sides = {} if _SIDES & set(parse_spec(spec).options) else {"height": size, "width": size + size // 8}
    return complete_environment(spec, **sides, seed=seed)


@lru_cache(maxsize=N_KEPT)
def _images(environment: Environment, n_samples: int, start: int) -> Batch:
    """Images of an environment whose truth reaches all edges; the last ones are kept, as most assertions ask for the same."""
    return environment.batch(reaching_edges(environment, environment.sample(n_samples, start).scenes))


@lru_cache(maxsize=N_KEPT)
def _network(name: str, environment: Environment, seed: int) -> nn.Module:
    """The network `affine` or `hinged`, of which methods are given copies."""
    return NETWORKS[name](environment.model, seed)


def gaps(first: Tensor, second: Tensor) -> Tensor:
    """The largest difference of two maps per image, relative to the largest magnitude of the first: (b,) float64.

    Infinite where the first is zero everywhere and the second is not.
    """
    reference, compared = (maps.double().cpu().flatten(1) for maps in (first, second))
    largest, gap = reference.abs().amax(dim=1), (reference - compared).abs().amax(dim=1)
    return torch.where(gap == 0, 0.0, gap / largest)
