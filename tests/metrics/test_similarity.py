"""Similarity of two maps, against literal loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from attributionlab.errors import BadOption, NotFinite, WrongShape
from attributionlab.metrics import SIMILARITIES, gaussian_maps, is_map, map_similarity, region_mass


@pytest.fixture(scope="module")
def maps():
    random = torch.Generator().manual_seed(0)
    first = torch.randn(3, 9, 11, generator=random, dtype=torch.float64)
    return first, 0.5 * first + torch.randn(3, 9, 11, generator=random, dtype=torch.float64)


def literal_ssim(a, b):
    """Wang et al. 2004, with sample variances, in windows of 7x7 that lie in the image."""
    values = []
    for top in range(len(a) - 6):
        for left in range(len(a[0]) - 6):
            pairs = [(a[top + y][left + x], b[top + y][left + x]) for y in range(7) for x in range(7)]
            mean_a, mean_b = (sum(pair[side] for pair in pairs) / 49 for side in (0, 1))
            var_a = sum((x - mean_a) ** 2 for x, _ in pairs) / 48
            var_b = sum((y - mean_b) ** 2 for _, y in pairs) / 48
            cov = sum((x - mean_a) * (y - mean_b) for x, y in pairs) / 48
            top_part = (2 * mean_a * mean_b + 0.01**2) * (2 * cov + 0.03**2)
            values.append(top_part / ((mean_a**2 + mean_b**2 + 0.01**2) * (var_a + var_b + 0.03**2)))
    return sum(values) / len(values)


def literal_ranks(values):
    """Rank of each value: the number of smaller ones, and half of the equal ones."""
    return [sum((other < value) + 0.5 * (other == value) for other in values) for value in values]


def literal_spearman(a, b):
    ranks_a, ranks_b = literal_ranks(a), literal_ranks(b)
    mean_a, mean_b = sum(ranks_a) / len(a), sum(ranks_b) / len(b)
    cov = sum((x - mean_a) * (y - mean_b) for x, y in zip(ranks_a, ranks_b, strict=True))
    var_a, var_b = sum((x - mean_a) ** 2 for x in ranks_a), sum((y - mean_b) ** 2 for y in ranks_b)
    return cov / math.sqrt(var_a * var_b)


def test_every_comparison_is_what_its_formula_says(maps):
    similarity = map_similarity(*maps)
    for index, (first, second) in enumerate(zip(*maps, strict=True)):
        a, b = first.numpy(), second.numpy()
        flat_a, flat_b = a.ravel().round(1), b.ravel().round(1)
        by_magnitude, by_range, signed = (
            [scale(values).tolist() for values in (a, b)]
            for scale in (
                lambda values: abs(values) / abs(values).max(),
                lambda values: (values - values.min()) / (values.max() - values.min()),
                lambda values: values / abs(values).max(),
            )
        )
        expected = {
            "ssim_magnitude": literal_ssim(*by_magnitude),
            "ssim_minmax": literal_ssim(*by_range),
            "ssim_signed": literal_ssim(*signed),
            "rank": literal_spearman(a.ravel().tolist(), b.ravel().tolist()),
            "rank_magnitude": literal_spearman(abs(a).ravel().tolist(), abs(b).ravel().tolist()),
            "norm_difference": math.sqrt(((a - b) ** 2).sum()) / math.sqrt((a**2).sum()),
        }
        for name, value in expected.items():
            assert getattr(similarity, name)[index] == pytest.approx(value, rel=1e-9), name  # other order of summation
        tied = map_similarity(torch.tensor(flat_a).view(1, 9, 11), torch.tensor(flat_b).view(1, 9, 11))
        assert float(tied.rank) == pytest.approx(literal_spearman(flat_a.tolist(), flat_b.tolist()), rel=1e-9)
    assert similarity.has_maps.all()


def test_equal_maps_are_as_similar_as_maps_can_be(maps):
    similarity = map_similarity(maps[0], maps[0])
    for name in SIMILARITIES:
        perfect = 0.0 if name == "norm_difference" else 1.0
        torch.testing.assert_close(getattr(similarity, name), torch.full((3,), perfect, dtype=torch.float64))


def test_a_factor_changes_the_norm_only_and_a_sign_the_ranks_but_not_signed_ssim(maps):
    first = maps[0]
    doubled, negative = map_similarity(first, 2 * first), map_similarity(first, -first)
    assert doubled.norm_difference.tolist() == [1.0] * 3
    torch.testing.assert_close(doubled.ssim_signed, torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(negative.rank, -torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(negative.rank_magnitude, torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(negative.ssim_magnitude, torch.ones(3, dtype=torch.float64))
    assert (negative.ssim_minmax < 0).all()
    assert (negative.ssim_signed > 0.5).all()  # its factors change their signs together


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_a_zero_or_constant_map_is_no_map(maps, value):
    constant = torch.full((3, 9, 11), value)
    for pair in ((maps[0], constant), (constant, maps[0]), (constant, constant)):
        similarity = map_similarity(*pair)
        assert not similarity.has_maps.any()
        assert all(getattr(similarity, name).isnan().all() for name in SIMILARITIES)
    assert is_map(maps[0]).all()
    assert not is_map(constant).any()


def test_maps_without_negative_values_have_no_signed_comparison(maps):
    similarity = map_similarity(maps[0].abs(), maps[1].abs())
    assert similarity.ssim_signed.isnan().all()
    assert similarity.has_maps.all()


def test_equal_magnitudes_have_no_comparison_of_magnitudes(maps):
    signs = maps[0].sign()
    similarity = map_similarity(signs, maps[1])
    assert similarity.ssim_magnitude.isnan().all()
    assert similarity.rank_magnitude.isnan().all()
    assert not similarity.ssim_signed.isnan().any()


def test_channels_are_summed_with_signs(maps):
    stacked = torch.stack([maps[0] + 1, -torch.ones_like(maps[0])], dim=1)
    torch.testing.assert_close(map_similarity(stacked, maps[1]).rank, map_similarity(maps[0], maps[1]).rank)


def test_gaussian_maps_depend_on_seed_and_map_and_are_hardly_similar(maps):
    drawn = gaussian_maps(maps[0])
    assert torch.equal(drawn[1:], gaussian_maps(maps[0][1:]))
    assert not torch.equal(drawn, gaussian_maps(maps[0], seed=1))
    assert len(np.unique(drawn)) == drawn.numel()


def test_mass_is_the_share_of_magnitudes_in_a_region():
    values = torch.tensor([[[1.0, -2.0], [3.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    region = torch.tensor([[[True, True], [False, False]]]).expand(2, 2, 2)
    mass = region_mass(values, region)
    assert mass[0] == 0.5
    assert mass[1].isnan()


@pytest.mark.parametrize(
    ("first", "second", "error", "message"),
    [
        (torch.randn(1, 6, 9), torch.randn(1, 6, 9), BadOption, "`first` must have sides of at least 7 pixels"),
        (torch.randn(1, 9), torch.randn(1, 9), BadOption, "`first` must be real numbers of shape"),
        (torch.randn(1, 9, 9), torch.randn(1, 9, 8), WrongShape, "`second` must be real values of shape"),
        (torch.randn(1, 9, 9), torch.full((1, 9, 9), torch.nan), NotFinite, "`second` must be finite values"),
    ],
)
def test_other_values_are_refused(first, second, error, message):
    with pytest.raises(error, match=message):
        map_similarity(first, second)


def test_a_region_of_numbers_is_refused():
    with pytest.raises(BadOption, match="`region` must be booleans"):
        region_mass(torch.ones(1, 2, 2), torch.ones(1, 2, 2))
