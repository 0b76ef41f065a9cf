"""Methods whose maps are in the wrong place, or leave a part of the image out."""

from __future__ import annotations

from faulty.methods import gradient
from torch.nn import functional


def rows_and_columns_returned_swapped(model, inputs, targets):
    return gradient(model, inputs, targets).sum(dim=1).transpose(1, 2)


def reshaped_in_place_of_transposed(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    return maps.transpose(2, 3).reshape(maps.shape)


def moved_by_three_rows(model, inputs, targets):
    return gradient(model, inputs, targets).roll(3, dims=2)


def moved_far(model, inputs, targets):
    return gradient(model, inputs, targets).roll((-5, 7), dims=(2, 3))


def turned_by_180_degrees(model, inputs, targets):
    return gradient(model, inputs, targets).flip(2, 3)


def upside_down(model, inputs, targets):
    return gradient(model, inputs, targets).flip(2)


def mirrored(model, inputs, targets):
    return gradient(model, inputs, targets).flip(3)


def last_rows_never_covered(model, inputs, targets):
    """Windows of 5 rows, of which the rest is left out."""
    maps = gradient(model, inputs, targets)
    rest = maps.shape[2] % 5 or 1
    maps[:, :, -rest:] = 0
    return maps


def border_left_out(model, inputs, targets):
    inner = gradient(model, inputs, targets)[..., 1:-1, 1:-1]
    return functional.pad(inner, (1, 1, 1, 1))


def windows_off_by_half(model, inputs, targets):
    """Effects of windows of 5 pixels, written at the center of the next one."""
    return functional.pad(gradient(model, inputs, targets)[..., :-2, :-2], (2, 0, 2, 0))


def every_second_row_and_column(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    maps[:, :, 1::2] = 0
    maps[..., 1::2] = 0
    return maps


def right_on_squares_only(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    side = min(maps.shape[2:])
    return functional.pad(maps[..., :side, :side], (0, maps.shape[3] - side, 0, maps.shape[2] - side))


def turned_and_resized(model, inputs, targets):
    return functional.interpolate(gradient(model, inputs, targets).rot90(1, (2, 3)), size=inputs.shape[2:])


def smoothed_over_windows(model, inputs, targets):
    return functional.avg_pool2d(gradient(model, inputs, targets), 3, 1, 1)


def cells_with_aligned_corners(model, inputs, targets):
    cells = functional.avg_pool2d(gradient(model, inputs, targets), 2)
    return functional.interpolate(cells, size=inputs.shape[2:], mode="bilinear", align_corners=True)


def swapped_and_stretched(model, inputs, targets):
    return functional.interpolate(gradient(model, inputs, targets).transpose(2, 3), size=inputs.shape[2:])


def patches_put_together_in_another_order(model, inputs, targets):
    maps = gradient(model, inputs, targets).sum(dim=1)
    height, width = maps.shape[1:]
    patches = maps.reshape(-1, height // 2, 2, width // 2, 2).permute(0, 1, 3, 2, 4)
    return patches.reshape(maps.shape)


def shown_at_half_resolution(model, inputs, targets):
    small = functional.avg_pool2d(inputs, 2)
    return gradient(model, functional.interpolate(small, size=inputs.shape[2:]), targets)


FAULTS = {
    rows_and_columns_returned_swapped: ("assert_dummy", r"rows and columns are swapped: look for \(w, h\)"),
    reshaped_in_place_of_transposed: ("assert_dummy", "with a transpose in place of a reshape its F1"),
    moved_by_three_rows: ("assert_dummy", "moved by -3 rows and 0 columns its F1 on positive truth would be 1.00"),
    moved_far: ("assert_dummy", "moved by 5 rows and -7 columns its F1 on positive truth would be 1.00"),
    turned_by_180_degrees: ("assert_dummy", "turned by 180 degrees its F1"),
    upside_down: ("assert_dummy", "upside down its F1"),
    mirrored: ("assert_dummy", "mirrored its F1"),
    last_rows_never_covered: ("assert_sensitive", "leaves out the last row"),
    border_left_out: (
        "assert_sensitive",
        "leaves out the first row and the last row and the first column and the last",
    ),
    windows_off_by_half: ("assert_dummy", "moved by -2 rows and -2 columns its F1"),
    every_second_row_and_column: ("assert_values", "without rows 1, 3, 5 and 5 more and columns 1, 3, 5 and 6 more"),
    right_on_squares_only: ("assert_values", "the gradient, without columns 16, 17 of 16 x 18 pixels"),
    turned_and_resized: ("assert_values", "the gradient, the map turned by 90 degrees and stretched"),
    smoothed_over_windows: ("assert_values", "averaged over windows of 3 x 3 pixels.*granularity='coarse'"),
    cells_with_aligned_corners: ("assert_values", "averaged over cells of 2 x 2 pixels .* aligned corners"),
    swapped_and_stretched: ("assert_values", "the gradient, rows and columns swapped, and stretched"),
    patches_put_together_in_another_order: (
        "assert_sensitive",
        "has its values at wrong places: pixels of the background have one.*the order of patches",
    ),
    shown_at_half_resolution: ("assert_values", "shows the network other images .*they are smoothed or resized"),
}
