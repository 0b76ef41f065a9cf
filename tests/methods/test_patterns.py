"""Patterns against literal means, and the signal that they recover from a distractor."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.methods.patterns import FIRST_SAMPLE, estimate_patterns


def literal_pattern(weight, samples):
    """E_+[x y] - E_+[x] E_+[y], divided by its projection on the weight; `samples` are pairs (x, y)."""
    active = [(x, y) for x, y in samples if y > 0]
    if not active:
        return [0.0] * len(weight)
    mean_x = [sum(x[j] for x, _ in active) / len(active) for j in range(len(weight))]
    mean_y = sum(y for _, y in active) / len(active)
    covariance = [sum(x[j] * y for x, y in active) / len(active) - mean_x[j] * mean_y for j in range(len(weight))]
    scale = sum(w * c for w, c in zip(weight, covariance, strict=True))
    return [c / scale for c in covariance]


def with_weights(layer, generator):
    """The layer in float64, with weights that do not depend on the global generator."""
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
    return layer


def test_the_pattern_of_a_linear_layer_is_the_literal_one():
    generator = torch.Generator().manual_seed(0)
    layer = with_weights(nn.Linear(3, 2), generator)
    inputs = torch.randn(20, 3, dtype=torch.float64, generator=generator)
    (pattern,) = estimate_patterns(nn.Sequential(layer), inputs).values()
    outputs = layer(inputs)
    for k in range(2):
        samples = [(inputs[i].tolist(), float(outputs[i, k].detach())) for i in range(20)]
        expected = torch.tensor(literal_pattern(layer.weight[k].tolist(), samples), dtype=torch.float64)
        torch.testing.assert_close(pattern[k], expected)


def test_the_pattern_of_a_grouped_convolution_is_the_literal_one():
    generator = torch.Generator().manual_seed(0)
    layer = with_weights(nn.Conv2d(2, 4, kernel_size=2, stride=2, padding=1, groups=2), generator)
    inputs = torch.randn(3, 2, 4, 4, dtype=torch.float64, generator=generator)
    (pattern,) = estimate_patterns(nn.Sequential(layer), inputs).values()
    padded, outputs = nn.functional.pad(inputs, (1, 1, 1, 1)), layer(inputs).detach()
    for k in range(4):
        samples = [
            (padded[i, k // 2, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].flatten().tolist(), float(outputs[i, k, y, x]))
            for i in range(3)
            for y in range(3)
            for x in range(3)
        ]
        expected = torch.tensor(literal_pattern(layer.weight[k].flatten().tolist(), samples), dtype=torch.float64)
        torch.testing.assert_close(pattern[k].flatten(), expected)


class TwoDimensional(al.Environment):
    """An environment of x = signal (1, 0) + distractor (1, 1), as in Figure 2 of the paper; only its samples are used."""

    name = "two-dimensional"
    summary = "the signal of a point"
    explains = "value"
    true_baseline = torch.zeros(1)
    scene = inputs_of = signed_truth = label = build_network = None

    def sample(self, n, start=0):
        generator = torch.Generator().manual_seed(start)
        signal, distractor = torch.randn(2, n, 1, dtype=torch.float64, generator=generator)
        points = signal * torch.tensor([1.0, 0.0]) + distractor * torch.tensor([1.0, 1.0])

        class Samples:
            inputs = points.reshape(n, 1, 1, 2)
            targets = torch.zeros(n, dtype=torch.int64)

        return Samples


@pytest.mark.wide
def test_the_signal_is_recovered_from_a_distractor():
    """w = (1, -1) cancels the distractor, so the gradient points to (1, -1), the signal to (1, 0)."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 1, bias=False)).double()
    model[1].weight.data = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    image, target = torch.tensor([[[[3.0, 1.0]]]], dtype=torch.float64), torch.tensor([0])
    maps = al.make_method("pattern-net", TwoDimensional(), n_samples=5_000)(model, image, target)
    # the output is 2; an estimate from 5,000 points
    torch.testing.assert_close(maps[0, 0], torch.tensor([2.0, 0.0], dtype=torch.float64), atol=0.1, rtol=0)
    shares = al.make_method("pattern-attribution", TwoDimensional(), n_samples=5_000)(model, image, target)
    torch.testing.assert_close(shares.sum(), torch.tensor(2.0, dtype=torch.float64))


def test_a_neuron_that_never_varies_has_no_pattern():
    layer = nn.Linear(2, 1)
    (pattern,) = estimate_patterns(nn.Sequential(layer), torch.ones(5, 2)).values()
    assert (pattern == 0).all()


def test_patterns_need_an_environment():
    with pytest.raises(BadOption, match="`environment` must be given"):
        al.make_method("pattern-net")(nn.Flatten(), torch.zeros(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64))


def test_bad_options_are_refused():
    with pytest.raises(BadOption, match="`n_samples` must be at least 1"):
        al.make_method("pattern-net[n_samples=0]")


@pytest.mark.parametrize("name", ["pattern-net", "pattern-attribution"])
def test_the_signal_stops_where_a_relu_was_inactive(name):
    """y = ReLU(x1) + ReLU(-x1) at x1 = 3: only the first neuron may hand anything back, or the two would cancel."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False)).double()
    model[1].weight.data = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    model[3].weight.data = torch.ones(1, 2, dtype=torch.float64)
    image = torch.tensor([[[[3.0, 1.0]]]], dtype=torch.float64)
    method = al.make_method(name, TwoDimensional(), n_samples=500)
    patterns = list(estimate_patterns(model, TwoDimensional().sample(500, FIRST_SAMPLE).inputs).values())
    weights = [model[1].weight.detach(), model[3].weight.detach()] if name == "pattern-attribution" else [1.0, 1.0]
    first, second = (weight * pattern for weight, pattern in zip(weights, patterns, strict=True))
    expected = 3.0 * second[0, 0] * first[0]
    torch.testing.assert_close(method(model, image, torch.tensor([0]))[0, 0], expected)
