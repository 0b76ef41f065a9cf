"""Gradients averaged over random points: SmoothGrad and its variants near the image, expected gradients between images.

Every image has its own generator, seeded by the image's content, so that its map does not depend on the batch. captum's noise
tunnel is not used because it draws for the whole batch from the global generator.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.environments.base import Environment
from attributionlab.errors import bad_option
from attributionlab.methods.base import Method, one_by_one, require_at_least
from attributionlab.methods.declaration import SAMPLES, Declaration
from attributionlab.methods.declared_values import mean_path_values
from attributionlab.methods.gradients import output_gradients
from attributionlab.methods.path_integrals import integrate_all, require_quadrature
from attributionlab.methods.quadrature import Integral, Paths
from attributionlab.seeding import content_key, generator
from attributionlab.truth.batch import Batch
from attributionlab.truth.values import ExactValues

WIDE_NOISE = "its noise is far wider than the number checkers, so no noisy copy shows a color that the network knows"
FEW_NEAR = "hardly a point between two images has a color that the network knows"

FIRST_BASELINE = 1_000_000
"""Index of the first sample that serves as a baseline, far from the explained samples."""


@dataclass(eq=False)
class _Moments:
    """Running moments of gradients in float64, added one by one, so that they do not depend on the size of parts.

    The deviations follow Welford's method, which avoids cancellation at large means. The error is that of n additions in
    float64, far below the float32 resolution of a map.

    Args:
        n: Number of gradients.
        mean: Their mean (c, h, w).
        squares: The sum of their squares.
        deviations: The sum of squared deviations from the mean.
    """

    n: int
    mean: Tensor
    squares: Tensor
    deviations: Tensor

    @classmethod
    def empty(cls, image: Tensor) -> _Moments:
        """Moments without gradients, for an image (c, h, w)."""
        return cls(0, *(torch.zeros_like(image, dtype=torch.float64) for _ in range(3)))

    def add(self, gradients: Tensor) -> None:
        """Add gradients (n, c, h, w)."""
        for gradient in gradients.double():
            self.n += 1
            difference = gradient - self.mean
            self.mean += difference / self.n
            self.squares += gradient.square()
            self.deviations += difference * (gradient - self.mean)


@dataclass(frozen=True, kw_only=True)
class _NoisyGradient(Method):
    """Gradients at noisy copies of the image, which subclasses reduce to a map.

    Args:
        n_draws: Noisy copies per image.
        noise: Standard deviation of the noise, relative to the image's range of values.
        seed: Seed of the noise.
        internal_batch_size: Copies per forward pass.
    """

    n_draws: int = 50
    noise: float = 0.15
    seed: int = 0
    internal_batch_size: int = 10

    def __post_init__(self) -> None:
        require_at_least(self, n_draws=1, internal_batch_size=1, seed=0)
        if self.noise < 0:
            raise bad_option("noise", "be at least 0", self.noise)

    @abc.abstractmethod
    def reduce(self, moments: _Moments) -> Tensor:
        """Reduce the moments of the gradients to one map (c, h, w)."""

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps at every noisy copy."""

        def attribute_one(image: Tensor, target: Tensor) -> Tensor:
            random = generator(self.seed, "noise", content_key(image[0]))
            width = self.noise * float(image.max() - image.min())
            moments = _Moments.empty(image[0])
            for draw in _draws(random, self.n_draws, self.internal_batch_size, image):
                moments.add(_gradients(model, image + width * draw, target))
            return self.reduce(moments)[None].to(image)

        return one_by_one(attribute_one, inputs, targets)


@dataclass(frozen=True, kw_only=True)
class SmoothGrad(_NoisyGradient):
    """The mean of the gradients at noisy copies of the image."""

    name: ClassVar[str] = "smoothgrad"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients",
        needs=frozenset({"gradients"}),
        randomness="seeded",
        source="Smilkov et al. 2017",
        zero_maps=WIDE_NOISE,
    )

    def reduce(self, moments: _Moments) -> Tensor:
        """The mean."""
        return moments.mean


@dataclass(frozen=True, kw_only=True)
class SmoothGradSquared(_NoisyGradient):
    """The mean of the squared gradients at noisy copies of the image (Hooker et al.), or the square of their mean.

    Args:
        average: What is averaged before the other is done: `squares` (Hooker et al. 2019), or `gradients`, as appendix B of the
            paper of AttributionLab writes it.
    """

    name: ClassVar[str] = "smoothgrad-squared"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients",
        sign="magnitude",
        needs=frozenset({"gradients"}),
        randomness="seeded",
        source="Hooker et al. 2019",
        zero_maps=WIDE_NOISE,
    )

    average: Literal["squares", "gradients"] = "squares"

    def reduce(self, moments: _Moments) -> Tensor:
        """The mean of squares, or the square of the mean."""
        return moments.squares / moments.n if self.average == "squares" else moments.mean.square()


@dataclass(frozen=True, kw_only=True)
class VarGrad(_NoisyGradient):
    """The variance of the gradients at noisy copies of the image."""

    name: ClassVar[str] = "vargrad"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients",
        sign="magnitude",
        needs=frozenset({"gradients"}),
        randomness="seeded",
        source="Adebayo et al. 2018",
        zero_maps=WIDE_NOISE,
    )

    def reduce(self, moments: _Moments) -> Tensor:
        """The variance, dividing by the number of draws."""
        return moments.deviations / moments.n


@dataclass(frozen=True, kw_only=True)
class ExpectedGradients(Method):
    """Integrated gradients averaged over baselines from the environment.

    By default the path from each baseline is integrated by adaptive quadrature, which halves the intervals of all paths with
    the largest estimated errors (see `attributionlab.methods.quadrature`). With a number of draws, baselines and positions on
    the path are drawn at random, as Erion et al. do; hardly a draw falls where a color is detected.

    Args:
        n_draws: Draws per image, or `auto`: adaptive quadrature, without draws.
        tolerance: Estimated error of a map's values at which `auto` ends: the sum of magnitudes of the errors, relative to
            the sum of magnitudes of the values.
        max_evaluations: Points of all paths of an image at which `auto` ends in any case, at least 81 for each baseline.
        n_baselines: Number of the environment's images that are baselines (samples 1,000,000 and following; with another seed
            later ones).
        seed: Seed of the baselines and of the draws.
        internal_batch_size: Points per forward pass.
    """

    name: ClassVar[str] = "expected-gradients"
    declaration: ClassVar[Declaration] = Declaration(
        family="gradients",
        needs=frozenset({"gradients"}),
        randomness="seeded",
        completeness="up to `tolerance`, by estimate; with a number of draws in expectation",
        source="Erion et al. 2021",
        zero_maps=FEW_NEAR,
        answers=f"aumann-shapley@{SAMPLES}",
    )

    n_draws: Literal["auto"] | int = "auto"
    tolerance: float = 0.01
    max_evaluations: int = 2000
    n_baselines: int = 4
    seed: int = 0
    internal_batch_size: int = 10

    def __post_init__(self) -> None:
        require_at_least(self, n_baselines=1, internal_batch_size=1, seed=0)
        require_quadrature(self, "n_draws", self.n_baselines)

    @cached_property
    def references(self) -> Tensor:
        """The baselines (n, c, h, w), drawn once for all batches."""
        if self.environment is None:
            raise bad_option("environment", "be given: expected gradients draw their baselines from it", None)
        first = FIRST_BASELINE + self.seed % FIRST_BASELINE * self.n_baselines
        return self.environment.sample(self.n_baselines, first).inputs

    def exact_answer(self, environment: Environment, batch: Batch) -> ExactValues | None:
        """The mean of the Aumann-Shapley values from every baseline; None for a network that is not from this package."""
        return mean_path_values(environment, batch, self.references)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps on the paths between baselines and image."""
        baselines = self.references.to(inputs)
        if self.n_draws == "auto":
            return integrate_all(self.spec, functools.partial(self._integrate, model, baselines), inputs, targets)
        return one_by_one(functools.partial(self._draw, model, baselines), inputs, targets)

    def _integrate(self, model: nn.Module, baselines: Tensor, image: Tensor, target: Tensor) -> Integral:
        """The integral of one image, by adaptive quadrature."""
        paths = Paths(model=model, image=image, baselines=baselines, target=target, batch_size=self.internal_batch_size)
        return paths.integrate(self.tolerance, self.max_evaluations)

    def _draw(self, model: nn.Module, baselines: Tensor, image: Tensor, target: Tensor) -> Tensor:
        """The map of one image at random points of random paths."""
        assert self.n_draws != "auto"
        random = generator(self.seed, "expected gradients", content_key(image[0]))
        draws = torch.from_numpy(random.random((self.n_draws, 2)))
        total = torch.zeros_like(image)
        for part in draws.split(self.internal_batch_size):
            chosen = baselines[(part[:, 0] * len(baselines)).long().to(baselines.device)]
            position = part[:, 1].to(image).reshape(-1, *[1] * (image.ndim - 1))
            difference = image - chosen
            total += (_gradients(model, chosen + position * difference, target) * difference).sum(dim=0)
        return total / self.n_draws


def _gradients(model: nn.Module, images: Tensor, target: Tensor) -> Tensor:
    """The signed gradient of one output at several images (n, c, h, w)."""
    return output_gradients(model, images, target.expand(len(images)))


def _chunks(total: int, size: int) -> Iterator[int]:
    """Sizes of the parts of `total`, at most `size` each."""
    for start in range(0, total, size):
        yield min(size, total - start)


def _draws(random: np.random.Generator, total: int, size: int, image: Tensor) -> Iterator[Tensor]:
    """Standard normal numbers shaped like `total` copies of an image, in parts; they do not depend on `size`."""
    for n in _chunks(total, size):
        yield torch.from_numpy(random.standard_normal((n, *image.shape[1:]))).to(image)
