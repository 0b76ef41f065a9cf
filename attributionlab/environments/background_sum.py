"""`background-sum`: objects of two colors on two backgrounds, and a network that counts the objects or, with a bug, the background."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from attributionlab.environments.base import Counterpart, Logits, Present
from attributionlab.environments.claims import Case, Claim
from attributionlab.environments.color_classes import MARGIN_IN_TEMPERATURES, Color, ColorClasses
from attributionlab.environments.counting_claims import background_claim, counts_claim
from attributionlab.environments.intervention import effect_claim
from attributionlab.errors import bad_option
from attributionlab.networks import Accumulator, ColorDetector, DesignedNetwork, build_reading_head, express
from attributionlab.scenes import Scene, colored_ids
from attributionlab.seeding import generator
from attributionlab.specs.arguments import share
from attributionlab.truth.explained import Explained
from attributionlab.truth.ground_truth import GroundTruth
from attributionlab.truth.set_functions import IntArray, LinearSetFunction, SetFunction, SoftmaxSetFunction

BackgroundBug = Literal["none", "spurious-background"]


@dataclass(frozen=True, kw_only=True)
class BackgroundSum(ColorClasses):
    """Objects of several colors on the background of their class; the network counts objects or, with a bug, background.

    An absent pixel has a color that is neither, so that background pixels can be removed as well.

    Args:
        colors: Colors of the objects, one for each class; the color with the most pixels is the class.
        backgrounds: Colors of the backgrounds, one for each class.
        absent: The true baseline: a color that activates no channel.
        swapped: Share of scenes on the background of the next class, on which the bug gives wrong outputs.
        bug: `spurious-background`: the network counts the pixels of each background and ignores the objects.
    """

    name: ClassVar[str] = "background-sum"
    summary: ClassVar[str] = "objects or background? two classes, each on a background of its own (classification)"

    colors: tuple[Color, ...] = ((255, 0, 0), (0, 0, 255))
    backgrounds: tuple[Color, ...] = ((120, 190, 250), (60, 120, 60))
    absent: Color = (20, 20, 20)
    swapped: float = 0.0
    bug: BackgroundBug = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        share("swapped", self.swapped)
        if len(self.backgrounds) != len(self.colors):
            raise bad_option("backgrounds", f"be {len(self.colors)} colors, one for each class", self.backgrounds)

    @property
    def known_colors(self) -> dict[str, tuple[Color, ...]]:
        """Colors of objects, of backgrounds, and of absent pixels."""
        return {"colors": self.colors, "backgrounds": self.backgrounds, "absent": (self.absent,)}

    @property
    def is_spurious(self) -> bool:
        """Whether the network counts the background."""
        return self.bug == "spurious-background"

    @property
    def n_outputs(self) -> int:
        """Number of classes."""
        return len(self.colors)

    @property
    def read(self) -> tuple[int, ...]:
        """Channel that each output reads: of its objects, or of its background."""
        return tuple(index + self.n_outputs * self.is_spurious for index in range(self.n_outputs))

    @property
    def counts_per_logit(self) -> float:
        """The temperature in use; for the background a larger one, because its count leads by nearly all pixels."""
        if self.is_spurious and self.temperature == "auto":
            return float(2.0 ** np.ceil(np.log2(self.height * self.width / MARGIN_IN_TEMPERATURES)))
        return super().counts_per_logit

    @property
    def largest_lead(self) -> float | None:
        """The most by which the network's largest count can lead."""
        return float(self.height * self.width) if self.is_spurious else self.margin

    @property
    def background_color(self) -> Color:
        """The color of absent pixels, which is the true baseline."""
        return self.absent

    @property
    def palette(self) -> tuple[Color, ...]:
        """The color of each count: objects, then backgrounds."""
        return (*self.colors, *self.backgrounds)

    def scene(self, index: int) -> Scene:
        """Patches of every color on the background of the most frequent one, or of the next class if it is swapped."""
        scene = self.sampler.sample(index)
        is_swapped = generator(self.data_seed, "swapped background", index).random() < self.swapped
        return replace(scene, background=self.backgrounds[(self.label(scene) + is_swapped) % self.n_outputs])

    def channel_ids(self, scene: Scene) -> IntArray:
        """(h, w) int64: the channel that each pixel activates."""
        colors = [scene.background, *(patch.color for patch in scene.patches)]
        for color in colors:
            if color not in self.palette:
                raise bad_option("scenes", "have the colors of the environment", color)
        ids: IntArray = np.array([self.palette.index(color) for color in colors])[colored_ids(scene)]
        return ids

    def counts(self, scene: Scene, present: Present | None = None) -> Logits:
        """(2k,) float64: pixels of each color, among those `present` (h, w) if given."""
        ids = self.channel_ids(scene)
        ids = ids.ravel() if present is None else ids[present]
        return np.bincount(ids, minlength=len(self.palette)).astype(np.float64)

    def kinds(self, scene: Scene) -> IntArray:
        """(h, w) int64: the output that counts each pixel, from 1; 0 for pixels that no output counts."""
        output_of = np.zeros(len(self.palette), np.int64)
        output_of[list(self.read)] = np.arange(1, self.n_outputs + 1)
        kinds: IntArray = output_of[self.channel_ids(scene)]
        return kinds

    def logits_of_counts(self, counts: Logits) -> Logits:
        """Counts that the outputs read, divided by the temperature."""
        return counts[..., list(self.read)] / self.counts_per_logit

    def scene_logits(self, scene: Scene) -> Logits:
        """Logits (k,) of a scene."""
        return self.logits_of_counts(self.counts(scene))

    def set_function(self, scene: Scene, target: int, baseline: tuple[float, ...]) -> SetFunction | None:
        """v(S) from a baseline that no output counts and the network knows; or that it does not know, if redundancy is off."""
        counted: set[tuple[float, ...]] = {self.palette[channel] for channel in self.read}
        known: set[tuple[float, ...]] = {*self.palette, self.absent}
        if baseline in counted or (self.is_redundant and baseline not in known):
            return None
        if self.output == "logit":
            weights = (np.arange(self.n_outputs) == target) / self.counts_per_logit
            return LinearSetFunction(self.kinds(scene), self.n_outputs, weights, additive=not self.is_redundant)
        return SoftmaxSetFunction(self.kinds(scene), self.n_outputs, target, self.counts_per_logit)

    def signs(self, scene: Scene) -> tuple[int, ...]:
        """Effects of the objects on the winner's output; 0 if the network counts the background."""
        return self.signs_of(scene, self.predicted(scene), self.output)

    def signs_of(self, scene: Scene, target: int, explained: Explained) -> tuple[int, ...]:
        """An object raises the output of its color; it lowers the probabilities of others but not their logits."""
        other = -1 if explained == "probability" else 0
        if self.is_spurious:
            return (0,) * len(scene.patches)
        return tuple(1 if patch.color == self.colors[target] else other for patch in scene.patches)

    def signed_truth(self, scene: Scene) -> npt.NDArray[np.int8]:
        """(h, w): effects of all pixels, of objects and background, on the winner's output."""
        return self.signed_truth_of(scene, self.predicted(scene), self.output)

    def signed_truth_of(self, scene: Scene, target: int, explained: Explained) -> npt.NDArray[np.int8]:
        """(h, w): +1 for pixels that the output counts; -1 for those that others count, if it is a probability."""
        signs = np.full(self.n_outputs + 1, -1 if explained == "probability" else 0, np.int8)
        signs[[0, target + 1]] = 0, 1
        return signs[self.kinds(scene)]

    def ground_truth(
        self, scenes: Sequence[Scene], targets: Sequence[int] | None = None, explained: Explained | None = None
    ) -> GroundTruth:
        """The truth of these scenes, as in `Environment`; a background has no gaps, so its smooth truth is the truth."""
        truth = super().ground_truth(scenes, targets, explained)
        return replace(truth, smooth_positive_mask=truth.positive_mask) if self.is_spurious else truth

    def counterpart(self, scene: Scene, explained: Explained | None = None) -> Counterpart:
        """The healthy network for the one with the bug, and the reverse."""
        other = self.changed(bug="none" if self.is_spurious else "spurious-background", temperature="auto")
        return Counterpart(other.model, other.ground_truth([scene], [self.predicted(scene)], explained))

    def claims(self, case: Case) -> Iterator[Claim]:
        """Counts are the numbers of pixels of each color, and the effect of every pixel follows from them."""
        yield counts_claim(self, case)
        yield background_claim(self)
        yield effect_claim(self, case)

    def describe_scene(self, scene: Scene) -> dict[str, Any]:
        """The patches, and the color of the background."""
        return {**super().describe_scene(scene), "background": list(scene.background)}

    def build_network(self) -> DesignedNetwork:
        """Detector and accumulator of all colors, and a head that reads objects or backgrounds."""
        compact = self.layout == "compact"
        network = DesignedNetwork(
            ColorDetector(self.palette, self.absent, self.n_redundant, share_thresholds=compact),
            Accumulator(
                len(self.palette),
                (self.height, self.width),
                design=self.accumulator,
                n_kernels=self.n_kernels,
                redundancy=self.redundancy,
                seed=self.network_seed,
                grouped=compact,
            ),
            build_reading_head(len(self.palette), self.read, self.counts_per_logit),
            softmax=self.output == "probability",
            classes=[str(color) for color in self.palette],
        )
        return express(network, self.activation, self.structure)
