"""Label reassignment: what can be predicted without a manipulation, and how likely an accuracy above that is luck.

Each label y becomes a new label with the probabilities in row y of a matrix R. The original features then say nothing more about the
new label than R does, so a classifier that does not use the manipulation has an expected accuracy of at most p* = max R.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attributionlab.errors import BadOption, bad_option
from attributionlab.seeding import generator
from attributionlab.specs.arguments import share, whole_number

Labels = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]

ROUNDING = 1e-9
"""Largest distance of a row's sum from 1: decimal fractions like 1/3 written with ten digits are accepted."""

LUCK = 0.01
"""Largest probability of reaching an accuracy by luck at which the accuracy is said to beat p*."""


def reassignment_matrix(reassign: object, n_classes: int) -> Matrix:
    """The matrix R of a label reassignment.

    Args:
        reassign: The probability r in [0, 1] with which a label is kept, or R itself, (k, k), whose rows sum to 1. With r, a label
            that is not kept becomes each of the other classes with probability (1 - r) / (k - 1).
        n_classes: k, at least 2.

    Returns:
        (k, k) float64: row y has the probabilities of the new labels of class y.

    Raises:
        BadOption: If r is outside [0, 1], R has another shape, a negative entry or a row that does not sum to 1, or k is below 2.

    References:
        Zhou et al. 2022, section 4.

    Example:
        >>> reassignment_matrix(0.8, 2).tolist()
        [[0.8, 0.2], [0.2, 0.8]]
    """
    k = whole_number("n_classes", n_classes, 2)
    if not isinstance(reassign, (Sequence, np.ndarray)) or isinstance(reassign, str):
        r = share("reassign", reassign)
        return np.array([[r if row == column else (1 - r) / (k - 1) for column in range(k)] for row in range(k)]).round(
            15
        )
    try:
        matrix = np.array(reassign, dtype=np.float64)
    except (TypeError, ValueError):
        raise bad_option("reassign", f"be a {k} x {k} matrix of numbers", reassign) from None
    if matrix.shape != (k, k):
        raise bad_option("reassign", f"have a row and a column for each of the {k} classes", matrix.shape)
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise bad_option("reassign", "hold probabilities in [0, 1]", matrix.tolist())
    for row, total in enumerate(matrix.sum(axis=1)):
        if abs(total - 1) > ROUNDING:
            raise BadOption(f"`reassign` must have rows that sum to 1, got {total:.6g} in row {row}")
    return matrix


def reassign_labels(labels: object, reassign: object = 0.5, *, n_classes: int = 2, seed: int = 0) -> Labels:
    """Draw a new label for every label.

    The draw of label i is a function of the seed and i alone.

    Args:
        labels: (n,) integers from 0 to k - 1.
        reassign: The probability r of keeping a label, or the matrix R; see `reassignment_matrix`.
        n_classes: k.
        seed: Seed of the draws.

    Returns:
        (n,) int64.

    Raises:
        BadOption: If a label is not a class, or `reassign` is not valid.

    References:
        Zhou et al. 2022, section 4.

    Example:
        >>> reassign_labels([0, 1, 0, 1], 1.0).tolist(), reassign_labels([0, 1, 0, 1], 0.0).tolist()
        ([0, 1, 0, 1], [1, 0, 1, 0])
    """
    matrix = reassignment_matrix(reassign, n_classes)
    original = require_labels("labels", labels, n_classes)
    seed = whole_number("seed", seed, 0)
    cumulative = matrix.cumsum(axis=1)
    cumulative /= cumulative[:, -1:]  # ends in exactly 1, so that a draw in [0, 1) lies below
    draws = [generator(seed, "reassignment", index).random() for index in range(len(original))]
    new = [int(np.searchsorted(cumulative[label], u, side="right")) for label, u in zip(original, draws, strict=True)]
    return np.array(new, dtype=np.int64)


def require_labels(name: str, value: object, n_classes: int) -> Labels:
    """`value` as labels (n,), integers from 0 to `n_classes` - 1.

    Raises:
        BadOption: If it is not such an array or list.
    """
    raw: Any = np.asarray(value)
    if raw.ndim != 1 or not (np.issubdtype(raw.dtype, np.integer) or raw.size == 0):
        raise bad_option(name, "be a list of integers", value)
    odd = raw[(raw < 0) | (raw >= n_classes)]
    if odd.size:
        raise bad_option(name, f"lie in 0..{n_classes - 1}", int(odd[0]))
    labels: Labels = raw.astype(np.int64)
    return labels


def accuracy_bound(matrix: object) -> float:
    """p* = max R: the largest expected accuracy of a classifier that does not use the manipulation.

    For two classes and a probability r it is max(r, 1 - r), which perfect knowledge of the original labels attains. For more classes, or
    another matrix, it is an upper bound: the best such classifier has the mean over images of the largest entry of each image's row.

    Args:
        matrix: R, (k, k).

    References:
        Zhou et al. 2022, section 4.

    Example:
        >>> accuracy_bound(reassignment_matrix(0.3, 2))
        0.7
    """
    return float(np.max(reassignment_matrix(matrix, len(np.asarray(matrix)))))


def luck(n_correct: int, n: int, bound: float) -> float:
    """The probability that a classifier with expected accuracy `bound` is right on `n_correct` or more of n test images.

    sum over m from `n_correct` to n of Binom(m; n, p*).

    Args:
        n_correct: Number of correct predictions, 0 to n.
        n: Number of test images.
        bound: p*.

    Returns:
        A probability, which small numbers do not round to 0 before 1e-308.

    Raises:
        BadOption: If an argument is outside its range.

    References:
        Zhou et al. 2022, section 4.

    Example:
        >>> f"{luck(190, 200, 0.5):.0e}, {luck(190, 200, 0.9):.3f}"
        '1e-44, 0.008'
    """
    from scipy.stats import binom  # noqa: PLC0415  # takes half a second to import

    n = whole_number("n", n, 1)
    n_correct = whole_number("n_correct", n_correct, 0, n)
    return float(binom.sf(n_correct - 1, n, share("bound", bound)))


@dataclass(frozen=True)
class MeasuredAccuracy:
    """Accuracy on test images, and whether it proves that the manipulation is used.

    Args:
        n_correct: Number of correct predictions.
        n: Number of test images.
        bound: p*.
    """

    n_correct: int
    n: int
    bound: float

    @property
    def accuracy(self) -> float:
        """Share of correct predictions."""
        return self.n_correct / self.n

    @property
    def luck(self) -> float:
        """Probability of this accuracy or more without using the manipulation; see `luck`."""
        return luck(self.n_correct, self.n, self.bound)

    @property
    def beats_bound(self) -> bool:
        """Whether the accuracy is above p*, and by luck at most once in a hundred times."""
        return self.accuracy > self.bound and self.luck <= LUCK

    def __str__(self) -> str:
        relation = "beats" if self.beats_bound else "does not beat"
        return (
            f"accuracy {self.accuracy:.3f} on {self.n} test inputs {relation} p* = {self.bound:.3g} "
            f"(without the manipulation this or more has a probability of {self.luck:.2g})"
        )
