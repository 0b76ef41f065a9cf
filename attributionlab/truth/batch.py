"""Batches of inputs, with or without a ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.machine import torch_device
from attributionlab.specs.arguments import require_instance
from attributionlab.truth.ground_truth import GroundTruth
from attributionlab.truth.maps import check_targets, require_tensor


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """Inputs of an environment with their targets, labels, ground truth and scenes.

    Args:
        inputs: (b, c, *shape) float32, with shape (h, w), (l,) or (d,); colors 0..255, gray 0 or 1.
        targets: (b,) int64: index of the explained output, 0 for regression.
        labels: (b,) int64: the winning class, or the correct output of a regression.
        ground_truth: The exact truth for the explained output.
        scenes: Descriptions from which the inputs were rendered.
    """

    inputs: Tensor
    targets: Tensor
    labels: Tensor
    ground_truth: GroundTruth
    scenes: tuple[Any, ...]

    def __post_init__(self) -> None:
        inputs = require_tensor("inputs", self.inputs, "b c *shape", "floating point", allow_meta=True)
        n, shape = len(inputs), (len(inputs), *inputs.shape[2:])
        check_targets(self.targets, n)
        labels = require_tensor("labels", self.labels, "b", "integers", allow_meta=True)
        if len(labels) != n:
            raise bad_option("labels", f"have shape ({n},)", tuple(labels.shape))
        truth = require_instance("ground_truth", self.ground_truth, GroundTruth, "be a GroundTruth")
        if truth.signed.shape != shape:
            raise bad_option("ground_truth", f"have maps of shape {shape}", tuple(truth.signed.shape))
        if not isinstance(self.scenes, tuple) or len(self.scenes) != n:
            raise bad_option("scenes", f"be a tuple of {n} scenes", self.scenes)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.scenes)

    def __getitem__(self, index: slice) -> Batch:
        """A slice of the samples."""
        tensors = (self.inputs[index], self.targets[index], self.labels[index])
        return Batch(*tensors, self.ground_truth[index], self.scenes[index])

    def __repr__(self) -> str:
        """Number of samples and their shape."""
        shape = "x".join(map(str, self.inputs.shape[1:]))
        return f"Batch({len(self)} {'images' if self.inputs.ndim == 4 else 'inputs'} of {shape})"

    def to(self, device: torch.device | str) -> Batch:
        """A copy of the batch on another device.

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


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """Images without a ground truth, as a substitute for a batch.

    Args:
        inputs: (b, c, h, w).
        targets: (b,) int64, the index of the explained output.
    """

    inputs: Tensor
    targets: Tensor
    ground_truth: None = None

    def __post_init__(self) -> None:
        require_tensor("inputs", self.inputs, "b c *shape", "floating point", allow_meta=True)
        check_targets(self.targets, len(self.inputs))
        if self.ground_truth is not None:
            raise bad_option("ground_truth", "be none: images with a truth are a Batch", self.ground_truth)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.inputs)

    def __getitem__(self, index: slice) -> LabeledImages:
        """A slice of the images."""
        return LabeledImages(self.inputs[index], self.targets[index])

    def to(self, device: torch.device | str) -> LabeledImages:
        """A copy on another device.

        Raises:
            BadOption: If torch knows no such device.
            MachineError: If this machine has none.
        """
        device = torch_device(device)
        return LabeledImages(self.inputs.to(device), self.targets.to(device))
