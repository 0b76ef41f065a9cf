"""Methods that optimize a mask (IBA, extremal perturbation), and RISE, which averages random ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn
from torch.distributions import Normal, kl_divergence

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.methods.bottleneck import Features, _blurred, _output_loss, activations, replaced
from attributionlab.methods.cam import find_layer
from attributionlab.seeding import generator


class MeanOfChannels(nn.Module):
    def forward(self, inputs):
        return inputs.flatten(1).mean(dim=1, keepdim=True)


def test_rise_is_the_literal_weighted_average_of_its_masks():
    method = al.make_method("rise", n_masks=5, cells=3, seed=2, internal_batch_size=2, baseline=(7, 8))
    image, target = (
        torch.rand(1, 2, 9, 12, generator=torch.Generator().manual_seed(0)),
        torch.zeros(1, dtype=torch.int64),
    )
    streams = generator(2, "rise cells"), generator(2, "rise offsets")
    masks = [mask for n in (1, 4) for mask in method.draw_masks(n, image.shape[2:], *streams)]
    expected = torch.zeros(9, 12)
    for mask in masks:
        shown = mask * image + (1 - mask) * torch.tensor([7.0, 8.0]).view(2, 1, 1)
        expected += float(MeanOfChannels()(shown)) * mask[0] / (0.5 * 5)
    torch.testing.assert_close(method(MeanOfChannels(), image, target)[0], expected)


def test_rise_masks_are_cut_out_at_random_from_one_cell_too_many():
    """Otherwise all masks had their cells in the same places, and the map would be blocks."""
    method = al.make_method("rise", cells=3, probability=1e-9)  # hidden everywhere, but for what is set below

    class OneCell:
        def random(self, shape):
            values = np.ones(shape)
            values[:, 0, 1, 1] = 0
            return values

    masks = method.draw_masks(200, torch.Size((12, 15)), OneCell(), generator(0))
    peaks = {divmod(int(mask.argmax()), 15) for mask in masks}
    enlarged = torch.nn.functional.interpolate(
        torch.tensor([[[[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]]]), size=(16, 20), mode="bilinear", align_corners=False
    )[0]
    cuts = [enlarged[:, top : top + 12, left : left + 15] for top in range(4) for left in range(5)]
    assert all(any(torch.equal(mask, cut) for cut in cuts) for mask in masks)
    assert len(peaks) == len(cuts), "every offset within a cell"


def test_rise_masks_fill_the_image_with_values_between_zero_and_one():
    method = al.make_method("rise")
    masks = method.draw_masks(20, torch.Size((16, 40)), generator(0), generator(1))
    assert masks.shape == (20, 1, 16, 40)
    assert masks.min() >= 0
    assert masks.max() <= 1
    # 20 masks of 49 cells with p = 1/2, whose shares at the border differ: five standard errors
    assert float(masks.mean()) == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(20 * 49))


def test_information_is_the_kl_divergence_of_two_normal_distributions():
    features = Features(torch.full((1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1), 3.0))
    response = torch.tensor([0.0, 2.0, 7.0]).reshape(1, 1, 1, 3)
    through = torch.tensor([0.1, 0.5, 0.9]).reshape(1, 1, 1, 3)
    noisy = Normal(through * response + (1 - through) * 2.0, (1 - through) * 3.0)
    expected = kl_divergence(noisy, Normal(2.0, 3.0))
    torch.testing.assert_close(features.information(response, through), expected)


def test_features_are_normalized_by_channel():
    environment = al.make_environment("multi-color-sum", size=32)
    inputs = environment.sample(6).inputs
    layer = find_layer(environment.model, 7)
    features = Features.estimate(environment.model, layer, inputs)
    response = activations(environment.model, layer, inputs)
    torch.testing.assert_close(features.mean.flatten(), response.mean(dim=(0, 2, 3)))
    torch.testing.assert_close(features.deviation.flatten(), response.transpose(0, 1).flatten(1).std(dim=1))


def test_a_replaced_layer_returns_what_it_is_told_and_only_inside():
    environment = al.make_environment("multi-color-sum", size=32)
    batch, layer = environment.sample(1), find_layer(environment.model, 3)
    nothing = torch.zeros_like(activations(environment.model, layer, batch.inputs))
    with replaced(layer, nothing):
        assert (environment.model.logits(batch.inputs) == 0).all()
    assert (environment.model.counts(batch.inputs) != 0).any()


def test_blur_is_that_of_scipy():
    mask = torch.rand(1, 2, 12, 15, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = gaussian_filter(mask.numpy(), sigma=(0, 0, 1, 1), mode="mirror", truncate=3.0)
    torch.testing.assert_close(_blurred(mask, 1.0), torch.from_numpy(expected))


def test_the_bottleneck_loses_information_and_keeps_the_answer():
    environment = al.make_environment("multi-color-sum", size=32)
    batch = environment.sample(1)
    method = al.make_method("iba", environment)
    layer = find_layer(environment.model, method.layer)
    features = Features.estimate(environment.model, layer, environment.sample(32, 100).inputs)
    losses, _ = method.optimize(environment.model, layer, features, batch.inputs, batch.targets)
    assert losses[-1] < losses[0] / 3


def test_the_bottleneck_concentrates_on_the_winner():
    verdict = al.check("iba", "multi-color-sum[size=112]", n_samples=2, truth="positive-smooth", rule="point")
    environment = verdict.environments[0]
    found, by_chance = environment.truths["positive-smooth"], environment.controls["constant"]["positive-smooth"]
    assert found is not None
    assert by_chance is not None
    assert found.precision > 5 * by_chance.precision


def test_less_information_gets_through_where_it_costs_more():
    environment = al.make_environment("multi-color-sum", size=32)
    batch = environment.sample(1)
    free, usual, dear = (
        al.make_method("iba", environment, information_weight=weight)(environment.model, batch.inputs, batch.targets)
        for weight in (0, 20, 200)
    )
    assert free.sum() > 1.5 * usual.sum() > 2 * dear.sum()


def test_the_capacity_is_the_information_in_bits_of_all_channels():
    """After no step at all nearly everything gets through: sigmoid(5) of it, by the textbook's divergence."""
    environment = al.make_environment("multi-color-sum", size=32)
    batch, method = environment.sample(1), al.make_method("iba", environment, n_steps=1, learning_rate=0)
    layer = find_layer(environment.model, method.layer)
    features = Features.estimate(environment.model, layer, method.references)
    _, capacity = method.optimize(environment.model, layer, features, batch.inputs, batch.targets)
    response, through = activations(environment.model, layer, batch.inputs), torch.tensor(5.0).sigmoid()
    noisy = Normal(through * response + (1 - through) * features.mean, (1 - through) * features.deviation)
    nats = kl_divergence(noisy, Normal(features.mean, features.deviation)).sum(dim=1, keepdim=True)
    # 1 - sigmoid(5) is 0.007: two of seven digits are lost
    torch.testing.assert_close(capacity, nats / math.log(2), rtol=1e-4, atol=0)


def test_the_answer_is_missed_by_the_cross_entropy_of_a_class_or_the_relative_error_of_a_number():
    logits, target = torch.tensor([[1.0, 3.0], [2.0, 0.0]]), torch.tensor([1])
    expected = sum(math.log(math.exp(a) + math.exp(b)) - b for a, b in logits.tolist()) / 2
    assert float(_output_loss(logits, logits[:1], target)) == pytest.approx(expected, rel=1e-6)
    numbers, number = torch.tensor([[9.0], [14.0]]), torch.tensor([[10.0]])
    assert float(_output_loss(numbers, number, torch.tensor([0]))) == pytest.approx((0.1**2 + 0.4**2) / 2, rel=1e-6)


def test_iba_needs_an_environment():
    with pytest.raises(BadOption, match="`environment` must be given"):
        al.make_method("iba[layer=1]")(
            nn.Sequential(nn.ReLU(), nn.ReLU()), torch.zeros(1, 1, 4, 4), torch.zeros(1).long()
        )


@pytest.mark.parametrize(("size", "area"), [(32, 0.1), (32, 0.3), (64, 0.1)])
def test_extremal_perturbation_meets_its_area(size, area):
    environment = al.make_environment("multi-color-sum", size=size)
    batch = environment.sample(2)
    maps = al.make_method("extremal-perturbation", area=area)(environment.model, batch.inputs, batch.targets)
    assert maps.min() >= 0
    assert maps.max() <= 1
    # the area is a penalty, not a constraint: the reward pulls against it
    assert maps.mean(dim=(1, 2)).tolist() == pytest.approx([area, area], rel=0.05)


def test_the_blur_of_extremal_perturbation_scales_with_the_image():
    image = torch.rand(1, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    hidden = al.make_method("extremal-perturbation", blur=21).hidden(image)
    for found, channel in zip(hidden[0], image[0], strict=True):
        expected = gaussian_filter(channel.double().numpy(), 21 * 16 / 224)
        torch.testing.assert_close(found.double(), torch.from_numpy(expected), rtol=0, atol=1e-6)  # to float32


def test_extremal_perturbation_shows_the_winner():
    verdict = al.check("extremal-perturbation", "multi-color-sum[size=64]", n_samples=1, rule="point")
    assert verdict.deciding_truth == "positive-smooth"
    summary = verdict.environments[0].truths["positive-smooth"]
    assert summary is not None
    assert summary.recall > 0.9


@pytest.mark.parametrize("baseline", ["black", "true", "20,20,20"])
def test_extremal_perturbation_fills_with_a_baseline(baseline):
    environment = al.make_environment("multi-color-sum", size=16)
    image = environment.sample(1).inputs
    hidden = al.make_method("extremal-perturbation", environment, baseline=baseline).hidden(image)
    assert (hidden == (0 if baseline == "black" else 20)).all()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("rise[n_masks=0]", "`n_masks` must be at least 1"),
        ("rise[probability=0]", "`probability` must be above 0"),
        ("iba[n_noises=0]", "`n_noises` must be at least 1"),
        ("iba[smoothing=-1]", "`smoothing` must be at least 0"),
        ("extremal-perturbation[area=1]", "`area` must be above 0 and below 1"),
        ("extremal-perturbation[cell=0]", "`cell` must be above 0"),
        ("extremal-perturbation[n_steps=0]", "`n_steps` must be at least 1"),
    ],
)
def test_bad_options_are_refused(spec, message):
    with pytest.raises(BadOption, match=message):
        al.make_method(spec)
