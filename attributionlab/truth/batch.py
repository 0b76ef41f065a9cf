"""Batch: inputs with everything that is known about them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attributionlab.scenes import Scene
from attributionlab.truth.ground_truth import GroundTruth


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """Images with everything that is known about them.

    Args:
        inputs: (b, c, h, w) float32, colors 0..255, gray 0 or 1.
        targets: (b,) int64: index of the explained output, 0 for regression.
        labels: (b,) int64: the winning class, or the number that the network should return.
        ground_truth: The exact truth for the explained output.
        scenes: What the images were rendered from.
    """

    inputs: Tensor
    targets: Tensor
    labels: Tensor
    ground_truth: GroundTruth
    scenes: tuple[Scene, ...]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.scenes)

    def __getitem__(self, index: slice) -> Batch:
        """Some of the images."""
        tensors = (self.inputs[index], self.targets[index], self.labels[index])
        return Batch(*tensors, self.ground_truth[index], self.scenes[index])

    def __repr__(self) -> str:
        """How many images of which shape."""
        return f"Batch({len(self)} images of {'x'.join(map(str, self.inputs.shape[1:]))})"

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return Batch(
            self.inputs.to(device),
            self.targets.to(device),
            self.labels.to(device),
            self.ground_truth.to(device),
            self.scenes,
        )
