r"""Shapley values of a probability: a softmax of counts, for thousands of players, in milliseconds.

The players are features of k classes, a_c of class c. A coalition with n_c features of each class has the value

    p_t(n) = 1 / (1 + sum over c != t of exp((n_c - n_t) / T)).

*Owen's integral.* Draw a coalition in which every other feature is present with probability q, and take the mean
contribution of a feature to it. Its integral over q from 0 to 1 is the Shapley value.

*The classes separate.* 1 / (1 + s) is the integral of exp(-u (1 + s)) over u > 0. With u = exp(y + n_t / T),

    E p_t = integral of  H(y) * product over c != t of F_c(y)  dy,
    F_c(y) = E G(y + n_c / T),  G(y) = exp(-exp(y)),    H(y) = E g(y + n_t / T),  g(y) = exp(y - exp(y)),

where n_c is binomial. On a grid whose step divides 1/T both are correlations of G and g with a binomial distribution, and one
feature more is a shift by 1/T. The correlations go by FFT; the transform of a binomial distribution is a power.

*Quadrature.* The integrand is analytic for |Im y| < pi/2, so the trapezoid rule with step h errs by exp(-pi^2 / h): 1e-17 for
h = 1/4. Over q = s^2, Gauss-Legendre nodes in s are doubled until the values add up to p_t(a) - p_t(0).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from attributionlab.truth.explained import FloatArray, output_difference

ComplexArray = npt.NDArray[np.complex128]

STEPS_PER_UNIT = 4
"""Least number of grid points per unit of y."""

LOWEST, HIGHEST = -40.0, 6.0
"""Range of y outside of which g is below 1e-17, and G is 1 or 0 but for as much."""

PROBABLE = 9
"""Standard deviations of a binomial variable that are not negligible: beyond them, and 20 more, lie less than 1e-15."""

FEWEST_NODES, MOST_NODES = 32, 2048
"""Numbers of nodes in s, the first and the last that are tried."""

COMPLETENESS = 1e-12
"""Error of the sum of all values, in probability, at which the nodes suffice."""

CHUNK = 2**18
"""Values in memory per array; larger arrays do not fit into the processor's cache."""


def softmax_shapley(sizes: Sequence[int], target: int, temperature: float) -> FloatArray:
    """Shapley value of one feature of each class, for the probability of a class.

    Args:
        sizes: k numbers of features, one for each class.
        target: Index of the explained class.
        temperature: T, the number of features per unit of a logit.

    Returns:
        (k,) float64: positive for the target's features, negative for all others; NaN for a class without features.

    References:
        Owen 1972, Multilinear extensions of games.

    Example:
        >>> softmax_shapley((1, 1), 0, 1.0).round(9).tolist()
        [0.231058579, -0.231058579]
    """
    counts = np.asarray(sizes, dtype=np.float64)
    total = float(output_difference(np.zeros(len(counts)), counts / temperature, target, "probability"))
    grid, n_nodes = _Grid(counts, target, temperature), FEWEST_NODES
    while True:
        values = grid.integrate(n_nodes)
        error = abs(np.nansum(counts * values) - total)
        if error <= COMPLETENESS or n_nodes >= MOST_NODES:
            return values
        n_nodes *= 2


@dataclass(frozen=True, eq=False)
class _Grid:
    """Grid of y, and correlations on it.

    Args:
        counts: a_c.
        target: t.
        temperature: T.
    """

    counts: FloatArray
    target: int
    temperature: float

    @property
    def shift(self) -> int:
        """Grid points per 1/T."""
        return max(1, math.ceil(STEPS_PER_UNIT / self.temperature))

    @property
    def step(self) -> float:
        """H."""
        return 1 / (self.temperature * self.shift)

    @property
    def margin(self) -> int:
        """Grid points that the counts of one class can probably deviate from their mean."""
        largest = self.counts.max()
        return int(min(largest, math.ceil(PROBABLE * math.sqrt(largest) / 2 + 20))) * self.shift

    @cached_property
    def tables(self) -> tuple[FloatArray, FloatArray]:
        """G and g from `LOWEST` to `HIGHEST`; both are continued by their last values."""
        y = self.step * np.arange(math.floor(LOWEST / self.step), math.ceil(HIGHEST / self.step) + 1)
        return np.exp(-np.exp(y)), np.exp(y - np.exp(y))

    @property
    def n_points(self) -> int:
        """Grid points at which the integrand is evaluated."""
        return 2 * self.margin + len(self.tables[0])

    @cached_property
    def length(self) -> int:
        """Length of the transforms: the points, one shift, and a margin on both sides."""
        n_shifts = math.ceil((self.n_points + 2 * self.margin) / self.shift) + 1
        return fast_length(n_shifts) * self.shift

    @cached_property
    def angles(self) -> FloatArray:
        """Angles by which one feature turns the transforms of distributions, which repeat for shifts of several points."""
        period = self.length // self.shift
        return 2 * np.pi * np.arange(min(period, self.length // 2 + 1)) / period

    def integrate(self, n_nodes: int) -> FloatArray:
        """Values of one feature of each class, with this number of nodes in s."""
        nodes, weights = _gauss_legendre(n_nodes)
        at_once = max(1, CHUNK // self.length)
        values = np.zeros(len(self.counts))
        for start in range(0, n_nodes, at_once):
            part = slice(start, start + at_once)
            values += 2 * (nodes * weights)[part] @ self.contributions(nodes[part] ** 2)
        return np.where(self.counts > 0, values, np.nan)

    def contributions(self, shares: FloatArray) -> FloatArray:
        """Mean contribution (q, k) of one feature of each class to a coalition with each share q of the others."""
        logs = np.log1p(shares[:, None] * np.expm1(1j * self.angles))
        mixed, gained = [], []
        for index in range(len(self.counts)):
            lower, upper = self.correlations(index, shares, logs)
            gained.append(upper - lower)
            mixed.append(lower + shares[:, None] * gained[-1])
        changes = np.zeros((len(shares), len(self.counts)))
        for index in range(len(self.counts)):
            factors = (mixed[other] for other in range(len(self.counts)) if other != index)
            changes[:, index] = functools.reduce(np.multiply, factors, gained[index]).sum(axis=1)
        return self.step * changes

    def correlations(self, index: int, shares: FloatArray, logs: ComplexArray) -> tuple[FloatArray, FloatArray]:
        """F (or H, for the target) at y and at y + 1/T (q, y), for one feature less than the class has.

        Args:
            index: The class.
            shares: (q,).
            logs: (q, angle), logarithms of the transforms of one feature's distribution.
        """
        table, n_others = self.tables[index == self.target], np.maximum(self.counts - 1, 0)
        means, centers = (np.rint(shares * n_others[which]).astype(np.int64) for which in (index, self.target))
        first = (means - centers) * self.shift - 2 * self.margin
        places = np.clip(first[:, None] + np.arange(self.length), 0, len(table) - 1)
        binomial = np.exp(n_others[index] * logs - 1j * means[:, None] * self.angles)  # about its mean
        spectrum = np.fft.rfft(table[places])
        spectrum *= binomial[:, np.arange(spectrum.shape[1]) % (self.length // self.shift)]
        values = np.fft.irfft(spectrum, self.length)[:, self.margin :]
        further = self.shift if self.counts[index] > 0 else 0
        return values[:, : self.n_points], values[:, further : self.n_points + further]


def fast_length(least: int) -> int:
    """The smallest length from `least` on without prime factors above 5, for which real transforms are fast.

    It is `scipy.fft.next_fast_len(least, real=True)`, whose import takes longer than all the transforms of a check.
    """
    length = least
    while 60**32 % length:  # 2^64, 3^32 and 5^32 divide it
        length += 1
    return length


@functools.cache
def _gauss_legendre(n_nodes: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    return (nodes + 1) / 2, weights / 2
