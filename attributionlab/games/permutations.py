"""Shapley values from random orders, with standard errors.

An order switches all features from the baseline to the input, one after the other. What a feature adds when its turn comes is an
unbiased estimate of its Shapley value, and the contributions of an order add up to the difference of both outputs.

Most contributions are tiny and few are large: far from the point where the leading class changes, a probability does not move. The
variance of a single feature is therefore underestimated from few orders, by orders of magnitude from 64 orders at 224x224. Features that look
alike have about the same variance, which is estimated from all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attributionlab.errors import bad_option
from attributionlab.games.groups import GroupSwitching
from attributionlab.games.switching import Switching
from attributionlab.perturbation import random_orders
from attributionlab.specs.arguments import number, whole_number
from attributionlab.specs.options import MOST_DRAWS
from attributionlab.truth.explained import FloatArray, successive_differences
from attributionlab.truth.set_functions import IntArray

DEFAULT_ORDERS = 400
"""Number of orders unless it is chosen."""

MOST_ORDERS = 10_000
"""Largest number of orders that are tried for a `target_error`, unless `n_orders` sets a limit."""

ENOUGH_CONTRIBUTIONS = 400
"""Number of contributions from which a variance is estimated."""

CHUNK = 2**18
"""Logits in memory at once, unless one order has more; larger arrays do not fit into the processor's cache."""

Progress = Callable[[int], object]


@dataclass(frozen=True)
class Sampling:
    """Random orders, and when they suffice.

    Args:
        n_orders: Number of orders; with `target_error` the largest number.
        target_error: Largest standard error relative to the largest value; None for exactly `n_orders` orders.
        seed: Seed of the orders.
    """

    n_orders: int
    target_error: float | None
    seed: int

    @classmethod
    def checked(cls, n_orders: object, target_error: object, seed: object) -> Sampling:
        """The sampling of valid arguments, with defaults for those that are None.

        Raises:
            BadOption: If `n_orders` is not an integer from 2, `target_error` not a number above 0, or `seed` not an integer
                from 0.
        """
        if target_error is not None:
            target_error = number("target_error", target_error, 0)
            if target_error == 0:
                raise bad_option("target_error", "be above 0", target_error)
        default = DEFAULT_ORDERS if target_error is None else MOST_ORDERS
        checked = whole_number("n_orders", default if n_orders is None else n_orders, 2, MOST_DRAWS)
        return cls(checked, target_error, whole_number("seed", seed, 0))

    def rounds(self) -> Iterator[int]:
        """Numbers of orders after which the error is looked at."""
        n_done = 64 if self.target_error is not None else self.n_orders
        while n_done < self.n_orders:
            yield n_done
            n_done *= 2
        yield self.n_orders


@dataclass(eq=False)
class Contributions:
    """Sums over the first orders of a seed of what each feature added.

    Args:
        n_orders: Number of orders.
        sums: (P,) sum of the contributions.
        squares: (P,) sum of their squares.
    """

    n_orders: int
    sums: FloatArray
    squares: FloatArray

    def add(self, contributions: FloatArray) -> None:
        """Add those of further orders, (n, P)."""
        self.n_orders += len(contributions)
        self.sums += contributions.sum(axis=0)
        self.squares += np.einsum("np,np->p", contributions, contributions)

    @property
    def means(self) -> FloatArray:
        """(P,): the estimated values."""
        return self.sums / self.n_orders

    def standard_errors(self, groupings: Sequence[IntArray]) -> FloatArray:
        """Standard errors of the means (P,).

        Args:
            groupings: Numbers (P,) that features which look alike share, from the finest grouping to the coarsest. The variance of a
                feature is the mean over the finest group with enough contributions; without one, it is the feature's own
                or the mean over all features, whichever is larger.
        """
        own = np.maximum(self.squares / self.n_orders - self.means**2, 0) * self.n_orders / (self.n_orders - 1)
        variances = np.maximum(own, own.mean())
        for groups in reversed(groupings):
            sizes = np.bincount(groups)
            shared = np.bincount(groups, own) / np.maximum(sizes, 1)
            variances = np.where(sizes[groups] * self.n_orders >= ENOUGH_CONTRIBUTIONS, shared[groups], variances)
        errors: FloatArray = np.sqrt(variances / self.n_orders)
        return errors


@dataclass(frozen=True, eq=False)
class Estimate:
    """Estimated Shapley values of one input.

    Args:
        values: (P,).
        standard_errors: (P,).
        n_orders: Number of orders.
    """

    values: FloatArray
    standard_errors: FloatArray
    n_orders: int


def estimate_shapley(
    switching: Switching | GroupSwitching,
    target: int,
    groupings: Sequence[IntArray],
    sampling: Sampling,
    contributions: Contributions,
    after_part: Progress,
) -> Estimate:
    """Estimate the Shapley values of one input's features.

    Args:
        switching: The network while features, or groups of them, are switched.
        target: Index of the explained output.
        groupings: See `Contributions.standard_errors`.
        sampling: The orders.
        contributions: Sums over the first orders, to which further orders are added.
        after_part: Called with the number of orders that were added since the last call.

    Raises:
        BadOption: If the target error is not reached.
    """
    n_features = len(groupings[0])
    at_once = max(1, CHUNK // ((n_features + 1) * len(switching.ends()[0])))
    for n_orders in sampling.rounds():
        while contributions.n_orders < n_orders:
            n = min(at_once, n_orders - contributions.n_orders)
            orders = random_orders(n, n_features, seed=sampling.seed, first=contributions.n_orders)
            added = successive_differences(switching.along_orders(orders), target, switching.explains)
            by_feature = np.empty_like(added)
            np.put_along_axis(by_feature, orders.numpy(), added, axis=1)
            contributions.add(by_feature)
            after_part(n)
        estimate = Estimate(contributions.means, contributions.standard_errors(groupings), contributions.n_orders)
        error = relative_error(estimate)
        if sampling.target_error is None or error <= sampling.target_error:
            return estimate
    hint = "choose a larger `n_orders` or a larger error"
    raise bad_option(
        "target_error", f"be reached within {n_orders} orders, which give {error:.3g}", sampling.target_error, hint
    )


def relative_error(estimate: Estimate) -> float:
    """Largest standard error relative to the largest value; 0 if both are 0."""
    largest = np.abs(estimate.values).max()
    error = estimate.standard_errors.max()
    return float(error / largest) if largest > 0 else (0.0 if error == 0 else np.inf)
