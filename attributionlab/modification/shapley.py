"""Shapley values of the manipulated and the original features on a classifier's performance, for section 5.4."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attributionlab.errors import BadOption, bad_option
from attributionlab.modification.labels import Matrix, reassignment_matrix, require_labels
from attributionlab.specs.arguments import share

Predictions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FeatureShares:
    """Normalized Shapley values of two groups of features; they sum to 1.

    Args:
        manipulated: Of the features inside the effective region, F_M.
        original: Of those outside, F_O.
    """

    manipulated: float
    original: float


def shapley_shares(neither: float, manipulated: float, original: float, both: float) -> FeatureShares:
    """Eq. 1 and 2, normalized by their sum a(both) - a(neither).

    v(F_M) = [a(F_M) - a(none) + a(F_M and F_O) - a(F_O)] / 2, and the same with both exchanged for v(F_O).

    Args:
        neither: a(none), the expected accuracy without any feature.
        manipulated: a(F_M), with the manipulated features alone.
        original: a(F_O), with the original features alone.
        both: a(F_M and F_O), with all.

    Raises:
        BadOption: If an accuracy is outside [0, 1], or `both` equals `neither`, where the shares are not defined.

    References:
        Zhou et al. 2022, Eq. 1 and 2.

    Example:
        >>> shapley_shares(0.5, 1.0, 0.5, 1.0)
        FeatureShares(manipulated=1.0, original=0.0)
    """
    none, only_m = share("neither", neither), share("manipulated", manipulated)
    only_o, all_of = share("original", original), share("both", both)
    if none == all_of:
        raise bad_option("both", "differ from `neither`", both)
    value_m = (only_m - none + all_of - only_o) / 2
    value_o = (only_o - none + all_of - only_m) / 2
    return FeatureShares(value_m / (all_of - none), value_o / (all_of - none))


def shapley_range(accuracy: float, r: float) -> FeatureShares:
    """Eq. 3 and 4: the smallest share of the manipulated features, and the largest share of the original ones.

    They follow from a(none) = 1/2, a(F_M) = a(both) = p and a(F_O) <= r, for two balanced classes, r >= 1/2. (Where the paper
    introduces a(F_O) it prints "<= m"; the bound is r, as in its appendix B.6.)

    Args:
        accuracy: p, above 1/2.
        r: Probability of keeping a label, 1/2 to 1.

    Raises:
        BadOption: If an argument is outside its range.

    References:
        Zhou et al. 2022, Eq. 3 and 4.

    Example:
        >>> shapley_range(1.0, 0.75)
        FeatureShares(manipulated=0.75, original=0.25)
    """
    p, r = share("accuracy", accuracy), share("r", r)
    if p <= 0.5:
        raise bad_option("accuracy", "be above 0.5", accuracy)
    if r < 0.5:
        raise bad_option("r", "be at least 0.5", r)
    return FeatureShares((2 * p - r - 0.5) / (2 * p - 1), (r - 0.5) / (2 * p - 1))


def accuracy_given(groups: object, predictions: object, labels: object, *, n_classes: int = 2) -> float:
    """a(F) of Eq. 9 from samples: images that agree on F cannot be told apart, so predictions are compared with the labels of all.

    In each group, one image gives a prediction and another image, drawn independently, gives a label. The result is the
    probability that the two are equal: the mean over groups, weighted by their size.

    Args:
        groups: (n,) integers: images with the same value of F have the same number.
        predictions: (n,) predicted classes.
        labels: (n,) classes.
        n_classes: k.

    Returns:
        The expected accuracy in [0, 1]. With one group it is that of guessing by frequency, with n groups the usual accuracy.

    Raises:
        BadOption: If the arrays differ in length or are empty, or have values that are no classes.

    References:
        Zhou et al. 2022, Eq. 9.

    Example:
        >>> accuracy_given([0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1])
        0.75
    """
    numbers = np.asarray(groups)
    predicted = require_labels("predictions", predictions, n_classes)
    actual = require_labels("labels", labels, n_classes)
    if not len(actual) or numbers.shape != actual.shape or predicted.shape != actual.shape:
        shapes = f"{numbers.shape}, {predicted.shape} and {actual.shape}"
        raise BadOption(f"`groups`, `predictions` and `labels` must have one value per image, got shapes {shapes}")
    total = 0.0
    for group in np.unique(numbers):
        inside = numbers == group
        shares = [np.bincount(values[inside], minlength=n_classes) / inside.sum() for values in (predicted, actual)]
        total += float(shares[0] @ shares[1]) * int(inside.sum())
    return total / len(actual)


def accuracy_of_original_features(predictions: object, labels: object, matrix: object) -> float:
    """a(F_O) of Eq. 9, estimated on versions of each image that differ in their manipulation alone.

    No two images of a data set agree outside the region, so groups of one image would give the usual accuracy. But of each image all k
    manipulated versions can be made: they agree on F_O, and R says with which probability each of them occurs.

    Args:
        predictions: (n, k): the predicted class of image i with the manipulation of class j.
        labels: (n,): the original labels.
        matrix: R, or r; see `reassignment_matrix`.

    Returns:
        The expected accuracy, at most p*.

    Raises:
        BadOption: If the shapes do not fit, or values are no classes.

    References:
        Zhou et al. 2022, Eq. 9 and appendix B.6.

    Example:
        >>> accuracy_of_original_features([[0, 1], [0, 1]], [0, 1], 0.5)
        0.5
    """
    versions = np.asarray(predictions)
    if versions.ndim != 2 or versions.shape[1] < 2:
        raise bad_option("predictions", "have shape (n, k), a column for each class", versions.shape)
    k = versions.shape[1]
    reassign: Matrix = reassignment_matrix(matrix, k)
    original = require_labels("labels", labels, k)
    if len(original) != len(versions) or not len(original):
        raise bad_option("labels", f"be {len(versions)}, one per row of `predictions`", len(original))
    require_labels("predictions", versions.reshape(-1), k)
    weights = reassign[original]  # (n, k): how often each version occurs, and each label
    predicted = np.stack([(weights * (versions == label)).sum(axis=1) for label in range(k)], axis=1)
    return float((predicted * weights).sum(axis=1).mean())
