"""A designed network: detector, accumulator and head in sequence, with weights computed by hand."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from attributionlab.networks.accumulator import Accumulator
from attributionlab.networks.color_detector import ColorDetector
from attributionlab.networks.dyadic import exact_arithmetic


class DesignedNetwork(nn.Module):
    """An ordinary network from (b, c, h, w) images to (b, k) outputs: Conv2d, Linear, ReLU, Softmax and nothing else.

    It counts pixels. `counts` are the numbers of active pixels per class, the head maps them to `logits`, and the
    output is the logits or their softmax. On images of integer colors counts and logits are exact, bit for bit: in
    float32 and float64, on CPU and GPU, alone and in a batch. Only the softmax rounds. Between the integers the
    arithmetic rounds like that of any network.

    Args:
        detector: Maps colors to channels; None if the image has one channel of zeros and ones.
        accumulator: Counts the active pixels of each channel.
        head: Maps counts to logits.
        softmax: Whether the output is the softmax of the logits.
        classes: Names of the counts.
    """

    def __init__(
        self,
        detector: ColorDetector | None,
        accumulator: Accumulator,
        head: nn.Sequential,
        *,
        softmax: bool,
        classes: Sequence[str],
    ) -> None:
        super().__init__()
        self.detector = detector
        self.accumulator = accumulator
        self.head = head
        self.softmax = nn.Softmax(dim=1) if softmax else None
        self.classes = tuple(classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(c, h, w) of the images whose pixels it counts."""
        first = next(layer for layer in self.modules() if isinstance(layer, nn.Conv2d))
        height, width = self.accumulator.size
        return first.in_channels, height, width

    def detect(self, inputs: Tensor) -> Tensor:
        """Compute the accumulator's input, pixel by pixel: (b, c, h, w) to (b, classes + redundant, h, w)."""
        with exact_arithmetic(inputs.device):
            if self.detector is None:
                return inputs
            with contextlib.suppress(RuntimeError):  # torch.func.vmap knows no memory formats
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            detected: Tensor = self.detector(inputs)
            return detected

    def counts(self, inputs: Tensor) -> Tensor:
        """Active pixels of each class: (b, c, h, w) to (b, k)."""
        with exact_arithmetic(inputs.device):
            counts: Tensor = self.accumulator(self.detect(inputs))
            return counts

    def logits(self, inputs: Tensor) -> Tensor:
        """Outputs before the softmax: (b, c, h, w) to (b, k)."""
        with exact_arithmetic(inputs.device):
            logits: Tensor = self.head(self.counts(inputs))
            return logits

    def forward(self, inputs: Tensor) -> Tensor:
        """The explained output: (b, c, h, w) to (b, k)."""
        return self.finish(self.detect(inputs))

    def finish(self, channels: Tensor) -> Tensor:
        """The explained output from the channels of `detect`: (b, classes + redundant, h, w) to (b, k).

        The detector is pointwise, so a mixture of images can be formed by mixing their channels.
        """
        with exact_arithmetic(channels.device):
            logits: Tensor = self.head(self.accumulator(channels))
            outputs: Tensor = logits if self.softmax is None else self.softmax(logits)
            return outputs


def logits_of(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The model's method `logits` if it has one, else the model itself."""
    logits: object = getattr(model, "logits", None)
    return logits if callable(logits) and not isinstance(logits, nn.Module) else model
