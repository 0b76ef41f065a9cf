"""`multi-color-sum`: classification by the color with the most pixels (section 3, appendix G), healthy or with a designed bug."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attributionlab.environments.base import Counterpart, Environment, Logits, Present
from attributionlab.environments.bugs import EXCHANGED, REINITIALIZING, Bug, Contamination, layers_of
from attributionlab.environments.claims import Case, Claim
from attributionlab.environments.color_claims import color_claims, counterpart_claim, redundancy_claim
from attributionlab.environments.color_classes import Color, ColorClasses
from attributionlab.environments.color_networks import build_color_network
from attributionlab.environments.counting_claims import counts_claim
from attributionlab.environments.intervention import Removals, effect_claim
from attributionlab.errors import bad_option
from attributionlab.networks import DesignedNetwork
from attributionlab.networks.bugs import HEAD, count_blocks, layer_names, require_exact_head
from attributionlab.scenes import Scene, colored_ids
from attributionlab.seeding import generator
from attributionlab.specs.arguments import share
from attributionlab.truth.explained import Explained
from attributionlab.truth.set_functions import IntArray, LinearSetFunction, SetFunction, SoftmaxSetFunction

PRIMARY_COLORS: tuple[Color, ...] = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))

COUNTERPART_TEMPERATURES = 32.0
"""Temperature of a counterpart in default temperatures: its softmax must not saturate, although the leads are not limited there."""


@dataclass(frozen=True, kw_only=True)
class MultiColorSum(ColorClasses):
    """Count the pixels of each color; the color with the most pixels wins.

    With a `bug`, scenes, inputs or weights are contaminated, and the truth is that of the network as it is.

    Args:
        colors: The colors to count, one patch each.
        background: The true baseline: a color that activates no channel.
        bug: `mislabeled` (two outputs exchanged, labels wrong for a share of their scenes), `reinitialized` (random weights in one
            `layer`) or `cascade` (from the head down to it), `frozen` (a detector of an old palette), `out-of-distribution` (patches
            of unknown colors), and inputs that are `bgr`, `scaled` (divided by 255), `mean-subtracted` or `normalized`.
        layer: Layer of `reinitialized` and `cascade`: `head`, a block (`block3`), or `detector`.
        wrong_labels: Share of wrong labels among the scenes of the two classes that `mislabeled` exchanges.
    """

    name: ClassVar[str] = "multi-color-sum"
    summary: ClassVar[str] = "which of several colors has the most pixels? (classification)"

    colors: tuple[Color, ...] = PRIMARY_COLORS
    background: Color = (20, 20, 20)
    bug: Bug = "none"
    layer: str = HEAD
    wrong_labels: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        share("wrong_labels", self.wrong_labels)
        layers_of(self.bug, self.layer, layer_names(count_blocks((self.height, self.width))))
        self.contamination.check()

    def prove(self) -> None:
        """Refuse options for which the accumulator or a re-initialized head would not be exact.

        Raises:
            BadOption: If `n_kernels` does not fit the design.
            Inexact: If a layer could round.
        """
        super().prove()
        require_exact_head(len(self.colors), (self.height, self.width), self.reinitialized)

    @property
    def known_colors(self) -> dict[str, tuple[Color, ...]]:
        """The colors and the background."""
        return {"colors": self.colors, "background": (self.background,)}

    @property
    def reinitialized(self) -> tuple[str, ...]:
        """Layers with random weights."""
        return layers_of(self.bug, self.layer, layer_names(count_blocks((self.height, self.width))))

    @cached_property
    def contamination(self) -> Contamination:
        """Effect of the bug on scenes, inputs and network."""
        return Contamination.of(self.bug, self.colors, self.background)

    @property
    def has_logits(self) -> bool:
        """Whether the network's function is known in closed form, which random weights that are in use do not allow."""
        return self.bug not in REINITIALIZING and not (self.contamination.unknown and self.is_redundant)

    @property
    def patch_colors(self) -> tuple[Color, ...]:
        """Color of each patch of a scene; unknown ones with the bug `out-of-distribution`."""
        return self.contamination.scene_colors

    def scene(self, index: int) -> Scene:
        """Patches of every color, one of which has the most pixels."""
        return self.sampler.sample(index)

    def inputs_of(self, scene: Scene) -> npt.NDArray[np.generic]:
        """(c, h, w): the rendered scene, as the bug pre-processes it."""
        return self.contamination.preprocessed(super().inputs_of(scene))

    @property
    def true_baseline(self) -> Tensor:
        """(c,) float32: the background, as the bug pre-processes it."""
        return torch.from_numpy(self.contamination.preprocessed(np.array(self.background)).astype(np.float32))

    @property
    def background_color(self) -> Color:
        """The background."""
        return self.background

    @property
    def palette(self) -> tuple[Color, ...]:
        """The color of each count."""
        return self.contamination.detected

    @property
    def n_outputs(self) -> int:
        """Number of colors."""
        return len(self.colors)

    def counts(self, scene: Scene, present: Present | None = None) -> Logits:
        """(k,) float64: pixels that activate each channel, among those `present` (h, w) if given."""
        ids = colored_ids(scene)
        ids = ids if present is None else np.where(present, ids, 0)
        per_patch = np.bincount(ids.ravel(), minlength=len(scene.patches) + 1)[1:]
        counts = np.zeros(self.n_outputs)
        for channel, n_pixels in zip(self.channels(scene), per_patch, strict=True):
            if channel is not None:
                counts[channel] += n_pixels
        return counts

    def channels(self, scene: Scene) -> tuple[int | None, ...]:
        """Channel that each patch activates; None if there is none.

        Raises:
            BadOption: If the scene has another color.
        """
        by_color = dict(zip(self.patch_colors, self.contamination.channels, strict=True))
        for patch in scene.patches:
            if patch.color not in by_color:
                raise bad_option("scenes", "have the colors of the environment", patch.color)
        return tuple(by_color[patch.color] for patch in scene.patches)  # type: ignore[index]  # three values

    def kinds(self, scene: Scene) -> IntArray:
        """(h, w) int64: the output that counts each pixel, from 1; 0 for pixels that no output counts."""
        output_of = {channel: output for output, channel in enumerate(self.contamination.read)}
        by_patch = [0, *(0 if channel is None else output_of[channel] + 1 for channel in self.channels(scene))]
        kinds: IntArray = np.array(by_patch)[colored_ids(scene)]
        return kinds

    def logits_of_counts(self, counts: Logits) -> Logits:
        """Counts, in the order in which outputs read them, divided by the temperature."""
        return counts[..., list(self.contamination.read)] / self.counts_per_logit

    def set_function(self, scene: Scene, target: int, baseline: tuple[float, ...]) -> SetFunction | None:
        """v(S) from a baseline that the network knows, or from any color if redundancy is off.

        A baseline that is not a counted color acts like the background. From a counted color, only logits have a closed form:
        every shown pixel then also lowers the count of that color. Of a network with a bug, it is known from the true baseline.
        """
        is_true = baseline == tuple(self.true_baseline.tolist())
        if self.bug != "none" and not (is_true and (self.has_logits or self.contamination.shows_nothing)):
            return None
        if self.contamination.shows_nothing:
            return LinearSetFunction(self.kinds(scene), 1, np.zeros(1), additive=False)
        counted: tuple[tuple[float, ...], ...] = self.palette
        if self.is_redundant and baseline not in (self.background, *counted):
            return None
        if self.output == "logit":
            return self._linear_function(scene, target, lost=baseline == counted[self.contamination.read[target]])
        if baseline in counted:
            return None
        return SoftmaxSetFunction(self.kinds(scene), len(counted), target, self.counts_per_logit)

    def _linear_function(self, scene: Scene, target: int, *, lost: bool) -> LinearSetFunction:
        """v(S) of a logit; `lost` if absent pixels have the target's color, so that every shown pixel lowers its count."""
        kinds, n_kinds = self.kinds(scene), len(self.colors) + 1  # the background is the last kind
        weights = ((np.arange(n_kinds) == target) - float(lost)) / self.counts_per_logit
        return LinearSetFunction(np.where(kinds == 0, n_kinds, kinds), n_kinds, weights, additive=not self.is_redundant)

    def unfamiliar_inputs(self, n: int) -> Tensor | None:
        """(n, 3, h, w): images of random integer colors; None where the proofs about random weights do not cover them."""
        return None if self.bug in REINITIALIZING else super().unfamiliar_inputs(n)

    def variants(self) -> Iterator[Environment]:
        """Other combinations of `layout`, `activation` and `structure`; random weights fit one layout."""
        for variant in super().variants():
            if self.bug not in REINITIALIZING or variant.layout == self.layout:  # type: ignore[attr-defined]  # of this class
                yield variant

    def claims(self, case: Case) -> Iterator[Claim]:
        """Claims about counts, about the detection of colors, and about redundancy switched off; with a bug, about effects."""
        if self.bug == "none":
            yield from super().claims(case)
            yield from color_claims(self, case)
            yield redundancy_claim(self, case)
        else:
            if self.has_logits:
                yield counts_claim(self, case)
            yield effect_claim(self, case)
        if self.has_counterpart:
            yield counterpart_claim(self, case)

    @property
    def has_negative_truth(self) -> bool:
        """Whether pixels can lower the output: those of other colors a probability; with random weights any pixel."""
        return self.output == "probability" or not self.has_logits

    @property
    def output_per_feature(self) -> float | None:
        """1/T for a logit of a healthy network without redundant channels, else None."""
        additive = self.output == "logit" and not self.is_redundant and self.bug == "none"
        return 1.0 / self.counts_per_logit if additive else None

    def label(self, scene: Scene) -> int:
        """The color with the most pixels; the wrong one of two for a share of the scenes with the bug `mislabeled`."""
        label = super().label(scene)
        if self.bug != "mislabeled" or label not in EXCHANGED:
            return label
        place = [number for patch in scene.patches for number in (patch.top, patch.left, patch.n_pixels)]
        is_wrong = generator(self.data_seed, "wrong label", *place).random() < self.wrong_labels
        return EXCHANGED[1 - EXCHANGED.index(label)] if is_wrong else label

    def scene_logits(self, scene: Scene) -> Logits:
        """Logits (k,) of a scene, in closed form or from the network."""
        return self.logits_of_counts(self.counts(scene)) if self.has_logits else self._removals.logits(scene)

    @cached_property
    def _removals(self) -> Removals:
        """Effects that have no closed form, from the network."""
        return Removals(self)

    def signs(self, scene: Scene) -> tuple[int, ...]:
        """Effects on the winner's output."""
        return self.signs_of(scene, self.predicted(scene), self.output)

    def signs_of(self, scene: Scene, target: int, explained: Explained) -> tuple[int, ...]:
        """A color raises its own output; the others lower its probability but not its logit.

        Without a closed form, the sign of what all pixels of a patch change together.
        """
        if not self.has_logits:
            return self._removals.signs_of_patches(scene, target, explained)
        other = -1 if explained == "probability" else 0
        own = self.contamination.read[target]
        return tuple(0 if channel is None else 1 if channel == own else other for channel in self.channels(scene))

    def signed_truth(self, scene: Scene) -> npt.NDArray[np.int8]:
        """(h, w): as `signs`; without a closed form, the sign of the effect of every single pixel."""
        if self.has_logits:
            return super().signed_truth(scene)
        return self._removals.signs(scene, self.predicted(scene), self.output)

    def signed_truth_of(self, scene: Scene, target: int, explained: Explained) -> npt.NDArray[np.int8]:
        """(h, w): as `signed_truth`, for another output."""
        if self.has_logits:
            return super().signed_truth_of(scene, target, explained)
        return self._removals.signs(scene, target, explained)

    @property
    def has_counterpart(self) -> bool:
        """Whether there are counterparts: if the network is known in closed form and tells two colors of the scenes apart."""
        return self.has_logits and sum(channel is not None for channel in self.contamination.channels) > 1

    def counterpart(self, scene: Scene, explained: Explained | None = None) -> Counterpart | None:
        """The winner's color is known and ignored; the winner's output counts the color with the second most pixels instead.

        The temperature is `COUNTERPART_TEMPERATURES` times the default one, because the runner-up need not lead.
        """
        if not self.has_counterpart:
            return None
        winner, second = self.winner_and_second(scene)
        other = -1 if (explained or self.output) == "probability" else 0
        signs = {None: 0, winner: 0, second: 1}
        by_patch = tuple(signs.get(channel, other) for channel in self.channels(scene))
        return Counterpart(self.counterpart_network(winner, second), self.truth_of_signs(scene, by_patch))

    def winner_and_second(self, scene: Scene) -> tuple[int, int]:
        """Channels with the most and the second most pixels."""
        counts = self.counts(scene)
        winner = int(np.argmax(counts))
        others = [index for index in range(len(self.colors)) if index != winner]
        return winner, max(others, key=lambda index: counts[index])

    def counterpart_network(self, winner: int, second: int) -> DesignedNetwork:
        """The network of `counterpart` for the channels of a winner and a second color, in evaluation mode."""
        if (winner, second) not in self._counterparts:
            shown: list[Color | None] = list(self.palette)
            shown[winner], shown[second] = self.palette[second], None
            network = build_color_network(self, shown, self.counterpart_temperature)
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
        """Detector, accumulator, identity head and, for probabilities, a softmax; with the bug."""
        return build_color_network(self, self.palette, self.counts_per_logit)
