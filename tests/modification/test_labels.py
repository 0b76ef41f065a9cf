"""Label reassignment: probabilities, p*, and the binomial tail, against enumeration."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from attributionlab.errors import BadOption
from attributionlab.modification import accuracy_bound, luck, reassign_labels, reassignment_matrix
from attributionlab.modification.labels import MeasuredAccuracy

LABELS = np.arange(1000) % 2


def test_a_label_is_kept_with_probability_r():
    kept = reassign_labels(LABELS, 0.8) == LABELS
    assert abs(kept.mean() - 0.8) < 4 * (0.8 * 0.2 / len(LABELS)) ** 0.5  # four standard deviations


def test_new_labels_follow_the_rows_of_a_matrix():
    matrix = np.array([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    labels = np.arange(3000) % 3
    new = reassign_labels(labels, matrix, n_classes=3)
    for row in range(3):
        shares = np.bincount(new[labels == row], minlength=3) / 1000
        assert np.abs(shares - matrix[row]).max() < 4 * (0.25 / 1000) ** 0.5  # four standard deviations, at most
    assert (new[labels == 1] == 0).all()
    assert not (new[labels == 0] == 0).any()


def test_the_draw_of_a_label_depends_on_seed_and_index_alone():
    assert (reassign_labels(LABELS[:10]) == reassign_labels(LABELS)[:10]).all()
    assert (reassign_labels(LABELS, seed=1) != reassign_labels(LABELS)).any()


@pytest.mark.parametrize("r", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_p_star_of_two_classes_is_what_the_best_use_of_the_original_labels_attains(r):
    matrix = reassignment_matrix(r, 2)
    rules = [(a, b) for a in range(2) for b in range(2)]  # all predictions as functions of the original label
    best = max(0.5 * matrix[0, a] + 0.5 * matrix[1, b] for a, b in rules)
    assert accuracy_bound(matrix) == best == max(r, 1 - r)


def test_p_star_of_more_classes_is_an_upper_bound():
    matrix = np.array([[0.9, 0.1, 0.0], [0.3, 0.4, 0.3], [0.5, 0.0, 0.5]])
    rules = np.stack(np.meshgrid(*[range(3)] * 3), axis=-1).reshape(-1, 3)
    best = max(np.mean([matrix[row, rule[row]] for row in range(3)]) for rule in rules)
    assert best < accuracy_bound(matrix) == 0.9


def tail(n_correct, n, p):
    """The binomial tail as a fraction."""
    return sum(comb(n, m) * p**m * (1 - p) ** (n - m) for m in range(n_correct, n + 1))


@pytest.mark.parametrize(
    ("n_correct", "n", "p"), [(0, 5, 0.5), (5, 5, 0.5), (3, 7, 0.75), (190, 200, 0.5), (190, 200, 0.875)]
)
def test_the_tail_is_that_of_enumeration(n_correct, n, p):
    exact = float(tail(n_correct, n, Fraction(p)))
    assert luck(n_correct, n, p) == pytest.approx(exact, rel=1e-9)  # scipy's incomplete beta function


def test_the_papers_example_of_the_tail():
    assert f"{luck(190, 200, 0.5):.0e}" == "1e-44"
    assert f"{luck(190, 200, 0.9):.3f}" == "0.008"
    assert luck(200, 200, 1.0) == 1.0


def test_an_accuracy_beats_p_star_where_luck_is_rare():
    assert MeasuredAccuracy(190, 200, 0.9).beats_bound
    assert not MeasuredAccuracy(185, 200, 0.9).beats_bound
    assert not MeasuredAccuracy(200, 200, 1.0).beats_bound
    assert "does not beat p* = 0.9 (without the manipulation this or more has a probability of 0.14)" in str(
        MeasuredAccuracy(185, 200, 0.9)
    )


@pytest.mark.parametrize(
    ("reassign", "n_classes", "message"),
    [
        (1.5, 2, r"`reassign` must be in \[0, 1\], got 1.5"),
        (-0.1, 2, r"`reassign` must be in \[0, 1\]"),
        ("half", 2, r"`reassign` must be in \[0, 1\]"),
        ([[0.5, 0.6], [0.5, 0.5]], 2, "`reassign` must have rows that sum to 1, got 1.1 in row 0"),
        ([[1.5, -0.5], [0.5, 0.5]], 2, "`reassign` must hold probabilities"),
        ([[np.nan, 0.5], [0.5, 0.5]], 2, "`reassign` must hold probabilities"),
        ([[1.0]], 2, "`reassign` must have a row and a column for each of the 2 classes"),
        ([["a", "b"], ["c", "d"]], 2, "`reassign` must be a 2 x 2 matrix of numbers"),
        (0.5, 1, "`n_classes` must be at least 2"),
    ],
)
def test_a_bad_reassignment_is_refused(reassign, n_classes, message):
    with pytest.raises(BadOption, match=message):
        reassignment_matrix(reassign, n_classes)


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 2], r"`labels` must lie in 0..1, got 2"), ([0.5], "be a list of integers"), (3, "be a list")],
)
def test_bad_labels_are_refused(labels, message):
    with pytest.raises(BadOption, match=message):
        reassign_labels(labels)


def test_a_count_above_the_number_of_images_is_refused():
    with pytest.raises(BadOption, match="`n_correct` must be at most 5"):
        luck(6, 5, 0.5)
