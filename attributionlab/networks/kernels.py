"""Weights of one accumulation block: kernels w_ij, biases b_i and mixing weights m_i with `sum_i m_i w_ij = 1` for every j.

Weights are drawn at random on a dyadic grid. A rung of the ladder is a grid of the kernels with the magnitudes of the
mixing weights. Later blocks sum more pixels. They need a coarser rung to stay exact in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from attributionlab.networks.dyadic import FloatArray

Design = Literal["uniform", "nonnegative", "signed"]

IntArray = npt.NDArray[np.intp]

N_POSITIONS = 9


@dataclass(frozen=True)
class Rung:
    """One choice of grids.

    Args:
        grid: Grid of the kernels.
        magnitudes: Possible magnitudes of mixing weights.
        reach: Fraction of the range of the kernels that is used.
    """

    grid: float
    magnitudes: tuple[float, ...]
    reach: float = 1.0


LADDER = (
    Rung(1 / 8, (1.0, 1 / 2)),
    Rung(1 / 4, (1.0, 1 / 2)),
    Rung(1 / 4, (1.0,)),
    Rung(1 / 2, (1.0,)),
    Rung(1.0, (1.0,), reach=2 / 3),
)

RANGES: dict[Design, tuple[float, float]] = {"nonnegative": (0.0, 2.0), "signed": (-1.5, 1.5)}
"""Smallest and largest kernel weight of each random design, before rounding toward 0 to the grid."""


@dataclass(frozen=True)
class Kernels:
    """The weights of one block, per class c, kernel i and window position j.

    Args:
        weights: w_ij, of shape (c, i, j).
        biases: b_i of the 3x3 layer, of shape (c, i).
        mixing: m_i of the 1x1 layer, of shape (c, i).
    """

    weights: FloatArray
    biases: FloatArray
    mixing: FloatArray

    def __post_init__(self) -> None:
        sums = np.einsum("ci,cij->cj", self.mixing, self.weights)
        assert (sums == 1.0).all(), "the mixed kernels must add up to 1 at every position"

    @property
    def correction(self) -> FloatArray:
        """Bias of the 1x1 layer (c,), which cancels the biases of the 3x3 layer."""
        negative_bias: FloatArray = -(self.mixing * self.biases).sum(axis=1)
        return negative_bias


def draw_kernels(
    design: Design, level: int, shape: tuple[int, int], caps: FloatArray, generator: np.random.Generator
) -> Kernels:
    """Draw one block.

    Args:
        design: Kind of weights.
        level: The rung of the ladder, 0 being the finest.
        shape: Number of classes and of kernels per class.
        caps: Largest value at each window position, of shape (cell, position).
        generator: Random generator.
    """
    if design == "uniform":
        return _uniform_kernels(shape, level)
    rung = LADDER[level]
    mixing, pivot = _draw_mixing(rung, shape, generator)
    weights = _draw_weights(design, rung, mixing, pivot, generator)
    biases = np.zeros(shape)
    if design == "signed":
        lowest = -(np.maximum(-weights, 0.0) @ caps.T).max(axis=2)
        biases = rung.grid - lowest
    return Kernels(weights, biases, mixing)


def _uniform_kernels(shape: tuple[int, int], level: int) -> Kernels:
    """All ones, mixed by 1/2, 1/4, 1/4 (in general 1/2, 1/4, ..., the last one twice).

    A coarser level omits the last kernels: 1/2, 1/2, 0 and then 1, 0, 0. Only images with sides of about 400 pixels or more
    need it, in their last block.
    """
    n_classes, n_kernels = shape
    n_used = max(1, n_kernels - level)
    mixing = np.zeros(n_kernels)
    mixing[:n_used] = 0.5 ** np.arange(1, n_used + 1)
    mixing[n_used - 1] = 1.0 - mixing[: n_used - 1].sum()
    return Kernels(np.ones((*shape, N_POSITIONS)), np.zeros(shape), np.tile(mixing, (n_classes, 1)))


def _draw_mixing(rung: Rung, shape: tuple[int, int], generator: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Mixing weights of both signs that add up to 1 per class, and which of them is the pivot.

    With a sum of 1 all designs respond equally to unknown colors: on average such a pixel adds half the scale of each
    redundant channel. All but the pivot are drawn; the pivot completes the sum and must be 1/2, 1 or 2, because kernels are
    divided by it.
    """
    n_classes, n_kernels = shape
    classes = np.arange(n_classes)
    pivot = (generator.random(n_classes) * n_kernels).astype(np.intp)
    mixing = np.zeros(shape)
    while (missing := mixing.sum(axis=1) != 1.0).any():
        magnitudes = np.asarray(rung.magnitudes)[(generator.random(shape) * len(rung.magnitudes)).astype(np.intp)]
        drawn = np.where(generator.random(shape) < 0.5, -magnitudes, magnitudes)
        drawn[classes, pivot] = 0.0
        completion = 1.0 - drawn.sum(axis=1)
        fits = np.isin(completion, (0.5, 1.0, 2.0)) & (drawn < 0).any(axis=1)
        drawn[classes, pivot] = completion
        mixing = np.where((missing & fits)[:, None], drawn, mixing)
    return mixing, pivot


def _draw_weights(
    design: Design,
    rung: Rung,
    mixing: FloatArray,
    pivot: IntArray,
    generator: np.random.Generator,
) -> FloatArray:
    """Draw all kernels but the pivot, solve for the pivot, and draw again where the solution is off the grid or the range."""
    lowest, highest = (rung.grid * np.trunc(rung.reach * end / rung.grid) for end in RANGES[design])
    n_values = round((highest - lowest) / rung.grid) + 1
    classes = np.arange(len(mixing))
    weights = np.full((*mixing.shape, N_POSITIONS), np.nan)
    while (missing := np.isnan(weights).any(axis=1)).any():  # (class, position)
        drawn = lowest + rung.grid * np.floor(generator.random(weights.shape) * n_values)
        drawn[classes, pivot] = 0.0
        solved = (1.0 - np.einsum("ci,cij->cj", mixing, drawn)) / mixing[classes, pivot][:, None]
        drawn[classes, pivot] = solved
        fits = (solved >= lowest) & (solved <= highest) & (solved % rung.grid == 0)
        weights = np.where((missing & fits)[:, None, :], drawn, weights)
    return weights
