"""Slow, literal oracles: what the paper's equations say, in plain Python, sharing no code with the package.

Numbers are Python integers and fractions, so nothing here rounds; images are nested lists. Equations are those of Zhang et
al. 2024. An accumulator's weights cannot be derived from a formula (they are drawn at random), so they are read from its
`Block` records; the arithmetic, the geometry and the order of operations are written out here again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

Number = int | Fraction


def relu(value: Number) -> Number:
    return max(value, 0)


def is_greater(value: Number, number: int) -> Number:
    """Eq. 6."""
    return relu(relu(value - number) - relu(value - number - 1))


def is_number(value: Number, number: int) -> Number:
    """Eq. 7."""
    return relu(is_greater(value, number - 1) - is_greater(value, number))


def is_color(pixel: Sequence[Number], color: Sequence[int]) -> Number:
    """Eq. 14."""
    red, green, blue = (is_number(value, wanted) for value, wanted in zip(pixel, color, strict=True))
    return relu(red + green + blue - 2)


def detect(
    pixel: Sequence[Number], colors: Sequence[Sequence[int]], background: Sequence[int], n_redundant: int
) -> list[Number]:
    """Eq. 14 for each color, then Eq. 15 for each redundant channel; the background is known but not reported."""
    answers = [is_color(pixel, color) for color in colors]
    redundant = relu(1 - sum(answers) - is_color(pixel, background))
    return [*answers, *[redundant] * n_redundant]


def count_colors(image: Iterable[Iterable[Sequence[int]]], colors: Sequence[Sequence[int]]) -> list[int]:
    """How many pixels have each color; the image is rows of pixels."""
    counts = [0] * len(colors)
    for row in image:
        for pixel in row:
            for index, color in enumerate(colors):
                if list(pixel) == list(color):
                    counts[index] += 1
    return counts


def count_labels(labels: Iterable[Iterable[int]], n_classes: int) -> list[int]:
    """How many cells carry each label 0..n_classes-1; other labels do not count."""
    counts = [0] * n_classes
    for row in labels:
        for label in row:
            if label < n_classes:
                counts[label] += 1
    return counts


def accumulate(channels: list[list[list[int]]], blocks: Sequence[Any]) -> list[Fraction]:
    """The counts of an accumulator, block by block, in exact arithmetic; `channels` is (class and redundant, row, column).

    Window (y, x) of a block covers rows 3y - p_y to 3y - p_y + 2 and columns 3x - p_x to 3x - p_x + 2, with zeros outside.
    """
    maps: list[list[list[Number]]] = [[list(row) for row in channel] for channel in channels]
    for block in blocks:
        maps = _block(maps, block)
    assert all(len(channel) == len(channel[0]) == 1 for channel in maps)
    return [Fraction(channel[0][0]) for channel in maps]


def _block(maps: list[list[list[Number]]], block: Any) -> list[list[list[Number]]]:
    n_classes, n_kernels, n_redundant, _ = block.redundant.shape
    assert len(maps) == n_classes + n_redundant
    height, width = len(maps[0]), len(maps[0][0])
    pad_y, pad_x = block.padding
    weights, biases, mixing = (
        _fractions(array) for array in (block.kernels.weights, block.kernels.biases, block.kernels.mixing)
    )
    redundant = _fractions(block.redundant)
    answers: list[list[list[Number]]] = []
    for c in range(n_classes):
        rows: list[list[Number]] = []
        for top in range(-pad_y, height, 3):
            row: list[Number] = []
            for left in range(-pad_x, width, 3):
                total: Number = 0
                for i in range(n_kernels):
                    inner: Number = biases[c][i]
                    for y in range(3):
                        for x in range(3):
                            if 0 <= top + y < height and 0 <= left + x < width:
                                inner += weights[c][i][3 * y + x] * maps[c][top + y][left + x]
                                for extra in range(n_redundant):
                                    value = maps[n_classes + extra][top + y][left + x]
                                    inner += redundant[c][i][extra][3 * y + x] * value
                    total += mixing[c][i] * (relu(inner) - biases[c][i])
                row.append(relu(total))
            rows.append(row)
        answers.append(rows)
    return answers


def _fractions(array: Any) -> Any:
    """A nested list of the same shape, every float as the fraction that it is."""
    nested = array.tolist()

    def convert(item: Any) -> Any:
        return [convert(part) for part in item] if isinstance(item, list) else Fraction(item)

    return convert(nested)


def modulo(value: int, modulus: int) -> int:
    """What Eq. 13 is said to be: the remainder, by taking the modulus away again and again."""
    while value >= modulus:
        value -= modulus
    return value


def modulo_by_layers(value: Number, modulus: int, max_count: int) -> Number:
    """Eq. 8 to 13, function by function."""
    n_steps = -(-max_count // modulus)
    remainders = [relu(value - step * modulus) for step in range(n_steps + 1)]  # f_1
    differences = [relu(remainders[step] - remainders[step + 1]) for step in range(n_steps)]  # f_2
    flagged = [(difference, is_number(difference, modulus)) for difference in differences]  # f_3
    rests = [relu(difference - modulus * flag) for difference, flag in flagged]  # f_4
    return relu(sum(rests))  # f_5


def shapley(n_players: int, value: Callable[[frozenset[int]], Fraction]) -> list[Fraction]:
    """Shapley's formula: what a player adds to every coalition of the others, times |S|! (n - |S| - 1)! / n!."""
    values = []
    for player in range(n_players):
        others = [other for other in range(n_players) if other != player]
        total = Fraction(0)
        for size in range(n_players):
            weight = Fraction(math.factorial(size) * math.factorial(n_players - size - 1), math.factorial(n_players))
            for coalition in itertools.combinations(others, size):
                before = frozenset(coalition)
                total += weight * (value(before | {player}) - value(before))
        values.append(total)
    return values


def shapley_of_counts(sizes: Sequence[int], value: Callable[[tuple[int, ...]], Fraction]) -> list[Fraction]:
    """Shapley's formula for players of few kinds: coalitions with equal numbers of each kind are counted, not listed."""
    n_players = sum(sizes)
    values = []
    for kind in range(len(sizes)):
        others = [size - (index == kind) for index, size in enumerate(sizes)]
        total = Fraction(0)
        for shown in itertools.product(*(range(size + 1) for size in others)):
            size = sum(shown)
            n_coalitions = math.prod(math.comb(most, number) for most, number in zip(others, shown, strict=True))
            weight = Fraction(math.factorial(size) * math.factorial(n_players - size - 1), math.factorial(n_players))
            after = tuple(number + (index == kind) for index, number in enumerate(shown))
            total += n_coalitions * weight * (value(after) - value(shown))
        values.append(total)
    return values


def probability_base_two(counts: Sequence[int], target: int) -> Fraction:
    """A softmax of counts with powers of 2 instead of e, which is rational; e^(count / T) for T = 1 / ln 2."""
    return 1 / sum(Fraction(2) ** (count - counts[target]) for count in counts)
