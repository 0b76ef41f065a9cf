"""Insertion, Deletion and Sensitivity-N: known answers, literal oracles, degenerate and wrong maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

import attributionlab as al
from attributionlab.errors import BadOption, NotFinite, WrongShape
from attributionlab.metrics.sensitivity import Drops
from attributionlab.perturbation import descending
from attributionlab.seeding import generator

LINEAR = [
    "multi-color-sum[n_redundant=0,output=logit,size=24]",
    "multi-color-sum[accumulator=signed,output=logit,redundant_scale=0,size=16]",
    "multi-color-sum[n_redundant=0,output=logit,size=16,temperature=1]",
    "single-color-sum[size=16]",
]


def case(spec, n=3):
    environment = al.make_environment(spec)
    batch = environment.sample(n)
    return environment, batch, batch.ground_truth.signed.float()


def image_of(values):
    """An attribution (1, 4, 4) and an input that goes with it."""
    return torch.tensor(values).reshape(1, 4, 4), torch.zeros(1, 1, 4, 4)


@pytest.mark.parametrize("canvas", ["black", "background"])
@pytest.mark.parametrize("spec", LINEAR)
def test_the_truth_attains_the_optimum_exactly_and_its_negation_the_worst(spec, canvas):
    environment, batch, truth = case(spec)
    k, n = batch.ground_truth.positive_mask.flatten(1).sum(dim=1).double(), truth[0].numel()
    best, worst = k * (1 - k / (2 * n)), k * k / (2 * n)
    scale = environment.output_per_pixel
    inserted = al.insertion(environment, batch, truth, canvas=canvas)
    deleted = al.deletion(environment, batch, truth, canvas=canvas)
    assert torch.equal(inserted.auc, inserted.optimum)
    assert torch.equal(deleted.auc, deleted.optimum)
    torch.testing.assert_close(inserted.optimum, best * scale, rtol=1e-14, atol=0)  # one rounding per operation
    torch.testing.assert_close(deleted.optimum, worst * scale, rtol=1e-14, atol=0)
    assert torch.equal(al.insertion(environment, batch, -truth, canvas=canvas).auc, deleted.optimum)
    assert torch.equal(al.deletion(environment, batch, -truth, canvas=canvas).auc, inserted.optimum)
    torch.testing.assert_close(inserted.auc_normalized, 1 - k / (2 * n), rtol=1e-14, atol=0)


@pytest.mark.parametrize("spec", LINEAR)
def test_the_truth_has_a_sensitivity_of_one_at_every_size(spec):
    environment, batch, truth = case(spec, 2)
    curve = al.sensitivity_n(environment, batch, truth, n_orders=20)
    defined = ~curve.correlations.isnan()
    assert defined.float().mean() > 0.9
    assert (curve.correlations[defined] - 1).abs().max() < 1e-12  # float64 sums
    negated = al.sensitivity_n(environment, batch, -truth, n_orders=20)
    assert (negated.correlations[defined] + 1).abs().max() < 1e-12
    assert torch.equal(curve.n_undefined, (~defined).sum(dim=1))


@pytest.mark.parametrize("metric", [al.insertion, al.deletion])
@pytest.mark.parametrize("spec", ["multi-color-sum[size=16]", "single-color-modulo[size=16]"])
def test_curves_are_those_of_literal_forward_passes(spec, metric):
    environment, batch, _ = case(spec, 2)
    maps = torch.from_numpy(generator(0, "map").standard_normal((2, 16, 16)))
    curve = metric(environment, batch, maps)
    for index in range(2):
        by = maps[index].abs() if environment.ranking == "magnitude" else maps[index]
        shown, hidden = batch.inputs[index].clone(), torch.zeros_like(batch.inputs[index])
        current, source = (hidden, shown) if metric is al.insertion else (shown, hidden)
        current, expected = current.clone(), []
        for pixel in [None, *by.flatten().argsort(descending=True).tolist()]:
            if pixel is not None:
                current.flatten(1)[:, pixel] = source.flatten(1)[:, pixel]
            expected.append(float(environment.model(current[None]).detach()[0, batch.targets[index]]))
        np.testing.assert_allclose(curve.outputs[index], expected, rtol=0, atol=2e-7)  # the softmax's rounding
        area = np.trapezoid(np.array(expected), np.linspace(0, 1, len(expected)))
        assert float(curve.auc[index]) == pytest.approx(area, rel=1e-6)
        full = expected[-1] if metric is al.insertion else expected[0]
        assert float(curve.auc_normalized[index]) == pytest.approx(area / full, rel=1e-6)
    assert curve.steps.tolist() == list(range(257))
    assert curve.optimum.isnan().all()


def test_sensitivity_agrees_with_independent_subsets():
    """The literal definition, with fresh subsets for one N: within five standard errors of a correlation."""
    environment, batch, _ = case("multi-color-sum[size=16]", 1)
    maps = environment.model.detect(batch.inputs)[:, :3].sum(dim=1).detach() + 0.3 * torch.from_numpy(
        generator(1, "map").standard_normal((1, 16, 16))
    )
    n_orders, size = 400, 100
    curve = al.sensitivity_n(environment, batch, maps, n_orders=n_orders)
    random, sums, drops = generator(0, "subsets"), [], []
    full = environment.model(batch.inputs)[0, batch.targets[0]].item()
    for _ in range(n_orders):
        subset = random.choice(256, size, replace=False)
        without = batch.inputs.clone()
        without.flatten(2)[:, :, subset] = 0
        drops.append(full - environment.model(without)[0, batch.targets[0]].item())
        sums.append(maps.flatten()[subset].sum().item())
    literal = float(pearsonr(sums, drops).statistic)
    error = math.sqrt(2 / n_orders) * 5
    assert abs(math.atanh(float(curve.correlations[0, size - 1])) - math.atanh(literal)) < error


def test_correlation_is_that_of_scipy_and_knows_what_is_undefined():
    random = generator(0, "values")
    sums, drops = (torch.from_numpy(random.standard_normal((30, 4))) for _ in range(2))
    sums[:, 1], drops[:, 2], sums[:, 3], drops[:, 3] = 0.1, 2.0, 0.1, 2.0
    result = Drops.of(drops).correlate(sums)
    assert float(result[0]) == pytest.approx(pearsonr(sums[:, 0], drops[:, 0]).statistic, rel=1e-12)
    assert result[1] == 0
    assert result[2:].isnan().all()


def test_a_constant_map_correlates_with_nothing():
    environment, batch, truth = case("multi-color-sum[size=16]", 1)
    curve = al.sensitivity_n(environment, batch, torch.full_like(truth, 0.1), n_orders=10)
    assert float(curve.mean[0]) == pytest.approx(0, abs=1e-12)


def test_all_methods_meet_the_same_ties_and_an_image_alone_meets_its_own():
    environment, batch, truth = case("multi-color-sum[size=16]")
    flat = torch.zeros_like(truth)
    together = al.insertion(environment, batch, flat)
    alone = al.insertion(environment, batch[1:2], flat[1:2])
    assert torch.equal(together.outputs[1:2], alone.outputs)
    assert not torch.equal(together.outputs, al.insertion(environment, batch, flat, seed=1).outputs)
    orders = descending(flat, batch.inputs)
    assert not torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], torch.arange(256))


def test_orders_fall_by_value_or_magnitude():
    values, image = image_of([float(value) for value in range(-8, 8)])
    assert descending(values, image).tolist() == [list(range(15, -1, -1))]
    assert descending(values, image, by="magnitude")[0, 0] == 0
    assert al.make_environment("single-color-modulo", size=16).ranking == "magnitude"


def test_modulo_is_ranked_by_magnitude():
    environment, batch, truth = case("single-color-modulo[size=16]", 1)
    assert torch.equal(al.deletion(environment, batch, -truth).outputs, al.deletion(environment, batch, truth).outputs)
    signed = al.deletion(environment, batch, -truth, order="signed")
    assert not torch.equal(signed.outputs, al.deletion(environment, batch, truth).outputs)


def test_canvases_start_where_they_say():
    environment, batch, truth = case("multi-color-sum[size=16]", 2)
    for canvas, image in (
        ("black", torch.zeros_like(batch.inputs)),
        ("background", environment.true_baseline[:, None, None].expand_as(batch.inputs)),
    ):
        start = al.insertion(environment, batch, truth, canvas=canvas).outputs[:, 0]
        expected = environment.model(image).detach().gather(1, batch.targets[:, None])[:, 0]
        torch.testing.assert_close(start, expected, rtol=0, atol=2e-7)  # the softmax's rounding
    blurred = al.insertion(environment, batch, truth, canvas="blur")
    assert torch.equal(blurred.outputs[:, -1], al.insertion(environment, batch, truth).outputs[:, -1])


@pytest.mark.parametrize("metric", [al.insertion, al.deletion, al.sensitivity_n])
def test_wrong_maps_are_refused(metric):
    environment, batch, truth = case("multi-color-sum[size=16]", 2)
    with pytest.raises(WrongShape, match=r"^`attribution` must be .*\(2, 16, 16\).*got \(2, 15, 16\)"):
        metric(environment, batch, truth[:, 1:])
    with pytest.raises(NotFinite, match="NaN"):
        metric(environment, batch, truth / 0)


def test_bad_options_are_named():
    environment, batch, truth = case("multi-color-sum[size=16]", 1)
    with pytest.raises(BadOption, match="`canvas` must be black, background or blur, got 'white'"):
        al.insertion(environment, batch, truth, canvas="white")
    with pytest.raises(BadOption, match="`order` must be signed or magnitude, got 'up'"):
        al.deletion(environment, batch, truth, order="up")
    with pytest.raises(BadOption, match="`n_orders` must be at least 2, got 1"):
        al.sensitivity_n(environment, batch, truth, n_orders=1)


def test_metrics_do_not_depend_on_the_batch():
    environment, batch, _ = case("multi-color-sum[size=16]", 3)
    maps = torch.from_numpy(generator(0, "map").standard_normal((3, 16, 16)))
    together = al.sensitivity_n(environment, batch, maps, n_orders=5)
    alone = al.sensitivity_n(environment, batch[2:3], maps[2:3], n_orders=5)
    assert torch.equal(together.correlations[2:3].nan_to_num(9), alone.correlations.nan_to_num(9))


def test_a_canvas_that_counts_has_no_known_optimum():
    """Black is a color of the network here, so that the canvas has an output of its own."""
    environment = al.make_environment(
        "multi-color-sum", size=16, output="logit", n_redundant=0, colors=((0, 0, 0), (255, 0, 0))
    )
    batch = environment.sample(8)
    black = batch.targets == 0
    assert black.any() and not black.all()
    optimum = al.insertion(environment, batch, batch.ground_truth.signed).optimum
    assert optimum[black].isnan().all() and not optimum[~black].isnan().any()
