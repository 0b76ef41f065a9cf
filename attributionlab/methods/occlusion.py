"""Occlusion: how much the logit drops when a window of the image is covered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from captum.attr import Occlusion as CaptumOcclusion
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.base import Baseline, Declaration, Method, logits_of


@dataclass(frozen=True, kw_only=True)
class Occlusion(Method):
    """The drop of the logit when a sliding window is covered, averaged over the windows that cover a pixel.

    Args:
        baseline: What covers the window: `black`, `true` (the environment's background) or a color.
        window: Side of the window in pixels.
        stride: Step of the window in pixels, at most `window` so that no pixel is left out.
        internal_batch_size: Covered images per forward pass.
    """

    name: ClassVar[str] = "occlusion"
    declaration: ClassVar[Declaration] = Declaration(
        family="perturbation", explains="logit", needs=frozenset({"baseline"}), source="Zeiler & Fergus 2014"
    )

    baseline: Baseline = "black"
    window: int = 5
    stride: int = 3
    internal_batch_size: int = 8

    def __post_init__(self) -> None:
        for option in ("window", "stride", "internal_batch_size"):
            if getattr(self, option) < 1:
                raise bad_option(option, "be at least 1", getattr(self, option))
        if self.stride > self.window:
            raise bad_option("stride", f"be at most `window` ({self.window})", self.stride)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """By captum, on the output before the softmax where the model has one (`model.logits`)."""
        channels, height, width = inputs.shape[1:]
        if self.window > min(height, width):
            raise bad_option("window", f"be at most the image's smaller side ({min(height, width)})", self.window)
        with torch.no_grad():
            maps: Tensor = CaptumOcclusion(logits_of(model)).attribute(
                inputs,
                sliding_window_shapes=(channels, self.window, self.window),
                strides=(channels, self.stride, self.stride),
                baselines=self.baseline_like(inputs, self.baseline),
                target=targets,
                perturbations_per_eval=max(1, self.internal_batch_size // len(inputs)),
            )
        # every channel of a pixel carries the same drop, so the sum over channels would count it c times
        return maps.mean(dim=1, keepdim=True)
