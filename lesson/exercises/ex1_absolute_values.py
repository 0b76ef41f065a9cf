"""Exercise 1: the map has no signs. Mend `method`."""

import torch

from attributionlab.testing import assert_faithful


def method(model, inputs, targets):
    """How much the output changes with each pixel."""
    inputs = inputs.detach().clone().requires_grad_()
    outputs = model(inputs).gather(1, targets[:, None]).sum()
    (gradient,) = torch.autograd.grad(outputs, inputs)
    return gradient.abs().sum(dim=1)


def test_it_is_right():
    assert_faithful(method, size=32)
