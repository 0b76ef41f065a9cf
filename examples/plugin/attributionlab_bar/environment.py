"""Environment `bar-position`: how far is a bar to the right of the center of the image?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

import attributionlab as al
from attributionlab.environments import Case, Claim
from attributionlab.seeding import generator

THICKNESS = 2
"""Columns of a bar; with an even number of columns the distance of its middle from the center is an integer."""


@dataclass(frozen=True)
class Bar:
    """A white bar on black.

    Args:
        left: Its first column.
        top: Its first row.
    """

    left: int
    top: int


@dataclass(frozen=True, kw_only=True)
class BarPosition(al.Environment):
    """Regression of the position of a bar: (b, 1, h, w) to (b, 1), in pixels to the right of the center.

    Args:
        size: Rows and columns of the images, an even number of at least 8.
        length: Rows of the bar.
    """

    name: ClassVar[str] = "bar-position"
    summary: ClassVar[str] = "how far is a bar to the right of the image's center?"
    explains: ClassVar[Literal["value"]] = "value"

    size: int = 32
    length: Literal[4, 8, 16] = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 2 or self.size < max(8, self.length):
            raise ValueError(f"`size` must be even and at least {max(8, self.length)}, got {self.size}")

    def scene(self, index: int) -> Bar:
        """A bar anywhere in the image, but not with its middle in the center, where the output is 0."""
        draws = generator(self.data_seed, "bar", index)
        lefts = [left for left in range(self.size - 1) if self._middle(left) != 0]
        return Bar(left=int(draws.choice(lefts)), top=int(draws.integers(self.size - self.length + 1)))

    def inputs_of(self, scene: Bar) -> npt.NDArray[np.float32]:
        """(1, h, w): 1 in the bar, 0 elsewhere."""
        return self._mask(scene)[None].astype(np.float32)

    def label(self, scene: Bar) -> int:
        """Columns from the center to the middle of the bar."""
        return self._middle(scene.left)

    def signed_truth(self, scene: Bar) -> npt.NDArray[np.int8]:
        """(h, w): pixels of the bar raise the output to the right of the center and lower it to the left."""
        return (self._mask(scene) * np.sign(self._offsets())).astype(np.int8)

    @property
    def true_baseline(self) -> Tensor:
        """(1,): black."""
        return torch.zeros(1)

    def logits(self, scene: Bar, present: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """(1,): the sum of the offsets of the bar's present pixels, divided by the number of pixels of a whole bar."""
        shown = self._mask(scene) & present
        return np.array([(shown * self._offsets()).sum() / (THICKNESS * self.length)])

    def build_network(self) -> nn.Module:
        """Two neurons that weigh the pixels on either side by their offsets, and their difference.

        Exact: offsets are halves of integers and the last layer divides by a power of two, so nothing is rounded.
        """
        offsets = torch.from_numpy(self._offsets()).float().expand(self.size, -1)
        sides = nn.Conv2d(1, 2, self.size, bias=False)
        difference = nn.Linear(2, 1, bias=False)
        with torch.no_grad():
            sides.weight.copy_(torch.stack([offsets.clamp(min=0), -offsets.clamp(max=0)])[:, None])
            difference.weight.copy_(torch.tensor([[1.0, -1.0]]) / (THICKNESS * self.length))
        return nn.Sequential(sides, nn.ReLU(), nn.Flatten(), difference)

    def claims(self, case: Case) -> Iterator[Claim]:
        """Moving the bar by a column moves the output by 1."""
        claim = Claim("shift", "a bar that is one column further to the right has an output that is larger by 1")
        for scene, inputs in zip(case.batch.scenes, case.batch.inputs, strict=True):
            if scene.left + THICKNESS < self.size:
                moved = inputs.roll(1, dims=-1)
                claim.test(self.model(moved[None]) - self.model(inputs[None]) == 1)
        yield claim

    def describe_scene(self, scene: Bar) -> dict[str, Any]:
        """Place of the bar."""
        return {"left": scene.left, "top": scene.top}

    def _middle(self, left: int) -> int:
        return left + THICKNESS // 2 - self.size // 2

    def _offsets(self) -> npt.NDArray[np.float64]:
        """(w,): distance of the middle of each column from the center."""
        return np.arange(self.size) + 0.5 - self.size / 2

    def _mask(self, scene: Bar) -> npt.NDArray[np.bool_]:
        """(h, w): the bar."""
        mask = np.zeros((self.size, self.size), dtype=bool)
        mask[scene.top : scene.top + self.length, scene.left : scene.left + THICKNESS] = True
        return mask
