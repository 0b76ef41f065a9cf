from __future__ import annotations

import numpy as np
import pytest

from attributionlab.scenes.placement import Outline, draw_outline, place, thin
from attributionlab.seeding import generator


def full(rows, columns):
    return Outline("square", rows / 2, np.ones((rows, columns), dtype=np.bool_))


@pytest.mark.parametrize("seed", range(10))
def test_an_outline_is_cut_out_tightly(seed):
    outline = draw_outline(("triangle", "square", "circle", "bezier-blob"), (1.0, 6.0), generator(seed))
    assert outline.support[0].any()
    assert outline.support[-1].any()
    assert outline.support[:, 0].any()
    assert outline.support[:, -1].any()
    assert outline.area == outline.support.sum()
    assert 1.0 <= outline.radius <= 6.0


def test_every_shape_and_the_whole_range_of_radii_are_drawn():
    outlines = [draw_outline(("triangle", "square", "circle"), (2.0, 6.0), generator(seed)) for seed in range(200)]
    assert {outline.shape for outline in outlines} == {"triangle", "square", "circle"}
    radii = [outline.radius for outline in outlines]
    assert min(radii) < 2.1
    assert max(radii) > 5.9


@pytest.mark.parametrize("seed", range(20))
def test_placed_outlines_lie_in_the_image_and_share_no_pixel(seed):
    random = generator(seed, "placement")
    outlines = [draw_outline(("triangle", "square", "circle"), (2.0, 4.0), random) for _ in range(4)]
    corners = place(outlines, (24, 30), random)
    taken = np.zeros((24, 30), dtype=int)
    for outline, (top, left) in zip(outlines, corners, strict=True):
        rows, columns = outline.support.shape
        assert 0 <= top <= 24 - rows
        assert 0 <= left <= 30 - columns
        taken[top : top + rows, left : left + columns] += outline.support
    assert taken.max() == 1
    assert taken.sum() == sum(outline.area for outline in outlines)


def test_an_outline_as_large_as_the_image_lies_in_its_corner():
    assert place([full(7, 9)], (7, 9), generator(0)) == [(0, 0)]


def test_where_there_is_no_room_no_place_is_found():
    assert place([full(6, 6), full(6, 6)], (8, 8), generator(0)) is None


def test_supports_may_interlock_as_long_as_no_pixel_is_shared():
    corner = np.array([[True, True], [True, False]])
    outlines = [Outline("corner", 1.0, corner), Outline("dot", 0.5, np.array([[True]]))]
    assert place(outlines, (2, 2), generator(0)) == [(0, 0), (1, 1)]


def test_the_largest_outline_is_placed_first_whatever_the_order():
    assert place([full(1, 1), full(5, 5)], (5, 6), generator(1))[1] in [(0, 0), (0, 1)]


@pytest.mark.parametrize("side", [1, 2])
def test_every_place_can_be_drawn(side):
    corners = {place([full(side, side)], (4, 3), generator(seed))[0] for seed in range(200)}
    assert corners == {(top, left) for top in range(5 - side) for left in range(4 - side)}


def test_thinning_keeps_about_half_of_the_support_and_nothing_else():
    outlines = [draw_outline(("circle",), (40.0, 40.0), generator(0)) for _ in range(2)]
    first, second = thin(outlines, generator(1))
    for kept, outline in zip((first, second), outlines, strict=True):
        assert not (kept & ~outline.support).any()
        assert abs(kept.sum() / outline.area - 0.5) < 4 * 0.5 / outline.area**0.5  # four standard errors
    assert not np.array_equal(first, second)
