"""Orders by falling attribution, and probabilities of single classes."""

from __future__ import annotations

import pytest
import torch

from attributionlab.perturbation import descending_from
from attributionlab.perturbation.order import probability


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_order_is_the_stable_one_of_torch_with_ties_both_zeros_and_infinities(dtype):
    random = torch.Generator().manual_seed(0)
    values = torch.randint(-3, 4, (2, 300), generator=random).to(dtype) / 3
    values[:, :20], values[:, 20:40] = -0.0, 1e-42  # a subnormal number of float32
    values[0, 50], values[1, 60], values[:, 70:75] = torch.inf, -torch.inf, -1e38
    ties = torch.stack([torch.randperm(300, generator=random) for _ in range(2)])
    expected = ties.take_along_dim(
        values.take_along_dim(ties, dim=1).argsort(dim=1, descending=True, stable=True), dim=1
    )
    assert torch.equal(descending_from(ties, values), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_probability_of_a_class_is_that_of_the_softmax_and_independent_of_other_rows(dtype):
    logits = torch.randn(2, 3, 37, 4, dtype=dtype, generator=torch.Generator().manual_seed(0)) * 10
    targets = torch.tensor([2, 0])
    probabilities = probability(logits, targets)
    softmax = torch.stack([row[..., target] for row, target in zip(logits.softmax(dim=3), targets, strict=True)])
    torch.testing.assert_close(probabilities, softmax)
    alone = [probability(part[None], target[None]) for part, target in zip(logits, targets, strict=True)]
    assert torch.equal(probabilities, torch.cat(alone))
    single = [probability(logits[:, :, index : index + 1], targets) for index in range(37)]
    assert torch.equal(probabilities, torch.cat(single, dim=2))
