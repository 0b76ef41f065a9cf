"""Contracts on a network of the user; what needs a truth refuses with that reason."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab import testing
from attributionlab.errors import BadOption

with torch.random.fork_rng():
    torch.manual_seed(1)
    NETWORK = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 8), nn.ReLU(), nn.Linear(8, 5))  # fmt: skip
INPUTS, TARGETS = torch.rand(3, 3, 8, 8), torch.tensor([0, 4, 2])
OWN = {
    "module": (NETWORK, (INPUTS, TARGETS)),
    "trained": (al.TrainedNetwork(NETWORK, torch.full((3,), 0.5)), al.LabeledImages(INPUTS, TARGETS)),
}


def gradient(model, inputs, targets):
    inputs = inputs.clone().requires_grad_()
    model.eval()
    return torch.autograd.grad(model(inputs).gather(1, targets[:, None]).sum(), inputs)[0]


CONTRACTS = (
    testing.assert_batch_invariant,
    testing.assert_deterministic,
    testing.assert_dtype_robust,
    testing.assert_inputs_unchanged,
    testing.assert_model_unchanged,
    testing.assert_implementation_invariant,
)


@pytest.mark.wide
@pytest.mark.parametrize("assertion", CONTRACTS, ids=lambda assertion: assertion.__name__)
def test_contracts_hold_for_a_correct_method(assertion):
    assertion("gradient", OWN["module"])


def mixing(model, inputs, targets):
    return gradient(model, inputs, targets) - inputs.mean()


def writing(_model, inputs, _targets):
    return inputs.mul_(2)


FAULTS = {
    "assert_batch_invariant": mixing,
    "assert_inputs_unchanged": writing,
    "assert_model_unchanged": gradient,  # it leaves the network in evaluation mode
}


@pytest.mark.parametrize("name", FAULTS)
def test_contracts_find_faults(name):
    with pytest.raises(AssertionError, match=r"in Sequential, a network of your own, \d images"):
        getattr(testing, name)(FAULTS[name], OWN["module"])


def test_hooks_that_miss_functional_activations_are_found():
    """On the user's own network with other modules for its ReLUs, whose outputs are the same."""

    def guided(model, inputs, targets):
        handles = [
            module.register_full_backward_hook(lambda _module, gradients, _outputs: (gradients[0].clamp(min=0),))
            for module in model.modules()
            if type(module) is nn.ReLU
        ]
        try:
            inputs = inputs.clone().requires_grad_()
            return torch.autograd.grad(model(inputs).gather(1, targets[:, None]).sum(), inputs)[0]
        finally:
            for handle in handles:
                handle.remove()

    with pytest.raises(AssertionError, match="with activation=functional by up to"):
        testing.assert_implementation_invariant(guided, OWN["module"], structures=())


def test_completeness_is_relative_to_the_baseline_of_the_network():
    testing.assert_complete("deeplift", OWN["module"])
    testing.assert_complete("deeplift[baseline=0.5,0.5,0.5]", OWN["trained"], baseline="true")
    with pytest.raises(AssertionError, match="is not complete"):
        testing.assert_complete("gradient", OWN["module"], tolerance=0.05)


@pytest.mark.parametrize(
    "name",
    [
        "dummy",
        "symmetric",
        "sensitive",
        "sign_correct",
        "faithful",
        "network_dependent",
        "answers",
        "values",
        "declared",
        "mode_invariant",
    ],
)
def test_what_needs_a_truth_refuses_with_that_reason(name):
    message = f"`environment` must have a known truth for assert_{name}, got a network of your own; what this Sequential must use is not"
    with pytest.raises(BadOption, match=message):
        getattr(testing, f"assert_{name}")("gradient", OWN["trained"])


def test_inputs_are_asked_for():
    with pytest.raises(BadOption, match=r"write \(network, attributionlab.LabeledImages\(inputs, targets\)\)"):
        testing.assert_deterministic("gradient", NETWORK)
    with pytest.raises(BadOption, match="`targets` must be int64"):
        testing.assert_deterministic("gradient", (NETWORK, (INPUTS, TARGETS.float())))
    with pytest.raises(BadOption, match="`method` must need no scenes"):
        testing.assert_deterministic("truth", OWN["module"])
