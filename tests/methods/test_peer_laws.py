"""Networks with known attributions, and laws that values obey, from the tests of XAI-Units, shap, Quantus, zennit and pytorch-grad-cam.

Networks and numbers are restated from what these suites describe; no code of theirs is used. XAI-Units builds networks of which it knows the attribution:
continuous features (w x), features that cancel each other, absent features that matter (x = 0 with weight), shattered gradients (many pieces
with one slope), features that interact. shap's tests of KernelExplainer and DeepExplainer demand sums, dummies and linear values; zennit's of SmoothGrad and
of integrated gradients the gradient of a linear function; pytorch-grad-cam's that maps of a batch are those of its images.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.methods import SEGMENTERS

START, TARGET = torch.tensor([0.5, -1.0, 0.0, 2.0]), torch.tensor([0])
ROW = torch.tensor([1.0, -2.0, 3.0, 2.0])
WEIGHTS = torch.tensor([3.0, -1.0, 0.5, 4.0])
COMPLETE = ("integrated-gradients", "deeplift", "deepshap", "deeplift[rule=captum]", "kernel-shap")


def row_network(*layers):
    return nn.Sequential(nn.Flatten(), *layers).eval()


def linear(rows, bias=None):
    rows = torch.as_tensor(rows, dtype=torch.float32)
    layer = nn.Linear(rows.shape[1], len(rows), bias=bias is not None)
    layer.weight.data = rows
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


@pytest.fixture
def values(monkeypatch):
    """Values of single features, each of which is a segment."""

    def explain(method, network, inputs, start):
        n = inputs.numel()
        monkeypatch.setitem(SEGMENTERS.entries, "single", lambda _: np.arange(n)[None])
        options = {"segments": "single"} if method.startswith("kernel-shap") else {}
        baseline = start.reshape(1, 1, n)
        maps = al.make_method(method, baseline=baseline, **options)(network, inputs.reshape(1, 1, 1, n), TARGET)
        return maps.flatten()

    return explain


@pytest.mark.parametrize("method", COMPLETE)
def test_values_of_a_linear_function_are_weights_times_differences(values, method):
    """XAI-Units' continuous features; shap's linear model; the sum is what the output changes by, whatever its bias."""
    network = row_network(linear(WEIGHTS[None], [7.0]))
    torch.testing.assert_close(values(method, network, ROW, START), WEIGHTS * (ROW - START))


@pytest.mark.parametrize("method", ["gradient", "smoothgrad[n_draws=5,noise=1]", "integrated-gradients"])
def test_the_slope_of_a_linear_function_is_its_weight(method):
    """zennit's SmoothGrad and integrated gradients of linear functions: no noise and no path change the gradient."""
    maps = al.make_method(method)(row_network(linear(WEIGHTS[None])), ROW.reshape(1, 1, 1, 4), TARGET).flatten()
    torch.testing.assert_close(maps, WEIGHTS * (ROW if method.startswith("integrated") else 1))


@pytest.mark.parametrize("method", COMPLETE)
def test_features_that_cancel_each_other_have_values_that_do(values, method):
    """XAI-Units' conflicting features: the output is 0 everywhere, the shares of the two features are not."""
    network = row_network(linear([[2.0, 0.0], [0.0, 2.0]]), nn.ReLU(), linear([[1.0, -1.0]]))
    torch.testing.assert_close(
        values(method, network, torch.tensor([3.0, 3.0]), torch.zeros(2)), torch.tensor([6.0, -6.0])
    )


@pytest.mark.parametrize("method", COMPLETE)
def test_an_absent_feature_that_matters_has_the_value_of_its_absence(values, method):
    """XAI-Units' pertinent negatives: 1 - x is 1 where x is 0, which input x gradient cannot see."""
    network = row_network(linear([[-1.0, 0.0]], [1.0]), nn.ReLU())
    torch.testing.assert_close(
        values(method, network, torch.tensor([0.0, 5.0]), torch.ones(2)), torch.tensor([1.0, 0.0])
    )
    blind = al.make_method("input-x-gradient")(network, torch.tensor([[[[0.0, 5.0]]]]), TARGET)
    assert (blind == 0).all()


@pytest.mark.parametrize("method", COMPLETE)
def test_many_pieces_of_one_function_have_its_values(values, method):
    """XAI-Units' shattered gradients: x = relu(x + 1) - relu(-x - 1) - 1 in forty pieces, whose gradients jump as rounding has it."""
    edges = torch.linspace(-4, 4, 20).tolist()
    first = linear([[1.0, 0.5]] * 20 + [[-1.0, -0.5]] * 20, [*edges, *[-edge for edge in edges]])
    network = row_network(first, nn.ReLU(), linear([[1 / 20] * 20 + [-1 / 20] * 20]))
    expected = torch.tensor([1.7, 0.5 * -2.3])
    torch.testing.assert_close(
        values(method, network, torch.tensor([1.7, -2.3]), torch.zeros(2)), expected, rtol=0.02, atol=0.02
    )


@pytest.mark.parametrize(
    ("method", "expected"),
    [("integrated-gradients", [1.0, 1.0]), ("kernel-shap", [1.0, 1.0]), ("deeplift", [1.0, 1.0])],
)
def test_features_that_interact_share_what_only_both_can_do(values, method, expected):
    """XAI-Units' interaction: relu(a + b - 2) from (0, 0) to (2, 2) is 2, half for each."""
    network = row_network(linear([[1.0, 1.0]], [-2.0]), nn.ReLU())
    # quadrature ends at an estimated 1 % of the sum
    torch.testing.assert_close(
        values(method, network, torch.full((2,), 2.0), torch.zeros(2)), torch.tensor(expected), rtol=0.01, atol=0
    )


@pytest.mark.parametrize("method", COMPLETE)
def test_a_feature_without_weight_and_one_that_does_not_differ_have_no_value(values, method):
    network = row_network(
        linear([[1.0, 2.0, 0.0, 3.0], [1.0, -1.0, 0.0, 2.0]], [0.5, -1.0]), nn.ReLU(), linear([[1.0, 2.0]])
    )
    maps = values(method, network, ROW, START)
    assert maps[2] == 0, "no weight"
    assert maps[3].abs() < 1e-12, "no difference"
    change = network(ROW[None]) - network(START[None])
    torch.testing.assert_close(maps.sum(), change.detach()[0, 0], rtol=0.01, atol=1e-6)  # quadrature: 1 % by estimate


@pytest.mark.parametrize("method", COMPLETE)
def test_a_constant_output_has_no_values(values, method):
    """shap's null model."""
    network = row_network(linear(torch.zeros(1, 4), [3.0]))
    assert (values(method, network, ROW, START) == 0).all()


@pytest.mark.parametrize("method", COMPLETE)
def test_equal_features_have_equal_values_and_values_of_a_sum_are_sums(values, method):
    """Symmetry and linearity, as in shap's tests."""
    network = row_network(linear([[1.0, 1.0, 2.0]], [-1.0]), nn.ReLU())
    maps = values(method, network, torch.tensor([2.0, 2.0, 1.0]), torch.zeros(3))
    torch.testing.assert_close(maps[0], maps[1])
    tripled = row_network(linear([[1.0, 1.0, 2.0]], [-1.0]), nn.ReLU(), linear([[3.0]]))
    torch.testing.assert_close(
        values(method, tripled, torch.tensor([2.0, 2.0, 1.0]), torch.zeros(3)), 3 * maps, rtol=1e-5, atol=1e-6
    )


def test_deepshap_of_several_baselines_is_the_mean_of_its_single_ones(values):
    """shap's DeepExplainer with a background of several rows."""
    torch.manual_seed(0)
    network = row_network(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2), nn.Softmax(dim=1))
    starts = torch.randn(3, 4)
    single = torch.stack([values("deepshap", network, ROW, start) for start in starts])
    several = al.make_method("deepshap", baseline=starts.reshape(3, 1, 1, 4))(network, ROW.reshape(1, 1, 1, 4), TARGET)
    torch.testing.assert_close(several.flatten(), single.mean(dim=0))
    change = network(ROW[None])[0, 0] - network(starts)[:, 0].mean()
    torch.testing.assert_close(several.sum(), change.detach())


IMAGES = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "method",
    [
        "gradient",
        "guided-backprop",
        "deconvnet",
        "deeplift",
        "lrp-z",
        "lrp-gamma",
        "gradcam[layer=1]",
    ],
)
def test_maps_of_a_batch_are_those_of_its_images_and_scale_with_the_output(method):
    """pytorch-grad-cam's batches; Quantus' check that maps follow the output: a positive factor behind the network is one of the map."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))
    network, targets = nn.Sequential(*layers).eval(), torch.tensor([0, 2, 1])
    explain = al.make_method(method)
    maps = explain(network, IMAGES, targets)
    single = torch.cat([explain(network, IMAGES[i : i + 1], targets[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(maps, single)
    layers[-1].weight.data, layers[-1].bias.data = layers[-1].weight.data * 8, layers[-1].bias.data * 8
    torch.testing.assert_close(explain(network, IMAGES, targets), 8 * maps, rtol=1e-5, atol=1e-6)
