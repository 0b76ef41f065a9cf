from __future__ import annotations

import pytest
import torch

from attributionlab.errors import BadOption
from attributionlab.networks import build_identity_head


@pytest.mark.parametrize("temperature", [1.0, 16.0, 0.25, 2.0**-10, 4])
def test_logits_are_counts_over_the_temperature_exactly(temperature):
    counts = torch.tensor([[0.0, 1.0, 2.5], [4095.0, 50176.0, 262144.0], [0.03125, 7.0, 123456.0]])
    assert torch.equal(build_identity_head(3, temperature)(counts), counts / temperature)


def test_without_a_temperature_the_head_is_the_identity():
    counts = torch.tensor([[3.0], [0.0]])
    assert torch.equal(build_identity_head(1)(counts), counts)


def test_it_is_two_linear_layers_with_a_relu_between_them():
    head = build_identity_head(2, 4.0)
    assert [type(layer) for layer in head] == [torch.nn.Linear, torch.nn.ReLU, torch.nn.Linear]
    assert torch.equal(head[0].weight, torch.eye(2))
    assert torch.equal(head[2].weight, torch.eye(2) / 4)


@pytest.mark.parametrize("temperature", [0.0, -2.0, 3.0, 0.1, float("inf"), float("nan")])
def test_a_temperature_that_would_round_is_refused(temperature):
    with pytest.raises(BadOption, match=r"`temperature` must be a power of two .*, got"):
        build_identity_head(2, temperature)
