"""Insertion, Deletion and Sensitivity-N: known answers, literal oracles, degenerate and wrong maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import pearsonr
from wide import first_of

import attributionlab as al
from attributionlab.errors import BadOption, NotFinite, UnknownName, WrongShape
from attributionlab.metrics import sensitivity_n_by_subsets
from attributionlab.metrics.insertion import canvases
from attributionlab.metrics.sensitivity import Drops, SensitivityCurve
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
    scale = environment.output_per_feature
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
@pytest.mark.parametrize("spec", first_of(["multi-color-sum[size=16]", "single-color-modulo[size=16]"]))
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


@pytest.mark.wide
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


def test_correlations_never_leave_minus_one_to_one_by_rounding():
    drops = torch.from_numpy(generator(0, "values").standard_normal((30, 2000)))
    plain = (drops - drops.mean(dim=0)).square().sum(dim=0) / torch.linalg.vector_norm(
        drops - drops.mean(dim=0), dim=0
    ) ** 2
    assert (plain > 1).any(), "rounding alone would leave it"
    assert Drops.of(drops).correlate(drops).max() == 1
    assert Drops.of(drops).correlate(-drops).min() == -1


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


def test_sensitivity_sums_values_or_magnitudes():
    environment, batch, truth = case(LINEAR[0], 2)
    assert (al.sensitivity_n(environment, batch, -truth, n_orders=10).mean < -0.999).all()
    assert (al.sensitivity_n(environment, batch, -truth, n_orders=10, order="magnitude").mean > 0.999).all()
    modulo, images, _ = case("single-color-modulo[size=16]", 2)
    maps = torch.from_numpy(generator(0, "map").standard_normal((2, 16, 16)))
    usual, summed = (
        al.sensitivity_n(modulo, images, one, n_orders=10, order=order).correlations
        for one, order in ((maps, None), (maps.abs(), "signed"))
    )
    assert torch.equal(usual.nan_to_num(9), summed.nan_to_num(9))


def test_the_mean_of_a_sensitivity_is_over_the_sizes_where_it_is_defined():
    curve = SensitivityCurve.of(torch.tensor([1, 2, 3]), torch.tensor([[0.5, math.nan, 0.25], [math.nan] * 3]).double())
    assert curve.mean[0] == 0.375 and curve.mean[1].isnan()
    assert curve.n_undefined.tolist() == [1, 3]


def test_seeds_draw_other_orders_and_subsets():
    environment, batch, _ = case("multi-color-sum[size=16]", 1)
    maps = torch.from_numpy(generator(0, "map").standard_normal((1, 16, 16)))
    first, second = (al.sensitivity_n(environment, batch, maps, n_orders=5, seed=seed).mean for seed in (0, 1))
    assert first != second
    first, second = (
        sensitivity_n_by_subsets(environment, batch, maps, [100], n_subsets=5, seed=seed).mean for seed in (0, 1)
    )
    assert first != second


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


@pytest.mark.parametrize("options", ["size=16", "height=16,width=21", "height=21,width=16"])
def test_the_width_of_the_blurred_canvas_is_in_proportion_to_the_shorter_side(options):
    environment, batch, _ = case(f"multi-color-sum[{options}]", 2)
    blurred = canvases(environment, batch.inputs, "blur")
    deviation = 21 * 16 / 224  # 21 pixels of 224, as in appendix G.2
    for image, sharp in zip(blurred.flatten(0, 1), batch.inputs.flatten(0, 1), strict=True):
        assert np.array_equal(image, np.round(gaussian_filter(sharp.double().numpy(), deviation)))


@pytest.mark.parametrize("color", [torch.zeros(1), torch.zeros(2)])
def test_a_background_with_other_channels_than_the_images_is_refused(color):
    mine = al.TrainedNetwork(torch.nn.Flatten(), color)
    images = al.LabeledImages(torch.zeros(1, 3, 4, 4), torch.tensor([0]))
    with pytest.raises(BadOption, match=r"^`true_baseline` must have 3 channels, got \("):
        al.insertion(mine, images, torch.zeros(1, 4, 4), steps=4, canvas="background")


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


MODULO = "single-color-modulo[size=32]"


@pytest.mark.parametrize("spec", [MODULO, "single-color-sum[size=16]"])
def test_correct_steps_count_the_white_pixels_and_the_truth_attains_their_optimum(spec):
    environment, batch, truth = case(spec)
    k, n = batch.ground_truth.overall_mask.flatten(1).sum(dim=1).double(), truth[0].numel()
    maps = torch.from_numpy(generator(0, "map").standard_normal(truth.shape))
    white = batch.ground_truth.overall_mask.flatten(1)
    order = descending(maps, batch.inputs, by=environment.ranking)
    literal = torch.nn.functional.pad(white.gather(1, order).cumsum(dim=1), (1, 0)) / k[:, None]
    assert torch.equal(al.insertion(environment, batch, maps, measure="correct-steps").outputs, literal)
    assert torch.equal(al.deletion(environment, batch, maps, measure="correct-steps").outputs, 1 - literal)
    for metric, best in ((al.insertion, 1 - k / (2 * n)), (al.deletion, k / (2 * n))):
        curve = metric(environment, batch, truth, measure="correct-steps")
        torch.testing.assert_close(curve.auc, best, rtol=0, atol=1e-12)  # sums of float64 fractions
        torch.testing.assert_close(curve.optimum, best, rtol=0, atol=1e-12)
    curve = al.sensitivity_n(environment, batch, truth, measure="correct-steps", n_orders=10)
    defined = ~curve.correlations.isnan()
    assert (curve.correlations[defined] - 1).abs().max() < 1e-12  # float64 sums
    assert defined.float().mean() > 0.9


def test_correct_steps_are_refused_where_other_pixels_change_the_output():
    environment, batch, truth = case("multi-color-sum[size=16]", 1)
    for metric in (al.insertion, al.deletion, al.sensitivity_n):
        with pytest.raises(BadOption, match="`measure` must be output where other pixels than those of the truth"):
            metric(environment, batch, truth, measure="correct-steps")
        with pytest.raises(BadOption, match="`steps` must be none where correct steps are counted"):
            metric(environment, batch, truth, measure="correct-steps", steps=4)
        with pytest.raises(BadOption, match="`measure` must be output or correct-steps, got 'steps'"):
            metric(environment, batch, truth, measure="steps")


@pytest.mark.parametrize("metric", [al.insertion, al.deletion])
def test_steps_are_points_of_the_exact_curve(metric):
    environment, batch, _ = case("multi-color-sum[output=logit,size=16]", 2)
    maps = torch.from_numpy(generator(0, "map").standard_normal((2, 16, 16)))
    exact, coarse = metric(environment, batch, maps), metric(environment, batch, maps, steps=10)
    assert coarse.steps.tolist() == [0, 26, 51, 77, 102, 128, 154, 179, 205, 230, 256]
    assert torch.equal(coarse.outputs, exact.outputs[:, coarse.steps])
    known, images, best = case(LINEAR[0], 2)
    assert metric(known, images, best).optimum.isfinite().all()
    assert metric(known, images, best, steps=10).optimum.isnan().all(), "that of coarse steps is another one"
    area = np.trapezoid(coarse.outputs.double().numpy(), coarse.steps.numpy() / 256, axis=1)
    np.testing.assert_allclose(coarse.auc, area, rtol=1e-12)
    nested = al.sensitivity_n(environment, batch, maps, n_orders=5)
    some = al.sensitivity_n(environment, batch, maps, n_orders=5, steps=10)
    assert some.sizes.tolist() == coarse.steps.tolist()[1:-1]
    torch.testing.assert_close(
        some.correlations, nested.correlations[:, some.sizes - 1], rtol=0, atol=1e-12, equal_nan=True
    )


def test_any_network_and_images_will_do_with_steps():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 36, 4)).double().eval()
    inputs, targets = torch.rand(2, 3, 6, 6, dtype=torch.float64), torch.tensor([1, 3])
    mine, images = al.TrainedNetwork(network, torch.zeros(3)), al.LabeledImages(inputs, targets)
    exact = (inputs * network[1].weight.detach()[targets].view_as(inputs)).sum(dim=1)  # of a linear model
    curve = al.sensitivity_n(mine, images, exact, n_orders=20, steps=36)
    assert curve.sizes.tolist() == list(range(1, 36))
    assert (curve.correlations - 1).abs().max() < 1e-9  # forward passes in float64
    deleted, inserted = (metric(mine, images, exact, steps=36) for metric in (al.deletion, al.insertion))
    assert inserted.optimum.isnan().all()
    gains = exact.flatten(1).sort(dim=1, descending=True).values.detach()
    (blank,) = network(torch.zeros(1, 3, 6, 6).double()).detach()
    best = torch.nn.functional.pad(gains.cumsum(dim=1), (1, 0))  # no order sums more of them at any step
    torch.testing.assert_close(inserted.outputs, blank[targets, None] + best)
    torch.testing.assert_close(deleted.outputs, blank[targets, None] + best[:, -1:] - best)
    assert torch.equal(al.insertion(mine, images, exact).outputs, inserted.outputs)  # few features: every one by itself


def test_networks_with_many_features_need_a_number_of_steps():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(33 * 32, 2))
    mine, images = (
        al.TrainedNetwork(network, torch.zeros(1)),
        al.LabeledImages(torch.rand(1, 1, 33, 32), torch.tensor([1])),
    )
    with pytest.raises(
        BadOption, match=r"`model` must be a designed network, got 'Sequential'; give the number of `steps`"
    ):
        al.insertion(mine, images, torch.rand(1, 33, 32))


def test_methods_measured_together_score_as_alone():
    environment, batch, truth = case("multi-color-sum[size=16]", 2)
    maps = [truth, torch.from_numpy(generator(0, "map").standard_normal((2, 16, 16))), torch.ones_like(truth)]
    for spec in ("insertion", "deletion[canvas=background]", "sensitivity-n[n_orders=5]"):
        metric = al.make_metric(spec)
        together = metric.evaluate(environment, batch, maps)
        alone = [metric.evaluate(environment, batch, [one])[0] for one in maps]
        for one, other in zip(together, alone, strict=True):
            assert torch.equal(one.scores, other.scores)
            assert torch.equal(one.curves.nan_to_num(9), other.curves.nan_to_num(9))
            assert one.at.shape == one.curves.shape[1:] and 0 <= one.at[0] < one.at[-1] <= 1


def test_nested_orders_estimate_what_independent_subsets_do():
    environment, batch, _ = case("multi-color-sum[size=16]", 2)
    maps = environment.model.detect(batch.inputs)[:, :3].sum(dim=1).detach() + 0.3 * torch.from_numpy(
        generator(1, "map").standard_normal((2, 16, 16))
    )
    sizes = [20, 100, 200]
    literal = sensitivity_n_by_subsets(environment, batch, maps, sizes, n_subsets=300)
    nested = al.sensitivity_n(environment, batch, maps, n_orders=300)
    error = math.sqrt(2 / 300) * 5  # five standard errors of a difference, in Fisher's z
    found = nested.correlations[:, torch.tensor(sizes) - 1]
    assert (torch.atanh(found) - torch.atanh(literal.correlations)).abs().max() < error
    for wrong, message in (
        (256, "lie between 1 and 255, got 256"),
        (0, "be at least 1, got 0"),
        (2.5, "be an integer"),
    ):
        with pytest.raises(BadOption, match=f"^`sizes` must {message}"):
            sensitivity_n_by_subsets(environment, batch, maps, [10, wrong])


def test_metrics_have_specs():
    metric = al.make_metric("insertion[canvas=background,order=magnitude]")
    assert metric.spec == "insertion[canvas=background,order=magnitude]"
    assert al.make_metric(metric) == metric
    assert al.make_metric("sensitivity-n", n_orders=7).spec == "sensitivity-n[n_orders=7]"
    with pytest.raises(UnknownName, match="did you mean insertion"):
        al.make_metric("insertoin")
    with pytest.raises(UnknownName, match="got 'F1'; precision, recall and F1 against the truth are always measured"):
        al.make_metric("F1")
    with pytest.raises(BadOption, match="`canvas` must be black or background or blur, got 'white'"):
        al.make_metric("insertion[canvas=white]")
    with pytest.raises(BadOption, match="`metric` must declare in which direction it is better"):
        al.make_metric(lambda *maps: maps)
    with pytest.raises(BadOption, match="`metric` must be a spec or a function"):
        al.make_metric(3)
