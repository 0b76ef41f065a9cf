"""Environments whose network counts colored pixels, with their common claims."""

from __future__ import annotations

import abc
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, get_args

import numpy as np
import torch
from torch import Tensor

from attributionlab.environments.base import Environment, Logits, Present
from attributionlab.environments.claims import Case, Claim
from attributionlab.environments.counting_claims import background_claim, counts_claim, intervention_claims
from attributionlab.environments.images import ImageEnvironment
from attributionlab.errors import bad_option
from attributionlab.networks import Activation, DesignedNetwork, Structure
from attributionlab.networks.blocks import Redundancy, design_blocks
from attributionlab.networks.kernels import Design
from attributionlab.scenes import Scene, colored_ids
from attributionlab.scenes.color_names import color_name
from attributionlab.specs.arguments import whole_number
from attributionlab.truth.explained import output_difference
from attributionlab.truth.set_functions import CountedSetFunction, IntArray, SetFunction

MOST_CHANNELS = 1_024
"""Largest number of kernels per class and of redundant channels, which multiply the memory of every layer."""


@dataclass(frozen=True, kw_only=True)
class CountingEnvironment(ImageEnvironment):
    """Images whose colored pixels are counted; the output is a function of the counts.

    Args:
        accumulator: `uniform`, `nonnegative` or `signed` weights.
        n_kernels: Kernels per class, M in the paper.
        activation: Form of the ReLUs: a `module` behind every layer, one module `shared` by all, or `functional` calls.
        structure: Structure of the network: `plain`, with a `residual` block, with a `flatten-module`, or with ReLUs
            that write `inplace`. All variants compute the same function, bit for bit; they differ in the modules that libraries can hook.
    """

    symmetric_path: ClassVar[bool] = False
    """Whether all pixels that are counted are exchangeable for the network also on the straight path from the background."""

    accumulator: Design = "nonnegative"
    n_kernels: int = 3
    activation: Activation = "module"
    structure: Structure = "plain"

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("n_kernels", self.n_kernels, 1, MOST_CHANNELS, "they multiply the memory of every layer")

    @property
    @abc.abstractmethod
    def palette(self) -> tuple[tuple[int, ...], ...]:
        """The color of each count."""

    @abc.abstractmethod
    def logits_of_counts(self, counts: Logits) -> Logits:
        """Logits (k,) of counts (k,), by the definition of the task."""

    @abc.abstractmethod
    def build_network(self) -> DesignedNetwork:
        """Detector, accumulator and head."""

    @cached_property
    def model(self) -> DesignedNetwork:
        """The network, in evaluation mode."""
        return self.build_network().eval()

    @property
    def has_negative_truth(self) -> bool:
        """Only a probability is lowered, by pixels of other colors."""
        return self.explains == "probability"

    @property
    def redundancy(self) -> Redundancy:
        """Weights of redundant channels in the accumulator."""
        return Redundancy()

    def prove(self) -> None:
        """Refuse options for which the accumulator would not be exact.

        Raises:
            BadOption: If `n_kernels` does not fit the design.
            Inexact: If no grid of weights makes every layer exact.
        """
        shape = (len(self.palette), self.n_kernels)
        design_blocks(shape, (self.height, self.width), self.accumulator, self.redundancy, self.network_seed)

    def counts(self, scene: Scene, present: Present | None = None) -> Logits:
        """(k,) float64: the number of pixels of each color of the palette, among those `present` (h, w) if given."""
        ids = colored_ids(scene)
        ids = ids if present is None else np.where(present, ids, 0)
        per_patch = np.bincount(ids.ravel(), minlength=len(scene.patches) + 1)[1:]
        counts = np.zeros(len(self.palette))
        for patch, n_pixels in zip(scene.patches, per_patch, strict=True):
            counts[self.palette.index(patch.color)] += n_pixels
        return counts

    def logits(self, scene: Scene, present: Present) -> Logits:
        """Logits when only the `present` pixels (h, w) are shown and all others have the background's color: (k,) float64."""
        return self.logits_of_counts(self.counts(scene, present))

    def counted(self, scene: Scene) -> dict[str, int]:
        """Pixels of each color of the palette."""
        return {color_name(color): int(n) for color, n in zip(self.palette, self.counts(scene), strict=True)}

    def output_name(self, index: int) -> str:
        """Name of the color that an output counts."""
        return color_name(self.palette[index])

    def kinds(self, scene: Scene) -> IntArray:
        """(h, w) int64: the index of each pixel's color in the palette, counted from 1; 0 for the background.

        Raises:
            BadOption: If the scene has another color.
        """
        for patch in scene.patches:
            if patch.color not in self.palette:
                raise bad_option("scenes", "have the colors of the environment", patch.color)
        colors = [0, *(self.palette.index(patch.color) + 1 for patch in scene.patches)]
        kinds: IntArray = np.array(colors)[colored_ids(scene)]
        return kinds

    def set_function(self, scene: Scene, target: int, baseline: tuple[float, ...]) -> SetFunction | None:
        """v(S) from the true baseline: all pixels of one color are exchangeable, and background pixels are dummies."""
        if baseline != self.background_color:
            return None
        return CountedSetFunction(
            self.kinds(scene),
            len(self.palette),
            self.logits_of_counts,
            lambda before, after: output_difference(before, after, target, self.explains),
            self.symmetric_path,
        )

    def variants(self) -> Iterator[Environment]:
        """All other combinations of `activation` and `structure`."""
        for activation, structure in itertools.product(get_args(Activation), get_args(Structure)):
            if (activation, structure) != (self.activation, self.structure):
                yield self.changed(activation=activation, structure=structure)

    def claims(self, case: Case) -> Iterator[Claim]:
        """Counts are the numbers of pixels, and each pixel changes its own count by exactly 1."""
        yield counts_claim(self, case)
        yield background_claim(self)
        yield from intervention_claims(self, case)

    @property
    def colors_of_counts(self) -> Tensor:
        """(k, c) float32: the palette."""
        return torch.tensor(self.palette, dtype=torch.float32)
