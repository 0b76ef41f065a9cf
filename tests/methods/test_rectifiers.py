"""Guided backpropagation and deconvnet: their rule at ReLU and ReLU6, and a refusal at every other activation of torch.nn."""

from __future__ import annotations

import pytest
import torch
from captum.attr import Deconvolution, GuidedBackprop, GuidedGradCam
from torch import nn
from torch.nn import functional

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.methods.base import captum_quiet

NAMES = ("guided-backprop", "deconvnet")
TARGET = torch.tensor([1])


def network(between):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Conv2d(2, 3, 1), nn.ReLU(), nn.Conv2d(3, 3, 2), between, nn.Flatten(), nn.LazyLinear(2)]
        model = nn.Sequential(*layers).double().eval()
        model(image())
    return model


def image():
    return torch.randn(1, 2, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


ACTIVATIONS = {
    name: getattr(nn, name)
    for name in nn.modules.activation.__all__
    if name not in {"ReLU", "ReLU6", "Threshold", "MultiheadAttention"}
}
ARGUMENTS = {"GLU": {"dim": 1}, "Softmax": {"dim": 1}, "LogSoftmax": {"dim": 1}, "Softmin": {"dim": 1}}


@pytest.mark.wide
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_without_a_rule_is_refused(activation, name):
    module = ACTIVATIONS[activation](**ARGUMENTS.get(activation, {}))
    if activation == "GLU":
        module = nn.Sequential(nn.Conv2d(3, 4, 1), module)
    model = network(module)
    message = (
        rf"`model` must have no other activations, got '\w+ in 3(\.1)? \({activation}\)'; the method has a rule for"
    )
    with pytest.raises(BadOption, match=message):
        al.make_method(name)(model, image(), TARGET)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, values):
        return self.function(values)


FUNCTIONS = {
    "gelu": functional.gelu,
    "silu": functional.silu,
    "sigmoid": lambda values: values * torch.sigmoid(values),
    "tanh": torch.tanh,
    "softmax": lambda values: values.softmax(1),
    "where": lambda values: torch.where(values > 0, values, 0.0),
    "maximum": lambda values: torch.maximum(values, torch.zeros_like(values)),
    "clamp": lambda values: values.clamp(0, 6),
    "hardtanh": functional.relu6,
    "abs": torch.abs,
    "exp": torch.exp,
    "erf": torch.erf,
    "multi_head_attention_forward": lambda values: (
        functional.multi_head_attention_forward(
            values.flatten(2).permute(2, 0, 1),
            *[values.flatten(2).permute(2, 0, 1)] * 2,
            values.shape[1],
            1,
            torch.eye(values.shape[1]).repeat(3, 1).to(values),
            None,
            None,
            None,
            False,
            0.0,
            torch.eye(values.shape[1]).to(values),
            None,
        )[0]
        .permute(1, 2, 0)
        .reshape(values.shape)
    ),
    "scaled_dot_product_attention": lambda values: functional.scaled_dot_product_attention(values, values, values),
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_activation_that_is_called_as_a_function_is_refused(function):
    model = network(Function(FUNCTIONS[function]))
    with pytest.raises(BadOption, match=r"no other activations, got '\w+ in 3 \(Function\)'"):
        al.make_method("guided-backprop")(model, image(), TARGET)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    "end", [nn.Softmax(dim=1), nn.LogSoftmax(dim=1), nn.Sigmoid(), Function(lambda v: v.softmax(1))]
)
@pytest.mark.parametrize(("name", "captum"), [("guided-backprop", GuidedBackprop), ("deconvnet", Deconvolution)])
def test_on_relus_the_maps_are_those_of_captum_whatever_computes_the_outputs(name, captum, end):
    model = nn.Sequential(network(nn.ReLU(inplace=True)), end)
    with captum_quiet():
        expected = captum(model).attribute(image(), target=TARGET)
    assert torch.equal(al.make_method(name)(model, image(), TARGET), expected.sum(dim=1))


def test_guided_gradcam_is_that_of_captum():
    model = network(nn.ReLU())
    with captum_quiet():
        expected = GuidedGradCam(model, model[1]).attribute(image(), target=TARGET, interpolate_mode="bilinear")
    assert torch.equal(al.make_method("guided-gradcam[layer=model.1]")(model, image(), TARGET), expected.sum(dim=1))
    with pytest.raises(BadOption, match="no other activations"):
        al.make_method("guided-gradcam[layer=model.1]")(network(nn.SiLU()), image(), TARGET)


@pytest.mark.parametrize("relu6", [nn.ReLU6(), nn.ReLU6(inplace=True), nn.Hardtanh(0.0, 6.0)])
def test_relu6_clips_both_ways(relu6):
    """Three cells: below 0, within, above 6; every weight behind is 1 or -1."""
    layers = [nn.Conv2d(1, 3, 1), relu6, nn.Flatten(), nn.Linear(3, 2, bias=False)]
    model = nn.Sequential(*layers).eval()
    model[0].weight.data, model[0].bias.data = torch.ones(3, 1, 1, 1), torch.tensor([-9.0, 1.0, 9.0])
    model[3].weight.data = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0]])
    pixel = torch.ones(1, 1, 1, 1)

    def values(name, target):
        return al.make_method(name)(model, pixel, torch.tensor([target])).item()

    assert values("guided-backprop", 0) == 1, "the cell within the limits"
    assert values("guided-backprop", 1) == 0, "which lowers the other output"
    assert values("deconvnet", 0) == 3
    assert values("deconvnet", 1) == 2


def test_maps_on_relu6_are_those_of_zennit_with_its_rules_at_relu6():
    from torchvision_shim import install_where_missing

    install_where_missing()
    composites = pytest.importorskip("zennit.composites")
    from zennit.attribution import Gradient
    from zennit.rules import ReLUDeconvNet, ReLUGuidedBackprop

    model = network(nn.ReLU6())
    for name, rule in (("guided-backprop", ReLUGuidedBackprop()), ("deconvnet", ReLUDeconvNet())):
        composite = composites.LayerMapComposite([(nn.ReLU | nn.ReLU6, rule)])
        with Gradient(model, composite) as attributor:
            _, expected = attributor(image(), torch.eye(2, dtype=torch.float64)[TARGET])
        torch.testing.assert_close(al.make_method(name)(model, image(), TARGET), expected.sum(dim=1))
