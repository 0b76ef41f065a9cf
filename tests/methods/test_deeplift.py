"""DeepLIFT: differences add up, on networks where captum's rules are exact."""

from functools import cache

import pytest
import torch
from torch import nn

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption
from attributionlab.methods import make_method


@cache
def environment_of(spec):
    return make_environment(spec)


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


@pytest.mark.parametrize("n_baselines", [1, 0])
def test_deepshap_refuses_fewer_than_two_baselines(n_baselines):
    with pytest.raises(BadOption, match=rf"^`n_baselines` must be at least 2, got {n_baselines}$"):
        make_method("deepshap", n_baselines=n_baselines)
