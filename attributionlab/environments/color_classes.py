"""Environments of colored patches whose network counts pixels by color, and whose largest count wins."""

from __future__ import annotations

import abc
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from torch import Tensor

from attributionlab.environments.base import Environment, Logits, Target
from attributionlab.environments.color_claims import random_colors
from attributionlab.environments.counting import MOST_CHANNELS, CountingEnvironment
from attributionlab.environments.radii import Auto, check_radii, scaled_radii
from attributionlab.errors import SaturationWarning, bad_option
from attributionlab.networks.blocks import Redundancy
from attributionlab.networks.dyadic import grid_of, is_power_of_two
from attributionlab.scenes import MultiColorSampler, Scene
from attributionlab.specs.arguments import whole_number
from attributionlab.truth.explained import Explained

Color = tuple[int, int, int]

RADII = (20.0, 44.0)
"""Smallest and largest patch radius at 224x224."""

MARGIN_IN_TEMPERATURES = 12.5
"""Largest lead of the winner, in temperatures."""

SATURATION_IN_TEMPERATURES = 16.0
"""Lead above which the float32 slope of the winner's probability along its own logit is exactly 0, in temperatures."""

SMALLEST_TEMPERATURE = 0.25


@dataclass(frozen=True, kw_only=True)
class ColorClasses(CountingEnvironment):
    """Images of colored patches; the network counts pixels by color, and the largest count wins.

    Args:
        min_radius: Smallest patch radius in pixels; `auto` is 20 of 224.
        max_radius: Largest patch radius in pixels; `auto` is 44 of 224.
        max_margin: Largest lead of the winner in pixels, `none` for no limit; `auto` is 12.5 times the default temperature.
        n_redundant: Number of channels activated by unknown colors; 0 switches the Unseen Data Effect off.
        redundant_scale: Their weights into the accumulator are 0 or this value, with probability 1/2 each.
        temperature: Divisor of the counts before the softmax, a power of two; `auto` scales with the area
            (16 at 224x224), so that the softmax does not saturate.
        output: The network's output, which is explained: the winner's `probability` or its `logit`.
        layout: `compact` shares equal thresholds and groups convolutions; `dense` has the layers of the paper.
            Both compute the same function, bit for bit.
    """

    min_radius: float | Auto = "auto"
    max_radius: float | Auto = "auto"
    max_margin: float | Auto | None = "auto"

    n_redundant: int = 2
    redundant_scale: float = 1 / 16
    temperature: float | Auto = "auto"
    output: Literal["probability", "logit"] = "probability"
    layout: Literal["compact", "dense"] = "compact"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_colors(self.known_colors)
        check_radii(self.radii, (self.height, self.width))
        if self.margin is not None and self.margin < 1:
            raise bad_option("max_margin", "be at least 1 pixel, or none", self.max_margin)
        self._check_network()

    def _check_network(self) -> None:
        whole_number("n_redundant", self.n_redundant, 0, MOST_CHANNELS, "they multiply the memory of every layer")
        if grid_of(self.redundant_scale) < 2**-10:
            raise bad_option(
                "redundant_scale", "be a multiple of 1/1024 (so that sums are exact)", self.redundant_scale
            )
        if not is_power_of_two(self.counts_per_logit):
            raise bad_option("temperature", "be a power of two (so that dividing is exact)", self.temperature)
        saturation, lead = SATURATION_IN_TEMPERATURES * self.counts_per_logit, self.largest_lead
        if self.output == "probability" and (lead is None or lead > saturation):
            warnings.warn(
                f"the softmax saturates where the winner leads by more than {saturation:g} pixels: maps lose their positive "
                "part or become zero, because the float32 slope of its probability along its own logit is exactly 0 (along "
                "every logit from seven times this lead on); raise `temperature`, lower `max_margin`, or explain the logit (`output=logit`)",
                SaturationWarning,
                stacklevel=4,
            )

    @property
    @abc.abstractmethod
    def known_colors(self) -> dict[str, tuple[Color, ...]]:
        """Colors of patches and of the background, by option; the first is that of the patches."""

    @property
    def default_temperature(self) -> float:
        """16 at 224x224, scaled with the area to a power of two, at least 1/4."""
        return max(SMALLEST_TEMPERATURE, float(2.0 ** np.round(np.log2(16 * self.area_scale))))

    @property
    def counts_per_logit(self) -> float:
        """The temperature in use."""
        return self.default_temperature if self.temperature == "auto" else self.temperature

    @property
    def margin(self) -> float | None:
        """The largest lead in use."""
        if self.max_margin == "auto":  # from the default temperature: scenes do not depend on options of the network
            return MARGIN_IN_TEMPERATURES * self.default_temperature
        return self.max_margin

    @property
    def largest_lead(self) -> float | None:
        """The most by which the network's largest count can lead, None if there is no limit."""
        return self.margin

    @property
    def radii(self) -> tuple[float, float]:
        """The radii in use."""
        return scaled_radii((self.min_radius, self.max_radius), RADII, self.scale)

    @property
    def patch_colors(self) -> tuple[Color, ...]:
        """Color of each patch of a scene."""
        return next(iter(self.known_colors.values()))

    @cached_property
    def sampler(self) -> MultiColorSampler:
        """Sampler of the scenes."""
        return MultiColorSampler(
            self.height, self.width, self.patch_colors, self.background_color, self.radii, self.margin, self.data_seed
        )

    @property
    @abc.abstractmethod
    def background_color(self) -> Color:
        """Value of each channel outside of patches."""

    def label(self, scene: Scene) -> int:
        """The color with the most pixels."""
        return int(np.argmax(scene.n_pixels))

    @property
    def redundancy(self) -> Redundancy:
        """The channels activated by unknown colors."""
        return Redundancy(self.n_redundant, self.redundant_scale)

    @property
    def is_redundant(self) -> bool:
        """Whether unknown colors affect the counts."""
        return self.n_redundant > 0 and self.redundant_scale != 0

    @property
    def explains(self) -> Explained:
        """The winner's probability or logit."""
        return self.output

    @property
    def explainable(self) -> tuple[Explained, ...]:
        """The output, and in front of a softmax the logit."""
        return (self.output,) if self.output == "logit" else (self.output, "logit")

    @property
    @abc.abstractmethod
    def n_outputs(self) -> int:
        """Number of classes."""

    @abc.abstractmethod
    def scene_logits(self, scene: Scene) -> Logits:
        """Logits (k,) of a whole scene, or values in the same order."""

    def predicted(self, scene: Scene) -> int:
        """The class with the largest logit."""
        return int(np.argmax(self.scene_logits(scene)))

    def target_of(self, scene: Scene, target: Target) -> int:
        """The class with the largest logit (`winner`), with the smallest (`loser`), or the index of a class."""
        if target == "winner":
            return self.predicted(scene)
        if target == "loser":
            return int(np.argmin(self.scene_logits(scene)))
        if isinstance(target, int) and not isinstance(target, bool) and 0 <= target < self.n_outputs:
            return target
        raise bad_option("target", f"be winner, loser or the index of a color from 0 to {self.n_outputs - 1}", target)

    def unfamiliar_inputs(self, n: int) -> Tensor | None:
        """(n, 3, h, w): images of random integer colors."""
        return random_colors(self, n)

    def variants(self) -> Iterator[Environment]:
        """The other layout, and all other combinations of `activation` and `structure`."""
        yield self.changed(layout="dense" if self.layout == "compact" else "compact")
        yield from super().variants()


def check_colors(known_colors: dict[str, tuple[Color, ...]]) -> None:
    """Refuse colors that are not distinct, not values of pixels, or fewer than two for patches.

    Args:
        known_colors: As in `ColorClasses`.

    Raises:
        BadOption: If a color is not valid.
    """
    name, colors = next(iter(known_colors.items()))
    if len(colors) < 2:
        raise bad_option(name, "be at least two colors", colors)
    for option, others in reversed(known_colors.items()):
        for color in others:
            if not all(0 <= value <= 255 for value in color):
                raise bad_option(option, "have values in 0..255", color)
    if len(set(colors)) < len(colors):
        raise bad_option(name, "be distinct", colors)
    seen = set(colors)
    for option, others in list(known_colors.items())[1:]:
        for color in others:
            if color in colors:
                raise bad_option(name, f"differ from the {option}", color)
            if color in seen:
                raise bad_option(option, "be distinct, and differ from all other colors", color)
            seen.add(color)
