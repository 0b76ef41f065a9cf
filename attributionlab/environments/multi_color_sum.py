"""`multi-color-sum`: classification by the color with the most pixels (section 3, appendix G)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor

from attributionlab.environments.base import Counterpart, Environment, Logits, Target
from attributionlab.environments.claims import Case, Claim
from attributionlab.environments.color_claims import color_claims, counterpart_claim, random_colors, redundancy_claim
from attributionlab.environments.counting import MOST_CHANNELS, CountingEnvironment
from attributionlab.errors import SaturationWarning, bad_option
from attributionlab.networks import (
    Accumulator,
    ColorDetector,
    DesignedNetwork,
    Redundancy,
    build_identity_head,
    express,
)
from attributionlab.networks.dyadic import grid_of, is_power_of_two
from attributionlab.scenes import MultiColorSampler, Scene
from attributionlab.specs.arguments import whole_number
from attributionlab.truth.explained import Explained
from attributionlab.truth.set_functions import LinearSetFunction, SetFunction, SoftmaxSetFunction

Auto = Literal["auto"]
Color = tuple[int, int, int]

PRIMARY_COLORS: tuple[Color, ...] = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))

RADII = (20.0, 44.0)
"""Smallest and largest patch radius at 224x224."""

MARGIN_IN_TEMPERATURES = 12.5
"""Largest lead of the winner, in temperatures."""

SATURATION_IN_TEMPERATURES = 16.0
"""Lead above which the float32 slope of the winner's probability along its own logit is exactly 0, in temperatures."""

SMALLEST_TEMPERATURE = 0.25

COUNTERPART_TEMPERATURES = 32.0
"""Temperature of a counterpart in default temperatures: its softmax must not saturate, although the leads are not limited there."""


@dataclass(frozen=True, kw_only=True)
class MultiColorSum(CountingEnvironment):
    """Count the pixels of each color; the color with the most pixels wins.

    Args:
        colors: The colors to count, one patch each.
        background: The true baseline: a color that activates no channel.
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

    name: ClassVar[str] = "multi-color-sum"
    summary: ClassVar[str] = "which of several colors has the most pixels? (classification)"

    colors: tuple[Color, ...] = PRIMARY_COLORS
    background: Color = (20, 20, 20)
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
        self._check_colors()
        self._check_scenes()
        self._check_network()

    def _check_colors(self) -> None:
        if len(self.colors) < 2:
            raise bad_option("colors", "be at least two colors", self.colors)
        for name, color in (("background", self.background), *(("colors", color) for color in self.colors)):
            if not all(0 <= value <= 255 for value in color):
                raise bad_option(name, "have values in 0..255", color)
        if len(set(self.colors)) < len(self.colors):
            raise bad_option("colors", "be distinct", self.colors)
        if self.background in self.colors:
            raise bad_option("colors", "differ from the background", self.background)

    def _check_scenes(self) -> None:
        check_radii(self.radii, (self.height, self.width))
        if self.margin is not None and self.margin < 1:
            raise bad_option("max_margin", "be at least 1 pixel, or none", self.max_margin)

    def _check_network(self) -> None:
        whole_number("n_redundant", self.n_redundant, 0, MOST_CHANNELS, "they multiply the memory of every layer")
        if grid_of(self.redundant_scale) < 2**-10:
            raise bad_option(
                "redundant_scale", "be a multiple of 1/1024 (so that sums are exact)", self.redundant_scale
            )
        if not is_power_of_two(self.counts_per_logit):
            raise bad_option("temperature", "be a power of two (so that dividing is exact)", self.temperature)
        saturation = SATURATION_IN_TEMPERATURES * self.counts_per_logit
        if self.output == "probability" and (self.margin is None or self.margin > saturation):
            warnings.warn(
                f"the softmax saturates where the winner leads by more than {saturation:g} pixels: the float32 slope of "
                "its probability along its own logit is exactly 0 there, and along every logit where it leads by seven "
                "times as much, so that maps lose their positive part or become zero; raise `temperature`, lower "
                "`max_margin`, or explain the logit (`output=logit`)",
                SaturationWarning,
                stacklevel=2,
            )

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
    def radii(self) -> tuple[float, float]:
        """The radii in use."""
        return scaled_radii((self.min_radius, self.max_radius), RADII, self.scale)

    @cached_property
    def sampler(self) -> MultiColorSampler:
        """Sampler of the scenes."""
        return MultiColorSampler(
            self.height, self.width, self.colors, self.background, self.radii, self.margin, self.data_seed
        )

    def scene(self, index: int) -> Scene:
        """Patches of every color, one of which has the most pixels."""
        return self.sampler.sample(index)

    @property
    def palette(self) -> tuple[Color, ...]:
        """The colors."""
        return self.colors

    @property
    def redundancy(self) -> Redundancy:
        """The channels activated by unknown colors."""
        return Redundancy(self.n_redundant, self.redundant_scale)

    @property
    def is_redundant(self) -> bool:
        """Whether unknown colors affect the counts."""
        return self.n_redundant > 0 and self.redundant_scale != 0

    def logits_of_counts(self, counts: Logits) -> Logits:
        """Counts divided by the temperature."""
        return counts / self.counts_per_logit

    def set_function(self, scene: Scene, target: int, baseline: tuple[float, ...]) -> SetFunction | None:
        """v(S) from a baseline that the network knows, or from any color if redundancy is off.

        A baseline that is not a counted color acts like the background. From a counted color, only logits have a closed form:
        every shown pixel then also lowers the count of that color.
        """
        counted: tuple[tuple[float, ...], ...] = self.colors
        if self.is_redundant and baseline not in (self.background, *counted):
            return None
        if self.output == "logit":
            return self._linear_function(scene, target, lost=baseline == counted[target])
        if baseline in counted:
            return None
        return SoftmaxSetFunction(self.kinds(scene), len(counted), target, self.counts_per_logit)

    def _linear_function(self, scene: Scene, target: int, *, lost: bool) -> LinearSetFunction:
        """v(S) of a logit; `lost` if absent pixels have the target's color, so that every shown pixel lowers its count."""
        kinds, n_kinds = self.kinds(scene), len(self.colors) + 1  # the background is the last kind
        weights = ((np.arange(n_kinds) == target) - float(lost)) / self.counts_per_logit
        return LinearSetFunction(np.where(kinds == 0, n_kinds, kinds), n_kinds, weights, additive=not self.is_redundant)

    def unfamiliar_inputs(self, n: int) -> Tensor:
        """(n, 3, h, w): images of random integer colors."""
        return random_colors(self, n)

    def variants(self) -> Iterator[Environment]:
        """The other layout, and all other combinations of `activation` and `structure`."""
        yield self.changed(layout="dense" if self.layout == "compact" else "compact")
        yield from super().variants()

    def claims(self, case: Case) -> Iterator[Claim]:
        """Claims about counts, about the detection of colors, and about redundancy switched off."""
        yield from super().claims(case)
        yield from color_claims(self, case)
        yield redundancy_claim(self, case)
        yield counterpart_claim(self, case)

    @property
    def explains(self) -> Explained:
        """The winner's probability or logit."""
        return self.output

    @property
    def output_per_feature(self) -> float | None:
        """1/T for a logit without redundant channels, else None."""
        return None if self.output == "probability" or self.is_redundant else 1.0 / self.counts_per_logit

    @property
    def background_color(self) -> Color:
        """The background."""
        return self.background

    def label(self, scene: Scene) -> int:
        """The color with the most pixels."""
        return int(np.argmax(scene.n_pixels))

    @property
    def explainable(self) -> tuple[Explained, ...]:
        """The output, and in front of a softmax the logit."""
        return (self.output,) if self.output == "logit" else (self.output, "logit")

    def target_of(self, scene: Scene, target: Target) -> int:
        """The color with the most pixels (`winner`), with the fewest (`loser`), or the index of a color."""
        if target == "winner":
            return self.label(scene)
        if target == "loser":
            return int(np.argmin(scene.n_pixels))
        if isinstance(target, int) and not isinstance(target, bool) and 0 <= target < len(self.colors):
            return target
        raise bad_option("target", f"be winner, loser or the index of a color from 0 to {len(self.colors) - 1}", target)

    def signs(self, scene: Scene) -> tuple[int, ...]:
        """Effects on the winner's output."""
        return self.signs_of(scene, self.label(scene), self.output)

    def signs_of(self, scene: Scene, target: int, explained: Explained) -> tuple[int, ...]:
        """A color raises its own output; the others lower its probability but not its logit."""
        other = -1 if explained == "probability" else 0
        return tuple(1 if index == target else other for index in range(len(scene.patches)))

    def counterpart(self, scene: Scene, explained: Explained | None = None) -> Counterpart:
        """The winner's color is known and ignored; the winner's output counts the color with the second most pixels instead.

        The temperature is `COUNTERPART_TEMPERATURES` times the default one, because the runner-up need not lead.
        """
        winner, second = self.winner_and_second(scene)
        other = -1 if (explained or self.output) == "probability" else 0
        signs = {winner: 0, second: 1}
        by_patch = tuple(signs.get(index, other) for index in range(len(scene.patches)))
        return Counterpart(self.counterpart_network(winner, second), self.truth_of_signs(scene, by_patch))

    def winner_and_second(self, scene: Scene) -> tuple[int, int]:
        """Indices of the colors with the most and the second most pixels."""
        winner = self.label(scene)
        others = [index for index in range(len(self.colors)) if index != winner]
        return winner, max(others, key=lambda index: scene.n_pixels[index])

    def counterpart_network(self, winner: int, second: int) -> DesignedNetwork:
        """The network of `counterpart` for a winner and a second color, in evaluation mode."""
        if (winner, second) not in self._counterparts:
            shown: list[Color | None] = list(self.colors)
            shown[winner], shown[second] = self.colors[second], None
            network = self._network(shown, self.counterpart_temperature)
            self._counterparts[winner, second] = network.eval()
        return self._counterparts[winner, second]

    @property
    def counterpart_temperature(self) -> float:
        """Divisor of a counterpart's counts."""
        return COUNTERPART_TEMPERATURES * self.default_temperature

    @cached_property
    def _counterparts(self) -> dict[tuple[int, int], DesignedNetwork]:
        """The networks built so far."""
        return {}

    def build_network(self) -> DesignedNetwork:
        """Detector, accumulator, identity head and, for probabilities, a softmax."""
        return self._network(self.colors, self.counts_per_logit)

    def _network(self, shown: Sequence[Color | None], temperature: float) -> DesignedNetwork:
        """The network whose outputs count the `shown` colors."""
        compact = self.layout == "compact"
        network = DesignedNetwork(
            ColorDetector(self.colors, self.background, self.n_redundant, share_thresholds=compact, shown=shown),
            Accumulator(
                len(self.colors),
                (self.height, self.width),
                design=self.accumulator,
                n_kernels=self.n_kernels,
                redundancy=self.redundancy,
                seed=self.network_seed,
                grouped=compact,
            ),
            build_identity_head(len(self.colors), temperature),
            softmax=self.output == "probability",
            classes=[str(color) for color in self.colors],
        )
        return express(network, self.activation, self.structure)


def scaled_radii(
    radii: tuple[float | Auto, float | Auto], defaults: tuple[float, float], scale: float
) -> tuple[float, float]:
    """The radii, with `auto` replaced by the defaults at this scale."""
    least, most = (
        default * scale if radius == "auto" else radius for radius, default in zip(radii, defaults, strict=True)
    )
    return least, most


def check_radii(radii: tuple[float, float], size: tuple[int, int], *, reach: float = 1.0) -> None:
    """Refuse radii that are not positive, not in order, or larger than the image.

    Args:
        radii: Smallest and largest radius.
        size: Rows and columns of the image.
        reach: Largest extent of a shape from its center, in radii.

    Raises:
        BadOption: If a radius is not valid.
    """
    least, most = radii
    if least <= 0:
        raise bad_option("min_radius", "be above 0", least)
    if most < least:
        raise bad_option("max_radius", f"be at least `min_radius` ({least:g})", most)
    if 2 * reach * most + 1 > min(size):
        raise bad_option("max_radius", f"let a patch fit into {size[0]}x{size[1]} pixels", most)
