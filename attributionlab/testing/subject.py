"""A method under test: bound to an environment, with images, called without trust."""

from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.environments import Environment, complete_environment
from attributionlab.environments.factory import require_environment
from attributionlab.environments.images import LARGEST_SIDE, SMALLEST_SIDE
from attributionlab.measuring.explain import attribute
from attributionlab.methods import AnyMethod, MethodFunction, make_method
from attributionlab.specs.arguments import MOST_IMAGES, whole_number
from attributionlab.truth import Batch

COUNTING = "multi-color-sum[n_redundant=0,output=logit]"
"""Where the axioms hold exactly: the logit is a sum over the winner's pixels, and nothing else enters it."""

AnySubject = str | AnyMethod | MethodFunction
AnyEnvironment = str | Environment


@dataclass(frozen=True, eq=False)
class Subject:
    """A method, an environment, and images of it.

    Args:
        method: The method, bound to the environment.
        environment: Where it is tested.
        batch: The images that it explains.
    """

    method: AnyMethod
    environment: Environment
    batch: Batch

    @classmethod
    def of(
        cls, method: AnySubject, environment: AnyEnvironment, n_samples: int, size: int, seed: int, start: int = 0
    ) -> Subject:
        """Put together what users name.

        Raises:
            AttributionLabError: If there is no such method or environment, or an option does not fit.
        """
        n_samples = whole_number("n_samples", n_samples, 1, MOST_IMAGES)
        size, seed = whole_number("size", size, SMALLEST_SIDE, LARGEST_SIDE), whole_number("seed", seed, 0)
        built = _built(environment, size, seed) if isinstance(environment, str) else environment
        require_environment("environment", built)
        return cls(make_method(method, built), built, built.sample(n_samples, start))

    @classmethod
    def at(cls, other: Subject, environment: Environment) -> Subject:
        """The same method with the same images on the network of another environment."""
        return cls(make_method(other.method, environment), environment, other.batch)

    @property
    def model(self) -> nn.Module:
        """A copy of the network: what a method does to it is no others' business."""
        return copy.deepcopy(self.environment.model)

    def maps(self, rows: slice | None = None, model: nn.Module | None = None) -> Tensor:
        """Maps (b, h, w) of some images, on the network's own device.

        Raises:
            MethodError: If the method raises, returns something else, or changes the model, the inputs or torch.
        """
        part = self.batch if rows is None else self.batch[rows]
        model = self.model if model is None else model
        first = next(model.parameters())
        part = dataclasses.replace(part.to(first.device), inputs=part.inputs.to(first))
        return attribute(self.method, model, part)

    def one_by_one(self) -> Tensor:
        """Maps of each image alone."""
        return torch.cat([self.maps(slice(row, row + 1)) for row in range(len(self.batch))])

    def drawn(self, seed: int) -> Tensor:
        """Maps of all images, with the global generators seeded before; see `generators_kept`."""
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002  # what methods draw from is what is seeded
        random.seed(seed)
        return self.maps()


@contextmanager
def generators_kept() -> Iterator[None]:
    """Put the global generators back afterwards."""
    numpys, pythons = copy.deepcopy(np.random.get_state()), random.getstate()  # noqa: NPY002  # as above
    try:
        with torch.random.fork_rng():
            yield
    finally:
        np.random.set_state(numpys)  # noqa: NPY002  # as above
        random.setstate(pythons)


@cache
def _built(spec: str, size: int, seed: int) -> Environment:
    """An environment, its network built once; size and seed are for specs that do not set their own."""
    return complete_environment(spec, size=size, seed=seed)


def gaps(first: Tensor, second: Tensor) -> Tensor:
    """The largest difference of two maps of an image, in parts of the first one's largest magnitude: (b,) float64.

    Infinite where the first is zero everywhere and the second is not.
    """
    reference, other = (maps.double().cpu().flatten(1) for maps in (first, second))
    largest, gap = reference.abs().amax(dim=1), (reference - other).abs().amax(dim=1)
    return torch.where(gap == 0, 0.0, gap / largest)
