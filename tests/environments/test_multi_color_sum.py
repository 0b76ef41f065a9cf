from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch import nn

from attributionlab.environments import MultiColorSum, make_environment
from attributionlab.errors import BadOption, SaturationWarning
from attributionlab.networks.blocks import DEFAULT_REDUNDANT_SCALE

SIZES = {16: 0.25, 32: 0.25, 64: 1.0, 112: 4.0, 224: 16.0, 448: 64.0, 512: 64.0}


def small(**options):
    return make_environment("multi-color-sum", **{"size": 16, **options})


@pytest.mark.parametrize(("size", "temperature"), SIZES.items())
def test_the_default_temperature_scales_with_the_area_to_a_power_of_two(size, temperature):
    environment = small(size=size)
    assert environment.default_temperature == environment.counts_per_logit == temperature
    assert temperature == max(0.25, 2.0 ** round(math.log2(16 * size * size / 224**2)))
    assert environment.margin == 12.5 * temperature


def test_the_margin_follows_the_default_temperature_not_the_one_in_use():
    assert small(temperature=8.0).margin == small().margin == 12.5 * 0.25
    assert small(temperature=8.0).counts_per_logit == 8.0
    assert small(max_margin=2).margin == 2


def test_radii_scale_with_the_smaller_side():
    assert small(size=224).radii == (20.0, 44.0)
    assert make_environment("multi-color-sum", height=112, width=300).radii == (10.0, 22.0)
    assert small(size=32, min_radius=1.5).radii == (1.5, 44.0 * 32 / 224)


def test_defaults_are_those_of_the_design():
    environment = MultiColorSum()
    assert environment.colors == ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
    assert environment.background == (20, 20, 20)
    assert (environment.accumulator, environment.n_kernels) == ("nonnegative", 3)
    assert (environment.n_redundant, environment.redundant_scale) == (2, DEFAULT_REDUNDANT_SCALE)
    assert environment.explains == environment.output == "probability"


def test_options_reach_the_network():
    model = small(n_redundant=3, n_kernels=4, redundant_scale=0.5, network_seed=2).model
    assert len(model.detector.channels) == 7
    assert model.accumulator.layers[0].out_channels == 16
    assert set(model.accumulator.blocks[0].redundant.flatten().tolist()) == {0.0, 0.5}
    assert torch.equal(small(temperature=0.5, max_margin=1).model.head[2].weight, 2 * torch.eye(4))


def test_designs_reach_the_network():
    assert (small(accumulator="uniform").model.accumulator.blocks[0].kernels.weights == 1).all()
    assert (small(accumulator="nonnegative").model.accumulator.blocks[0].kernels.weights >= 0).all()
    assert (small(accumulator="signed").model.accumulator.blocks[0].kernels.weights < 0).any()


def test_the_output_decides_the_softmax_and_what_is_explained():
    assert isinstance(small().model.softmax, nn.Softmax)
    assert small(output="logit").model.softmax is None
    assert small(output="logit").explains == "logit"
    assert small().sample(1).ground_truth.negative_mask.any()
    assert not small(output="logit").sample(1).ground_truth.negative_mask.any()


def test_the_dense_layout_has_the_layers_of_the_paper_and_the_compact_one_fewer_weights():
    dense, compact = small(layout="dense").model, small().model
    n_weights = [sum(parameter.numel() for parameter in model.parameters()) for model in (dense, compact)]
    assert dense.detector.layers[0].out_channels == 9 * 5
    assert compact.detector.layers[0].out_channels < 9 * 5
    assert {layer.groups for layer in dense.modules() if isinstance(layer, nn.Conv2d)} == {1}
    assert n_weights[0] > n_weights[1]


def test_other_colors_and_backgrounds_work_as_well():
    colors = ((0, 0, 0), (1, 0, 0), (255, 255, 255))
    environment = small(colors=colors, background=(2, 0, 0), size=24)
    batch = environment.sample(4)
    assert torch.equal(environment.model(batch.inputs).argmax(dim=1), batch.labels)
    assert environment.true_baseline.tolist() == [2, 0, 0]
    assert {patch.color for scene in batch.scenes for patch in scene.patches} == set(colors)


def test_a_dead_softmax_is_announced():
    with pytest.warns(SaturationWarning, match=r"leads by more than 16 pixels.*raise `temperature`.*output=logit"):
        make_environment("multi-color-sum", temperature=1, max_margin=None)


@pytest.mark.parametrize(("margin", "announced"), [(4, False), (4.5, True), (None, True)])
def test_the_softmax_counts_as_dead_above_sixteen_temperatures(margin, announced):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        small(temperature=0.25, max_margin=margin)
    assert [warning.category for warning in caught] == [SaturationWarning] * announced


def test_a_logit_never_saturates():
    assert small(temperature=1, max_margin=None, output="logit").margin is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colors": ((1, 2, 3),)}, "`colors` must be at least two colors, got"),
        ({"colors": "1,2,3;1,2,3"}, "`colors` must be distinct, got"),
        ({"colors": "1,2,3;20,20,20"}, r"`colors` must differ from the background, got \(20, 20, 20\)"),
        ({"colors": "1,2,3;4,5,256"}, r"`colors` must have values in 0..255, got \(4, 5, 256\)"),
        ({"colors": "1,2,3;4,-5,6"}, r"`colors` must have values in 0..255, got \(4, -5, 6\)"),
        ({"background": "0,0,300"}, r"`background` must have values in 0..255, got \(0, 0, 300\)"),
        ({"background": "0,0"}, "`background` must be a color R,G,B, got '0,0'"),
        ({"colors": "red"}, "`colors` must be colors R,G,B;R,G,B;..., got 'red'"),
        ({"min_radius": 0}, "`min_radius` must be above 0, got 0"),
        ({"min_radius": 3, "max_radius": 2}, r"`max_radius` must be at least `min_radius` \(3\), got 2"),
        ({"max_radius": 8}, "`max_radius` must let a patch fit into 16x16 pixels, got 8"),
        ({"height": 32, "width": 16, "size": None, "max_radius": 8}, "`max_radius` must let a patch fit into 32x16"),
        ({"max_radius": "big"}, "`max_radius` must be a number or auto, got 'big'"),
        ({"max_margin": 0.5}, "`max_margin` must be at least 1 pixel, or none, got 0.5"),
        ({"max_margin": "nan"}, "`max_margin` must be a number or auto or none, got 'nan'"),
        ({"n_redundant": -1}, "`n_redundant` must be at least 0, got -1"),
        ({"redundant_scale": 0.1}, r"`redundant_scale` must be a multiple of 1/1024 .*, got 0.1"),
        ({"temperature": 3}, "`temperature` must be a power of two .*, got 3"),
        ({"temperature": 0}, "`temperature` must be a power of two .*, got 0"),
        ({"accumulator": "random"}, "`accumulator` must be uniform or nonnegative or signed, got 'random'"),
        ({"output": "value"}, "`output` must be probability or logit, got 'value'"),
        ({"layout": "wide"}, "`layout` must be compact or dense, got 'wide'"),
        ({"n_kernels": 2.5}, "`n_kernels` must be an integer, got 2.5"),
    ],
    ids=str,
)
def test_options_that_cannot_be_used_are_refused(options, message):
    options = {name: value for name, value in {"size": 16, **options}.items() if value is not None}
    with pytest.raises(BadOption, match=message):
        make_environment("multi-color-sum", **options)


def test_too_few_kernels_are_refused_when_the_network_is_built():
    with pytest.raises(BadOption, match="`n_kernels` must be at least 2 for accumulator 'nonnegative', got 1"):
        _ = small(n_kernels=1).model


def test_a_scale_of_a_1024th_is_a_finest_one():
    assert small(redundant_scale=1 / 1024).model.counts(torch.zeros(1, 3, 16, 16)).shape == (1, 4)
