"""Rank correlations with ties, against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from attributionlab.judging import ranking
from attributionlab.judging.ranking import RankCorrelation, paired_difference, rank_correlation
from attributionlab.seeding import generator


def ranks(values):
    """Average ranks, by counting."""
    return np.array([np.sum(values < value) + (np.sum(values == value) + 1) / 2 for value in values])


def test_correlations_of_means_with_ties_are_those_of_the_definition():
    random = generator(0, "scores")
    first, second = random.integers(0, 4, (2, 7, 1)).astype(float)
    both = rank_correlation(first, second)
    assert both.spearman == pytest.approx(np.corrcoef(ranks(first[:, 0]), ranks(second[:, 0]))[0, 1], rel=1e-12)
    signs = [
        (np.sign(first[i, 0] - first[j, 0]), np.sign(second[i, 0] - second[j, 0])) for i in range(7) for j in range(i)
    ]
    untied = [sum(pair[side] != 0 for pair in signs) for side in (0, 1)]
    assert both.kendall == pytest.approx(sum(a * b for a, b in signs) / np.sqrt(untied[0] * untied[1]), rel=1e-12)
    assert (both.n_methods, both.n_images) == (7, 1)
    fixed = ranking.resampled_spearman(first, second, seed=0, over_methods=False)
    assert fixed == pytest.approx(np.full(len(fixed), both.spearman)), "one image only, and these methods"


def test_scores_that_differ_by_rounding_are_tied():
    """All of F1 1 but for float32: their order says nothing, and a correlation with it would be made up."""
    rounded = np.array([1 - 9e-9, 1.0, 1 - 6e-8, 0.5, 0.5 + 1e-8])
    assert ranking.ranks(rounded).tolist() == [4, 4, 4, 1.5, 1.5]
    assert ranking.ranks(-rounded * 1e3).tolist() == [2, 2, 2, 4.5, 4.5], "in parts of the largest"
    assert ranking.ranks(np.stack([rounded, [3, 1, 2, 2, 0]])).tolist() == [[4, 4, 4, 1.5, 1.5], [5, 2, 3.5, 3.5, 1]]
    assert ranking.ranks(np.array([0.0, 0.0, 1e-30])).tolist() == [1.5, 1.5, 3]
    assert ranking.ranks(np.array([[1e9, 2e9], [1.5, 1.0]])).tolist() == [[1, 2], [2, 1]], "row by row"
    assert ranking.ranks(np.array([])).tolist() == []
    other = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert rank_correlation(rounded[:3, None], other[:3, None]) == RankCorrelation(None, None, None, None, 3, 1)
    both, exact = (rank_correlation(one[:, None], other[:, None]) for one in (rounded, rounded.round(3)))
    assert both == exact


def test_the_interval_is_that_of_methods_and_images_drawn_anew():
    """With exact scores only the choice of methods is left: the interval is that of the pairs bootstrap over methods."""
    random = generator(5, "scores")
    first, second = random.standard_normal((2, 6, 1)).repeat(4, axis=2)
    resampled = ranking.resampled_spearman(first, second, seed=0)
    drawn = generator(0, "methods drawn anew").integers(0, 6, (len(resampled), 6))
    for rho, methods in list(zip(resampled, drawn, strict=True))[:20]:
        by_hand = np.corrcoef(ranks(first[methods, 0]), ranks(second[methods, 0]))[0, 1]
        assert rho == pytest.approx(by_hand, rel=1e-9)
    assert rank_correlation(first, second).low == pytest.approx(np.nanpercentile(resampled, 2.5))


def test_the_interval_contains_the_correlation_and_does_not_depend_on_the_order_of_images():
    random = generator(1, "scores")
    first = np.arange(9.0)[:, None] + random.standard_normal((9, 12))
    second = np.arange(9.0)[:, None] + 5 * random.standard_normal((9, 12))
    both = rank_correlation(first, second)
    assert -1 <= both.low < both.spearman <= both.high <= 1
    assert both == rank_correlation(first, second)
    assert both != rank_correlation(first, second, seed=1)
    shuffled = rank_correlation(first, second[:, random.permutation(12)])
    assert shuffled.spearman == pytest.approx(both.spearman)


def test_undefined_scores_are_left_out_and_what_ranks_nothing_has_no_correlation():
    scores = np.array([[1.0, np.nan], [2.0, 2.0], [3.0, np.nan]])
    assert rank_correlation(scores, scores).spearman == pytest.approx(1.0)
    assert rank_correlation(scores, np.ones((3, 2))).spearman is None
    assert rank_correlation(scores, np.ones((3, 2))).kendall is None
    assert rank_correlation(scores[:1], scores[:1]).spearman is None
    means = np.array([[1.0, np.nan], [0.6, 0.6]])  # the mean of the first is larger, its sum is not
    assert rank_correlation(means, np.array([[2.0], [1.0]]).repeat(2, axis=1)).kendall == 1


def test_a_paired_difference_is_that_of_the_correlations_on_the_same_images():
    random = generator(2, "scores")
    f1 = np.arange(9.0)[:, None] + random.standard_normal((9, 10))
    good, bad = f1 + 0.1 * random.standard_normal((9, 10)), random.standard_normal((9, 10))
    pairs = [((f1, bad), (f1, good)), ((f1, good), (f1, good))]
    found = paired_difference(pairs)
    worse, better = (rank_correlation(f1, one).spearman for one in (bad, good))
    assert found.first == pytest.approx((worse + better) / 2)
    assert found.second == pytest.approx(better)
    assert found.difference == pytest.approx(found.first - found.second)
    assert found.low <= found.difference <= found.high < 0
    assert (found.share_lower, found.n_pairs) == (0.5, 2)
    same = paired_difference(pairs[1:])
    assert same.low == same.high == same.difference == 0  # the same methods and images are drawn in both
    nothing = np.ones((9, 10))
    assert paired_difference([*pairs, ((f1, nothing), (f1, good))]) == found
    assert paired_difference([((f1, nothing), (f1, good))]).difference is None
