"""Aumann-Shapley values of a designed network: the gradient on the straight path from a baseline, integrated exactly.

Along the path x(a) = start + a (end - start) the logits are piecewise linear. Their kinks are those of the detector, of the
first block's cells (all later blocks are plain sums, see networks/README.md) and of the head. Between two kinks the
gradient of a logit is constant, and only the softmax has to be integrated, in one dimension. Pixels of equal colors have the same
channels, and cells of equal pixels the same values, so each is computed once.

**Exact** up to rounding in float64: the values add up to the difference of the outputs within about 1e-13. Where the effects of
two pixels cancel, so that a ReLU stays at 0 along a part of the path, its slope there is 0, as in PyTorch.
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from attributionlab.games.lines import ROUNDING, add_kinks, apply_layers, kinks_of_layers, mean_softmax_gradient
from attributionlab.networks import DesignedNetwork, FirstBlock
from attributionlab.truth.explained import Explained, FloatArray
from attributionlab.truth.set_functions import IntArray


def straight_path_values(
    model: DesignedNetwork, start: Tensor, end: Tensor, target: int, explains: Explained
) -> FloatArray:
    """Aumann-Shapley values of all pixels of one image.

    Args:
        model: The network, with the weights that it was built with.
        start: (c, h, w), the baseline.
        end: (c, h, w), the image.
        target: Index of the explained output.
        explains: Kind of output; a probability, or what comes before the softmax.

    Returns:
        (h, w) float64.

    References:
        Aumann and Shapley 1974; Sundararajan et al. 2017, Eq. 1.
    """
    path = _Path(model, start, end, target, explains)
    values = np.append(path.values_of_cells().ravel(), 0.0)
    of_slots = values[(9 * path.cell_kinds[:, None] + np.arange(9)).ravel()]
    shown: FloatArray = of_slots[FirstBlock(model.accumulator).slots(torch.device("cpu")).numpy()]
    return shown.reshape(tuple(start.shape[1:]))


@dataclass(frozen=True, eq=False)
class _Path:
    """The network on one straight path.

    Args:
        model: The network.
        start: (c, h, w).
        end: (c, h, w).
        target: Index of the explained output.
        explains: Kind of output.
    """

    model: DesignedNetwork
    start: Tensor
    end: Tensor
    target: int
    explains: Explained

    @cached_property
    def pixels(self) -> tuple[FloatArray, IntArray]:
        """Distinct pairs of colors (u, 2, c), and the pair of each pixel (h, w)."""
        both = rearrange(torch.stack([self.start, self.end]).double().cpu(), "s c h w -> (h w) (s c)").numpy()
        pairs, kinds = np.unique(both, axis=0, return_inverse=True)
        return pairs.reshape(len(pairs), 2, -1), kinds.reshape(tuple(self.start.shape[1:]))

    @cached_property
    def cells(self) -> tuple[IntArray, IntArray, IntArray]:
        """Distinct cells as the pairs of their pixels (q, 9), u for padding; their numbers (q,), and that of each cell (n,)."""
        pairs, kinds = self.pixels
        padded = FirstBlock(self.model.accumulator).padded(torch.from_numpy(kinds + 1)[None, None])[0, 0].numpy() - 1
        windows = rearrange(padded, "(h y) (w x) -> (h w) (y x)", y=3, x=3) % (len(pairs) + 1)
        patterns, of_cells, numbers = np.unique(windows, axis=0, return_inverse=True, return_counts=True)
        return patterns, numbers, of_cells.ravel()

    @property
    def cell_kinds(self) -> IntArray:
        """Index of each cell's pattern, (n,)."""
        return self.cells[2]

    @cached_property
    def detector(self) -> list[nn.Module]:
        """Layers of the detector in float64; none if there is no detector."""
        detector = self.model.detector
        return [] if detector is None else list(copy.deepcopy(detector.layers).cpu().double())

    @cached_property
    def head(self) -> nn.Sequential:
        """The head in float64."""
        return copy.deepcopy(self.model.head).cpu().double()

    def colors(self, places: FloatArray) -> FloatArray:
        """Colors of the distinct pixels (n, u, c)."""
        first, last = self.pixels[0][:, 0], self.pixels[0][:, 1]
        return first + places[:, None, None] * (last - first)

    def sums(self, places: FloatArray) -> FloatArray:
        """What each pixel adds to the sums of its cell's kernels: (n, u + 1, position, class, kernel); nothing for padding."""
        channels = apply_layers(self.detector, self.colors(places))
        added = np.einsum("nuj,cijp->nupci", channels, self.model.accumulator.blocks[0].window)
        return np.concatenate([added, np.zeros_like(added[:, :1])], axis=1)

    def pre_activations(self, places: FloatArray) -> FloatArray:
        """Pre-activations of the distinct cells' kernels (n, q, class, kernel)."""
        sums, patterns = self.sums(places), self.cells[0]
        total = sum(sums[:, patterns[:, position], position] for position in range(9))
        biased: FloatArray = total + self.model.accumulator.blocks[0].kernels.biases
        return biased

    def mixed(self, pre_activations: FloatArray) -> FloatArray:
        """Pre-activations of the distinct cells' values (n, q, class)."""
        kernels = self.model.accumulator.blocks[0].kernels
        mixed: FloatArray = np.einsum("nqci,ci->nqc", np.maximum(pre_activations, 0), kernels.mixing)
        return mixed + kernels.correction

    def counts(self, places: FloatArray) -> FloatArray:
        """Counts (n, class)."""
        values = np.maximum(self.mixed(self.pre_activations(places)), 0)
        counts: FloatArray = np.einsum("nqc,q->nc", values, self.cells[1])
        return counts

    @cached_property
    def places(self) -> FloatArray:
        """All kinks from 0 to 1, (s + 1,)."""
        places = kinks_of_layers(self.detector, np.array([0.0, 1.0]), self.colors)
        places = add_kinks(places, self.pre_activations(places))
        places = add_kinks(places, self.mixed(self.pre_activations(places)))
        return kinks_of_layers(self.head, places, self.counts)

    @cached_property
    def slopes(self) -> FloatArray:
        """Mean gradient of the explained output with respect to the counts on each segment, (s, class)."""
        counts = self.counts(self.places)
        logits = apply_layers(self.head, counts)
        if self.explains != "probability":
            gradients = np.tile(np.eye(logits.shape[1])[self.target], (len(logits) - 1, 1))
        else:
            segments = itertools.pairwise(logits)
            gradients = np.stack([mean_softmax_gradient(before, after, self.target) for before, after in segments])
        middles = torch.from_numpy((counts[:-1] + counts[1:]) / 2).requires_grad_()
        with torch.enable_grad():
            explained = (
                self.head(middles) * torch.from_numpy(gradients)
            ).sum()  # a sum: `grad_outputs` would import sympy
            (slopes,) = torch.autograd.grad(explained, middles)
        numbers: FloatArray = slopes.numpy()
        return numbers

    def values_of_cells(self) -> FloatArray:
        """Values of the distinct cells' pixels, (q, position)."""
        patterns, kernels = self.cells[0], self.model.accumulator.blocks[0].kernels
        positions = np.arange(9)
        sums, pre_activations = self.sums(self.places), self.pre_activations(self.places)
        values = np.zeros(patterns.shape)
        for segment, slope in enumerate(self.slopes):
            middle = (pre_activations[segment] + pre_activations[segment + 1]) / 2
            gates = slope * (self.mixed(middle[None])[0] > ROUNDING)  # (q, class)
            gradient = gates[..., None] * kernels.mixing * (middle > ROUNDING)  # (q, class, kernel)
            changes = sums[segment + 1] - sums[segment]
            values += np.einsum("qci,qpci->qp", gradient, changes[patterns, positions])
        return values
