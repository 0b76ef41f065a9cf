"""Adaptive quadrature against scipy and exact values, its limits, and what it says of itself."""

import math
import re
import warnings

import pytest
import torch
from scipy.integrate import quad_vec
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.methods.diagnostics import collecting
from attributionlab.methods.quadrature import least_evaluations
from attributionlab.methods.sampled import FIRST_BASELINE

TARGETS = torch.tensor([1, 0])


def smooth_network():
    """A network without a kink, whose gradient changes along every path."""
    linear = nn.Linear(12, 3).double()
    with torch.no_grad():
        linear.weight.copy_(torch.linspace(-1, 1.2, 36).reshape(3, 12))
        linear.bias.copy_(torch.tensor([0.5, -0.25, 0.0]))
    return nn.Sequential(nn.Flatten(), linear, nn.Tanh(), nn.Softmax(dim=1))


IMAGES = torch.linspace(-0.5, 2, 24, dtype=torch.float64).reshape(2, 3, 2, 2)


def integral_by_scipy(model, image, target, start):
    """Sundararajan et al., Eq. 1, by scipy's own adaptive quadrature, summed over channels."""

    def gradient(place):
        point = (start + place * (image - start)).requires_grad_()
        (slope,) = torch.autograd.grad(model(point[None])[0, target], point)
        return (slope * (image - start)).numpy()

    integral, _ = quad_vec(gradient, 0, 1, epsabs=1e-12)
    return torch.from_numpy(integral).sum(dim=0)


def explain(spec, model, images=IMAGES, targets=TARGETS, environment=None):
    with collecting() as recorded:
        return al.make_method(spec, environment)(model, images, targets), recorded


@pytest.mark.parametrize("tolerance", [0.01, 1e-6])
def test_the_integral_is_scipys_within_the_tolerance(tolerance):
    model = smooth_network()
    maps, recorded = explain(f"integrated-gradients[tolerance={tolerance}]", model)
    for row, (image, target) in enumerate(zip(IMAGES, TARGETS, strict=True)):
        expected = integral_by_scipy(model, image, target, torch.zeros_like(image))
        assert (maps[row] - expected).abs().sum() <= tolerance * expected.abs().sum()
        change = (model(image[None]) - model(torch.zeros_like(image)[None]))[0, target]
        assert recorded["convergence_delta"][row] == pytest.approx(float(maps[row].sum() - change.detach()), abs=1e-12)
    assert all(error <= tolerance for error in recorded["quadrature_error"])
    assert all(math.isnan(error) for error in recorded["unconverged_error"])


def test_the_error_is_relative_to_magnitudes_and_not_to_a_total_of_0():
    class Difference(nn.Module):
        """The first pixel above 0.3 minus the second one above 0.3: equal pixels cancel."""

        def forward(self, inputs):
            above = (inputs.flatten(1) - 0.3).clamp(min=0)
            return above[:, :1] - above[:, 1:]

    maps, recorded = explain(
        "integrated-gradients", Difference(), torch.ones(1, 1, 1, 2, dtype=torch.float64), torch.tensor([0])
    )
    assert maps.sum() == 0
    assert maps.flatten().tolist() == pytest.approx([0.7, -0.7], rel=0.01)  # the default tolerance
    assert math.isnan(recorded["unconverged_error"][0])


class RiseAndFall(nn.Module):
    """An output that the first pixel raises from 0 to 1, and the second one lowers to 0 again a little later."""

    def __init__(self, rise, fall, width):
        super().__init__()
        self.places, self.width = torch.tensor([rise, fall], dtype=torch.float64), width

    def forward(self, inputs):
        shares = ((inputs.flatten(1) - self.places) / self.width).clamp(0, 1)
        return shares[:, :1] - shares[:, 1:]


@pytest.mark.parametrize("places", [(0.0016, 0.0021), (0.9979, 0.9984), (0.30, 0.35)])
def test_an_output_that_rises_and_falls_between_two_nodes_is_seen(places):
    """Within a color's step at the ends of a path; elsewhere while a node lies on the top, where the gradient is 0."""
    inputs = torch.ones(1, 1, 1, 2, dtype=torch.float64)
    maps, _ = explain("integrated-gradients", RiseAndFall(*places, width=0.0005), inputs, torch.tensor([0]))
    assert maps.flatten().tolist() == pytest.approx(
        [1, -1], abs=0.02
    )  # the default tolerance, of a sum of magnitudes of 2


@pytest.mark.parametrize("baseline", ["black", "true"])
def test_values_of_a_designed_network_are_the_exact_ones_within_the_tolerance(baseline):
    """A color is detected along 1/255 of the path and softmax switches within a part of that; nothing tells where."""
    environment = al.make_environment("multi-color-sum[size=16]")
    batch = environment.sample(3)
    maps, _ = explain(
        f"integrated-gradients[baseline={baseline}]", environment.model, batch.inputs, batch.targets, environment
    )
    exact = torch.as_tensor(al.exact_values(environment, batch, "aumann-shapley", baseline).values)
    errors = (maps - exact).abs().sum(dim=(1, 2)) / exact.abs().sum(dim=(1, 2))
    assert errors.max() <= 0.01
    fifty, _ = explain(
        f"integrated-gradients[baseline={baseline},n_steps=50]",
        environment.model,
        batch.inputs,
        batch.targets,
        environment,
    )
    assert ((fifty - exact).abs().sum(dim=(1, 2)) / exact.abs().sum(dim=(1, 2))).max() > 0.3, "50 nodes are not enough"


def test_expected_gradients_are_the_mean_of_the_integrals_from_each_baseline():
    environment = al.make_environment("multi-color-sum[size=16]")
    model = nn.Sequential(nn.AvgPool2d(8), smooth_network())
    images = environment.sample(2).inputs.double() / 64
    method = al.make_method("expected-gradients[n_baselines=3,tolerance=1e-6]", environment)
    method.__dict__["references"] = method.references / 64
    with collecting() as recorded:
        maps = method(model, images, TARGETS)
    starts = environment.sample(3, FIRST_BASELINE).inputs.double() / 64
    for row, (image, target) in enumerate(zip(images, TARGETS, strict=True)):
        expected = torch.stack([integral_by_scipy(model, image, target, start) for start in starts]).mean(dim=0)
        assert (maps[row] - expected).abs().sum() <= 1e-6 * expected.abs().sum()
        change = (model(image[None]) - model(starts).mean(dim=0))[0, target]
        assert recorded["convergence_delta"][row] == pytest.approx(float(maps[row].sum() - change.detach()), abs=1e-12)


def test_a_limit_is_kept_and_recorded():
    environment = al.make_environment("multi-color-sum[size=16]")
    batch = environment.sample(2, start=2)
    spec = "integrated-gradients[max_evaluations=115]"
    maps, recorded = explain(spec, environment.model, batch.inputs, batch.targets, environment)
    assert recorded["evaluations"] == [111, 111], "81, and two intervals halved for 15 each"
    assert recorded["unconverged_error"] == recorded["quadrature_error"]
    assert min(recorded["quadrature_error"]) > 0.01
    with pytest.warns(
        UserWarning, match=r"^integrated-gradients\[max_evaluations=115\]: on 2 of 2 maps the quadrature ended "
    ):
        assert torch.equal(al.make_method(spec)(environment.model, batch.inputs, batch.targets), maps)


def test_check_says_that_the_tolerance_was_not_met():
    verdict = al.check("integrated-gradients[max_evaluations=90]", "multi-color-sum[size=16]", n_samples=4)
    (line,) = verdict.environments[0].diagnosis
    assert re.match(
        r"on 4 of 4 maps the quadrature ended before its tolerance was met, with an estimated error of up to ", line
    )


def test_a_constant_network_needs_no_interval_halved():
    maps, recorded = explain("integrated-gradients", nn.Sequential(nn.Flatten(), Detached(), nn.Softmax(dim=1)))
    assert (maps == 0).all()
    assert recorded["evaluations"] == [least_evaluations(1)] * 2
    assert recorded["quadrature_error"] == [0, 0]


class Detached(nn.Module):
    """Outputs that do not change."""

    def forward(self, inputs):
        return inputs[:, :2] * 0


class Step(nn.Module):
    """An output that jumps where its gradient is 0."""

    def forward(self, inputs):
        mean = inputs.mean(dim=(1, 2, 3))[:, None].expand(-1, 2)
        return (mean > 0).to(mean) + 0 * mean


class Offset(nn.Module):
    """An output with rounding errors far above its change."""

    def forward(self, inputs):
        return 1e6 + 1e-3 * inputs.mean(dim=(1, 2, 3))[:, None].expand(-1, 2)


def test_a_jump_without_a_gradient_ends_at_the_shortest_interval():
    maps, recorded = explain("integrated-gradients", Step(), IMAGES.float()[1:] - 1.2, TARGETS[1:])
    assert (maps == 0).all()
    assert recorded["unconverged_error"] == [1]
    assert recorded["evaluations"][0] < 1000


def test_rounding_of_outputs_is_not_an_error_of_the_quadrature():
    maps, recorded = explain("integrated-gradients", Offset(), IMAGES.float())
    assert recorded["evaluations"] == [least_evaluations(1)] * 2
    torch.testing.assert_close(maps, (1e-3 * IMAGES.float() / 12).sum(dim=1))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("integrated-gradients[n_steps=0]", "`n_steps` must be at least 1, got 0"),
        ("integrated-gradients[n_steps=foo]", "`n_steps` must be auto or an integer, got 'foo'"),
        ("integrated-gradients[tolerance=-1]", "`tolerance` must be above 0, got -1.0"),
        ("integrated-gradients[tolerance=0]", "`tolerance` must be above 0, got 0.0"),
        ("integrated-gradients[max_evaluations=80]", "`max_evaluations` must be at least 81, got 80"),
        (
            "integrated-gradients[n_steps=9,tolerance=0.1]",
            "`tolerance` must be left out unless `n_steps` is auto, got 0.1",
        ),
        (
            "integrated-gradients[quadrature=riemann_left]",
            "`quadrature` must be left out unless `n_steps` is a number, got 'riemann_left'",
        ),
        ("expected-gradients[n_draws=0]", "`n_draws` must be at least 1, got 0"),
        (
            "expected-gradients[n_baselines=40]",
            "`max_evaluations` must be at least 3240, got 2000; 81 for each of 40 baselines",
        ),
    ],
)
def test_bad_options_are_refused(spec, message):
    with pytest.raises(BadOption, match=f"^{re.escape(message)}$"):
        al.make_method(spec)


def test_nothing_is_warned_of_where_the_tolerance_is_met():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        al.make_method("integrated-gradients")(smooth_network(), IMAGES, TARGETS)
