"""Methods that optimize a mask (IBA, extremal perturbation), and RISE, which averages random ones."""

from __future__ import annotations

import itertools
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
from attributionlab.methods.diagnostics import collecting
from attributionlab.methods.extremal import _sorting
from attributionlab.methods.smooth_mask import SmoothMask, interpolate_levels, pyramid
from attributionlab.seeding import content_key, generator


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


def test_features_may_be_normalized_cell_by_cell_as_published():
    environment = al.make_environment("multi-color-sum", size=32)
    inputs, layer = environment.sample(6).inputs, find_layer(environment.model, 3)
    features = Features.estimate(environment.model, layer, inputs, by_cell=True)
    responses = activations(environment.model, layer, inputs)
    torch.testing.assert_close(features.mean[0], responses.mean(dim=0))
    torch.testing.assert_close(features.deviation[0], responses.std(dim=0).clamp(min=0.01))
    by_cell, by_channel = (
        al.make_method(f"iba[n_samples=4,n_steps=3,statistics={kind}]", environment)(
            environment.model, inputs[:1], torch.tensor([0])
        )
        for kind in ("cell", "channel")
    )
    assert not torch.equal(by_cell, by_channel)


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


@pytest.mark.wide
def test_the_bottleneck_concentrates_on_the_winner():
    verdict = al.check("iba", "multi-color-sum[size=64]", n_samples=2, truth="positive-smooth", rule="point")
    environment = verdict.environments[0]
    found, by_chance = environment.truths["positive-smooth"], environment.controls["constant"]["positive-smooth"]
    assert found is not None
    assert by_chance is not None
    assert found.precision > 5 * by_chance.precision


@pytest.mark.wide
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


def test_iba_is_the_literal_loop_of_its_paper():
    """Schulz et al. 2020, Eq. 6 and 13 to 15, and the update of Adam, spelled out; divergences are the textbook's."""
    environment = al.make_environment("multi-color-sum", size=16)
    batch, random = environment.sample(1), torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 2, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(98, 3)).double()
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=random, dtype=torch.float64) / 30
    image, target, beta, rate = batch.inputs.double(), torch.tensor([2]), 3.0, 0.7
    options = {"layer": "1", "n_steps": 3, "n_noises": 2, "n_samples": 4}
    method = al.make_method("iba", environment, information_weight=beta, learning_rate=rate, **options)
    with torch.no_grad():
        response, references = model[:2](image), model[:2](method.references.double())
    mean, deviation = references.mean(dim=(0, 2, 3), keepdim=True), references.std(dim=(0, 2, 3), keepdim=True)
    noise = generator(0, "bottleneck noise", content_key(image[0]))

    def divergence(alpha):
        kept = _blurred(torch.sigmoid(alpha), 1.0)
        prior = Normal(mean.expand_as(kept), deviation.expand_as(kept))
        return kept, kl_divergence(Normal(kept * response + (1 - kept) * mean, (1 - kept) * deviation), prior)

    alpha, first, second = torch.full_like(response, 5.0), 0.0, 0.0
    for step in (1, 2, 3):
        alpha.requires_grad_()
        kept, lost = divergence(alpha)
        draws = torch.from_numpy(noise.standard_normal((2, 2, 7, 7)))
        outputs = model[2:](kept * response + (1 - kept) * (mean + deviation * draws))
        (slope,) = torch.autograd.grad(-outputs.log_softmax(dim=1)[:, 2].mean() + beta * lost.mean(), alpha)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope.square()
        move = first / (1 - 0.9**step) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
        alpha = (alpha - rate * move).detach()
    bits = divergence(alpha)[1].sum(dim=1, keepdim=True) / math.log(2)
    expected = nn.functional.interpolate(bits, size=(16, 16), mode="bilinear", align_corners=False)[:, 0]
    torch.testing.assert_close(method(model, image, target), expected)


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


@pytest.mark.parametrize(
    ("size", "area"),
    [(32, 0.1), pytest.param(32, 0.3, marks=pytest.mark.wide), pytest.param(64, 0.1, marks=pytest.mark.slow)],
)
def test_the_bilinear_mask_meets_its_area(size, area):
    environment = al.make_environment("multi-color-sum", size=size)
    batch = environment.sample(2)
    method = al.make_method("extremal-perturbation[mask=bilinear]", area=area)
    maps = method(environment.model, batch.inputs, batch.targets)
    assert maps.min() >= 0
    assert maps.max() <= 1
    # the area is a penalty, not a constraint: the reward pulls against it
    assert maps.mean(dim=(1, 2)).tolist() == pytest.approx([area, area], rel=0.05)


@pytest.mark.wide
def test_the_smooth_mask_meets_its_area():
    """Within 12 %: the reward pulls against the penalty, and a smooth edge counts in part."""
    random = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 32, 32, generator=random)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(900, 2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random) / 8)
    with collecting() as recorded:
        maps = al.make_method("extremal-perturbation[area=0.2,n_steps=300,learning_rate=0.05]")(
            model, image, torch.tensor([1])
        )
    assert 0 <= maps.min() < 0.01
    assert 0.9 < maps.max() <= 1
    assert abs(recorded["area_error"][0]) < 0.12


def test_equal_values_of_a_mask_are_sorted_alike_on_every_device():
    """Values that differ by rounding alone, as on a GPU, keep their order, which is another one at every step."""

    def orders(mask, n_steps=2):
        """Places of the sorted values, lowest first, at each step."""
        ascending = _sorting(mask.numel(), mask.device)
        places = torch.arange(mask.numel(), dtype=mask.dtype)
        return [torch.autograd.grad((ascending(mask) * places).sum(), mask)[0].tolist() for _ in range(n_steps)]

    random = torch.Generator().manual_seed(0)
    mask = torch.randint(4, (1, 1, 9, 11), generator=random).double().div(3).requires_grad_()
    rounded = (mask + 1e-15 * torch.randn(mask.shape, generator=random)).detach().requires_grad_()
    assert orders(mask) == orders(rounded)
    first, second = orders(mask)
    assert first != second
    assert torch.equal(_sorting(99, mask.device)(mask), mask.flatten().sort().values)


def literal_mask(coarse, shape, step, sigma):
    """The smooth maximum of Fong et al. pixel by pixel, with TorchRay's constants, for the image without its margin."""
    radius = 1 + math.ceil(sigma / step)
    mask = np.zeros(shape)
    for row, column in itertools.product(*map(range, shape)):
        values = []
        u = (row + round(sigma), column + round(sigma))
        first = [position // step - 1 - math.ceil(2 * sigma / step) for position in u]
        for down, right in itertools.product(range(2 * radius + 1), repeat=2):
            i, j = first[0] + down, first[1] + right
            distance = math.hypot(u[0] - sigma - step * i, u[1] - sigma - step * j) / sigma
            inside = 0 <= i < coarse.shape[0] and 0 <= j < coarse.shape[1]
            values.append(math.exp(-2 * max(0, distance - 0.5) ** 2) * (coarse[i, j] if inside else 0))
        shares = np.exp(20 * np.array(values))
        mask[row, column] = min(1, shares @ values / shares.sum())
    return mask


@pytest.mark.parametrize(("shape", "step", "sigma"), [((9, 12), 3, 5), ((7, 8), 2, 3.0), ((6, 6), 1, 2)])
def test_the_smooth_mask_is_the_published_smooth_maximum(shape, step, sigma):
    smooth = SmoothMask(shape, step, sigma)
    coarse = np.random.default_rng(0).random(smooth.coarse_shape)
    mask, whole = smooth.enlarge(torch.from_numpy(coarse)[None, None])
    np.testing.assert_allclose(
        mask[0, 0].numpy(), literal_mask(coarse, shape, step, sigma), rtol=0, atol=1e-6
    )  # float32 kernel
    margin = round(sigma)
    assert torch.equal(whole[:, :, margin : margin + shape[0], margin : margin + shape[1]], mask)


def test_a_mask_value_lies_between_two_levels_of_blur():
    levels = torch.arange(8.0).reshape(8, 1, 1, 1).expand(8, 2, 1, 3) ** 2
    mask = torch.tensor([0.0, 2.25 / 7, 1.0]).reshape(1, 1, 1, 3)
    expected = torch.tensor([0.0, 0.75 * 4 + 0.25 * 9, 49.0])
    torch.testing.assert_close(interpolate_levels(levels, mask), expected.expand(1, 2, 1, 3))


def test_the_smooth_mask_climbs_as_published():
    """Four steps spelled out: masks from ones, flipped images at even steps, momentum with dampening, a growing weight."""
    random = torch.Generator().manual_seed(1)
    image, target = torch.rand(1, 2, 8, 8, generator=random), torch.tensor([1])
    model = nn.Sequential(nn.Flatten(), nn.Linear(128, 2), nn.Tanh())
    method = al.make_method("extremal-perturbation[area=0.25,cell=56,width=84,n_steps=4,learning_rate=0.5]")
    smooth, levels = SmoothMask((8, 8), 2, 3.0), pyramid(image, 20 * 8 / 224)
    coarse, speed, weight = torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4), 300.0
    for step in range(4):
        coarse.requires_grad_()
        mask, whole = smooth.enlarge(coarse)
        shown = torch.zeros_like(image)
        for row, column in itertools.product(range(8), repeat=2):
            place = 7 * mask[0, 0, row, column]
            below = min(6, int(place))
            pixels = levels[below, :, row, column], levels[below + 1, :, row, column]
            shown[0, :, row, column] = pixels[0] + (place - below) * (pixels[1] - pixels[0])
        shown = torch.flip(shown, (3,)) if step in {0, 2} else shown
        ranked = sorted(whole.flatten(), key=lambda value: float(value.detach()))
        loss = -model(shown)[0, 1]
        for rank, value in enumerate(ranked):
            loss = loss + weight * (value - int(rank >= len(ranked) - 16)) ** 2 / len(ranked)
        (gradient,) = torch.autograd.grad(loss, coarse)
        speed = gradient if step == 0 else 0.9 * speed + 0.1 * gradient
        coarse = (coarse.detach() - 0.5 * speed).clamp(0, 1)
        weight *= 1.0035
    torch.testing.assert_close(method(model, image, target), mask[0].detach(), rtol=0, atol=1e-5)


def test_the_blur_of_extremal_perturbation_scales_with_the_image():
    image = torch.rand(1, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    hidden = al.make_method("extremal-perturbation", blur=21).hidden(image)
    for found, channel in zip(hidden[0], image[0], strict=True):
        expected = gaussian_filter(channel.double().numpy(), 21 * 16 / 224)
        torch.testing.assert_close(found.double(), torch.from_numpy(expected), rtol=0, atol=1e-6)  # to float32


@pytest.mark.wide
def test_extremal_perturbation_shows_the_winner():
    verdict = al.check("extremal-perturbation[mask=bilinear]", "multi-color-sum[size=64]", n_samples=1, rule="point")
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
