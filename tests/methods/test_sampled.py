"""Sampled gradients against explicit draws."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.methods import sampled
from attributionlab.methods.sampled import FIRST_BASELINE
from attributionlab.seeding import content_key, generator


class Cubic(nn.Module):
    """A smooth model, so that noise matters: the sum of cubes."""

    def forward(self, inputs):
        return inputs.pow(3).flatten(1).sum(dim=1, keepdim=True)


IMAGE = torch.linspace(-1, 2, 32, dtype=torch.float64).reshape(1, 2, 4, 4)
TARGET = torch.zeros(1, dtype=torch.int64)


def gradients_at_noisy_copies(n_draws, noise, seed):
    random = generator(seed, "noise", content_key(IMAGE[0]))
    width = noise * float(IMAGE.max() - IMAGE.min())
    draws = [torch.from_numpy(random.standard_normal((1, 2, 4, 4))) for _ in range(n_draws)]
    return torch.cat([3 * (IMAGE + width * draw) ** 2 for draw in draws])


@pytest.mark.parametrize(
    ("name", "reduce"),
    [
        ("smoothgrad", lambda gradients: gradients.mean(dim=0)),
        ("smoothgrad-squared", lambda gradients: (gradients**2).mean(dim=0)),
        ("smoothgrad-squared[average=gradients]", lambda gradients: gradients.mean(dim=0) ** 2),
        ("vargrad", lambda gradients: (gradients**2).mean(dim=0) - gradients.mean(dim=0) ** 2),
    ],
)
def test_noisy_gradients_are_what_explicit_draws_give(name, reduce):
    method = al.make_method(name, n_draws=7, noise=0.3, seed=5, internal_batch_size=3)
    expected = reduce(gradients_at_noisy_copies(7, 0.3, 5)).sum(dim=0)
    torch.testing.assert_close(method(Cubic(), IMAGE, TARGET)[0], expected)


NOISY = ("smoothgrad", "smoothgrad-squared", "vargrad")


@pytest.mark.parametrize("name", NOISY)
def test_noisy_gradients_are_the_same_bits_whatever_the_parts(name):
    """The gradient of the model here does not depend on the rest of its batch, so nothing else may."""
    image = IMAGE.float()
    maps = [
        al.make_method(name, n_draws=23, internal_batch_size=size)(Cubic(), image, TARGET)
        for size in (1, 4, 10, 23, 99)
    ]
    assert maps[0].dtype == torch.float32
    assert all(torch.equal(one, maps[0]) for one in maps[1:])


@pytest.mark.parametrize("name", NOISY)
def test_noisy_gradients_are_not_kept(name, monkeypatch):
    alive, most = weakref.WeakSet(), []
    original = sampled._gradients

    def watched(*arguments):
        gradients = original(*arguments)
        alive.add(gradients)
        most.append(len(alive))
        return gradients

    monkeypatch.setattr(sampled, "_gradients", watched)
    al.make_method(name, n_draws=30, internal_batch_size=3)(Cubic(), IMAGE, TARGET)
    assert len(most) == 10
    assert max(most) <= 2


def test_vargrad_survives_a_mean_far_above_the_deviations():
    """In float64, mean squares minus squared means would lose all digits here."""
    steep = nn.Module()
    steep.forward = lambda inputs: (inputs.pow(3) + 1e9 * inputs).flatten(1).sum(dim=1, keepdim=True)
    method = al.make_method("vargrad", n_draws=7, noise=0.3, seed=5)
    expected = gradients_at_noisy_copies(7, 0.3, 5).var(dim=0, correction=0).sum(dim=0)
    torch.testing.assert_close(method(steep, IMAGE, TARGET)[0], expected, rtol=1e-5, atol=1e-5)


def test_without_noise_smoothgrad_is_the_gradient():
    method = al.make_method("smoothgrad", noise=0, n_draws=2)
    torch.testing.assert_close(method(Cubic(), IMAGE, TARGET)[0], (3 * IMAGE[0] ** 2).sum(dim=0))


@pytest.mark.wide
def test_noise_is_far_wider_than_the_number_checkers_so_smoothgrad_sees_nothing():
    verdict = al.check("smoothgrad", "multi-color-sum[size=16]", n_samples=2, rule="point")
    assert verdict.environments[0].n_zero_maps == 2
    (line,) = verdict.environments[0].diagnosis
    assert line.startswith("2 of 2 maps are zero everywhere: its noise is far wider")


def test_expected_gradients_are_what_explicit_draws_give():
    environment = al.make_environment("single-color-sum", size=16)
    image = environment.sample(1).inputs.double()
    random = generator(0, "expected gradients", content_key(image[0]))
    baselines = environment.sample(4, FIRST_BASELINE).inputs.double()
    draws = random.random((6, 2))
    chosen = baselines[np.floor(draws[:, 0] * 4).astype(int)]
    place = torch.from_numpy(draws[:, 1]).reshape(6, 1, 1, 1)
    points = chosen + place * (image - chosen)
    expected = (3 * points**2 * (image - chosen)).mean(dim=0).sum(dim=0)
    method = al.make_method("expected-gradients", environment, n_draws=6, n_baselines=4, internal_batch_size=4)
    torch.testing.assert_close(method(Cubic(), image, TARGET)[0], expected)


def test_expected_gradients_of_a_linear_function_add_up_to_its_difference_from_the_mean_baseline():
    environment = al.make_environment("single-color-sum", size=16)
    image = environment.sample(1).inputs.double()
    model = nn.Sequential(nn.Flatten(), nn.Linear(256, 1, bias=False)).double()
    method = al.make_method("expected-gradients", environment, n_draws=2000, n_baselines=1)
    baseline = environment.sample(1, FIRST_BASELINE).inputs.double()
    difference = float((model(image) - model(baseline)).detach())
    assert float(method(model, image, TARGET).sum()) == pytest.approx(difference)


def test_expected_gradients_need_an_environment():
    with pytest.raises(BadOption, match="`environment` must be given"):
        al.make_method("expected-gradients")(Cubic(), IMAGE, TARGET)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("smoothgrad[n_draws=0]", "`n_draws` must be at least 1"),
        ("vargrad[noise=-1]", "`noise` must be at least 0"),
        ("expected-gradients[n_baselines=0]", "`n_baselines` must be at least 1"),
    ],
)
def test_bad_options_are_refused(spec, message):
    with pytest.raises(BadOption, match=message):
        al.make_method(spec)
