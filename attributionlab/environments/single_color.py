"""Base of the single-color environments: white blobs on black, whose pixels are counted (appendices D and F.1)."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from functools import cached_property

from torch import nn

from attributionlab.environments.counting import CountingEnvironment
from attributionlab.environments.radii import Auto, check_radii, scaled_radii
from attributionlab.errors import bad_option
from attributionlab.networks import Accumulator, DesignedNetwork, express
from attributionlab.scenes import BlobSampler, Scene
from attributionlab.scenes.shapes import BLOB_REACH
from attributionlab.truth.explained import Explained

RADII = (15.8, 24.6)
"""Smallest and largest blob radius at 224x224: they give 4.92 percent of white pixels, as published."""

BLOB_AREA = 2.97
"""Average area of a blob in pixels, in units of its squared radius."""

PAPER_MAX_COUNT = 4920
"""U at 224x224."""


@dataclass(frozen=True, kw_only=True)
class SingleColor(CountingEnvironment):
    """White blobs on black; the network counts the white pixels. Inputs are 0 and 1 (PNG files show 255).

    Args:
        n_patches: Number of blobs.
        min_radius: Smallest radius of a blob in pixels; `auto` is 15.8 of 224.
        max_radius: Largest radius of a blob in pixels; `auto` is 24.6 of 224.
        max_count: Largest number of white pixels of an image, U in the paper; images above it are rejected. `auto` is 4920 at
            224x224, scaled with the area.
    """

    n_patches: int = 4
    min_radius: float | Auto = "auto"
    max_radius: float | Auto = "auto"
    max_count: int | Auto = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_patches < 1:
            raise bad_option("n_patches", "be at least 1", self.n_patches)
        check_radii(self.radii, (self.height, self.width), reach=BLOB_REACH)
        if self.largest_count < self.average_count:
            expectation = f"be at least what the scenes draw on average, {math.ceil(self.average_count)} white pixels"
            raise bad_option("max_count", expectation, self.max_count, "choose smaller radii or leave it out")

    @property
    @abc.abstractmethod
    def largest_count(self) -> int:
        """The `max_count` in use."""

    @abc.abstractmethod
    def build_head(self) -> nn.Sequential:
        """The network from the count to the output."""

    @property
    def avoid_multiples_of(self) -> int | None:
        """Modulus whose multiples are rejected as counts, or None."""
        return None

    @property
    def radii(self) -> tuple[float, float]:
        """The radii in use."""
        return scaled_radii((self.min_radius, self.max_radius), RADII, self.scale)

    @property
    def average_count(self) -> float:
        """Average number of white pixels of an image: half of the blobs' area, for radii uniform over their range."""
        least, most = self.radii
        return 0.5 * self.n_patches * BLOB_AREA * (least**2 + least * most + most**2) / 3

    @cached_property
    def sampler(self) -> BlobSampler:
        """Sampler of the scenes."""
        return BlobSampler(
            self.height,
            self.width,
            self.n_patches,
            self.radii,
            self.largest_count,
            self.avoid_multiples_of,
            self.data_seed,
        )

    def scene(self, index: int) -> Scene:
        """White blobs."""
        return self.sampler.sample(index)

    @property
    def palette(self) -> tuple[tuple[int, ...], ...]:
        """White."""
        return ((1,),)

    @property
    def explains(self) -> Explained:
        """The single output of the network."""
        return "value"

    @property
    def background_color(self) -> tuple[int]:
        """Black."""
        return (0,)

    def signs(self, scene: Scene) -> tuple[int, ...]:
        """Every white pixel counts."""
        return (1,) * len(scene.patches)

    def build_network(self) -> DesignedNetwork:
        """Accumulator and head; there is no color to detect."""
        accumulator = Accumulator(
            1, (self.height, self.width), design=self.accumulator, n_kernels=self.n_kernels, seed=self.network_seed
        )
        network = DesignedNetwork(None, accumulator, self.build_head(), softmax=False, classes=["white"])
        return express(network, self.activation, self.structure)
