"""Variants of a network: the same function, bit for bit, in and out of distribution."""

from __future__ import annotations

import itertools
import typing

import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.networks import Activation, Residual, Structure
from attributionlab.seeding import generator

VARIANTS = list(itertools.product(typing.get_args(Activation), typing.get_args(Structure)))
SPECS = [
    "multi-color-sum[accumulator=signed,redundant_scale=1/8,size=17]",
    "multi-color-sum[layout=dense,output=logit,size=16]",
    "single-color-modulo[size=16]",
    "single-color-sum[size=19]",
]


def images_of(environment):
    """Samples, and noise in integer colors."""
    inputs = environment.sample(2).inputs
    largest = 256 if inputs.shape[1] == 3 else 2
    noise = torch.from_numpy(generator(0, "noise").integers(0, largest, inputs.shape)).float()
    return torch.cat([inputs, noise])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("activation", "structure"), VARIANTS)
@pytest.mark.parametrize("spec", SPECS)
def test_every_variant_is_the_same_function(spec, activation, structure, dtype):
    plain, variant = al.make_environment(spec), al.make_environment(spec, activation=activation, structure=structure)
    images = images_of(plain).to(dtype)
    expected, found = (environment.build_network().eval().to(dtype) for environment in (plain, variant))
    for one in (images, images + 0.3):  # between the integers, too
        assert torch.equal(found.logits(one), expected.logits(one))
        assert torch.equal(found(one), expected(one))


@pytest.mark.parametrize(("activation", "structure"), VARIANTS)
def test_variants_see_the_same_images_and_are_designed_networks(activation, structure):
    plain = al.make_environment("multi-color-sum", size=16)
    variant = al.make_environment("multi-color-sum", size=16, activation=activation, structure=structure)
    assert al.make_environment(variant.spec) == variant
    batch = variant.sample(2)
    assert torch.equal(batch.inputs, plain.sample(2).inputs)
    assert variant.model.accumulator.intact
    maps = torch.from_numpy(generator(0, "map").standard_normal((2, 16, 16)))
    for _ in range(2):  # nothing is written in place into what is kept
        assert torch.equal(al.insertion(variant, batch, maps).outputs, al.insertion(plain, batch, maps).outputs)
    occlusion = al.make_method("occlusion")
    arguments = (batch.inputs, batch.targets)
    assert torch.equal(occlusion(variant.model, *arguments), occlusion(plain.model, *arguments))


def relus(spec):
    return [module for module in al.make_environment(spec, size=16).model.modules() if isinstance(module, nn.ReLU)]


def test_variants_are_what_they_say():
    assert len(relus("multi-color-sum")) == 5 + 2 * 3 + 1, "detector, three blocks, head"
    assert len(relus("multi-color-sum[activation=shared]")) == 1
    assert relus("multi-color-sum[activation=functional]") == []
    assert all(relu.inplace for relu in relus("multi-color-sum[structure=inplace]"))
    assert not any(relu.inplace for relu in relus("multi-color-sum"))
    model = al.make_environment("multi-color-sum[size=16,structure=residual]").model
    assert isinstance(model.head[0], Residual)
    assert isinstance(
        al.make_environment("single-color-sum[size=16,structure=flatten-module]").model.accumulator.flatten, nn.Flatten
    )


def test_a_residual_block_is_the_identity():
    values = torch.tensor([[3.0, -0.1, 1e-30, 1e30]])
    assert torch.equal(Residual(4)(values), values)
