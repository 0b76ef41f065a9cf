"""Batch: inputs with everything that is known about them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.machine import torch_device
from attributionlab.scenes import Scene
from attributionlab.specs.arguments import require_instance
from attributionlab.truth.ground_truth import GroundTruth
from attributionlab.truth.maps import check_targets, require_tensor


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

    def __post_init__(self) -> None:
        require_tensor("inputs", self.inputs, "b c h w", "floating point", allow_meta=True)
        n_images, shape = len(self.inputs), (len(self.inputs), *self.inputs.shape[2:])
        check_targets(self.targets, n_images)
        labels = require_tensor("labels", self.labels, "b", "integers", allow_meta=True)
        truth = require_instance("ground_truth", self.ground_truth, GroundTruth, "be a GroundTruth")
        if len(labels) != n_images:
            raise bad_option("labels", f"have shape ({n_images},)", tuple(labels.shape))
        if truth.signed.shape != shape:
            raise bad_option("ground_truth", f"have maps of shape {shape}", tuple(truth.signed.shape))
        is_tuple = isinstance(self.scenes, tuple) and all(isinstance(scene, Scene) for scene in self.scenes)
        if not is_tuple or len(self.scenes) != n_images:
            raise bad_option("scenes", f"be a tuple of {n_images} scenes", self.scenes)

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
        """The same batch on another device.

        Raises:
            BadOption: If torch knows no such device.
            MachineError: If this machine has none.
        """
        device = torch_device(device)
        return Batch(
            self.inputs.to(device),
            self.targets.to(device),
            self.labels.to(device),
            self.ground_truth.to(device),
            self.scenes,
        )
