"""Gradients by hand, integrated gradients by a literal loop, and what both give where the network is linear."""

import copy
from functools import cache

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, Saliency
from torch import nn

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption
from attributionlab.methods import make_method
from attributionlab.methods.base import captum_quiet

ENVIRONMENTS = (
    "multi-color-sum[size=16]",
    "multi-color-sum[accumulator=signed,output=logit,size=16]",
    "single-color-modulo[accumulator=uniform,size=16]",
    "single-color-sum[height=19,width=16]",
)

COUNTING = "multi-color-sum[n_redundant=0,output=logit,size=16]"
"""The logit without redundancy: a sum over pixels, each worth 1/T at its color and nothing at every other one."""

CLOSE_COLORS = (
    "multi-color-sum[background=20,20,20,colors=24,20,20;20,24,20;20,20,24,n_redundant=0,output=logit,size=16]"
)
"""The same with colors 4 steps away from the background, so that a path through them needs few nodes."""

WORTH = 4.0
"""1/T: the temperature at size 16 is its least, 1/4."""


@cache
def environment_of(spec):
    return make_environment(spec)


def explain(name, spec, n=2, **options):
    environment = environment_of(spec)
    batch = environment.sample(n)
    return make_method(name, environment, **options)(environment.model, batch.inputs, batch.targets), batch


def gradient_by_hand(model, image, target):
    """The gradient of one output by one image (c, h, w)."""
    leaf = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf[None])[0, target], leaf)
    return gradient


def all_gradients(spec, batch):
    model = environment_of(spec).model
    return torch.stack([gradient_by_hand(model, *pair) for pair in zip(batch.inputs, batch.targets, strict=True)])


@pytest.mark.parametrize("spec", ENVIRONMENTS)
def test_gradients_are_those_of_captum_bit_for_bit(spec):
    batch, model = environment_of(spec).sample(2), environment_of(spec).model
    inputs, targets = batch.inputs, batch.targets
    with captum_quiet():
        signed = Saliency(model).attribute(inputs, target=targets, abs=False)
        by_captum = {
            "gradient": signed,
            "gradient-magnitude": signed.abs(),
            "input-x-gradient": InputXGradient(model).attribute(inputs, target=targets),
        }
    for name, maps in by_captum.items():
        assert torch.equal(make_method(name).attribute(model, inputs, targets), maps)


@pytest.mark.parametrize("spec", ENVIRONMENTS)
def test_gradient_is_what_autograd_says_summed_over_channels(spec):
    maps, batch = explain("gradient", spec)
    torch.testing.assert_close(maps, all_gradients(spec, batch).sum(dim=1))


@pytest.mark.parametrize("spec", ENVIRONMENTS)
def test_gradient_magnitude_is_the_sum_of_magnitudes_over_channels(spec):
    maps, batch = explain("gradient-magnitude", spec)
    torch.testing.assert_close(maps, all_gradients(spec, batch).abs().sum(dim=1))


@pytest.mark.parametrize("spec", ENVIRONMENTS)
def test_input_x_gradient_is_the_product_summed_over_channels(spec):
    maps, batch = explain("input-x-gradient", spec)
    torch.testing.assert_close(maps, (batch.inputs * all_gradients(spec, batch)).sum(dim=1))


@pytest.mark.wide
@pytest.mark.parametrize("design", ["uniform", "nonnegative", "signed"])
def test_gradients_of_a_logit_without_redundancy_are_those_of_the_ramps_below_the_color(design):
    """Derived, not measured: at its color N each channel sits on top of I_{>N-1}, ReLU(x - N + 1) - ReLU(x - N).

    Its slope there is 1, as torch's ReLU has slope 0 at 0; the three channels add up before one ReLU, and the count goes through T.
    So each channel of a winner pixel has the gradient 1/T, every other pixel none, and the input only multiplies that.
    """
    spec = f"multi-color-sum[accumulator={design},n_redundant=0,output=logit,size=16]"
    maps, batch = explain("gradient", spec, n=8)
    winners = batch.ground_truth.positive_mask
    assert (maps[winners] == 3 * WORTH).all()
    assert (maps[~winners] == 0).all()
    for name in ("input-x-gradient", "lrp-z"):
        maps, _ = explain(name, spec, n=8)
        assert torch.equal(maps, WORTH * batch.inputs.sum(dim=1) * winners)


def test_the_gradient_keeps_its_sign():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    model[1].weight.data = torch.tensor([[1.0, -2.0, 3.0, -4.0]])
    maps = make_method("gradient")(model, torch.ones(1, 1, 2, 2), torch.tensor([0]))
    assert maps.tolist() == [[[1.0, -2.0], [3.0, -4.0]]]


def test_the_gradient_explains_the_target_of_each_image():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    model[1].weight.data = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    maps = make_method("gradient")(model, torch.ones(2, 1, 1, 2), torch.tensor([1, 0]))
    assert maps.tolist() == [[[3.0, 4.0]], [[1.0, 2.0]]]


def test_guided_backprop_drops_negative_gradients_at_every_relu():
    """y = ReLU(x) - ReLU(2x) at x = 1: the gradient is 1 - 2, and guided backpropagation keeps only the 1."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    model[1].weight.data = torch.tensor([[1.0], [2.0]])
    model[3].weight.data = torch.tensor([[1.0, -1.0]])
    image, target = torch.ones(1, 1, 1, 1), torch.tensor([0])
    assert make_method("gradient")(model, image, target).item() == -1.0
    assert make_method("guided-backprop")(model, image, target).item() == 1.0


def test_deconvnet_drops_negative_gradients_whatever_the_relu_saw():
    """y = ReLU(-x) + 3 ReLU(-x) - 5 ReLU(x) at x = 1: deconvnet ignores that the first two are off and the third is negative."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False))
    model[1].weight.data = torch.tensor([[-1.0], [-1.0], [1.0]])
    model[3].weight.data = torch.tensor([[1.0, 3.0, -5.0]])
    image, target = torch.ones(1, 1, 1, 1), torch.tensor([0])
    assert make_method("gradient")(model, image, target).item() == -5.0
    assert make_method("guided-backprop")(model, image, target).item() == 0.0
    assert make_method("deconvnet")(model, image, target).item() == -4.0


def literal_integrated_gradients(model, image, target, baseline, nodes, weights):
    """Sundararajan et al., Eq. 1, with the integral as a weighted sum over nodes in [0, 1]."""
    total = torch.zeros_like(image, dtype=torch.float64)
    for node, weight in zip(nodes, weights, strict=True):
        point = (baseline.double() + float(node) * (image - baseline).double()).float()
        total += float(weight) * gradient_by_hand(model, point, target).double()
    return (total * (image - baseline)).sum(dim=0)


RULES = {
    "gausslegendre": lambda n: tuple(
        part / 2 + shift for part, shift in zip(np.polynomial.legendre.leggauss(n), (0.5, 0), strict=True)
    ),
    "riemann_left": lambda n: (np.arange(n) / n, np.full(n, 1 / n)),
    "riemann_right": lambda n: (np.arange(1, n + 1) / n, np.full(n, 1 / n)),
    "riemann_middle": lambda n: ((np.arange(n) + 0.5) / n, np.full(n, 1 / n)),
}
"""Nodes and weights on [0, 1] as textbooks have them, for n nodes."""


@pytest.mark.parametrize("baseline", ["black", "true", (30, 60, 90)])
@pytest.mark.parametrize("n_steps", [5, 8])
def test_integrated_gradients_equals_a_loop_over_gauss_legendre_nodes(n_steps, baseline):
    spec = "multi-color-sum[size=16]"
    maps, batch = explain("integrated-gradients", spec, baseline=baseline, n_steps=n_steps)
    start = {"black": (0.0, 0.0, 0.0), "true": (20.0, 20.0, 20.0)}.get(baseline, baseline)
    start = torch.tensor(start, dtype=torch.float32)[:, None, None].expand(3, 16, 16)
    model = environment_of(spec).model
    for index in range(len(batch)):
        by_hand = literal_integrated_gradients(
            model, batch.inputs[index], batch.targets[index], start, *RULES["gausslegendre"](n_steps)
        )
        torch.testing.assert_close(maps[index], by_hand.float())


@pytest.mark.parametrize("quadrature", RULES)
@pytest.mark.parametrize("spec", ["single-color-modulo[size=16]", COUNTING])
def test_integrated_gradients_follows_the_rule_of_quadrature(spec, quadrature):
    maps, batch = explain("integrated-gradients", spec, n=1, n_steps=6, quadrature=quadrature)
    by_hand = literal_integrated_gradients(
        environment_of(spec).model,
        batch.inputs[0],
        batch.targets[0],
        torch.zeros_like(batch.inputs[0]),
        *RULES[quadrature](6),
    )
    torch.testing.assert_close(maps[0], by_hand.float())


def test_the_trapezoid_rule_is_not_offered():
    """Captum's weights for it add up to (n - 1)/n, so that no map would be complete."""
    with pytest.raises(BadOption, match=r"^`quadrature` must be .*, got 'riemann_trapezoid'$"):
        make_method("integrated-gradients", quadrature="riemann_trapezoid")


@pytest.mark.parametrize("internal_batch_size", [1, 3, 7, 100])
def test_the_internal_batch_size_of_integrated_gradients_changes_nothing(internal_batch_size):
    spec = "multi-color-sum[size=16]"
    usual, _ = explain("integrated-gradients", spec, n_steps=7)
    maps, _ = explain("integrated-gradients", spec, n_steps=7, internal_batch_size=internal_batch_size)
    torch.testing.assert_close(maps, usual)


@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift", "deepshap"])
def test_complete_methods_give_every_white_pixel_of_a_sum_exactly_its_worth(name):
    """The network is linear on the path from black, so any quadrature whose weights add up to 1 is exact."""
    maps, batch = explain(name, "single-color-sum[size=16]", n=3)
    white = batch.ground_truth.positive_mask
    torch.testing.assert_close(maps[white], torch.ones(int(white.sum())))
    assert (maps[~white] == 0).all()
    torch.testing.assert_close(maps.sum(dim=(1, 2)), batch.labels.float())


def test_integrated_gradients_is_exact_where_one_node_falls_on_each_ramp():
    """The ramp of a color at L1 distance D is the last 1/D of the path; of D midpoints exactly one lies on it.

    All numbers are multiples of 1/8, so the equalities are exact.
    """
    maps, batch = explain(
        "integrated-gradients", CLOSE_COLORS, n=3, baseline="true", n_steps=4, quadrature="riemann_middle"
    )
    winners = batch.ground_truth.positive_mask
    assert (maps[winners] == WORTH).all()
    assert (maps[~winners] == 0).all()
    counts = [max(scene.n_pixels) for scene in batch.scenes]
    assert maps.sum(dim=(1, 2)).tolist() == [WORTH * count for count in counts]


@pytest.mark.parametrize("baseline", ["true", "black"])
@pytest.mark.parametrize("n_steps", [10, 50])
def test_integrated_gradients_at_any_number_of_nodes_weighs_the_nodes_on_the_ramp(n_steps, baseline):
    """Every winner pixel gets D/T times the weights of the nodes within 1/D of the end; other pixels get nothing."""
    maps, batch = explain("integrated-gradients", COUNTING, n=3, baseline=baseline, n_steps=n_steps)
    environment = environment_of(COUNTING)
    start = np.array([20, 20, 20] if baseline == "true" else [0, 0, 0])
    nodes, weights = RULES["gausslegendre"](n_steps)
    for index, scene in enumerate(batch.scenes):
        distance = int(np.abs(np.array(environment.colors[int(batch.targets[index])]) - start).sum())
        worth = WORTH * distance * weights[1 - nodes < 1 / distance].sum()
        winners = batch.ground_truth.positive_mask[index]
        torch.testing.assert_close(maps[index][winners], torch.full((int(winners.sum()),), worth, dtype=torch.float32))
        assert (maps[index][~winners] == 0).all()
        assert maps[index].sum().item() == pytest.approx(worth * max(scene.n_pixels), rel=1e-5)


@pytest.mark.wide
def test_50_nodes_leave_a_winner_pixel_between_07_and_13():
    """Completeness holds up to quadrature, and that is a lot."""
    maps, batch = explain("integrated-gradients", COUNTING, n=16, n_steps=50)
    assert set(batch.labels.tolist()) >= {0, 3}, "red and yellow win somewhere"
    shares = maps[batch.ground_truth.positive_mask] / WORTH
    assert 0.7 < shares.min() < 0.8
    assert 1.2 < shares.max() < 1.3


@pytest.mark.parametrize("quadrature", ["riemann_left", "riemann_middle"])
def test_left_and_middle_sums_of_50_nodes_see_nothing_of_a_color(quadrature):
    maps, _ = explain("integrated-gradients", COUNTING, n_steps=50, quadrature=quadrature)
    assert (maps == 0).all()


@pytest.mark.parametrize("option", ["n_steps", "internal_batch_size"])
@pytest.mark.parametrize("value", [0, -3])
def test_integrated_gradients_refuses_less_than_one_node(option, value):
    with pytest.raises(BadOption, match=rf"^`{option}` must be at least 1, got {value}$"):
        make_method("integrated-gradients", **{option: value})


@pytest.mark.slow
@pytest.mark.parametrize("baseline", ["black", "true"])
def test_integrated_gradients_are_complete_with_many_nodes(baseline):
    """The integral in float64, by a midpoint sum of 20,000 nodes: every winner pixel gets 1 / T, all others 0."""
    environment = make_environment("multi-color-sum[n_redundant=0,output=logit,size=16]")
    batch = environment.sample(1)
    model = copy.deepcopy(environment.model).double()
    options = {"n_steps": 20_000, "quadrature": "riemann_middle", "internal_batch_size": 200, "baseline": baseline}
    maps = make_method("integrated-gradients", environment, **options)(model, batch.inputs.double(), batch.targets)
    expected = batch.ground_truth.positive_mask.double() / environment.counts_per_logit
    # the detector's ramp is at least 1/255 of the path, 78 nodes: half a node may be missed at either end
    torch.testing.assert_close(maps, expected, rtol=1 / 78, atol=0)
