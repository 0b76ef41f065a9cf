"""Designed bugs of color networks: what is contaminated, and what the network then sees. Importing this module does not import torch.

A bug changes the colors of the scenes, the values that reach the network, the colors that its detector knows, or the count that an
output reads. `Contamination` says so for one environment; everything else (closed forms, truth, games) follows from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from attributionlab.errors import bad_option, unknown_name

Color = tuple[int, int, int]
Values = npt.NDArray[np.float64]

Bug = Literal[
    "none",
    "mislabeled",
    "frozen",
    "cascade",
    "reinitialized",
    "out-of-distribution",
    "bgr",
    "scaled",
    "mean-subtracted",
    "normalized",
]
"""Bugs of `multi-color-sum`: in the labels, in the weights, in the inputs."""

REINITIALIZING: tuple[Bug, ...] = ("reinitialized", "cascade")
"""Bugs of which a layer is part: one layer alone, or all layers from the head down to it."""

EXCHANGED = (0, 1)
"""Classes that a network of mislabeled scenes exchanges."""

OTHER_COLORS: tuple[Color, ...] = (
    (255, 128, 0),
    (0, 255, 255),
    (255, 0, 255),
    (128, 0, 255),
    (0, 128, 255),
    (255, 0, 128),
)
"""Colors that are unknown, or that an old palette had: orange, cyan, magenta and so on, without those in use."""

MEANS = (123.675, 116.28, 103.53)
DEVIATIONS = (58.395, 57.12, 57.375)
"""Means and standard deviations of ImageNet's channels, in values of 0..255."""


def reverse_channels(values: Values) -> Values:
    """Red, green, blue as blue, green, red: (3, ...) to (3, ...)."""
    return values[::-1]


def scale_to_one(values: Values) -> Values:
    """Values 0..255 divided by 255."""
    return values / 255


def subtract_means(values: Values) -> Values:
    """Values 0..255 (3, ...) minus the means of ImageNet."""
    return values - _per_channel(MEANS, values)


def normalize_channels(values: Values) -> Values:
    """Values 0..255 (3, ...) minus the means of ImageNet, divided by its deviations."""
    return subtract_means(values) / _per_channel(DEVIATIONS, values)


PREPROCESSING: Mapping[str, Callable[[Values], Values]] = {
    "bgr": reverse_channels,
    "scaled": scale_to_one,
    "mean-subtracted": subtract_means,
    "normalized": normalize_channels,
}
"""Wrong pre-processing of the inputs, by bug."""


@dataclass(frozen=True)
class Contamination:
    """Effect of a bug on the scenes, inputs and network of an environment whose scenes have one patch per color.

    Args:
        bug: The bug.
        scene_colors: Color of each patch.
        detected: Colors of the detector's channels.
        background: Color of the background, in scenes and in the detector.
        read: Channel that each output reads.
    """

    bug: Bug
    scene_colors: tuple[Color, ...]
    detected: tuple[Color, ...]
    background: Color
    read: tuple[int, ...]

    @classmethod
    def of(cls, bug: Bug, colors: tuple[Color, ...], background: Color) -> Contamination:
        """The contamination of an environment of these colors."""
        others = tuple(itertools.islice(_other_colors({*colors, background}), len(colors)))
        n_kept = -(-len(colors) // 2)
        read = list(range(len(colors)))
        if bug == "mislabeled":
            read[EXCHANGED[0]], read[EXCHANGED[1]] = EXCHANGED[1], EXCHANGED[0]
        return cls(
            bug,
            others if bug == "out-of-distribution" else colors,
            (*colors[:n_kept], *others[n_kept:]) if bug == "frozen" else colors,
            background,
            tuple(read),
        )

    def preprocessed(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Input (3, ...) that reaches the network for values 0..255."""
        function = PREPROCESSING.get(self.bug)
        if function is None:
            return values
        return function(values.astype(np.float64)).astype(np.float32)

    @cached_property
    def channels(self) -> tuple[int | None, ...]:
        """Channel that each color of the scenes activates; None for colors that activate none."""
        return tuple(self._channel(color) for color in self.scene_colors)

    @cached_property
    def unknown(self) -> bool:
        """Whether a color of the scenes, or their background, activates the redundant channels."""
        return None in self.channels or not self._is_seen(self.background, self.background)

    @cached_property
    def shows_nothing(self) -> bool:
        """Whether the network cannot tell any color from the background: all are unknown to it."""
        return self.channels == (None,) * len(self.scene_colors) and not self._is_seen(self.background, self.background)

    def check(self) -> None:
        """Refuse colors that pre-processing moves so close to a known one that the detector is half active.

        Raises:
            BadOption: If there is such a color.
        """
        if self.bug not in PREPROCESSING:
            return
        for color in (*self.scene_colors, self.background):
            for known in (*self.detected, self.background):
                if 0 < self._activation(color, known) < 1:
                    raise bad_option("colors", f"not be nearly a known color after the bug {self.bug!r}", color)

    def _channel(self, color: Color) -> int | None:
        """Channel that a color of the scenes activates."""
        return next((index for index, known in enumerate(self.detected) if self._is_seen(color, known)), None)

    def _is_seen(self, color: Color, known: Color) -> bool:
        """Whether the detector takes a color of the scenes for one that it knows."""
        return self._activation(color, known) == 1

    def _activation(self, color: Color, known: Color) -> float:
        """Activation of a known color's detector (Eq. 4), which between the integers is a triangle in every channel."""
        distance = np.abs(self.preprocessed(np.array(color)).astype(np.float64) - np.array(known))
        return float(max(0.0, np.maximum(0.0, 1 - distance).sum() - 2))


def layers_of(bug: Bug, layer: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Layers that a bug re-initializes.

    Args:
        bug: The bug.
        layer: Name of the layer.
        names: Names of all layers of the network, from the top.

    Raises:
        UnknownName: If the network has no such layer.
        BadOption: If a layer is named for a bug that has none.

    Example:
        >>> layers_of("cascade", "block1", ("head", "block2", "block1", "detector"))
        ('head', 'block2', 'block1')
    """
    if layer not in names:
        raise unknown_name("layer", layer, names)
    if bug not in REINITIALIZING:
        if layer != names[0]:
            raise bad_option("layer", f"go with the bug {' or '.join(REINITIALIZING)}", layer)
        return ()
    return names[: names.index(layer) + 1] if bug == "cascade" else (layer,)


def bug_names() -> tuple[Bug, ...]:
    """All bugs of `multi-color-sum`."""
    return tuple(bug for bug in get_args(Bug) if bug != "none")


def _per_channel(numbers: tuple[float, ...], values: Values) -> Values:
    """Numbers of channels, to combine with values (c, ...)."""
    return np.array(numbers).reshape(-1, *[1] * (values.ndim - 1))


def _other_colors(used: set[Color]) -> Iterator[Color]:
    """Colors that are not in use, the most different ones first."""
    yield from (color for color in OTHER_COLORS if color not in used)
    for color in itertools.product(range(255, -1, -17), repeat=3):
        if color not in used and color not in OTHER_COLORS:
            yield color  # type: ignore[misc]  # three values
