"""Occlusion: the drop of the logit when a window of the image is covered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.errors import bad_option
from attributionlab.methods.base import Method, one_by_one, require_at_least, require_images
from attributionlab.methods.declaration import Declaration
from attributionlab.networks import DesignedNetwork
from attributionlab.networks.designed import logits_of
from attributionlab.perturbation import WindowedCounts
from attributionlab.specs.grammar import format_value
from attributionlab.truth.baselines import Baseline


@dataclass(frozen=True, kw_only=True)
class Occlusion(Method):
    """The drop of the logit when a sliding window is covered, averaged over the windows that cover a pixel.

    Args:
        baseline: Values of a covered window: `black`, `true` (the environment's background) or a color.
        window: Side of the window in pixels, or rows and columns: `window=5,3`.
        stride: Step of the window in pixels, or down and to the right; at most `window`, so that every pixel is covered.
        internal_batch_size: Covered images per forward pass, or crops of as many pixels.
    """

    name: ClassVar[str] = "occlusion"
    declaration: ClassVar[Declaration] = Declaration(
        family="perturbation",
        explains="logit",
        needs=frozenset({"baseline"}),
        source="Zeiler & Fergus 2014",
        answers="removal",
    )

    baseline: Baseline = "black"
    window: int | tuple[int, int] = 5
    stride: int | tuple[int, int] = 3
    internal_batch_size: int = 8

    def __post_init__(self) -> None:
        for option in ("window", "stride"):
            if min(_both(getattr(self, option))) < 1:
                raise bad_option(option, "be at least 1", getattr(self, option))
        require_at_least(self, internal_batch_size=1)
        if any(step > side for step, side in zip(_both(self.stride), _both(self.window), strict=True)):
            raise bad_option("stride", f"be at most `window` ({format_value(self.window)})", self.stride)

    @property
    def answers(self) -> str | None:
        """The game `removal`, where a window is one pixel."""
        return super().answers if self.window == 1 else None

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the maps (b, 1, h, w) of the output before the softmax if the model has it (`model.logits`).

        Designed networks are evaluated at the cells that each window overlaps, other networks by captum; both give the same
        map, bit for bit.
        """
        require_images(self, inputs)
        height, width = inputs.shape[2:]
        if isinstance(self.window, int) and self.window > min(height, width):
            raise bad_option("window", f"be at most the image's smaller side ({min(height, width)})", self.window)
        rows, columns = _both(self.window)
        if rows > height or columns > width:
            raise bad_option("window", f"fit into the image ({height}, {width})", self.window)
        with torch.no_grad():
            if isinstance(model, DesignedNetwork) and self.is_exact(model, inputs):
                return one_by_one(lambda image, target: self.exact(model, image, target), inputs, targets)
            return self.by_captum(model, inputs, targets)

    def is_exact(self, model: DesignedNetwork, inputs: Tensor) -> bool:
        """Whether the proofs about the network apply: designed weights, and channels between 0 and 1."""
        images = (*inputs.split(self.internal_batch_size), self.baseline_like(inputs[:1], self.baseline))
        seen = (model.detect(part) for part in images)
        within = torch.stack([((maps >= 0) & (maps <= 1)).all() for maps in seen])
        return model.accumulator.intact and bool(within.all())  # one synchronization with a GPU, not one per part

    def by_captum(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Evaluate every window by a forward pass."""
        from captum.attr import Occlusion as CaptumOcclusion  # noqa: PLC0415  # it imports matplotlib, which takes a second

        channels = inputs.shape[1]
        maps: Tensor = CaptumOcclusion(logits_of(model)).attribute(
            inputs,
            sliding_window_shapes=(channels, *_both(self.window)),
            strides=(channels, *_both(self.stride)),
            baselines=self.baseline_like(inputs, self.baseline),
            target=targets,
            perturbations_per_eval=max(1, self.internal_batch_size // len(inputs)),
        )
        return maps[:, :1]  # every channel of a pixel carries the same drop: their sum would count the drop c times

    def exact(self, model: DesignedNetwork, image: Tensor, target: Tensor) -> Tensor:
        """Compute the map from the counts with each window covered."""
        height, width = image.shape[2:]
        sides, steps = _both(self.window), _both(self.stride)
        tops, lefts = (
            torch.arange(n_windows(*line), device=image.device) * line[2]
            for line in zip((height, width), sides, steps, strict=True)
        )
        grid = torch.cartesian_prod(tops, lefts)
        covering = self.baseline_like(image, self.baseline)
        windowed = WindowedCounts(model, image, covering, self.internal_batch_size)
        counts = windowed.counts(grid[:, 0], grid[:, 1], sides)
        distinct, inverse = counts.unique(dim=0, return_inverse=True)  # a modulo head is wide
        logits = torch.cat([model.head(part)[:, target] for part in distinct.split(self.internal_batch_size)])
        drops = model.logits(image)[:, target] - logits
        drops = rearrange(drops[inverse], "(y x) 1 -> 1 1 y x", y=len(tops))
        window = torch.ones(1, 1, *sides).to(image)
        total, n_covering = (
            functional.conv_transpose2d(values, window, stride=steps)[..., :height, :width]
            for values in (drops, torch.ones_like(drops))
        )
        return total / n_covering


def n_windows(side: int, window: int, stride: int) -> int:
    """Number of windows along a side; the last one may extend beyond the edge."""
    return -(-(side - window) // stride) + 1


def _both(sides: int | tuple[int, int]) -> tuple[int, int]:
    """Rows and columns."""
    return (sides, sides) if isinstance(sides, int) else sides
