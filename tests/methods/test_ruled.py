"""Relevance behind every function: the z rule is input x gradient, sums share, and what has no rule is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

import attributionlab as al
from attributionlab.errors import BadOption

DOUBLE = {"dtype": torch.float64}
TARGET = torch.tensor([1])


class Between(nn.Module):
    """A convolution, any function, and a linear layer; the function may use the parts."""

    def __init__(self, function, **parts):
        super().__init__()
        self.first, self.relu, self.last = (
            nn.Conv2d(2, 4, 3, padding=1, bias=False),
            nn.ReLU(),
            nn.LazyLinear(3, bias=False),
        )
        self.function, self.parts = function, nn.ModuleDict(parts)

    def forward(self, inputs):
        return self.last(self.function(self.relu(self.first(inputs)), **self.parts).flatten(1))


def randomized(model, image):
    """The model in float64 with weights that do not depend on the global generator."""
    model.double().eval()(image)  # lazy layers get their shape
    random = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=random, **DOUBLE)
    return model


@pytest.fixture(scope="module")
def image():
    return torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(1), **DOUBLE)


def relevance(model, image, method="lrp-z", target=TARGET):
    return al.make_method(method)(model, image, target)


def input_x_gradient(model, image):
    return al.make_method("input-x-gradient")(model, image, TARGET)


def of_module(module):
    return lambda values, module: module(values), {"module": module}


def joined(function):
    """A sum of two branches, one of which is a layer."""
    return lambda values, layer: function(values, layer(values)), {"layer": nn.Conv2d(4, 4, 1, bias=False)}


HOMOGENEOUS = {
    "average pool": of_module(nn.AvgPool2d(2)),
    "average pool with padding": of_module(nn.AvgPool2d(3, stride=2, padding=1)),
    "adaptive average pool": of_module(nn.AdaptiveAvgPool2d(1)),
    "adaptive average pool of uneven windows": of_module(nn.AdaptiveAvgPool2d(3)),
    "maximum pool": of_module(nn.MaxPool2d(2)),
    "adaptive maximum pool": of_module(nn.AdaptiveMaxPool2d(2)),
    "nearest": of_module(nn.Upsample(scale_factor=2)),
    "bilinear": of_module(nn.Upsample(scale_factor=2, mode="bilinear")),
    "pixel shuffle": of_module(nn.PixelShuffle(2)),
    "zero padding": of_module(nn.ZeroPad2d(1)),
    "dropout": of_module(nn.Dropout()),
    "leaky ReLU": of_module(nn.LeakyReLU(0.2)),
    "PReLU": of_module(nn.PReLU()),
    "grouped convolution": of_module(nn.Conv2d(4, 4, 3, groups=2, bias=False)),
    "dilated convolution": of_module(nn.Conv2d(4, 4, 2, dilation=2, padding="same", bias=False)),
    "transposed convolution": of_module(nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1, bias=False)),
    "3-d convolution": (
        lambda values, layer: layer(values[:, None]),
        {"layer": nn.Conv3d(1, 2, 2, bias=False)},
    ),
    "1-d convolution": (lambda values, layer: layer(values.flatten(2)), {"layer": nn.Conv1d(4, 2, 3, bias=False)}),
    "mean": (lambda values: values.mean((2, 3)), {}),
    "torch.mean": (lambda values: torch.mean(values, dim=1), {}),
    "sum": (lambda values: values.sum(dim=3), {}),
    "functional pool": (lambda values: functional.avg_pool2d(values, 2), {}),
    "functional adaptive pool": (lambda values: functional.adaptive_avg_pool2d(values, (1, 2)), {}),
    "functional maximum pool": (lambda values: functional.max_pool2d(values, 2), {}),
    "functional ReLU": (
        lambda values, layer: functional.relu(layer(values)),
        {"layer": nn.Conv2d(4, 4, 1, bias=False)},
    ),
    "ReLU in place": (lambda values, layer: layer(values).relu_(), {"layer": nn.Conv2d(4, 4, 1, bias=False)}),
    "branches": joined(lambda a, b: a + b),
    "branches in place": joined(lambda a, b: a.clone().add_(b)),
    "weighted branches": joined(lambda a, b: torch.add(a / 3, b, alpha=2)),
    "a difference": joined(lambda a, b: a - b),
    "branches of other shapes": joined(lambda a, b: a + b.mean((2, 3), keepdim=True)),
    "concatenated branches": joined(lambda a, b: torch.cat([a, -b], dim=1)),
    "a value twice": (lambda values: values + values, {}),
    "slices": (lambda values: values[:, 1:, ::2].permute(0, 2, 3, 1).reshape(1, -1), {}),
}


@pytest.mark.parametrize("name", HOMOGENEOUS)
def test_z_rule_is_input_x_gradient_behind_every_layer_of_a_relu_network_without_bias(name, image):
    function, parts = HOMOGENEOUS[name]
    model = randomized(Between(function, **parts), image)
    expected = input_x_gradient(model, image)
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(relevance(model, image), expected)
    torch.testing.assert_close(relevance(model, image, "lrp-gamma[gamma=0]"), expected)


@pytest.mark.parametrize(("pixels", "shares"), [([1, 2, 5, 6], [0.25, 0.5, 1.25, 1.5]), ([0, 0, 0, 8], [0, 0, 0, 2])])
@pytest.mark.parametrize("pool", [nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)])
def test_a_mean_is_shared_in_proportion_to_contributions(pixels, shares, pool):
    identity = nn.Conv2d(1, 1, 1, bias=False)
    identity.weight.data.fill_(1)
    model = nn.Sequential(identity, pool, nn.Flatten())
    image = torch.tensor(pixels, dtype=torch.float32).reshape(1, 1, 2, 2)
    maps = relevance(model, image, target=torch.tensor([0]))
    assert maps.flatten().tolist() == shares


@pytest.mark.parametrize(
    "method", ["lrp-epsilon", "lrp-z", "lrp-gamma", "lrp-epsilon-plus-flat", "deep-taylor[low=-9,high=9]"]
)
def test_relevance_is_conserved_in_a_residual_network_of_positive_weights(method, image):
    """There z+ loses nothing either, so what arrives is the logit."""
    function, parts = joined(lambda a, b: functional.adaptive_avg_pool2d(a + b, 2))
    model = randomized(Between(function, **parts), image)
    for parameter in model.parameters():
        parameter.data.abs_()
    maps = relevance(model, image.abs(), method)
    torch.testing.assert_close(maps.sum(), model(image.abs())[0, 1].detach(), rtol=1e-5, atol=0)  # epsilon


def test_deep_taylor_gives_nothing_to_what_lowers_a_sum_of_branches(image):
    function, parts = joined(lambda a, b: a + b)
    model = randomized(Between(function, **parts), image)
    model.last.weight.data.abs_()
    assert (relevance(model, image, "deep-taylor[low=-9,high=9]") >= 0).all()
    function, parts = joined(lambda a, b: a - b)
    with pytest.raises(BadOption, match=r"rule for every function, got 'sub in .*difference of branches"):
        relevance(randomized(Between(function, **parts), image), image, "deep-taylor[low=-9,high=9]")


def test_a_constant_keeps_its_share_of_a_sum_as_a_bias_does(image):
    layer = nn.Conv2d(4, 4, 1)
    by_layer = randomized(Between(*of_module(layer)[:1], module=layer), image)
    apart = Between(lambda values, layer: layer(values) + layer.shift, layer=nn.Conv2d(4, 4, 1, bias=False)).double()
    apart.parts.layer.shift = layer.bias[:, None, None].detach()
    apart.first, apart.last = by_layer.first, by_layer.last
    apart.parts.layer.weight = layer.weight
    torch.testing.assert_close(relevance(apart, image), relevance(by_layer, image))


def test_preprocessing_hands_on_what_the_first_layer_gives(image):
    """A pixel keeps its relevance where its color is the mean, and bounds are those of the first layer's input."""
    function, parts = of_module(nn.Identity())
    model = randomized(Between(function, **parts), image)

    class Prepared(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, colors):
            return self.model((colors / 255 - 0.5) / 0.25)

    colors = (image * 0.25 + 0.5) * 255
    for method, on_inputs in (
        ("lrp-z", "lrp-z"),
        ("lrp-epsilon-plus-flat", "lrp-epsilon-plus-flat"),
        ("deep-taylor[high=255,low=0]", "deep-taylor[high=2,low=-2]"),
    ):
        torch.testing.assert_close(relevance(Prepared(), colors, method), relevance(model, image, on_inputs))


@pytest.mark.parametrize(
    ("gate", "function"),
    [
        ("module", lambda values, gate: values * gate(values.mean((2, 3), keepdim=True))),
        (
            "function",
            lambda values, **_: torch.sigmoid(values.mean((2, 3)))[:, :, None, None].expand_as(values) * values,
        ),
        ("hard", lambda values, **_: functional.hardsigmoid(values) * values),
    ],
)
def test_a_gate_takes_nothing_from_what_it_lets_through(gate, function, image):
    model = randomized(Between(function, gate=nn.Sigmoid()), image)
    with torch.no_grad():
        values = model.relu(model.first(image))
        factor = (function(values, gate=nn.Sigmoid()) / torch.where(values == 0, 1.0, values)).nan_to_num()
    constant = Between(lambda values, **_: values * factor, gate=nn.Sigmoid()).double()
    constant.first, constant.last = model.first, model.last
    torch.testing.assert_close(relevance(model, image), relevance(constant, image))


WEIGHT = torch.ones(4, 4, **DOUBLE)
REFUSED = {
    "functional linear": (lambda v: functional.linear(v, WEIGHT), "linear in the model .*layer by layer"),
    "functional conv2d": (lambda v: functional.conv2d(v, WEIGHT[..., None, None]), "conv2d in .*module of torch.nn"),
    "matmul": (lambda v: v @ WEIGHT, "matmul in"),
    "einsum": (lambda v: torch.einsum("bchw,cd->bdhw", v, WEIGHT), "einsum in"),
    "bmm": (lambda v: torch.bmm(v[0], v[0]), "bmm in"),
    "attention": (lambda v: functional.scaled_dot_product_attention(v, v, v), "scaled_dot_product_attention in"),
    "softmax": (lambda v: v.softmax(1), "softmax in .*logits are explained"),
    "log_softmax": (lambda v: functional.log_softmax(v, 1), "log_softmax in"),
    "a sigmoid that is no gate": (lambda v: torch.sigmoid(v) + 1, "add in .*gate .* only be multiplied"),
    "a sum of gates": (lambda v: torch.sigmoid(v).mean((2, 3)), "mean in .*gate"),
    "softplus": (functional.softplus, "softplus in"),
    "a shifted activation": (lambda v: torch.nn.functional.threshold(v, 0.1, 0.5), "threshold in .*map 0 to 0"),
    "a product of branches": (lambda v: v * v.flip(1), "mul in .*factors of a product"),
    "a square": (lambda v: v * v, "mul in"),
    "a power": (lambda v: v**2, "pow in"),
    "a quotient": (lambda v: 1 / (1 + v), "rdiv in"),
    "maximum": (lambda v: torch.maximum(v, v.flip(1)), "maximum in"),
    "max": (lambda v: torch.max(v, v.flip(1)), "max in"),
    "layer norm": (lambda v: functional.layer_norm(v, [4, 4]), "layer_norm in"),
    "functional batch norm": (
        lambda v: functional.batch_norm(v, torch.zeros(4, **DOUBLE), torch.ones(4, **DOUBLE)),
        "batch_norm in",
    ),
    "square root": (torch.sqrt, "sqrt in"),
    "norm": (functional.normalize, "normalize in"),
    "power pool": (lambda v: functional.lp_pool2d(v, 2, 2), "lp_pool2d in"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_function_without_a_rule_is_refused_with_the_reason(name, image):
    function, message = REFUSED[name]
    model = randomized(Between(function), image)
    before = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    for method in ("lrp-z", "lrp-epsilon-plus-flat"):
        with pytest.raises(BadOption, match=f"`model` must have a relevance rule for every function, got '({message})"):
            relevance(model, image, method)
    assert {name: parameter.requires_grad for name, parameter in model.named_parameters()} == before
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize(
    "module", [nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.Softmax2d(), nn.LPPool2d(2, 2), nn.Softplus()]
)
def test_a_module_without_a_rule_is_named(module, image):
    function, parts = of_module(module)
    with pytest.raises(
        BadOption, match=rf"relevance rule for every module, got 'parts.module \({type(module).__name__}\)"
    ):
        relevance(randomized(Between(function, **parts), image), image)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (torch.Tensor.detach, "'outputs without a path to the input'"),
        (torch.sigmoid, r"'gates \(of a sigmoid\)'; logits are explained: give the model a method `logits`"),
    ],
)
def test_outputs_that_are_not_logits_of_the_input_are_refused(image, end, reason):
    model = nn.Sequential(randomized(Between(lambda values: values), image), Function(end))
    with pytest.raises(BadOption, match=f"`model` must have logits that relevance starts from, got {reason}"):
        relevance(model, image)


def test_a_value_that_is_overwritten_and_used_again_is_refused(image):
    def overwrite(values):
        copy = values * 1
        copy.add_(5)
        return copy

    with pytest.raises(BadOption, match="`model` must have the same output while its functions are watched"):
        relevance(randomized(Between(overwrite), image), image)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, values):
        return self.function(values)
