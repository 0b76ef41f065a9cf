from __future__ import annotations

import numpy as np
import pytest

from attributionlab.networks.kernels import LADDER, RANGES, Kernels, draw_kernels
from attributionlab.seeding import generator

N_CLASSES = 4
RANDOM_DESIGNS = ("nonnegative", "signed")


def drawn(design, level=0, n_kernels=3, seed=0, caps=None):
    caps = np.ones((1, 9)) if caps is None else caps
    return draw_kernels(design, level, (N_CLASSES, n_kernels), caps, generator(seed, "kernels of a test"))


@pytest.mark.parametrize("design", ["uniform", *RANDOM_DESIGNS])
@pytest.mark.parametrize("level", range(len(LADDER)))
@pytest.mark.parametrize("n_kernels", [2, 3, 5])
def test_mixed_kernels_add_up_to_one_at_every_position(design, level, n_kernels):
    kernels = drawn(design, level, n_kernels)
    for c in range(N_CLASSES):
        for j in range(9):
            assert sum(kernels.mixing[c, i] * kernels.weights[c, i, j] for i in range(n_kernels)) == 1


@pytest.mark.parametrize("design", ["uniform", *RANDOM_DESIGNS])
@pytest.mark.parametrize("level", range(len(LADDER)))
def test_mixing_weights_add_up_to_one_in_every_class(design, level):
    assert (drawn(design, level).mixing.sum(axis=1) == 1).all()


@pytest.mark.parametrize("design", RANDOM_DESIGNS)
@pytest.mark.parametrize("level", range(len(LADDER)))
def test_random_weights_lie_on_the_grid_and_in_the_range_of_their_rung(design, level):
    grid = LADDER[level].grid
    lowest, highest = (LADDER[level].reach * end for end in RANGES[design])
    weights = np.stack([drawn(design, level, seed=seed).weights for seed in range(5)])
    assert (weights % grid == 0).all()
    assert lowest <= weights.min()
    assert weights.max() <= highest


@pytest.mark.parametrize("level", range(len(LADDER)))
def test_mixing_weights_are_magnitudes_of_the_rung_except_for_one_pivot_per_class(level):
    for seed in range(5):
        magnitudes = np.abs(drawn("nonnegative", level, seed=seed).mixing)
        odd = ~np.isin(magnitudes, LADDER[level].magnitudes)
        assert (odd.sum(axis=1) <= 1).all()
        assert np.isin(magnitudes, (0.5, 1.0, 2.0)).all()


@pytest.mark.parametrize("level", range(len(LADDER)))
def test_nonnegative_kernels_have_no_negative_weight(level):
    assert (drawn("nonnegative", level).weights >= 0).all()


@pytest.mark.parametrize("design", RANDOM_DESIGNS)
@pytest.mark.parametrize("n_kernels", [2, 3, 5])
def test_random_designs_mix_with_both_signs_in_every_class(design, n_kernels):
    for seed in range(10):
        mixing = drawn(design, n_kernels=n_kernels, seed=seed).mixing
        assert (mixing < 0).any(axis=1).all()
        assert (mixing > 0).any(axis=1).all()


def test_signed_kernels_have_weights_of_both_signs_in_every_class():
    weights = drawn("signed").weights
    assert (weights < 0).any(axis=(1, 2)).all()
    assert (weights > 0).any(axis=(1, 2)).all()


def test_uniform_kernels_are_ones_mixed_by_a_half_a_quarter_and_a_quarter():
    kernels = drawn("uniform")
    assert (kernels.weights == 1).all()
    assert kernels.mixing.tolist() == [[0.5, 0.25, 0.25]] * N_CLASSES


@pytest.mark.parametrize(
    ("level", "mixing"), [(1, [0.5, 0.5, 0.0]), (2, [1.0, 0.0, 0.0]), (3, [1.0, 0.0, 0.0]), (4, [1.0, 0.0, 0.0])]
)
def test_coarser_uniform_levels_leave_out_the_last_kernels(level, mixing):
    assert drawn("uniform", level).mixing.tolist() == [mixing] * N_CLASSES


def test_a_single_uniform_kernel_takes_it_all():
    assert drawn("uniform", n_kernels=1).mixing.tolist() == [[1.0]] * N_CLASSES


@pytest.mark.parametrize("design", ["uniform", "nonnegative"])
def test_designs_without_negative_weights_have_no_bias(design):
    kernels = drawn(design)
    assert (kernels.biases == 0).all()
    assert (kernels.correction == 0).all()


@pytest.mark.parametrize("level", range(len(LADDER)))
def test_signed_biases_are_what_negative_weights_can_take_off_plus_one_grid_step(level):
    caps = np.array([[1.0] * 9, [0.0] * 3 + [2.5] * 6])
    kernels = drawn("signed", level, caps=caps)
    for c in range(N_CLASSES):
        for i in range(3):
            lowest = min(sum(min(0.0, kernels.weights[c, i, j]) * cap[j] for j in range(9)) for cap in caps)
            assert kernels.biases[c, i] == LADDER[level].grid - lowest


def test_the_correction_takes_the_mixed_biases_off_again():
    kernels = drawn("signed")
    for c in range(N_CLASSES):
        assert kernels.correction[c] == -sum(kernels.mixing[c, i] * kernels.biases[c, i] for i in range(3))
        assert kernels.correction[c] != 0


def test_kernels_that_do_not_count_cannot_be_made():
    weights = np.ones((1, 1, 9))
    weights[0, 0, 4] = 1.5
    with pytest.raises(AssertionError, match="mixed kernels must add up to 1 at every position"):
        Kernels(weights, np.zeros((1, 1)), np.ones((1, 1)))


@pytest.mark.parametrize("design", RANDOM_DESIGNS)
def test_the_same_stream_draws_the_same_kernels_and_another_stream_others(design):
    assert (drawn(design, seed=1).weights == drawn(design, seed=1).weights).all()
    assert (drawn(design, seed=1).weights != drawn(design, seed=2).weights).any()


@pytest.mark.parametrize("design", RANDOM_DESIGNS)
def test_classes_have_different_kernels(design):
    weights = drawn(design).weights
    assert (weights[0] != weights[1]).any()
