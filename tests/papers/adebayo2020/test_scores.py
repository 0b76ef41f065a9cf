"""Ideal maps, floors and missing maps: the arithmetic behind the tables."""

import numpy as np
import pytest
import torch

from attributionlab.papers.adebayo2020.cascade_report import upper_half
from attributionlab.papers.adebayo2020.explained import noise_like, similarities
from attributionlab.papers.adebayo2020.judged import above, error_cell, mean_cell
from attributionlab.papers.adebayo2020.spurious import SpuriousStudy
from attributionlab.training import compose_images


@pytest.fixture(scope="module")
def study():
    images = compose_images(2, size=16)
    return SpuriousStudy(None, None, images, images)


def test_the_background_itself_is_the_ideal_map(study):
    mask = (~study.images.object_masks).double()
    scores = study._against_mask({"ideal": mask, "inverse": 1 - mask})
    assert scores["ideal"]["ssim_magnitude"] == [1.0, 1.0]
    assert max(scores["inverse"]["ssim_magnitude"]) < 0
    assert study._mass({"ideal": mask, "inverse": 1 - mask, "none": "failed"}) == {"ideal": [1, 1], "inverse": [0, 0]}


def test_the_second_ideal_is_weighted_by_the_map_of_the_background_alone(study):
    mask = (~study.images.object_masks).double()
    alone = torch.arange(512.0).view(2, 16, 16)
    maps = {"ideal": mask * alone, "failed": "no map"}
    scores = study._against_mask(maps, {"ideal": alone, "failed": "no map"})
    assert scores["ideal"]["ssim_magnitude"] == [1.0, 1.0]
    assert scores["failed"] == {}


def test_noise_has_the_norm_of_the_map():
    maps = torch.arange(128.0).view(2, 8, 8)
    noise = noise_like(maps)
    torch.testing.assert_close(noise.flatten(1).norm(dim=1), maps.double().flatten(1).norm(dim=1))
    assert noise_like("failed") == "failed"


def test_a_zero_map_is_no_map_and_never_similar():
    scores = similarities(torch.zeros(1, 8, 8), torch.zeros(1, 8, 8))
    assert all(np.isnan(values).all() for values in scores.values())
    assert mean_cell(np.array([scores["ssim_magnitude"]])) is None


def test_standard_errors_need_two_images():
    assert error_cell(np.array([[0.5]])) is None
    assert error_cell(np.array([[0.0, 1.0]])) == pytest.approx(0.5)
    assert above("failed", np.zeros((1, 2))) is None


def measured(values):
    stages = {layer: {"GBP": {"ssim_magnitude": row}} for layer, row in values.items()}
    return {"scores": {"cascading, own class": stages}, "failures": {"Grad": "it refuses this network"}}


def test_the_upper_half_is_that_of_the_layers_next_to_the_output():
    stages = measured({"head": [1.0, 0.5], "third": [0.5, None], "second": [0.0, 0.0], "first": [0.0, 0.0]})
    assert upper_half(stages, "GBP", "own class").tolist() == [[0.75, 0.5]]
    assert upper_half(stages, "Grad", "own class") == "it refuses this network"
