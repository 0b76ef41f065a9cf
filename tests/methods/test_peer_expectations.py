"""Expectations of the test suites of captum and zennit for relevance, guided backpropagation and deconvnet, restated.

The networks and the numbers are facts of captum's tests/attr/test_lrp.py, test_guided_backprop.py, test_deconvolution.py and
test_guided_grad_cam.py; the layers are those of zennit's tests/conftest.py. No code of theirs is used: rules are held to the sums
of their papers over a dense matrix.
"""

from __future__ import annotations

import pytest
import torch
from captum.attr import LRP
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.methods.base import captum_quiet
from attributionlab.methods.propagation import alpha_beta_rule, box_rule, epsilon_rule, flat_rule, gamma_rule


def linear(*rows, bias=None):
    layer = nn.Linear(len(rows[0]), len(rows), bias=bias is not None)
    layer.weight.data = torch.tensor(rows)
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


class Row(nn.Module):
    """Any network as one of single values, (1, d) to (1, k)."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers).eval()

    def forward(self, inputs):
        return self.layers(inputs)


def two_layers(relu):
    """6 (a + 2 a + 3 a), with weights 2 and 3."""
    return Row(linear(*[[2.0] * 3] * 3), relu, linear([3.0] * 3), nn.Dropout(0.01))


def one_convolution(relu=nn.ReLU):
    """Two windows of ones with biases -50 and -75, five of whose values are added and three subtracted."""
    convolution = nn.Conv2d(1, 2, 3)
    convolution.weight.data.fill_(1)
    convolution.bias.data = torch.tensor([-50.0, -75.0])
    rows = [[1.0] * 5 + [-1.0] * 3] * 4
    return nn.Sequential(convolution, relu(), nn.Flatten(), linear(*rows, bias=[0.0] * 4), relu()).eval()


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = linear([5.0, 5.0], [5.0, 5.0])

    def forward(self, inputs):
        return self.linear(inputs) + inputs


MULTIPLE_LAYERS = (
    linear([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]),
    linear(*[[1.0] * 3] * 4, bias=[-10.0, 1.0, 1.0, 1.0]),
    nn.ReLU(),
    linear([1.0] * 4, [1.0] * 4, bias=[-1.0, 1.0]),
)
SIXTEEN = torch.arange(16.0).reshape(1, 1, 4, 4)
TANH = Row(linear(*[[0.1] * 3] * 3), nn.Tanh(), linear([0.1] * 3))
ONE_TO_THREE = torch.tensor([[1.0, 2.0, 3.0]])

CAPTUM = {
    "basic": (one_convolution(), SIXTEEN, 0, [[0, 1, 2, 3], [0, 5, 6, 7], [0, 9, 10, 11], [0, 0, 0, 0]]),
    "simple": (two_layers(nn.ReLU()), ONE_TO_THREE, 0, [18, 36, 54]),
    "simple, threefold": (two_layers(nn.ReLU()), 3 * ONE_TO_THREE, 0, [54, 108, 162]),
    "simple, in place": (two_layers(nn.ReLU(inplace=True)), ONE_TO_THREE, 0, [18, 36, 54]),
    "tanh": (TANH, ONE_TO_THREE, 0, [0.0269, 0.0537, 0.0806]),
    "skip connection": (Skip(), torch.tensor([[2.0, 3.0]]), 1, [10, 18]),
    "three inputs of one layer": (Row(*MULTIPLE_LAYERS), torch.tensor([[4.0, 8.0, 12.0]]), 0, [16, 32, 48]),
    "maximum pool": (
        nn.Sequential(nn.Conv1d(2, 2, 1, groups=2, bias=False), nn.MaxPool1d(2), nn.Flatten()),
        torch.tensor([[[1.0, 2.0], [5.0, 6.0]]]),
        1,
        [[0, 0], [0, 6]],
    ),
}
CAPTUM["maximum pool"][0][0].weight.data.fill_(1)


@pytest.mark.parametrize("method", ["lrp-epsilon", "lrp-z", "lrp-gamma[gamma=0]"])
@pytest.mark.parametrize("name", CAPTUM)
def test_relevance_has_the_numbers_of_captums_tests(name, method):
    model, inputs, target, expected = CAPTUM[name]
    image = inputs.reshape(*inputs.shape, *[1] * (3 - inputs.ndim))
    wrapped = model if inputs.ndim > 2 else nn.Sequential(nn.Flatten(), model)
    maps = al.make_method(method)(wrapped, image, torch.tensor([target]))
    rows = torch.tensor(expected, dtype=torch.float32)
    rows = rows if inputs.ndim == 4 else rows.sum(dim=0) if inputs.ndim == 3 else rows[:, None].sum(dim=1)
    if inputs.ndim == 2:
        maps = al.make_method(method)(wrapped, inputs[:, None], torch.tensor([target]))
    # captum's tests print four digits, and its rule differs by epsilon
    torch.testing.assert_close(maps[0], rows, atol=1e-4, rtol=1e-5)


SIGNED = [[-2.0, 2.0, 2.0], [2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (gamma_rule(1.0), gamma_rule(0.25), [28 / 3, 104 / 3, 52]),
        (alpha_beta_rule(1.0, 0.0), alpha_beta_rule(1.0, 0.0), [12, 33.6, 50.4]),
        (None, epsilon_rule(1e-9), [24.0, 36.0, 36.0]),
    ],
)
def test_rules_have_the_numbers_of_captums_tests(first, second, expected):
    lower, upper = linear(*SIGNED), linear([3.0] * 3)
    hidden = lower(ONE_TO_THREE).relu()
    relevance = second(upper, hidden, upper(hidden))
    relevance = relevance if first is None else first(lower, ONE_TO_THREE, relevance)
    torch.testing.assert_close(relevance, torch.tensor([expected]))


def test_a_layer_that_captum_refuses_to_call_twice_has_the_gradient_times_input():
    layer, relu = linear([1.0, 2.0, -1.0], [0.5, 1.0, 1.0], [2.0, -1.0, 0.0]), nn.ReLU()
    model = nn.Sequential(nn.Flatten(), layer, relu, layer, relu).eval()
    inputs = torch.ones(1, 1, 3)
    maps = al.make_method("lrp-z")(model, inputs, torch.tensor([0]))
    torch.testing.assert_close(maps, al.make_method("input-x-gradient")(model, inputs, torch.tensor([0])))
    assert maps.abs().max() > 0


def test_a_sigmoid_is_refused_as_by_captum():
    model = nn.Sequential(nn.Flatten(), linear([1.0, 1.0]), nn.Sigmoid(), linear([1.0]))
    with pytest.raises(BadOption, match="gate"):
        al.make_method("lrp-epsilon")(model, torch.ones(1, 1, 2), torch.tensor([0]))


GUIDED = [[0, 1, 1, 1], [1, 3, 3, 2], [1, 3, 3, 2], [1, 2, 2, 1]]
ALL_ACTIVE = [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]
DECONVOLVED = [[2, 3, 3, 1], [3, 5, 5, 2], [3, 5, 5, 2], [1, 2, 2, 1]]
GUIDED_CAM = [[0, 0, 4, 4], [0, 0, 12, 8], [28, 84, 97.5, 65], [28, 56, 65, 32.5]]
GUIDED_CAM_OF_LAYER = [[14.5, 29, 38, 19], [29, 58, 76, 38], [65, 130, 148, 74], [32.5, 65, 74, 37]]


@pytest.mark.parametrize(
    ("method", "image", "target", "expected"),
    [
        ("guided-backprop", SIXTEEN, 0, GUIDED),
        ("guided-backprop", SIXTEEN, 3, GUIDED),
        ("guided-backprop", SIXTEEN + 1, 0, ALL_ACTIVE),
        ("guided-backprop", SIXTEEN + 1, 3, ALL_ACTIVE),
        ("deconvnet", SIXTEEN, 0, DECONVOLVED),
        ("deconvnet", SIXTEEN, 3, DECONVOLVED),
        ("deconvnet", SIXTEEN + 1, 0, DECONVOLVED),
        ("deconvnet", SIXTEEN + 1, 3, DECONVOLVED),
        ("guided-gradcam[interpolation=nearest,layer=model.1]", SIXTEEN, 0, GUIDED_CAM),
        ("guided-gradcam[interpolation=nearest,layer=model.0]", SIXTEEN + 1, 0, GUIDED_CAM_OF_LAYER),
    ],
)
def test_guided_maps_have_the_numbers_of_captums_tests(method, image, target, expected):
    for relu in (nn.ReLU, lambda: nn.ReLU(inplace=True)):
        maps = al.make_method(method)(one_convolution(relu), image, torch.tensor([target]))
        torch.testing.assert_close(maps[0], torch.tensor(expected, dtype=torch.float32))


class Pooled(nn.Module):
    """Convolutions and average pools, without a module between pool and linear layer, for which captum has no rule."""

    def __init__(self):
        super().__init__()
        random = torch.Generator().manual_seed(0)
        self.first, self.relu, self.pool = nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AvgPool2d(2)
        self.second, self.relu_again, self.mean = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        self.last = nn.Linear(4, 3)
        for parameter in self.double().parameters():
            parameter.data = torch.randn(parameter.shape, generator=random, dtype=torch.float64)

    def forward(self, inputs):
        hidden = self.pool(self.relu(self.first(inputs)))
        return self.last(self.mean(self.relu_again(self.second(hidden))).flatten(1))


def test_relevance_behind_average_pools_is_captums():
    model = Pooled().eval()
    image = torch.randn(1, 2, 12, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with captum_quiet():
        expected = LRP(model).attribute(image, target=1)
    maps = al.make_method("lrp-epsilon[epsilon=1e-9]")(model, image, torch.tensor([1]))
    assert maps.abs().max() > 0
    torch.testing.assert_close(maps, expected.sum(dim=1), rtol=1e-5, atol=1e-6)  # captum moves every sum by 1e-9


def shares(contributions, relevance, total=None):
    """R_j = sum_k z_jk / sum_j z_jk R_k, where contributions are (k, j) and totals (k,)."""
    total = contributions.sum(dim=1) if total is None else total
    return (contributions / total[:, None]).nan_to_num().T @ relevance


def parts(contributions):
    return contributions.clamp(min=0), contributions.clamp(max=0)


def literal_alpha_beta(z, bias, relevance, alpha, beta):
    (up, down), (bias_up, bias_down) = parts(z), parts(bias)
    raised = shares(up, relevance, up.sum(dim=1) + bias_up)
    return alpha * raised - beta * shares(down, relevance, down.sum(dim=1) + bias_down)


def literal_gamma(z, bias, relevance, gamma):
    output = z.sum(dim=1) + bias
    up, down = parts(z)
    weighted = z + gamma * torch.where(output[:, None] > 0, up, down)
    weighted_bias = torch.where(output > 0, bias + gamma * bias.clamp(min=0), bias + gamma * bias.clamp(max=0))
    return shares(weighted, relevance, weighted.sum(dim=1) + weighted_bias)


def literal_box(weight, values, relevance, low, high):
    up, down = parts(weight)
    return shares(weight * values - up * low - down * high, relevance)


RULES = {
    "epsilon 1e-6": (epsilon_rule(1e-6), lambda w, a, b, r: shares(w * a, r, away(w @ a + b, 1e-6))),
    "epsilon 1": (epsilon_rule(1.0), lambda w, a, b, r: shares(w * a, r, away(w @ a + b, 1.0))),
    "z": (epsilon_rule(0.0), lambda w, a, b, r: shares(w * a, r, w @ a + b)),
    "z+": (alpha_beta_rule(1.0, 0.0), lambda w, a, b, r: literal_alpha_beta(w * a, b, r, 1, 0)),
    "alpha 2 beta 1": (alpha_beta_rule(2.0, 1.0), lambda w, a, b, r: literal_alpha_beta(w * a, b, r, 2, 1)),
    "gamma 0.25": (gamma_rule(0.25), lambda w, a, b, r: literal_gamma(w * a, b, r, 0.25)),
    "gamma 0.5": (gamma_rule(0.5), lambda w, a, b, r: literal_gamma(w * a, b, r, 0.5)),
    "box": (box_rule(-3.0, 3.0), lambda w, a, _, r: literal_box(w, a, r, -3.0, 3.0)),
}


def away(sums, epsilon):
    return sums + epsilon * torch.where(sums >= 0, 1.0, -1.0)


LAYERS = {
    "linear": (lambda bias: nn.Linear(8, 5, bias=bias), (8,)),
    "1-d": (lambda bias: nn.Conv1d(3, 2, 3, bias=bias), (3, 4)),
    "2-d": (lambda bias: nn.Conv2d(3, 2, 2, bias=bias), (3, 4, 4)),
    "2-d with stride, padding and groups": (
        lambda bias: nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2, bias=bias),
        (2, 4, 4),
    ),
    "3-d": (lambda bias: nn.Conv3d(1, 2, 2, bias=bias), (1, 3, 3, 3)),
    "transposed 1-d": (lambda bias: nn.ConvTranspose1d(3, 2, 3, bias=bias), (3, 4)),
    "transposed 2-d": (lambda bias: nn.ConvTranspose2d(2, 3, 2, stride=2, bias=bias), (2, 3, 3)),
    "transposed 3-d": (lambda bias: nn.ConvTranspose3d(1, 2, 2, bias=bias), (1, 2, 2, 2)),
}


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_every_rule_of_every_layer_is_the_literal_sum(name, has_bias):
    build, shape = LAYERS[name]
    layer = build(has_bias).double()
    random = torch.Generator().manual_seed(0)
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=random, dtype=torch.float64)
    inputs = torch.randn(1, *shape, generator=random, dtype=torch.float64)
    zero = torch.zeros_like(inputs)
    layer.requires_grad_(requires_grad=False)
    bias = layer(zero).flatten()
    weight = torch.autograd.functional.jacobian(layer, inputs).reshape(len(bias), -1)
    relevance = layer(inputs)
    for rule, literal in RULES.values():
        expected = literal(weight, inputs.flatten(), bias, relevance.flatten())
        torch.testing.assert_close(rule(layer, inputs, relevance).flatten(), expected)
    seen = torch.autograd.functional.jacobian(lambda values: ones(layer, values), inputs).reshape(len(bias), -1)
    torch.testing.assert_close(flat_rule()(layer, inputs, relevance).flatten(), shares(seen, relevance.flatten()))


def ones(layer, values):
    """The layer with all weights 1."""
    return torch.func.functional_call(layer, {"weight": torch.ones_like(layer.weight)}, (values,))
