"""The path integral against backpropagation through the whole network, at many points of the path."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from wide import first_of

import attributionlab as al
from attributionlab.games import straight_path
from attributionlab.games.lines import add_kinks, mean_softmax_gradient
from attributionlab.games.straight_path import _Path, straight_path_values
from attributionlab.seeding import generator

SPECS = (
    "multi-color-sum[size=16,temperature=16]",
    "multi-color-sum[accumulator=signed,height=17,layout=dense,network_seed=2,temperature=16,width=22]",
    "multi-color-sum[n_redundant=0,size=16,structure=residual,temperature=16]",
    "multi-color-sum[accumulator=signed,redundant_scale=-1/4,size=16,temperature=16]",
    "multi-color-sum[n_kernels=2,n_redundant=4,output=logit,redundant_scale=1/8,size=16]",
    "single-color-modulo[accumulator=signed,activation=functional,size=16]",
    "single-color-sum[size=16,structure=inplace]",
)


def path_of(environment, baseline, index=0):
    batch = environment.sample(index + 1)
    color = environment.true_baseline if baseline == "true" else torch.tensor(baseline, dtype=torch.float32)
    start = color[:, None, None].expand_as(batch.inputs[index])
    return start, batch.inputs[index], int(batch.targets[index])


def backpropagated(model, start, end, target, kinks, n_nodes=32):
    """Gauss-Legendre sums of the gradients that PyTorch computes, between the kinks."""
    model = copy.deepcopy(model).double()
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    total = torch.zeros_like(start, dtype=torch.float64)
    for left, right in itertools.pairwise(kinks.tolist()):
        places = torch.from_numpy(left + (right - left) * (nodes + 1) / 2)[:, None, None, None]
        images = (start.double() + places * (end - start).double()).requires_grad_()
        (gradients,) = torch.autograd.grad(model(images)[:, target].sum(), images)
        total += torch.einsum("n,nchw->chw", torch.from_numpy(weights / 2 * (right - left)), gradients)
    return (total * (end - start)).sum(dim=0)


@pytest.mark.parametrize("baseline", first_of(["black", "true", "counted"]))
@pytest.mark.parametrize("spec", SPECS)
def test_values_are_the_integral_of_the_gradients_that_pytorch_computes(spec, baseline):
    environment = al.make_environment(spec)
    counted = environment.palette[0]
    color = {"true": "true", "black": (0,) * len(counted), "counted": counted}[baseline]
    start, end, target = path_of(environment, color)
    kinks = _Path(environment.model, start, end, target, environment.explains).places
    values = straight_path_values(environment.model, start, end, target, environment.explains)
    expected = backpropagated(environment.model, start, end, target, kinks)
    np.testing.assert_allclose(
        values, expected, atol=1e-9
    )  # the softmax is smooth at this temperature: 32 nodes suffice


@pytest.mark.parametrize("spec", [SPECS[0], SPECS[3], SPECS[4]])
def test_no_kink_is_missed(spec):
    environment = al.make_environment(spec)
    start, end, target = path_of(environment, (0, 0, 0))
    kinks = _Path(environment.model, start, end, target, environment.explains).places
    model = copy.deepcopy(environment.model).double()
    for left, right in itertools.pairwise(kinks.tolist()):
        places = torch.linspace(left, right, 7, dtype=torch.float64)[:, None, None, None]
        with torch.no_grad():
            logits = model.logits(start.double() + places * (end - start).double())
        between = logits[:1] + torch.linspace(0, 1, 7, dtype=torch.float64)[:, None] * (logits[-1:] - logits[:1])
        torch.testing.assert_close(logits, between, rtol=0, atol=1e-8)  # the ramps have slopes of 255 times the counts


def test_where_two_effects_cancel_rounding_does_not_decide(monkeypatch):
    """A cell stays at exactly 0 while one of its pixels rises and another falls: the ReLU's slope is 0, not that of 1e-16."""
    environment = al.make_environment("multi-color-sum[accumulator=signed,height=17,temperature=16,width=22]")
    path = path_of(environment, "true")
    values = straight_path_values(environment.model, *path, "probability")
    monkeypatch.setattr(straight_path, "ROUNDING", 1e-8)
    assert (straight_path_values(environment.model, *path, "probability") == values).all()
    monkeypatch.setattr(straight_path, "ROUNDING", 0)
    assert not (straight_path_values(environment.model, *path, "probability") == values).all()


@pytest.mark.wide
@pytest.mark.parametrize("baseline", ["true", (0, 0, 0), (255, 0, 0)])
@pytest.mark.parametrize("options", [{}, {"accumulator": "signed"}, {"n_redundant": 0}, {"temperature": 64}])
def test_values_add_up_to_the_difference_of_the_outputs(options, baseline):
    environment = al.make_environment("multi-color-sum", size=24, **options)
    start, end, target = path_of(environment, baseline)
    values = straight_path_values(environment.model, start, end, target, environment.explains)
    with torch.no_grad():
        outputs = copy.deepcopy(environment.model).double()(torch.stack([start, end]).double())[:, target]
    assert abs(values.sum() - float(outputs[1] - outputs[0])) < 1e-11
    assert np.abs(values).sum() > 1e-4


@pytest.mark.parametrize("steepness", [0.0, 0.3, 5.0, 400.0, 7000.0])
def test_the_mean_gradient_of_a_softmax_is_that_of_an_adaptive_quadrature(steepness):
    random = generator(0, "logits", int(steepness))
    before, after = (steepness * random.standard_normal(4) for _ in range(2))

    def gradient(place, index):
        logits = before + place * (after - before)
        powers = np.exp(logits - logits.max())
        shares = powers / powers.sum()
        return shares[2] * ((index == 2) - shares[index])

    pairs = itertools.combinations(range(4), 2)
    crossings = [
        (before[one] - before[two]) / (before[one] - before[two] - after[one] + after[two] or 1) for one, two in pairs
    ]
    points = [crossing for crossing in crossings if 0 < crossing < 1]
    expected = [
        quad(gradient, 0, 1, args=(index,), points=points or None, epsabs=1e-13, limit=2000)[0] for index in range(4)
    ]
    np.testing.assert_allclose(mean_softmax_gradient(before, after, 2), expected, atol=1e-12)


def test_the_mean_gradient_times_the_change_of_the_logits_is_the_change_of_the_output():
    for index in range(20):
        random = generator(0, "ends", index)
        before, after = (10.0 ** random.uniform(-2, 4) * random.standard_normal(5) for _ in range(2))
        change = [np.exp(logits[1] - np.logaddexp.reduce(logits)) for logits in (before, after)]
        mean = mean_softmax_gradient(before, after, 1)
        assert abs(mean @ (after - before) - (change[1] - change[0])) < 1e-11  # logits of 10,000 have errors of 1e-12
        assert abs(mean.sum()) < 1e-14


def test_kinks_lie_where_pre_activations_cross_zero():
    places = np.array([0.0, 0.5, 1.0])
    values = np.array([[1.0, 0.0, -2.0], [-1.0, 0.0, 2.0], [-1.0, 3.0, 0.0]])
    assert add_kinks(places, values).tolist() == [0.0, 0.25, 0.5, 1.0]
    assert add_kinks(np.array([0.0, 1.0]), np.array([[1.0], [-3.0]])).tolist() == [0.0, 0.25, 1.0]
