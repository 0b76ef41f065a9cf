"""DeepLIFT: differences add up, on networks where captum's rules are exact."""

from functools import cache

import pytest
import torch
from captum.attr import DeepLift, DeepLiftShap
from torch import nn
from torch.nn import functional

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption
from attributionlab.methods import make_method
from attributionlab.methods.base import captum_quiet
from attributionlab.methods.deeplift import FIRST_BACKGROUND
from attributionlab.methods.diagnostics import collecting


@cache
def environment_of(spec):
    return make_environment(spec)


@pytest.mark.wide
@pytest.mark.parametrize("name", ["deeplift", "deepshap"])
@pytest.mark.parametrize("baseline", ["black", "true", "128,128,128"])
@pytest.mark.parametrize("n_redundant", [0, 2])
@pytest.mark.parametrize("accumulator", ["nonnegative", "signed"])
def test_maps_of_a_logit_add_up_to_its_difference(accumulator, n_redundant, baseline, name):
    environment = environment_of(
        f"multi-color-sum[accumulator={accumulator},n_redundant={n_redundant},output=logit,size=16]"
    )
    batch = environment.sample(3)
    method = make_method(f"{name}[baseline={baseline}]", environment)
    maps = method(environment.model, batch.inputs, batch.targets)
    color = {"black": (0.0,) * 3, "true": (20.0,) * 3}.get(baseline, (128.0,) * 3)
    reference = torch.tensor(color)[:, None, None].expand(1, 3, 16, 16)
    outputs = environment.model(batch.inputs).gather(1, batch.targets[:, None])[:, 0]
    difference = outputs - environment.model(reference)[0][batch.targets]
    # multipliers are rounded in each of 27 layers, forward and backward, relative to the sum without signs: 54 * 2^-24
    scale = maps.abs().sum(dim=(1, 2)).max().item()
    torch.testing.assert_close(maps.sum(dim=(1, 2)), difference.detach(), rtol=0, atol=54 * 2**-24 * scale)


@pytest.mark.parametrize("name", ["deeplift", "deepshap"])
def test_every_winner_pixel_of_a_logit_without_redundancy_is_worth_the_same(name):
    environment = environment_of("multi-color-sum[n_redundant=0,output=logit,size=16]")
    batch = environment.sample(3)
    maps = make_method(name, environment, baseline="true")(environment.model, batch.inputs, batch.targets)
    winners = batch.ground_truth.positive_mask
    torch.testing.assert_close(maps[winners], torch.full((int(winners.sum()),), 4.0))
    assert (maps[~winners] == 0).all()


@pytest.mark.parametrize("n_baselines", [2, 5])
def test_deepshap_of_equal_baselines_is_deeplift(n_baselines):
    environment = environment_of("multi-color-sum[size=16]")
    batch = environment.sample(2)
    deeplift = make_method("deeplift")(environment.model, batch.inputs, batch.targets)
    deepshap = make_method("deepshap", n_baselines=n_baselines)(environment.model, batch.inputs, batch.targets)
    torch.testing.assert_close(deepshap, deeplift)


def test_the_rescale_rule_shares_a_difference_across_a_relu():
    """y = ReLU(x1 + x2 - 1) from (0, 0) to (2, 1): 2 of the difference, shared 2 to 1, where the gradient says 2 and 1."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 1), nn.ReLU(), nn.Identity())
    model[1].weight.data, model[1].bias.data = torch.ones(1, 2), torch.tensor([-1.0])
    maps = make_method("deeplift")(model, torch.tensor([[[[2.0, 1.0]]]]), torch.tensor([0]))
    torch.testing.assert_close(maps, torch.tensor([[[4 / 3, 2 / 3]]]))


@pytest.mark.parametrize("name", ["deeplift", "deepshap"])
@pytest.mark.parametrize("baseline", ["black", "true"])
def test_maps_of_a_probability_add_up_to_its_difference_by_the_rule_of_shap_alone(baseline, name):
    environment = environment_of("multi-color-sum[size=16]")
    batch = environment.sample(3)
    deltas = []
    for rule in ("shap", "captum"):
        method = make_method(name, environment, baseline=baseline, rule=rule)
        with collecting() as recorded:
            method(environment.model, batch.inputs, batch.targets)
        deltas.append(max(map(abs, recorded["convergence_delta"])))
    assert deltas[0] < 1e-5, "27 layers of float32, where a logit changes by 50"
    assert deltas[1] > 0.1


@pytest.mark.parametrize("name", ["deeplift", "deepshap"])
def test_the_rule_of_captum_is_named_in_the_spec_and_in_what_it_declares(name):
    by_captum = make_method(f"{name}[rule=captum]")
    assert by_captum.spec == f"{name}[rule=captum]"
    assert "captum" in by_captum.declaration.completeness
    assert "captum" not in make_method(name).declaration.completeness


def test_the_rule_of_captum_is_captums():
    environment = environment_of("multi-color-sum[size=16]")
    batch = environment.sample(1)
    black = torch.zeros_like(batch.inputs)
    with captum_quiet():
        deeplift = DeepLift(environment.model).attribute(batch.inputs, black, target=batch.targets)
        deepshap = DeepLiftShap(environment.model).attribute(
            batch.inputs, black.repeat(3, 1, 1, 1), target=batch.targets
        )
    for spec, expected in (("deeplift[rule=captum]", deeplift), ("deepshap[n_baselines=3,rule=captum]", deepshap)):
        maps = make_method(spec)(environment.model, batch.inputs, batch.targets)
        assert torch.equal(maps, expected.detach().sum(dim=1))


def test_deepshap_averages_deeplift_over_the_baselines_of_a_tensor():
    environment = environment_of("multi-color-sum[size=16]")
    batch, others = environment.sample(2), environment.sample(3, 50).inputs
    maps = make_method("deepshap", baseline=others)(environment.model, batch.inputs, batch.targets)
    each = [make_method("deeplift", baseline=other)(environment.model, batch.inputs, batch.targets) for other in others]
    torch.testing.assert_close(maps, torch.stack(each).mean(dim=0), rtol=0, atol=1e-5)  # sums of 3 in another order


def test_deepshap_takes_samples_of_the_environment_as_baselines():
    environment = environment_of("multi-color-sum[size=16]")
    batch = environment.sample(2)
    drawn = make_method("deepshap[baseline=samples,n_baselines=3]", environment)
    by_hand = make_method("deepshap", baseline=environment.sample(3, FIRST_BACKGROUND).inputs)
    maps, expected = (method(environment.model, batch.inputs, batch.targets) for method in (drawn, by_hand))
    assert torch.equal(maps, expected)
    with pytest.raises(BadOption, match=r"^`environment` must be given: its samples are the baselines"):
        make_method("deepshap[baseline=samples]")(environment.model, batch.inputs, batch.targets)


@pytest.mark.parametrize("inplace", [False, True])
def test_values_add_up_through_maximum_pooling_and_layers_that_work_in_place(inplace):
    """Overlapping windows, directly behind a convolution, where captum and shap lose value."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(2, 4, 3), nn.MaxPool2d(3, stride=2), nn.ReLU(inplace=inplace), nn.Flatten(), nn.Linear(16, 2))
    model, images = nn.Sequential(*layers), torch.randn(2, 2, 7, 7)
    start = torch.randn(2, 7, 7)
    maps = make_method("deeplift", baseline=start)(model, images, torch.tensor([0, 1]))
    outputs = (model(images) - model(start[None])).detach()
    torch.testing.assert_close(maps.sum(dim=(1, 2)), torch.stack([outputs[0, 0], outputs[1, 1]]))


def test_a_layer_without_a_rule_is_refused():
    model = nn.Sequential(nn.Flatten(), nn.LayerNorm(16), nn.Linear(16, 2))
    message = r"^`model` must have a rescale rule for every module, got '1 \(LayerNorm\)'; DeepLIFT defines no"
    with pytest.raises(BadOption, match=message):
        make_method("deeplift")(model, torch.zeros(1, 1, 4, 4), torch.tensor([0]))


class Function(nn.Module):
    """A function without a module, and a layer beside it."""

    def __init__(self, function):
        super().__init__()
        self.function, self.layer, self.unused = function, nn.Conv2d(2, 2, 3, padding=1), nn.ModuleList()

    def forward(self, inputs):
        return self.function(inputs, self.layer(inputs))


FUNCTIONS = {
    "skip connection": lambda inputs, beside: inputs + beside,
    "difference": lambda inputs, beside: 2 * (inputs - beside) / 3,
    "concatenation": lambda inputs, beside: torch.cat([inputs, -beside], dim=1),
    "mean": lambda inputs, beside: (inputs + beside).mean(dim=(2, 3)),
    "matrix": lambda inputs, _: inputs @ torch.arange(16.0).reshape(4, 4),
    "linear": lambda inputs, beside: functional.linear(inputs + beside, torch.ones(3, 4), torch.ones(3)),
}


def with_function(function):
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), Function(function), nn.Flatten(), nn.LazyLinear(2))
    model, images = nn.Sequential(*layers), torch.randn(2, 1, 4, 4)
    model(images)  # the lazy layer sees its inputs
    return model.eval(), images


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_add_up_through_linear_functions_without_a_module(name):
    model, images = with_function(FUNCTIONS[name])
    start = torch.full_like(images[:1], 0.5)
    maps = make_method("deeplift", baseline=start[0])(model, images, torch.tensor([0, 1]))
    outputs = (model(images) - model(start)).detach()
    torch.testing.assert_close(maps.sum(dim=(1, 2)), torch.stack([outputs[0, 0], outputs[1, 1]]))


@pytest.mark.parametrize(
    ("named", "function"),
    {
        "mul": lambda inputs, beside: inputs * beside,
        "sigmoid": lambda inputs, beside: inputs + beside.sigmoid(),
        "rdiv": lambda inputs, _: 1 / (inputs + 1),
        "div": lambda inputs, beside: inputs / (beside.detach() + inputs),
        "max_pool2d": lambda inputs, _: functional.max_pool2d(inputs, 2),
        "maximum": torch.maximum,
        "matmul": lambda inputs, beside: inputs @ beside,
        "scaled_dot_product_attention": lambda inputs, beside: functional.scaled_dot_product_attention(
            inputs, beside, inputs
        ),
    }.items(),
)
def test_a_function_that_is_not_linear_is_refused(named, function):
    model, images = with_function(function)
    message = rf"^`model` must have a rescale rule for every function, got '\w*{named}\w* in .*'; DeepLIFT defines no"
    with pytest.raises(BadOption, match=message):
        make_method("deeplift")(model, images, torch.tensor([0, 1]))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("n_baselines", [1, 0])
def test_deepshap_refuses_fewer_than_two_baselines(n_baselines):
    with pytest.raises(BadOption, match=rf"^`n_baselines` must be at least 2, got {n_baselines}$"):
        make_method("deepshap", n_baselines=n_baselines)
