from __future__ import annotations

import collections
import itertools

import numpy as np
import pytest
import torch
from einops import rearrange
from oracles import accumulate, count_labels
from torch import nn
from wide import first_of, some_of

from attributionlab.errors import BadOption, Inexact
from attributionlab.networks import Accumulator, Redundancy, dyadic
from attributionlab.networks.blocks import _windows, design_blocks
from attributionlab.networks.kernels import LADDER

DESIGNS = ("uniform", "nonnegative", "signed")
RECTANGLES = [(16, 50), (50, 16), (17, 81), (27, 16), (30, 32), (81, 16)]
N_CLASSES = 4
SCALES = (1 / 8, 1.0, 3 / 8, 1 / 1024, 5.0, 0.0, -1 / 8, -1.0, -3 / 4)


def random_labels(shape, n_labels=N_CLASSES + 1, seed=0):
    """Labels of cells: 0..3 are classes, 4 the background, 5 an unknown color."""
    return np.random.default_rng([seed, *shape]).integers(0, n_labels, shape)


def as_channels(labels, n_redundant=0):
    """What a detector returns for these labels (b, h, w)."""
    classes = [labels == index for index in range(N_CLASSES)]
    channels = np.stack([*classes, *[labels == N_CLASSES + 1] * n_redundant], axis=1)
    return torch.from_numpy(channels).float()


def designed_labels(size):
    """Images of nothing, of one class only, and of all classes at random."""
    full = [np.full((1, *size), label) for label in range(N_CLASSES + 1)]
    return np.concatenate([*full, random_labels((2, *size))])


def pads(shape, padding):
    """`nn.functional.pad` for the zeros around an image whose windows start `padding` before it."""
    before_y, before_x = padding
    return [before_x, -(shape[1] + before_x) % 3, before_y, -(shape[0] + before_y) % 3]


@torch.no_grad()
def count(accumulator, channels):
    return accumulator(channels).tolist()


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(
    "size",
    some_of(
        [(side, side) for side in range(16, 41)] + RECTANGLES,
        *((side, side) for side in range(16, 28)),
        *RECTANGLES,
        several=False,
    ),
    ids=str,
)
def test_counts_are_numbers_of_pixels(size, design):
    labels = designed_labels(size)
    expected = [count_labels(image, N_CLASSES) for image in labels.tolist()]
    assert count(Accumulator(N_CLASSES, size, design=design), as_channels(labels)) == expected
    with_redundancy = Accumulator(N_CLASSES, size, design=design, redundancy=Redundancy(2))
    assert count(with_redundancy, as_channels(labels, n_redundant=2)) == expected


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("height", "width"), first_of([(224, 224), (500, 500), (512, 512), (16, 512), (512, 100)]))
@pytest.mark.parametrize("n_redundant", [0, 2])
def test_counts_of_large_images_are_numbers_of_pixels(height, width, design, n_redundant):
    size = (height, width)
    accumulator = Accumulator(N_CLASSES, size, design=design, redundancy=Redundancy(n_redundant))
    for labels in (random_labels((1, *size)), np.full((1, *size), 1)):
        numbers = collections.Counter(labels.flatten().tolist())
        expected = [[numbers[label] for label in range(N_CLASSES)]]
        assert count(accumulator, as_channels(labels, n_redundant)) == expected


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("design", DESIGNS)
def test_counts_are_right_whatever_the_seed(design, seed):
    labels = designed_labels((20, 20))
    accumulator = Accumulator(N_CLASSES, (20, 20), design=design, redundancy=Redundancy(2), seed=seed)
    assert count(accumulator, as_channels(labels, 2)) == [count_labels(image, N_CLASSES) for image in labels.tolist()]


@pytest.mark.parametrize(("design", "n_kernels"), [("uniform", 1), ("uniform", 5), ("nonnegative", 2), ("signed", 6)])
def test_counts_are_right_whatever_the_number_of_kernels(design, n_kernels):
    labels = designed_labels((16, 16))
    accumulator = Accumulator(N_CLASSES, (16, 16), design=design, n_kernels=n_kernels)
    assert count(accumulator, as_channels(labels)) == [count_labels(image, N_CLASSES) for image in labels.tolist()]
    assert accumulator.layers[0].out_channels == N_CLASSES * n_kernels


@pytest.mark.parametrize("grouped", [True, False])
def test_every_single_pixel_counts_one_for_its_class_and_nothing_for_others(grouped):
    positions = torch.eye(16 * 19).reshape(-1, 16, 19)
    accumulator = Accumulator(2, (16, 19), design="signed", grouped=grouped)
    with torch.no_grad():
        counts = accumulator(torch.stack([torch.zeros_like(positions), positions], dim=1))
    assert torch.equal(counts, torch.tensor([[0.0, 1.0]]).expand(16 * 19, 2))


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("scale", some_of(SCALES, 1.0, 1 / 1024, -3 / 4))
def test_unknown_colors_have_the_effect_that_the_weights_say(design, scale):
    size = (17, 20)
    accumulator = Accumulator(N_CLASSES, size, design=design, redundancy=Redundancy(2, scale), seed=1)
    labels = np.concatenate([random_labels((1, *size), 6, seed=3), np.full((1, *size), 5)])
    channels = as_channels(labels, 2)
    expected = [accumulate(image, accumulator.blocks) for image in channels.int().tolist()]
    assert count(accumulator, channels) == expected


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("scale", SCALES)
def test_what_enters_a_block_is_within_its_caps_and_on_its_grid(design, scale):
    accumulator = Accumulator(N_CLASSES, (16, 29), design=design, redundancy=Redundancy(2, scale), seed=2)
    labels = np.concatenate([random_labels((8, 16, 29), n_labels, seed=n_labels) for n_labels in (2, 5, 6)])
    labels = np.concatenate([labels, np.full((1, 16, 29), 5), np.where(labels[:1] == 0, 5, 0)])
    values = as_channels(labels, 2)
    for index, block in enumerate(accumulator.blocks):
        classes = values[:, :N_CLASSES].double()
        assert (classes >= 0).all()
        assert torch.equal(classes / block.grid, (classes / block.grid).round())
        padded = nn.functional.pad(classes, pads(classes.shape[2:], block.padding))
        windows = rearrange(padded, "b c (h y) (w x) -> b c (h w) (y x)", y=3, x=3)
        assert (windows <= torch.from_numpy(block.caps)).all()
        with torch.no_grad():
            values = accumulator.layers[4 * index : 4 * index + 4](values)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("scale", SCALES)
def test_bounds_hold_for_every_sum_of_absolute_products(design, scale):
    accumulator = Accumulator(N_CLASSES, (16, 29), design=design, redundancy=Redundancy(2, scale), seed=2)
    labels = np.concatenate([random_labels((8, 16, 29), n_labels, seed=n_labels) for n_labels in (2, 5, 6)])
    labels = np.concatenate([labels, *(np.full((1, 16, 29), label) for label in (0, 1, 5))])
    values = as_channels(labels, 2).double()
    bounds = iter(accumulator.bounds)
    for layer in accumulator.double().layers:
        if isinstance(layer, nn.Conv2d):
            bound = next(bounds)
            absolute = nn.functional.conv2d(
                values.abs(), layer.weight.abs(), layer.bias.abs(), layer.stride, layer.padding, groups=layer.groups
            )
            assert absolute.max() <= bound.magnitude
            sums = layer(values) / bound.grid
            assert torch.equal(sums, sums.round())
        with torch.no_grad():
            values = layer(values)


def test_the_first_bounds_are_reached_by_the_worst_window():
    accumulator = Accumulator(1, (3, 3), design="uniform")
    assert [(bound.magnitude, bound.grid) for bound in accumulator.bounds] == [(9.0, 1.0), (9.0, 1 / 4)]


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("size", [(16, 16), (224, 224), (512, 512)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_every_layer_is_provably_exact(design, size, seed):
    accumulator = Accumulator(N_CLASSES, size, design=design, redundancy=Redundancy(2), seed=seed)
    assert len(accumulator.bounds) == len(accumulator.layers) / 2
    assert all(bound.magnitude / bound.grid <= 2**24 for bound in accumulator.bounds)


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("scale", [1 / 8, 1 / 16])
def test_large_images_are_provably_exact_with_every_seed(design, scale):
    for seed in range(25):
        for size in ((512, 512), (500, 500)):
            accumulator = Accumulator(N_CLASSES, size, design=design, redundancy=Redundancy(2, scale), seed=seed)
            assert all(bound.magnitude / bound.grid <= 2**24 for bound in accumulator.bounds)


def test_layers_are_named_in_their_bounds():
    names = [bound.layer for bound in Accumulator(1, (9, 9)).bounds]
    assert names == [f"{kind} layer of accumulator block {index}" for index in (1, 2) for kind in ("3x3", "1x1")]


@pytest.fixture
def uncached_blocks():
    """Blocks that are drawn anew, before and after a test that changes the bound."""
    design_blocks.cache_clear()
    yield
    design_blocks.cache_clear()


@pytest.mark.usefixtures("uncached_blocks")
@pytest.mark.parametrize("design", DESIGNS)
def test_a_tighter_bound_makes_the_builder_choose_coarser_weights_that_still_count(design, monkeypatch):
    fine = Accumulator(N_CLASSES, (32, 32), design=design, redundancy=Redundancy(2))
    tightest = max(bound.multiples for bound in fine.bounds)
    monkeypatch.setattr(dyadic, "EXACT_MULTIPLES", tightest - 1)
    design_blocks.cache_clear()
    coarse = Accumulator(N_CLASSES, (32, 32), design=design, redundancy=Redundancy(2))
    assert max(bound.multiples for bound in coarse.bounds) < tightest
    labels = designed_labels((32, 32))
    assert count(coarse, as_channels(labels, 2)) == [count_labels(image, N_CLASSES) for image in labels.tolist()]


@pytest.mark.usefixtures("uncached_blocks")
@pytest.mark.parametrize("design", DESIGNS)
def test_where_no_rung_is_exact_the_network_is_refused(design, monkeypatch):
    monkeypatch.setattr(dyadic, "EXACT_MULTIPLES", 100)
    with pytest.raises(
        Inexact, match=r"layer of accumulator block \d would not be exact.*choose a smaller image, or a coarser"
    ):
        Accumulator(N_CLASSES, (32, 32), design=design)


def test_a_redundant_scale_that_is_too_fine_is_refused():
    with pytest.raises(Inexact, match="coarser or smaller `redundant_scale`"):
        Accumulator(N_CLASSES, (64, 64), redundancy=Redundancy(1, 2.0**-20))


def test_a_redundant_scale_that_is_too_large_is_refused():
    with pytest.raises(Inexact, match="coarser or smaller `redundant_scale`"):
        Accumulator(N_CLASSES, (64, 64), redundancy=Redundancy(1, 2.0**20))


@pytest.mark.parametrize(("design", "n_kernels", "least"), [("uniform", 0, 1), ("nonnegative", 1, 2), ("signed", 1, 2)])
def test_too_few_kernels_are_refused(design, n_kernels, least):
    message = f"`n_kernels` must be at least {least} for accumulator '{design}', got {n_kernels}"
    with pytest.raises(BadOption, match=message):
        Accumulator(N_CLASSES, (16, 16), design=design, n_kernels=n_kernels)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("redundancy", [Redundancy(2), Redundancy(1, -1 / 8), Redundancy(2, 0.0)], ids=str)
def test_kernels_are_the_same_with_redundancy_on_and_off(design, redundancy):
    off = Accumulator(N_CLASSES, (32, 32), design=design, seed=5)
    on = Accumulator(N_CLASSES, (32, 32), design=design, seed=5, redundancy=redundancy)
    for without, with_redundancy in zip(off.blocks, on.blocks, strict=True):
        assert (without.kernels.weights == with_redundancy.kernels.weights).all()
        assert (without.kernels.mixing == with_redundancy.kernels.mixing).all()


@pytest.mark.parametrize("design", ["nonnegative", "signed"])
def test_every_block_has_kernels_of_its_own(design):
    first, second, third = (block.kernels.weights for block in Accumulator(2, (27, 27), design=design).blocks)
    assert (first != second).any()
    assert (second != third).any()


@pytest.mark.parametrize("n_redundant", [1, 2, 3])
def test_redundant_channels_enter_the_first_block_only_with_zero_or_the_scale(n_redundant):
    first, *others = Accumulator(N_CLASSES, (32, 32), redundancy=Redundancy(n_redundant, 0.25)).blocks
    assert set(first.redundant.flatten().tolist()) == {0.0, 0.25}
    assert first.redundant.shape == (N_CLASSES, 3, n_redundant, 9)
    assert all(block.redundant.shape == (N_CLASSES, 3, 0, 9) for block in others)


def test_about_half_of_the_redundant_weights_are_connected():
    weights = Redundancy(20, 1.0).draw(4, 3, seed=0)
    assert abs(weights.mean() - 0.5) < 4 * 0.5 / weights.size**0.5  # four standard errors


def test_what_an_unknown_color_adds_is_the_sum_of_its_redundant_channels():
    block = Accumulator(2, (9, 9), redundancy=Redundancy(3, 0.5)).blocks[0]
    for c, i, j in itertools.product(range(2), range(3), range(9)):
        assert block.unknown[c, i, j] == sum(block.redundant[c, i, extra, j] for extra in range(3))


def test_a_scale_of_zero_makes_unknown_colors_harmless():
    accumulator = Accumulator(N_CLASSES, (16, 16), redundancy=Redundancy(2, 0.0))
    labels = random_labels((3, 16, 16), 6)
    expected = [count_labels(image, N_CLASSES) for image in labels.tolist()]
    assert count(accumulator, as_channels(labels, 2)) == expected


def test_without_a_scale_of_zero_unknown_colors_are_not_harmless():
    accumulator = Accumulator(N_CLASSES, (16, 16), redundancy=Redundancy(2))
    assert min(count(accumulator, as_channels(np.full((1, 16, 16), 5), 2))[0]) > 0


@pytest.mark.parametrize("n_redundant", [0, 2])
@pytest.mark.parametrize("design", DESIGNS)
def test_grouped_and_dense_layers_count_alike_bit_for_bit(design, n_redundant):
    options = {"design": design, "redundancy": Redundancy(n_redundant), "seed": 3}
    channels = as_channels(random_labels((4, 20, 23), 6), n_redundant)
    grouped = count(Accumulator(N_CLASSES, (20, 23), **options), channels)
    assert count(Accumulator(N_CLASSES, (20, 23), grouped=False, **options), channels) == grouped


def test_dense_layers_have_no_groups_and_grouped_ones_have_one_per_class():
    dense = Accumulator(N_CLASSES, (16, 16), grouped=False)
    grouped = Accumulator(N_CLASSES, (16, 16))
    redundant = Accumulator(N_CLASSES, (16, 16), redundancy=Redundancy(1))
    assert [layer.groups for layer in dense.layers[::2]] == [1] * 6
    assert [layer.groups for layer in grouped.layers[::2]] == [4] * 6
    assert [layer.groups for layer in redundant.layers[::2]] == [1, 4, 4, 4, 4, 4]


@pytest.mark.parametrize(
    ("size", "n_blocks"), [((16, 16), 3), ((27, 27), 3), ((28, 28), 4), ((16, 50), 4), ((224, 224), 5), ((512, 512), 6)]
)
def test_there_are_as_many_blocks_as_one_cell_needs(size, n_blocks):
    accumulator = Accumulator(1, size)
    assert len(accumulator.blocks) == n_blocks
    assert [type(layer) for layer in accumulator.layers] == [nn.Conv2d, nn.ReLU, nn.Conv2d, nn.ReLU] * n_blocks
    assert [layer.kernel_size for layer in accumulator.layers[::2]] == [(3, 3), (1, 1)] * n_blocks


@pytest.mark.parametrize("height", range(1, 12))
@pytest.mark.parametrize("width", [1, 2, 3, 16])
def test_windows_are_what_a_convolution_with_this_padding_sees(height, width):
    cells = np.arange(1.0, height * width + 1).reshape(height, width)
    windows, padding = _windows(cells)
    seen = nn.functional.unfold(torch.from_numpy(cells)[None, None], 3, stride=3, padding=padding)[0].T
    assert np.array_equal(windows, seen.numpy())


@pytest.mark.parametrize("height", range(1, 12))
@pytest.mark.parametrize("width", [1, 2, 3, 16])
def test_every_cell_lies_in_exactly_one_window(height, width):
    windows, _ = _windows(np.arange(1.0, height * width + 1).reshape(height, width))
    assert sorted(windows[windows > 0].tolist()) == list(range(1, height * width + 1))
    assert len(windows) == -(-height // 3) * -(-width // 3)


def test_caps_are_the_numbers_of_pixels_under_each_cell():
    first, second = Accumulator(1, (7, 8)).blocks  # rows 0 1 | 2 3 4 | 5 6 and columns 0 1 | 2 3 4 | 5 6 7
    assert first.caps.sum(axis=1).tolist() == [4, 6, 6, 6, 9, 9, 4, 6, 6]
    assert set(first.caps.flatten().tolist()) == {0, 1}
    assert second.caps.tolist() == [[4, 6, 6, 6, 9, 9, 4, 6, 6]]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, again, other = (Accumulator(2, (16, 16), seed=seed, redundancy=Redundancy(1)) for seed in (4, 4, 5))
    for one, two, three in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
        assert one.ndim < 4 or not torch.equal(one, three)


def test_levels_of_the_ladder_get_coarser():
    grids = [rung.grid * min(rung.magnitudes) for rung in LADDER]
    assert grids == sorted(grids)


@pytest.mark.parametrize("size", [(27, 28), (28, 27), (30, 28)])
def test_images_of_another_size_are_refused_rather_than_miscounted(size):
    with pytest.raises(BadOption, match="`inputs` must have 28x28 pixels"):
        Accumulator(1, (28, 28))(torch.ones(1, 1, *size))
