"""Shapley values of a few players: by the definition from all coalitions, or by KernelSHAP's regression from some.

    minimize  sum_S  pi(S) (v(S) - v(empty) - sum_{i in S} phi_i)^2,   sum_i phi_i = v(all) - v(empty)
    pi(S) = (m - 1) / (binomial(m, |S|) |S| (m - |S|))

References:
    Lundberg & Lee 2017, Theorem 2; the coalitions are chosen as by `KernelExplainer` of shap 0.51.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Coalitions = npt.NDArray[np.bool_]

ENOUGH = 1 - 1e-8
"""Samples per coalition of a size from which on all coalitions of that size are taken."""


def shapley_values(outputs: Values) -> Values:
    """The average gain of each player over all orders.

    Args:
        outputs: (2^m,), the value of every coalition; bit j of its index says whether player j is in it.

    Returns:
        (m,); they add up to the difference between the last and the first output, but for rounding.

    Example:
        >>> shapley_values(np.array([0.0, 1.0, 2.0, 5.0]))
        array([2., 3.])
    """
    n = len(outputs).bit_length() - 1
    codes = np.arange(len(outputs))
    sizes = ((codes[:, None] >> np.arange(n)) & 1).sum(axis=1)
    weight = np.array([1 / (n * math.comb(n - 1, size)) for size in range(n)])
    values = []
    for player in range(n):
        without = codes[(codes >> player) & 1 == 0]
        values.append(float(weight[sizes[without]] @ (outputs[without | (1 << player)] - outputs[without])))
    return np.array(values)


def draw_coalitions(n_players: int, n_samples: int, random: np.random.Generator) -> tuple[Coalitions, Values]:
    """Coalitions for the regression, neither empty nor whole, and their weights.

    Sizes are taken from both ends, all coalitions of a size if samples suffice; the others are drawn by weight, with their
    complements. A coalition that is drawn again gains weight.

    Returns:
        (n, m) with n at most `n_samples`, and (n,).
    """
    n_sizes, n_paired = math.ceil((n_players - 1) / 2), (n_players - 1) // 2
    weights = np.array([(n_players - 1) / (size * (n_players - size)) for size in range(1, n_sizes + 1)])
    weights[:n_paired] *= 2  # a size and that of the complements
    weights /= weights.sum()
    rows: list[Coalitions] = []
    kernel: list[float] = []
    left, n_whole = n_samples, 0
    for size in range(1, n_sizes + 1):
        is_paired = size <= n_paired
        n_coalitions = math.comb(n_players, size) * (2 if is_paired else 1)
        share = weights[size - 1] / weights[size - 1 :].sum()
        if left * share / n_coalitions < ENOUGH:
            break
        n_whole, left = size, left - n_coalitions
        for members in itertools.combinations(range(n_players), size):
            row = np.isin(np.arange(n_players), members)
            rows += [row, ~row] if is_paired else [row]
        kernel += [weights[size - 1] / n_coalitions] * n_coalitions
    if n_whole < n_sizes:
        drawn, repeats = _draw(n_players, left, weights[n_whole:], n_whole, n_paired, random)
        rows += drawn
        kernel += list(np.array(repeats) * weights[n_whole:].sum() / sum(repeats)) if repeats else []
    return np.array(rows), np.array(kernel)


def _draw(
    n_players: int, n_samples: int, weights: Values, n_whole: int, n_paired: int, random: np.random.Generator
) -> tuple[list[Coalitions], list[float]]:
    """Coalitions of the sizes above `n_whole` and how often each was drawn."""
    is_paired = np.arange(n_whole + 1, n_whole + 1 + len(weights)) <= n_paired
    chances = np.where(is_paired, weights / 2, weights)  # a draw gives two coalitions then
    repeats: dict[bytes, float] = {}
    rows: list[Coalitions] = []
    for choice in random.choice(len(weights), 4 * n_samples, p=chances / chances.sum()):
        if len(rows) >= n_samples:
            break
        row = np.zeros(n_players, dtype=np.bool_)
        row[random.permutation(n_players)[: n_whole + 1 + choice]] = True
        for member in (row, ~row) if is_paired[choice] else (row,):
            key = member.tobytes()
            if key not in repeats and len(rows) < n_samples:
                rows.append(member)
            if key in repeats or rows[-1] is member:
                repeats[key] = repeats.get(key, 0.0) + 1
    return rows, list(repeats.values())


def shapley_regression(
    coalitions: Coalitions, weights: Values, outputs: Values, empty: float, whole: float
) -> tuple[Values, float]:
    """The values that fit weighted outputs best and add up to the difference between `whole` and `empty`.

    Args:
        coalitions: (n, m), neither empty nor whole.
        weights: (n,).
        outputs: (n,).
        empty: Output of the empty coalition.
        whole: Output of the whole one.

    Returns:
        The values (m,), and the weighted r squared of the fit.
    """
    shown, gains = coalitions.astype(np.float64), outputs - empty
    last = shown[:, -1]  # it is what the others leave of the difference
    root = np.sqrt(weights)
    design, response = shown[:, :-1] - last[:, None], gains - last * (whole - empty)
    first = np.linalg.lstsq(root[:, None] * design, root * response, rcond=None)[0]
    values = np.append(first, whole - empty - first.sum())
    variance = np.average((gains - np.average(gains, weights=weights)) ** 2, weights=weights)
    error = np.average((gains - shown @ values) ** 2, weights=weights)
    return values, float(1 - error / variance) if variance > 0 else float("nan")
