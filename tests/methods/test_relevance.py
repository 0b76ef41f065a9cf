"""Relevance propagation against literal sums over every connection, and against closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.methods.propagation import alpha_beta_rule, box_rule, epsilon_rule, flat_rule

INPUTS = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], dtype=torch.float64)
RELEVANCE = torch.tensor([[1.0, -0.5], [2.0, 4.0]], dtype=torch.float64)


def linear_layer():
    layer = nn.Linear(3, 2).double()
    layer.weight.data = torch.tensor([[1.0, 0.5, -2.0], [-1.0, 0.25, 4.0]], dtype=torch.float64)
    layer.bias.data = torch.tensor([0.5, -1.0], dtype=torch.float64)
    return layer.requires_grad_(False)


def spread(shares, relevance):
    """R_j = sum_k share_jk / (sum of shares and bias) R_k, literally."""
    result = torch.zeros_like(INPUTS)
    for sample in range(len(INPUTS)):
        for k in range(2):
            contributions, total = shares(sample, k)
            for j in range(3):
                result[sample, j] += 0.0 if total == 0 else contributions[j] / total * relevance[sample, k]
    return result


def products(layer, sample, k):
    return [float(INPUTS[sample, j] * layer.weight[k, j]) for j in range(3)]


def test_epsilon_rule_is_the_literal_sum():
    layer, epsilon = linear_layer(), 0.25

    def shares(sample, k):
        contributions = products(layer, sample, k)
        total = sum(contributions) + float(layer.bias[k])
        return contributions, total + (epsilon if total >= 0 else -epsilon)

    expected = spread(shares, RELEVANCE)
    torch.testing.assert_close(epsilon_rule(epsilon)(layer, INPUTS, RELEVANCE), expected)


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (2.0, 1.0), (3.0, 2.0)])
def test_alpha_beta_rule_is_the_literal_sum(alpha, beta):
    layer = linear_layer()

    def side(sign):
        def shares(sample, k):
            contributions = [value if value * sign > 0 else 0.0 for value in products(layer, sample, k)]
            bias = float(layer.bias[k])
            return contributions, sum(contributions) + (bias if bias * sign > 0 else 0.0)

        return shares

    expected = alpha * spread(side(1), RELEVANCE) - beta * spread(side(-1), RELEVANCE)
    torch.testing.assert_close(alpha_beta_rule(alpha, beta)(layer, INPUTS, RELEVANCE), expected)


def test_flat_rule_shares_evenly():
    expected = RELEVANCE.sum(dim=1, keepdim=True).expand(2, 3) / 3
    torch.testing.assert_close(flat_rule()(linear_layer(), INPUTS, RELEVANCE), expected)


def test_flat_rule_shares_only_among_pixels_that_a_cell_sees():
    layer = nn.Conv2d(1, 1, kernel_size=3, stride=3, padding=1)
    shared = flat_rule()(layer, torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 2, 2))
    assert shared.sum() == 4
    assert shared[0, 0, 0, 0] == 1 / 4


def test_box_rule_is_the_literal_sum():
    layer, low, high = linear_layer(), -2.0, 3.0

    def shares(sample, k):
        contributions = []
        for j in range(3):
            weight = float(layer.weight[k, j])
            bound = low * max(weight, 0.0) + high * min(weight, 0.0)
            contributions.append(float(INPUTS[sample, j]) * weight - bound)
        return contributions, sum(contributions)

    torch.testing.assert_close(box_rule(low, high)(layer, INPUTS, RELEVANCE), spread(shares, RELEVANCE))


@pytest.mark.parametrize("rule", [epsilon_rule(0.0), flat_rule()])
def test_rules_hand_on_all_relevance_where_there_is_no_bias(rule):
    layer = linear_layer()
    layer.bias.data.zero_()
    torch.testing.assert_close(rule(layer, INPUTS, RELEVANCE).sum(dim=1), RELEVANCE.sum(dim=1))


@pytest.mark.parametrize("name", ["multi-color-sum", "single-color-modulo", "single-color-sum"])
def test_z_rule_is_input_times_gradient_of_the_logit(name):
    environment = al.make_environment(name, size=16)
    batch = environment.sample(2)
    inputs = batch.inputs.clone().requires_grad_()
    logits = environment.model.logits(inputs).gather(1, batch.targets[:, None])
    (gradient,) = torch.autograd.grad(logits.sum(), inputs)
    relevance = al.make_method("lrp-z")(environment.model, batch.inputs, batch.targets)
    assert torch.equal(relevance, (gradient * batch.inputs).sum(dim=1))


@pytest.mark.parametrize("design", ["uniform", "nonnegative", "signed"])
def test_z_rule_on_the_count_gives_each_white_pixel_exactly_one(design):
    environment = al.make_environment("single-color-sum", size=16, accumulator=design)
    batch = environment.sample(2)
    relevance = al.make_method("lrp-z")(environment.model, batch.inputs, batch.targets)
    assert torch.equal(relevance, batch.ground_truth.signed.float())


def test_epsilon_zero_is_the_z_rule():
    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(1)
    arguments = (environment.model, batch.inputs, batch.targets)
    assert torch.equal(al.make_method("lrp-epsilon", epsilon=0)(*arguments), al.make_method("lrp-z")(*arguments))


def test_a_model_without_linear_layers_is_refused():
    with pytest.raises(BadOption, match="`model` must have Conv2d or Linear layers"):
        al.make_method("lrp-z")(nn.Flatten(), torch.zeros(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("lrp-epsilon[epsilon=-1]", "`epsilon` must be at least 0"),
        ("lrp-epsilon-plus-flat[epsilon=-1]", "`epsilon` must be at least 0"),
        ("lrp-alpha-beta[alpha=0.5]", "`alpha` must be at least 1"),
        ("deep-taylor[low=3,high=3]", "`high` must be above `low`"),
    ],
)
def test_bad_options_are_refused(spec, message):
    with pytest.raises(BadOption, match=message):
        al.make_method(spec)


@pytest.mark.parametrize(("spec", "bounds"), [("multi-color-sum", (0, 255)), ("single-color-sum", (0, 1))])
def test_the_bounds_of_deep_taylor_are_those_of_the_environment(spec, bounds):
    environment = al.make_environment(spec, size=16)
    assert al.make_method("deep-taylor", environment).bounds == bounds
    assert al.make_method("deep-taylor[high=300]", environment).bounds == (bounds[0], 300)
    with pytest.raises(BadOption, match=r"^`high` must be above `low` \(0\), got -1.0$"):
        al.make_method("deep-taylor[high=-1]", environment).bounds  # noqa: B018  # a property that raises


def test_deep_taylor_asks_for_bounds_where_no_environment_has_them():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    with pytest.raises(BadOption, match=r"^`low` must be set, got None; deep Taylor decomposition needs the range"):
        al.make_method("deep-taylor")(model, torch.zeros(1, 1, 2, 2), torch.tensor([0]))


@pytest.mark.parametrize(
    "module", [nn.Conv2d(1, 1, 1, padding_mode="reflect"), nn.Softmax(dim=1), nn.Softplus(), nn.LayerNorm([2, 2])]
)
def test_modules_without_a_rule_are_refused(module):
    model = nn.Sequential(nn.Conv2d(1, 1, 1), module)
    with pytest.raises(BadOption, match=r"`model` must have a relevance rule for every module, got '1 \("):
        al.make_method("lrp-z")(model, torch.zeros(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64))


class TwoConvolutions(nn.Module):
    """Convolution, ReLU, convolution, ReLU, linear layer; positive and negative weights and biases everywhere."""

    def __init__(self):
        super().__init__()
        first, second = nn.Conv2d(1, 3, kernel_size=2), nn.Conv2d(3, 2, kernel_size=2)
        self.layers = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)).double()
        random = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, dtype=torch.float64, generator=random)

    def forward(self, inputs):
        return self.layers(inputs)


POSITIVE, ALPHA_BETA = alpha_beta_rule(1.0, 0.0), alpha_beta_rule(2.0, 1.0)
EPSILON = epsilon_rule(1e-6)


@pytest.mark.parametrize(
    ("spec", "rules"),
    [
        ("lrp-epsilon", (EPSILON, EPSILON, EPSILON)),
        ("lrp-epsilon[epsilon=0.5]", (epsilon_rule(0.5),) * 3),
        ("lrp-z", (epsilon_rule(0.0),) * 3),
        ("lrp-alpha-beta", (ALPHA_BETA, ALPHA_BETA, ALPHA_BETA)),
        ("lrp-alpha-beta[alpha=3]", (alpha_beta_rule(3.0, 2.0),) * 3),
        ("lrp-epsilon-plus-flat", (flat_rule(), POSITIVE, EPSILON)),
        ("lrp-epsilon-alpha2-beta1-flat", (flat_rule(), ALPHA_BETA, EPSILON)),
        ("deep-taylor[high=3,low=-2]", (box_rule(-2.0, 3.0), POSITIVE, POSITIVE)),
    ],
)
def test_a_method_hands_the_output_back_by_its_rule_for_each_layer(spec, rules):
    """Layer by layer, without hooks: what a ReLU is given, it hands on, and the output itself is where it starts."""
    model = TwoConvolutions().requires_grad_(False)
    image, target = torch.randn(1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), 1
    first, _, second, _, _, last = model.layers
    hidden = first(image).relu()
    features = second(hidden).relu()
    assert (hidden == 0).any() and (features == 0).any() and (features > 0).any()
    relevance = torch.zeros(1, 2, dtype=torch.float64)
    relevance[0, target] = model(image)[0, target]
    relevance = rules[2](last, features.flatten(1), relevance).view_as(features)
    expected = rules[0](first, image, rules[1](second, hidden, relevance))
    maps = al.make_method(spec)(model, image, torch.tensor([target]))
    torch.testing.assert_close(maps, expected[:, 0])


def test_z_rule_is_input_times_gradient_on_any_relu_network_without_bias():
    model = TwoConvolutions()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()
    image = torch.randn(1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    leaf = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[0, 1], leaf)
    maps = al.make_method("lrp-z")(model, image, torch.tensor([1]))
    assert maps.abs().max() > 0.1
    torch.testing.assert_close(maps, (image * gradient)[:, 0])
    torch.testing.assert_close(maps.sum(), model(image)[0, 1].detach())
