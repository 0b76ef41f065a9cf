from __future__ import annotations

import numpy as np
import pytest

from attributionlab.scenes import SHAPES
from attributionlab.seeding import generator

RADII = (0.3, 1.0, 1.5, 2.9, 5.0, 7.3, 12.0)


def mask_of(shape, radius, seed=0):
    return SHAPES[shape](radius, generator(seed, "shape of a test"))


def pixels_where(radius, inside):
    """The mask of the pixels for which `inside(row, column)` holds, relative to the middle one."""
    half = int(np.ceil(radius))
    return np.array([[inside(y, x) for x in range(-half, half + 1)] for y in range(-half, half + 1)])


@pytest.mark.parametrize("radius", RADII)
def test_a_circle_is_every_pixel_within_its_radius(radius):
    assert np.array_equal(mask_of("circle", radius), pixels_where(radius, lambda y, x: y * y + x * x <= radius**2))


@pytest.mark.parametrize("radius", RADII)
def test_a_square_is_every_pixel_within_its_radius_along_both_axes(radius):
    expected = pixels_where(radius, lambda y, x: -radius <= y <= radius and -radius <= x <= radius)
    assert np.array_equal(mask_of("square", radius), expected)


@pytest.mark.parametrize("radius", RADII)
def test_a_triangle_widens_from_its_tip_to_its_base_in_one_of_four_directions(radius):
    upright = pixels_where(radius, lambda y, x: y <= radius and 2 * abs(x) <= y + radius)
    turned = [np.rot90(upright, quarter) for quarter in range(4)]
    for seed in range(8):
        assert any(np.array_equal(mask_of("triangle", radius, seed), expected) for expected in turned)


def test_triangles_point_in_all_four_directions():
    assert len({mask_of("triangle", 5.0, seed).tobytes() for seed in range(40)}) == 4


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", RADII)
def test_a_shape_has_its_middle_pixel_and_an_odd_number_of_rows_and_columns(shape, radius):
    mask = mask_of(shape, radius)
    assert mask.dtype == np.bool_
    assert mask.shape[0] == mask.shape[1]
    assert mask.shape[0] % 2 == 1
    assert mask[mask.shape[0] // 2, mask.shape[1] // 2]


@pytest.mark.parametrize("radius", [3.0, 8.0, 20.0])
def test_a_blob_lies_between_its_inner_and_outer_radius(radius):
    for seed in range(20):
        mask = mask_of("bezier-blob", radius, seed)
        half = mask.shape[0] // 2
        rows, columns = np.nonzero(mask)
        assert np.hypot(rows - half, columns - half).max() <= 1.3 * radius
        y, x = np.mgrid[-half : half + 1, -half : half + 1]
        assert mask[np.hypot(y, x) <= 0.6 * radius].all()


def test_a_blob_covers_about_three_squared_radii():
    areas = [mask_of("bezier-blob", 20.0, seed).sum() for seed in range(300)]
    assert abs(np.mean(areas) / 400 - 2.97) < 4 * np.std(areas) / 400 / 300**0.5  # four standard errors


def test_blobs_of_different_streams_differ():
    assert not np.array_equal(mask_of("bezier-blob", 9.0, 1), mask_of("bezier-blob", 9.0, 2))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_stream_gives_the_same_shape(shape):
    assert np.array_equal(mask_of(shape, 6.5, 3), mask_of(shape, 6.5, 3))
