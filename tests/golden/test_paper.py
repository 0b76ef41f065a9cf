"""Figures that the paper states, and what follows from its Table 1."""

from __future__ import annotations

import pytest
from torch import nn

from attributionlab.environments import make_environment


@pytest.fixture(scope="module")
def modulo_network():
    return make_environment("single-color-modulo").model


def test_the_modulo_network_has_17_layers_as_in_table_1(modulo_network):
    layers = [module for module in modulo_network.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    assert len(layers) == 17
    assert sum(isinstance(layer, nn.Conv2d) for layer in layers) == 10
    assert sum(isinstance(layer, nn.Linear) for layer in layers) == 7


def test_the_modulo_network_has_675033_parameters_as_in_table_1(modulo_network):
    assert sum(parameter.numel() for parameter in modulo_network.parameters()) == 675_033


@pytest.mark.parametrize("accumulator", ["uniform", "signed"])
def test_every_design_has_the_parameters_of_table_1(accumulator):
    network = make_environment("single-color-modulo", accumulator=accumulator).model
    assert sum(parameter.numel() for parameter in network.parameters()) == 675_033


def test_the_modulo_network_answers_the_first_images_at_the_papers_size(modulo_network):
    batch = make_environment("single-color-modulo").sample(2)
    assert modulo_network(batch.inputs).flatten().tolist() == batch.labels.tolist()


@pytest.mark.slow
def test_4_92_percent_of_the_pixels_are_white_on_average_and_never_more_than_4920():
    environment = make_environment("single-color-modulo")
    counts = [sum(environment.sampler.sample(index).n_pixels) for index in range(1000)]
    assert max(counts) <= 4920
    assert 100 * sum(counts) / len(counts) / 224**2 == pytest.approx(4.92, abs=0.1)  # the published figure, as stated
