"""A solution. Exercise 2: the map explains another class. Mend `method`."""

import torch

import attributionlab as al


def method(model, inputs, targets):
    """How much the output changes with each pixel."""
    inputs = inputs.detach().clone().requires_grad_()
    outputs = model(inputs).gather(1, targets[:, None]).sum()
    (gradient,) = torch.autograd.grad(outputs, inputs)
    return gradient.sum(dim=1)


def test_it_explains_the_class_that_it_is_asked_for():
    environment = al.make_environment("multi-color-sum[size=16]")
    for target in ("winner", "loser"):
        batch = environment.sample(4, target=target)
        maps = method(environment.model, batch.inputs, batch.targets)
        f1 = al.score(maps, batch.ground_truth).positive.f1
        assert (f1 > 0.5).all(), (
            f"the maps of the {target} have an F1 of {[round(value, 2) for value in f1.tolist()]}: do they look at `targets`?"
        )
