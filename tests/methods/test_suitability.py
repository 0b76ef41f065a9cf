"""Networks that no method can explain, and compiled modules, are refused in one line instead of failing somewhere inside."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption

INPUTS, TARGETS = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 2])
METHODS = (
    "gradient",
    "integrated-gradients[n_steps=4]",
    "guided-backprop",
    "deeplift",
    "lrp-epsilon",
    "occlusion",
    "rise[n_masks=4]",
    "lime[n_samples=4,segments=grid]",
    "gradcam[layer=network.0]",
)
BY_HOOKS = ("guided-backprop", "deconvnet", "deeplift", "deepshap", "lrp-alpha-beta", "gradcam[layer=0]")


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)).eval()


class Wrapped(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.network, self.function = network(), function

    def forward(self, inputs):
        return self.function(self.network, inputs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("function", "returned"),
    [
        (lambda network, inputs: {"logits": network(inputs)}, "dict"),
        (lambda network, inputs: (network(inputs), None), "tuple"),
        (lambda network, inputs: network(inputs)[:, 0], r"float32 of shape \(1,\)"),
        (lambda network, inputs: network(inputs).sum(), r"float32 of shape \(\)"),
    ],
)
def test_outputs_that_are_not_a_tensor_of_rows_are_refused(method, function, returned):
    with pytest.raises(
        BadOption, match=rf"^`model` must return a tensor \(b, k\), got '{returned} for one input'; wrap"
    ):
        al.make_method(method)(Wrapped(function), INPUTS, TARGETS)


@pytest.mark.parametrize("method", [name for name in METHODS if not name.startswith(("rise", "occl", "lime", "lrp"))])
def test_outputs_without_a_gradient_are_refused_by_methods_that_need_it(method):
    model = Wrapped(lambda network, inputs: network(inputs).detach())
    with pytest.raises(
        BadOption, match=r"^`model` must have outputs with a gradient by the inputs, got 'outputs without"
    ):
        al.make_method(method)(model, INPUTS, TARGETS)


@pytest.mark.parametrize("method", ["gradient", "integrated-gradients[n_steps=4]", "rise[n_masks=4]"])
def test_a_target_that_is_not_an_output_of_any_network_is_refused(method):
    with pytest.raises(BadOption, match=r"^`targets` must be indices of the model's outputs, 0 to 2, got 3$"):
        al.make_method(method)(network(), INPUTS, TARGETS + 1)


def test_an_empty_batch_is_refused():
    with pytest.raises(BadOption, match=r"^`inputs` must have at least one sample, got shape \(0, 3, 6, 6\)$"):
        al.make_method("gradient")(network(), INPUTS[:0], TARGETS[:0])


def test_another_failure_is_told_as_it_is():
    model = Wrapped(lambda network, inputs: network(inputs[:, :2]))
    with pytest.raises(RuntimeError, match="channels"):
        al.make_method("gradient")(model, INPUTS, TARGETS)


@pytest.mark.filterwarnings("ignore:.*jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*jit:FutureWarning")
@pytest.mark.parametrize("method", BY_HOOKS)
@pytest.mark.parametrize("is_scripted", [False, True])
def test_compiled_modules_are_refused_by_methods_that_change_how_modules_are_evaluated(method, is_scripted):
    """On a traced network guided backpropagation and DeepLIFT were the plain gradient, and said nothing."""
    plain = network()
    compiled = torch.jit.script(plain) if is_scripted else torch.jit.trace(plain, INPUTS)
    message = r"^`model` must have modules of Python only, got 'the model \(\w+Module\)'; hooks see nothing inside"
    with pytest.raises(BadOption, match=message):
        al.make_method(method)(compiled, INPUTS, TARGETS)
    gradients = [al.make_method("gradient")(model, INPUTS, TARGETS) for model in (plain, compiled)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
@pytest.mark.parametrize("scale", [1 / 255, 1.0])
def test_segmenters_see_the_same_picture_whatever_the_scale_of_the_inputs(dtype, scale):
    """Normalized inputs were rounded to a picture of next to no colors."""
    seen = []
    picture = torch.zeros(1, 3, 6, 6)
    picture[..., 3:], picture[:, 0, 0] = 255, 255
    for inputs in (picture, picture * scale, (picture / 255 - 0.5) / 0.25):
        al.methods.SEGMENTERS.entries["watch"] = lambda image: (
            seen.append(image) or al.methods.SEGMENTERS.get("grid")(image)
        )
        al.make_method("lime[n_samples=4,segments=watch]")(network().to(dtype), inputs.to(dtype), TARGETS[:1])
    del al.methods.SEGMENTERS.entries["watch"]
    assert all((image == seen[0]).all() for image in seen)
    assert {*seen[0].flatten()} == {0, 255}
