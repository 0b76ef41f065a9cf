from __future__ import annotations

import math

import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption

NAMES = ("single-color-modulo", "single-color-sum")


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_inputs_are_zeros_and_ones(name):
    batch = make_environment(name, size=16).sample(3)
    assert set(batch.inputs.flatten().tolist()) == {0.0, 1.0}


def test_targets_are_the_only_output(name):
    batch = make_environment(name, size=16).sample(3)
    assert batch.targets.tolist() == [0, 0, 0]


@pytest.mark.parametrize("design", ["uniform", "nonnegative", "signed"])
def test_the_sum_is_the_number_of_white_pixels(design):
    environment = make_environment("single-color-sum", size=20, accumulator=design)
    batch = environment.sample(4)
    counts = [sum(pixel == 1 for row in image for pixel in row) for image in batch.inputs[:, 0].tolist()]
    assert batch.labels.tolist() == counts
    assert environment.model(batch.inputs).flatten().tolist() == counts


@pytest.mark.parametrize("design", ["uniform", "nonnegative", "signed"])
@pytest.mark.parametrize("modulus", [2, 7, 30])
def test_the_modulo_is_the_number_of_white_pixels_modulo_n(design, modulus):
    environment = make_environment("single-color-modulo", size=20, accumulator=design, modulus=modulus)
    batch = environment.sample(6)
    rests = [sum(pixel == 1 for row in image for pixel in row) % modulus for image in batch.inputs[:, 0].tolist()]
    assert batch.labels.tolist() == rests
    assert environment.model(batch.inputs).flatten().tolist() == rests
    assert 0 not in rests


def test_the_paper_counts_up_to_4920_modulo_30():
    environment = make_environment("single-color-modulo")
    assert (environment.modulus, environment.largest_count) == (30, 4920)
    assert make_environment("single-color-sum").largest_count == 4920


@pytest.mark.parametrize(
    ("options", "largest_count"),
    [
        ({"size": 224, "modulus": 10}, 4920),  # never below the paper's
        ({"size": 224, "modulus": 100}, 16400),  # 164 N
        ({"size": 224, "modulus": 7}, 4921),  # rounded up to a multiple of N
        ({"size": 112}, 1230),  # scaled with the area
        ({"size": 16}, 30),
        ({"size": 32}, 120),
        ({"size": 16, "max_count": 100}, 120),  # rounded up as well
    ],
    ids=str,
)
def test_the_largest_count_of_the_modulo_scales_with_the_area_and_is_a_multiple_of_n(options, largest_count):
    assert make_environment("single-color-modulo", **options).largest_count == largest_count


@pytest.mark.parametrize(("options", "largest_count"), [({}, math.ceil(4920 / 14**2)), ({"max_count": 40}, 40)])
def test_the_largest_count_of_the_sum_is_given_or_scales_with_the_area(options, largest_count):
    assert make_environment("single-color-sum", size=16, **options).largest_count == largest_count


def test_no_image_counts_more_than_the_largest(name):
    environment = make_environment(name, size=16, max_count=30)
    assert max(sum(environment.sampler.sample(index).n_pixels) for index in range(100)) <= 30


def test_the_average_count_is_what_scenes_draw_on_average():
    environment = make_environment("single-color-sum", size=96, max_count=9216)
    counts = [sum(environment.sampler.sample(index).n_pixels) for index in range(150)]
    mean = sum(counts) / len(counts)
    error = (sum((count - mean) ** 2 for count in counts) / len(counts)) ** 0.5 / len(counts) ** 0.5
    assert abs(mean - environment.average_count) < 4 * error


def test_the_number_of_patches_and_their_radii_can_be_chosen(name):
    environment = make_environment(name, size=32, n_patches=2, min_radius=3, max_radius=4)
    scene = environment.sample(1).scenes[0]
    assert len(scene.patches) == 2
    assert all(3 <= patch.radius <= 4 for patch in scene.patches)


def test_radii_scale_with_the_smaller_side(name):
    assert make_environment(name).radii == (15.8, 24.6)
    assert make_environment(name, height=300, width=112).radii == (7.9, 12.3)


@pytest.mark.parametrize("radius", [4.0, 5.0, 5.76])
def test_the_largest_blobs_that_are_allowed_can_be_drawn(radius):
    options = {"n_patches": 1, "min_radius": radius, "max_radius": radius, "max_count": 256}
    environment = make_environment("single-color-sum", size=16, **options)
    for index in range(30):
        assert 0 < environment.sampler.sample(index).n_pixels[0] <= 256


def test_the_gradient_of_the_sum_is_one_at_every_white_pixel():
    for design in ("uniform", "nonnegative", "signed"):
        environment = make_environment("single-color-sum", size=16, accumulator=design)
        batch = environment.sample(3)
        inputs = batch.inputs.requires_grad_()
        (gradient,) = torch.autograd.grad(environment.model(inputs).sum(), inputs)
        assert torch.equal(gradient[batch.inputs == 1], torch.ones(int(batch.inputs.sum())))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_patches": 0}, "`n_patches` must be at least 1, got 0"),
        (
            {"max_count": 5},
            "`max_count` must be at least what the scenes draw on average, 13 white pixels, got 5; choose smaller",
        ),
        ({"min_radius": -1}, "`min_radius` must be above 0, got -1"),
        ({"max_radius": 8}, "`max_radius` must let a patch fit into 16x16 pixels, got 8"),
        (
            {"max_radius": 5.78},
            "`max_radius` must let a patch fit into 16x16 pixels, got 5.78",
        ),  # blobs reach 1.3 radii
        ({"min_radius": 2, "max_radius": 1}, r"`max_radius` must be at least `min_radius` \(2\), got 1"),
        ({"accumulator": "random"}, "`accumulator` must be uniform or nonnegative or signed, got 'random'"),
        ({"max_count": "many"}, "`max_count` must be an integer or auto, got 'many'"),
    ],
    ids=str,
)
def test_options_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(BadOption, match=message):
        make_environment("single-color-sum", **{"size": 16, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modulus": 1}, "`modulus` must be at least 2, got 1"),
        ({"modulus": -30}, "`modulus` must be at least 2, got -30"),
        ({"max_count": 0}, "`max_count` must be at least what the scenes draw on average"),
    ],
    ids=str,
)
def test_moduli_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(BadOption, match=message):
        make_environment("single-color-modulo", **{"size": 16, **options})
