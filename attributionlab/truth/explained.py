"""The explained output as a function of logits, and its differences without cancellation; plain NumPy."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Explained = Literal["probability", "logit", "value"]
"""The explained output: the `probability` or `logit` of a class, or the `value` of a regression."""

FloatArray = npt.NDArray[np.float64]


def explained_output(logits: FloatArray, target: int, explains: Explained) -> FloatArray:
    """The explained output that follows from logits.

    Args:
        logits: (..., k) float64.
        target: Index of the explained output.
        explains: Kind of output.

    Returns:
        (...) float64.
    """
    return (_softmax(np.moveaxis(logits, -1, 0))[target]) if explains == "probability" else logits[..., target]


def output_difference(before: FloatArray, after: FloatArray, target: int, explains: Explained) -> FloatArray:
    """Increase of the explained output from the logits `before` to the logits `after`.

    A difference of two probabilities near 1 would round small effects to 0. With the probabilities p and p' of all
    classes and the increase r_c of `logit_c - logit_target`, it is

        p'_t - p_t = - sum over c != t of  p'_t p_c (exp(r_c) - 1)  =  - sum of  p_t p'_c (1 - exp(-r_c)),

    of which each term is taken in the form that cannot overflow. Where the odds of all classes rise, or all fall, no terms cancel,
    so the result is exact up to rounding, even where it is 1e-300.

    Args:
        before: (..., k) float64.
        after: (..., k) float64.
        target: Index of the explained output.
        explains: Kind of output.

    Returns:
        (...) float64.
    """
    return successive_differences(np.stack(np.broadcast_arrays(before, after), axis=-2), target, explains)[..., 0]


def successive_differences(logits: FloatArray, target: int, explains: Explained) -> FloatArray:
    """Increase of the explained output from each step to the next; see `output_difference`.

    Args:
        logits: (..., s, k) float64, after each of s steps.
        target: Index of the explained output.
        explains: Kind of output.

    Returns:
        (..., s - 1) float64.
    """
    if explains != "probability":
        return np.diff(logits[..., target], axis=-1)
    by_class = np.ascontiguousarray(np.moveaxis(logits, -1, 0))  # sums over few classes are fast along the first axis
    probabilities = _softmax(by_class)
    before, after = probabilities[..., :-1], probabilities[..., 1:]
    increase = np.zeros(before.shape[1:])
    for index in range(len(by_class)):
        if index != target:
            rise = np.diff(by_class[index] - by_class[target], axis=-1)
            products = np.where(rise > 0, before[target] * after[index], -after[target] * before[index])
            increase += products * np.expm1(-np.abs(rise))
    return increase


def _softmax(by_class: FloatArray) -> FloatArray:
    """Probabilities (k, ...) of logits (k, ...)."""
    powers: FloatArray = np.exp(by_class - by_class.max(axis=0))
    powers /= powers.sum(axis=0)
    return powers
