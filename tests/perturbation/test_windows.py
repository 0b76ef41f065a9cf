"""Windows evaluated by the cells they touch, against one forward pass per window."""

from __future__ import annotations

import pytest
import torch
from wide import some_of

import attributionlab as al
from attributionlab.perturbation import WindowedCounts
from attributionlab.seeding import generator

SPECS = [
    "multi-color-sum[size=25]",
    "multi-color-sum[accumulator=signed,size=16]",
    "multi-color-sum[accumulator=uniform,height=17,redundant_scale=-1/8,width=30]",
    "multi-color-sum[layout=dense,n_redundant=0,size=16]",
    "single-color-sum[size=19]",
    "single-color-modulo[accumulator=signed,size=27]",
]


def case(spec):
    """An image, an image of random integer colors, and windows everywhere, also over the edges."""
    environment = al.make_environment(spec)
    image = environment.sample(1).inputs
    largest = 256 if image.shape[1] == 3 else 2
    noise = torch.from_numpy(generator(0, "noise").integers(0, largest, image.shape)).float()
    tops, lefts = torch.cartesian_prod(torch.arange(image.shape[2]), torch.arange(image.shape[3])).T
    chosen = torch.arange(0, len(tops), 7)
    return environment.model, image, noise, tops[chosen], lefts[chosen]


def brute_force(model, image, replacement, tops, lefts, side):
    counts = []
    for top, left in zip(tops.tolist(), lefts.tolist(), strict=True):
        covered = image.clone()
        covered[:, :, top : top + side, left : left + side] = replacement[:, :, top : top + side, left : left + side]
        counts.append(model.counts(covered).detach())
    return torch.cat(counts)


@pytest.mark.parametrize("side", some_of([1, 2, 3, 4, 5, 9], 1, 4, 9))
@pytest.mark.parametrize("spec", SPECS)
def test_windowed_counts_are_those_of_forward_passes(spec, side):
    model, image, noise, tops, lefts = case(spec)
    counts = WindowedCounts(model, image, noise).counts(tops, lefts, side)
    assert torch.equal(counts, brute_force(model, image, noise, tops, lefts, side))


def test_an_image_of_random_colors_is_exact_too():
    model, image, noise, tops, lefts = case(SPECS[0])
    counts = WindowedCounts(model, noise, image).counts(tops, lefts, 5)
    assert torch.equal(counts, brute_force(model, noise, image, tops, lefts, 5))


@pytest.mark.parametrize("n_images", [1, 2, 5])
def test_windows_are_evaluated_in_parts_of_so_many_images(monkeypatch, n_images):
    """More crops at once cost memory, fewer cost time; the counts are the same bits."""
    model, image, noise, tops, lefts = case(SPECS[0])
    expected = WindowedCounts(model, image, noise, n_images=1000).counts(tops, lefts, 4)
    sizes = []
    usual = WindowedCounts._sum_of_cells
    monkeypatch.setattr(
        WindowedCounts, "_sum_of_cells", lambda self, crops: sizes.append(crops.numel()) or usual(self, crops)
    )
    assert torch.equal(WindowedCounts(model, image, noise, n_images).counts(tops, lefts, 4), expected)
    most = n_images * model.detect(image).numel()
    assert most / 2 < max(sizes) <= most


@pytest.mark.parametrize("spec", ["multi-color-sum[size=32]", "single-color-modulo[modulus=5,size=32]"])
def test_occlusion_keeps_to_its_internal_batch_size_without_forward_passes(monkeypatch, spec):
    """Neither the crops nor the counts that enter the head take more memory than so many images would."""
    environment = al.make_environment(spec)
    batch = environment.sample(2)
    crops, rows = [], []
    usual = WindowedCounts._sum_of_cells
    monkeypatch.setattr(
        WindowedCounts, "_sum_of_cells", lambda self, given: crops.append(given.numel()) or usual(self, given)
    )
    environment.model.head.register_forward_hook(lambda _module, given, _output: rows.append(len(given[0])))
    if environment.model.detector is not None:
        environment.model.detector.register_forward_hook(lambda _module, given, _output: rows.append(len(given[0])))
    most, maps = {}, {}
    for size in (1, 3, 50):
        crops.clear()
        rows.clear()
        method = al.make_method("occlusion", environment, window=7, stride=2, internal_batch_size=size)
        maps[size] = method(environment.model, batch.inputs, batch.targets)
        most[size] = max(crops)
        assert max(crops) <= size * environment.model.detect(batch.inputs[:1]).numel()
        assert max(rows) <= size
    assert most[1] < most[3] < most[50]
    assert torch.equal(maps[1], maps[50])
    assert torch.equal(maps[3], maps[50])


@pytest.mark.parametrize("options", [{}, {"baseline": "true"}, {"window": 7, "stride": 3}, {"window": 4, "stride": 4}])
@pytest.mark.parametrize("spec", [*SPECS, "multi-color-sum[output=logit,size=16]"])
def test_occlusion_is_that_of_captum_bit_for_bit(spec, options):
    environment = al.make_environment(spec)
    batch = environment.sample(2)
    method = al.make_method("occlusion", environment, **options)
    with torch.no_grad():
        expected = method.by_captum(environment.model, batch.inputs, batch.targets)[:, 0]
    assert torch.equal(method(environment.model, batch.inputs, batch.targets), expected)


def test_a_network_with_other_weights_is_occluded_by_forward_passes():
    """What is proven of the designed weights does not hold for others: its later blocks may clip."""
    environment = al.make_environment("multi-color-sum", size=16)
    batch, method = environment.sample(1), al.make_method("occlusion")
    with torch.no_grad():
        environment.model.accumulator.layers[4].bias -= 3
        assert not environment.model.accumulator.intact
        expected = method.by_captum(environment.model, batch.inputs, batch.targets)[:, 0]
    assert torch.equal(method(environment.model, batch.inputs, batch.targets), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("spec", SPECS)
def test_networks_are_intact_as_they_are_built(spec, dtype):
    assert al.make_environment(spec).build_network().to(dtype).accumulator.intact
