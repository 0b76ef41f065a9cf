"""GradCAM by hand on a network of two layers, and how its layer is found."""

import re
from functools import cache

import pytest
import torch
from torch import nn

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption
from attributionlab.methods import make_method
from attributionlab.methods.cam import find_layer

KERNELS = (1.0, -1.0)
READOUT = (2.0, 3.0)


class TwoLayers(nn.Module):
    """Every second pixel times 1 and -1, ReLU, and 2 and 3 times their sums."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 1, stride=2, bias=False), nn.ReLU())
        self.readout = nn.Linear(2, 1, bias=False)
        self.features[0].weight.data = torch.tensor(KERNELS)[:, None, None, None]
        self.readout.weight.data = torch.tensor(READOUT)[None]

    def forward(self, inputs):
        return self.readout(self.features(inputs).sum(dim=(2, 3)))


def enlarged(coarse, side, interpolation):
    """Literal enlargement: pixel centers, edges held."""
    n = len(coarse)
    rows = []
    for y in range(side):
        row = []
        for x in range(side):
            v, u = (y + 0.5) * n / side - 0.5, (x + 0.5) * n / side - 0.5
            if interpolation == "nearest":
                row.append(coarse[y * n // side][x * n // side])
                continue
            v, u = min(max(v, 0.0), n - 1), min(max(u, 0.0), n - 1)
            top, left = min(int(v), n - 2), min(int(u), n - 2)
            down, right = v - top, u - left
            upper = coarse[top][left] * (1 - right) + coarse[top][left + 1] * right
            lower = coarse[top + 1][left] * (1 - right) + coarse[top + 1][left + 1] * right
            row.append(upper * (1 - down) + lower * down)
        rows.append(row)
    return torch.tensor(rows)


IMAGE = torch.zeros(1, 1, 6, 6)
IMAGE[0, 0, ::2, ::2] = torch.tensor([[4.0, -2.0, 0.0], [-8.0, 6.0, 2.0], [1.0, 0.0, -3.0]])


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_gradcam_after_the_relu_equals_the_sum_of_channels_by_their_gradients(interpolation):
    """The gradient of channel k is its readout everywhere: 2 relu(x) + 3 relu(-x)."""
    method = make_method("gradcam", layer="features.1", interpolation=interpolation)
    maps = method(TwoLayers(), IMAGE, torch.tensor([0]))
    coarse = [[2 * max(x, 0) + 3 * max(-x, 0) for x in row] for row in IMAGE[0, 0, ::2, ::2].tolist()]
    torch.testing.assert_close(maps[0], enlarged(coarse, 6, interpolation))


@pytest.mark.parametrize("relu", [True, False])
def test_gradcam_before_the_relu_averages_the_gradients_and_drops_negative_sums(relu):
    """Of 9 cells 4 are positive and 3 negative, so the average gradients are 2 * 4/9 and 3 * 3/9."""
    maps = make_method("gradcam", layer="features.0", relu=relu)(TwoLayers(), IMAGE, torch.tensor([0]))
    combined = [[2 * 4 / 9 * x + 3 * 3 / 9 * -x for x in row] for row in IMAGE[0, 0, ::2, ::2].tolist()]
    kept = [[max(x, 0.0) if relu else x for x in row] for row in combined]
    torch.testing.assert_close(maps[0], enlarged(kept, 6, "bilinear"))
    assert (maps < 0).any() != relu


def test_the_enlargement_has_no_more_than_the_range_of_the_layer():
    maps = make_method("gradcam", layer="features.1")(TwoLayers(), IMAGE, torch.tensor([0]))
    assert maps.max() <= 24.0
    assert maps.min() >= 0.0


@cache
def environment():
    return make_environment("multi-color-sum[size=16]")


@pytest.mark.parametrize("layer", range(12))
def test_a_layer_is_found_by_its_index_into_the_accumulator(layer):
    assert find_layer(environment().model, layer) is environment().model.accumulator.layers[layer]


def test_the_default_layer_is_the_fifth_of_the_paper():
    assert make_method("gradcam").layer == 5
    batch = environment().sample(1)
    maps = [
        make_method("gradcam", **options)(environment().model, batch.inputs, batch.targets)
        for options in ({}, {"layer": 5}, {"layer": "accumulator.layers.5"})
    ]
    assert torch.equal(maps[0], maps[1])
    assert torch.equal(maps[0], maps[2])


def test_an_index_and_a_dotted_path_may_come_from_a_spec():
    assert make_method("gradcam[layer=3]").layer == 3
    assert make_method("gradcam[layer=detector.layers.9]").layer == "detector.layers.9"


@pytest.mark.parametrize("path", ["detector.layers.9", "accumulator.layers.0", "head.1"])
def test_a_layer_is_found_by_its_dotted_path(path):
    assert find_layer(environment().model, path) is environment().model.get_submodule(path)


@pytest.mark.parametrize("layer", [12, -1, 99, "head.9", "", "accumulator.layer.5"])
def test_a_layer_that_is_not_there_is_refused_with_the_range(layer):
    batch = environment().sample(1)
    path = "" if isinstance(layer, int) else ", or the dotted path of a module, such as accumulator.layers.11"
    with pytest.raises(BadOption, match=rf"^`layer` must be an index from 0 to 11{path}, got {layer!r}$"):
        make_method("gradcam", layer=layer)(environment().model, batch.inputs, batch.targets)


def test_a_layer_that_another_model_does_not_have_is_refused():
    hint = r"this model has first, relu, second, head|this model has [\w, .]+"
    with pytest.raises(
        BadOption, match=rf"^`layer` must be the dotted path of a module of the model, got 'features.7'; {hint}$"
    ):
        make_method("gradcam", layer="features.7")(TwoLayers(), IMAGE, torch.tensor([0]))


def test_an_index_names_a_layer_of_a_sequential_model():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1), nn.Flatten(), nn.Linear(72, 1))
    first, by_index, by_path = (
        make_method(f"gradcam[layer={layer}]")(model, IMAGE, torch.tensor([0])) for layer in ("0", "2", "model.2")
    )
    assert torch.equal(by_index, by_path)
    assert not torch.equal(by_index, first)


def test_an_index_that_no_layer_has_is_refused():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(72, 1))
    with pytest.raises(
        BadOption, match=r"^`layer` must be the dotted path .* of the model, got 3; this model has 0, 1, 2$"
    ):
        make_method("gradcam", layer=3)(model, IMAGE, torch.tensor([0]))


def test_the_last_layers_of_a_long_model_are_named():
    model = nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(7)))
    hint = r"this model has 2, 3, 4, 5, 6 \(2 more before\)"
    with pytest.raises(BadOption, match=rf"got 'x'; {hint}$"):
        make_method("gradcam", layer="x")(model, IMAGE, torch.tensor([0]))


@pytest.mark.parametrize("name", ["gradcam", "guided-gradcam", "iba"])
@pytest.mark.parametrize(
    ("layer", "hint"),
    [
        ("softmax", "Softmax returns (1, 4)"),
        ("head.0", "Linear returns (1, 4)"),
        ("accumulator", "Accumulator returns (1, 4)"),
    ],
)
def test_a_layer_without_maps_is_refused(name, layer, hint):
    batch = environment().sample(2)
    message = (
        f"`layer` must be one that returns maps (b, c, h, w), as a convolutional layer does, got {layer!r}; {hint}"
    )
    with pytest.raises(BadOption, match=rf"^{re.escape(message)}$"):
        make_method(name, environment(), layer=layer)(environment().model, batch.inputs, batch.targets)


class Odd(nn.Module):
    """A layer that returns no tensor, and layers in a list, which is no layer itself."""

    class Pair(nn.Module):
        def forward(self, inputs):
            return inputs, inputs

    def __init__(self):
        super().__init__()
        self.pair = self.Pair()
        self.several = nn.ModuleList([nn.Flatten()])

    def forward(self, inputs):
        return self.several[0](self.pair(inputs)[0])


@pytest.mark.parametrize(
    ("layer", "hint"), [("pair", "Pair returns tuple"), ("several", "ModuleList is never called itself")]
)
def test_what_is_no_layer_of_maps_is_refused(layer, hint):
    with pytest.raises(BadOption, match=rf"^`layer` must be one that returns maps .*; {hint}$"):
        make_method("gradcam", layer=layer)(Odd(), IMAGE, torch.tensor([0]))


def test_gradcam_without_relu_is_signed():
    assert make_method("gradcam").declaration.sign == "positive"
    assert make_method("gradcam", relu=False).declaration.sign == "signed"


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_guided_gradcam_is_guided_backpropagation_times_gradcam(interpolation):
    """On two layers by hand: guided backpropagation gives 2 where a pixel is positive and -3 where it is negative."""
    options = {"layer": "features.1", "interpolation": interpolation}
    maps = make_method("guided-gradcam", **options)(TwoLayers(), IMAGE, torch.tensor([0]))
    coarse = [[2 * max(x, 0) + 3 * max(-x, 0) for x in row] for row in IMAGE[0, 0, ::2, ::2].tolist()]
    guided = torch.zeros(6, 6)
    guided[::2, ::2] = 2.0 * (IMAGE[0, 0, ::2, ::2] > 0) - 3.0 * (IMAGE[0, 0, ::2, ::2] < 0)
    torch.testing.assert_close(maps[0], guided * enlarged(coarse, 6, interpolation))
