"""Logits of a network while the features of one input are switched from a baseline, one after the other or one alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from typing_extensions import TypeIs

from attributionlab.networks import DesignedNetwork, logits_of
from attributionlab.perturbation import DensePixels, SwitchedPixels
from attributionlab.truth.explained import Explained, FloatArray


def is_designed(model: nn.Module) -> TypeIs[DesignedNetwork]:
    """Whether a network is one of this package, with the weights that it was built with."""
    return isinstance(model, DesignedNetwork) and model.accumulator.intact


def explained_by(model: nn.Module) -> Explained:
    """Kind of the explained output of a network without an environment: the output as it is, unless we know its logits."""
    return "probability" if is_designed(model) and model.softmax is not None else "value"


@dataclass(frozen=True, eq=False)
class Switching:
    """Logits while features are switched: by events in a network of this package, by forward passes in any other.

    Args:
        pixels: The evaluation of one input.
        explains: How the explained output follows from the logits.
    """

    pixels: SwitchedPixels | DensePixels
    explains: Explained

    @classmethod
    def of(cls, model: nn.Module, explains: Explained, start: Tensor, end: Tensor) -> Self:
        """The evaluation of a network.

        Args:
            model: The network; it has a method `logits` if a probability is explained.
            explains: How the explained output follows from the logits.
            start: (1, c, *shape), the input before the first step.
            end: (1, c, *shape), the input after the last step.
        """
        if is_designed(model):
            return cls(SwitchedPixels(model, start, end), explains)
        return cls(DensePixels(model if explains == "value" else logits_of(model), start, end), explains)

    def along_orders(self, orders: Tensor) -> FloatArray:
        """Logits after every step of orders (n, P): (n, P + 1, k)."""
        pixels = self.pixels
        along = pixels.logits if isinstance(pixels, SwitchedPixels) else pixels.all_outputs
        return _as_array(along(orders[None])[0])

    def one_by_one(self) -> FloatArray:
        """Logits after one feature is switched and no other: (P, k)."""
        pixels = self.pixels
        single = pixels.logits_of_single if isinstance(pixels, SwitchedPixels) else pixels.outputs_of_single
        return _as_array(single()[0])

    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Logits (k,) before the first and after the last step."""
        before, after = (outputs_of(self.pixels, inputs)[0] for inputs in (self.pixels.start, self.pixels.end))
        return before, after


@torch.no_grad()
def outputs_of(pixels: SwitchedPixels | DensePixels, inputs: Tensor) -> FloatArray:
    """Logits (n, k) of any inputs of the network; what it returns where no probability is explained."""
    function = logits_of(pixels.model) if isinstance(pixels, SwitchedPixels) else pixels.model
    return _as_array(function(inputs))


def _as_array(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.detach().double().cpu().numpy()
    return array
