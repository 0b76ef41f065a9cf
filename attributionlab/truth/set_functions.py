"""Set functions v(S): the explained output while only the features in a set S are shown, and the exact values that follow.

Features of one kind are exchangeable: v depends only on how many of each kind are shown, so that all of them have the same
value. Features of no kind are dummies, whose value is exactly 0.

    removal        v(N) - v(N without i)
    alone          v({i}) - v(empty set)
    shapley        mean over all orders of what i adds to the features before it
    aumann-shapley integral of the gradient along the straight path from the baseline, times the difference to it
"""

from __future__ import annotations

import abc
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from attributionlab.truth.explained import FloatArray, output_difference
from attributionlab.truth.softmax_shapley import softmax_shapley

IntArray = npt.NDArray[np.int64]

MOST_COALITIONS = 2**16
"""Largest number of coalitions of different composition that are enumerated."""


@dataclass(frozen=True, eq=False)
class SetFunction(abc.ABC):
    """v(S) for the sets S of an input's features, in closed form.

    Args:
        kinds: (*shape) int64: the kind of each feature, counted from 1; 0 for dummies.
        n_kinds: m, the number of kinds.
    """

    kinds: IntArray
    n_kinds: int

    @abc.abstractmethod
    def gain(self, shown: FloatArray, kind: int) -> float:
        """Increase of v by one more feature of the kind with index `kind`, where `shown` (m,) features of each kind are shown."""

    @property
    @abc.abstractmethod
    def total(self) -> float:
        """v(N) - v(empty set)."""

    @cached_property
    def sizes(self) -> FloatArray:
        """(m,) float64: the number of features of each kind."""
        return np.bincount(self.kinds.ravel(), minlength=self.n_kinds + 1)[1:].astype(np.float64)

    def removal(self) -> FloatArray:
        """(m,): v(N) - v(N without i) for a feature i of each kind."""
        return self._of_kinds(lambda kind: self.gain(_with_more(self.sizes, kind, -1), kind))

    def alone(self) -> FloatArray:
        """(m,): v({i}) - v(empty set)."""
        return self._of_kinds(lambda kind: self.gain(np.zeros(self.n_kinds), kind))

    def shapley(self) -> FloatArray | None:
        """(m,): the Shapley values; None if they are not computed in closed form."""
        return None

    def aumann_shapley(self) -> FloatArray | None:
        """(m,): the Aumann-Shapley values of the network; None if they do not follow from v."""
        return None

    def spread(self, values: FloatArray) -> FloatArray:
        """Values of all features (*shape) from those of the kinds (m,)."""
        spread: FloatArray = np.append(0.0, values)[self.kinds]
        return spread

    def _of_kinds(self, value: Callable[[int], float]) -> FloatArray:
        """`value` of each kind that has features, NaN for the others."""
        return np.array([value(kind) if self.sizes[kind] > 0 else np.nan for kind in range(self.n_kinds)])


@dataclass(frozen=True, eq=False)
class LinearSetFunction(SetFunction):
    """Each feature adds the weight of its kind, whatever else is shown: all games agree.

    Args:
        kinds: See `SetFunction`.
        n_kinds: See `SetFunction`.
        weights: (m,).
        additive: Whether the network is a sum of functions of single features on the whole path from the baseline, so that
            path integrals give the weights as well.
    """

    weights: FloatArray
    additive: bool

    @property
    def total(self) -> float:
        """The sum of all weights."""
        return float(self.sizes @ self.weights)

    def gain(self, shown: FloatArray, kind: int) -> float:
        """The weight."""
        del shown
        return float(self.weights[kind])

    def shapley(self) -> FloatArray:
        """The weights."""
        return self.weights

    def aumann_shapley(self) -> FloatArray | None:
        """The weights, if the network is additive."""
        return self.weights if self.additive else None


@dataclass(frozen=True, eq=False)
class SoftmaxSetFunction(SetFunction):
    """The probability of a class under a softmax of counts, where kind c is class c.

    Args:
        kinds: See `SetFunction`.
        n_kinds: The number of classes.
        target: Index of the explained class.
        temperature: Features per unit of a logit.
    """

    target: int
    temperature: float

    @property
    def total(self) -> float:
        """Probability of the input minus 1 / k."""
        return self._difference(np.zeros(self.n_kinds), self.sizes)

    def gain(self, shown: FloatArray, kind: int) -> float:
        """Difference of two probabilities, without cancellation."""
        return self._difference(shown, _with_more(shown, kind, 1))

    def shapley(self) -> FloatArray:
        """Owen's integral."""
        return softmax_shapley([int(size) for size in self.sizes], self.target, self.temperature)

    def _difference(self, before: FloatArray, after: FloatArray) -> float:
        """Increase of the probability from one vector of counts to another."""
        logits = (before / self.temperature, after / self.temperature)
        return float(output_difference(*logits, self.target, "probability"))


@dataclass(frozen=True, eq=False)
class CountedSetFunction(SetFunction):
    """Any function of the numbers of shown features of each kind; with one feature of each kind, any function at all.

    Args:
        kinds: See `SetFunction`.
        n_kinds: See `SetFunction`.
        logits: Logits (k,) of the numbers of shown features (m,).
        difference: Increase of the explained output from logits (..., k) to logits (..., k), as (...).
        symmetric_path: Whether all features are of one kind for the network, too, on the whole path from the baseline.
    """

    logits: Callable[[FloatArray], FloatArray]
    difference: Callable[[FloatArray, FloatArray], FloatArray]
    symmetric_path: bool = False

    @property
    def total(self) -> float:
        """Difference of the input and the baseline."""
        return float(self.difference(self.logits(np.zeros(self.n_kinds)), self.logits(self.sizes)))

    def gain(self, shown: FloatArray, kind: int) -> float:
        """Difference of two outputs."""
        return float(self.difference(self.logits(shown), self.logits(_with_more(shown, kind, 1))))

    def shapley(self) -> FloatArray | None:
        """Equal shares of the total, if there is one kind; else the weighted mean over all compositions, if they are few."""
        if self.n_kinds == 1:
            return self._shares
        if math.prod((self.sizes + 1).tolist()) > MOST_COALITIONS:
            return None
        logits = self._all_logits()
        return self._of_kinds(lambda kind: self._mean_gain(logits, kind))

    def aumann_shapley(self) -> FloatArray | None:
        """Equal shares of the total, where symmetry gives them."""
        return self._shares if self.symmetric_path else None

    @property
    def _shares(self) -> FloatArray:
        return np.array([self.total / self.sizes[0]])

    @cached_property
    def _present(self) -> IntArray:
        """Indices of the kinds that have features."""
        return np.flatnonzero(self.sizes)

    def _all_logits(self) -> FloatArray:
        """Logits of every composition, with an axis of shown features for each kind that has any, and the last one of outputs."""
        counts = [int(size) + 1 for size in self.sizes[self._present]]
        shown = np.zeros((math.prod(counts), self.n_kinds))
        shown[:, self._present] = np.stack([axis.ravel() for axis in np.indices(counts)], axis=1)
        return np.stack([self.logits(row) for row in shown]).reshape(*counts, -1)

    def _mean_gain(self, logits: FloatArray, kind: int) -> float:
        """The mean, over all orders, of what a feature of a kind adds to those before it."""
        axis, size = int(np.searchsorted(self._present, kind)), int(self.sizes[kind])
        before, after = (logits.take(range(first, first + size), axis) for first in (0, 1))
        return math.fsum((self._shares_of_orders(axis) * self.difference(before, after)).ravel())

    def _shares_of_orders(self, axis: int) -> FloatArray:
        """Share of orders in which a feature of a kind comes after a composition of the others; exact before it is rounded."""
        others = [int(size) - (index == axis) for index, size in enumerate(self.sizes[self._present])]
        coalitions: npt.NDArray[np.object_] = functools.reduce(np.multiply.outer, map(_binomials, others))
        orders = (sum(others) + 1) * _binomials(sum(others))
        shares: FloatArray = (coalitions / orders[np.indices(coalitions.shape).sum(axis=0)]).astype(np.float64)
        return shares


def _binomials(n: int) -> npt.NDArray[np.object_]:
    """(n + 1,) integers: the numbers of sets of each size among n features."""
    return np.array([math.comb(n, size) for size in range(n + 1)], dtype=object)


def _with_more(shown: FloatArray, kind: int, n: int) -> FloatArray:
    """Copy of numbers of shown features (m,) with `n` more of one kind; a row of a unit matrix would take m^2 numbers."""
    more = shown.copy()
    more[kind] += n
    return more
