from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from oracles import count_colors

from attributionlab.environments import ENVIRONMENTS, MultiColorSum, make_environment
from attributionlab.errors import BadOption
from attributionlab.scenes import colored_ids, patch_ids, render
from attributionlab.truth import Batch, GroundTruth

COLOR_NAMES = ("background-sum", "multi-color-sum")
NAMES = (*COLOR_NAMES, "single-color-modulo", "single-color-sum")


@pytest.fixture(params=NAMES)
def environment(request):
    return make_environment(request.param, size=16)


def test_every_environment_of_this_package_is_tested_here():
    ours = [name for name in ENVIRONMENTS if ENVIRONMENTS.get(name).__module__.startswith("attributionlab.")]
    assert set(ours) == set(NAMES)


# Batches


def test_a_batch_has_the_shapes_and_types_of_the_contract(environment):
    batch = environment.sample(3)
    n_channels = 3 if environment.name in COLOR_NAMES else 1
    assert len(batch) == len(batch.scenes) == 3
    assert (batch.inputs.shape, batch.inputs.dtype) == ((3, n_channels, 16, 16), torch.float32)
    assert batch.inputs.is_contiguous()
    assert (batch.targets.shape, batch.targets.dtype) == ((3,), torch.int64)
    assert (batch.labels.shape, batch.labels.dtype) == ((3,), torch.int64)
    truth = batch.ground_truth
    assert (truth.signed.shape, truth.signed.dtype) == ((3, 16, 16), torch.int8)
    assert (truth.patch_ids.shape, truth.patch_ids.dtype) == ((3, 16, 16), torch.int16)
    for mask in (truth.positive_mask, truth.negative_mask, truth.overall_mask, truth.smooth_positive_mask):
        assert (mask.shape, mask.dtype) == ((3, 16, 16), torch.bool)


def test_inputs_are_the_rendered_scenes(environment):
    batch = environment.sample(3)
    for image, scene in zip(batch.inputs, batch.scenes, strict=True):
        assert image.permute(1, 2, 0).int().tolist() == render(scene).tolist()


def test_rectangles_have_rows_first():
    batch = make_environment("multi-color-sum", height=16, width=24).sample(2)
    assert batch.inputs.shape == (2, 3, 16, 24)
    assert batch.ground_truth.signed.shape == (2, 16, 24)


def test_a_sample_is_the_same_whatever_the_batch(environment):
    batch = environment.sample(6)
    for index in range(6):
        alone = environment.sample(1, start=index)
        assert torch.equal(alone.inputs[0], batch.inputs[index])
        assert torch.equal(alone.ground_truth.signed[0], batch.ground_truth.signed[index])
        assert torch.equal(alone.ground_truth.patch_ids[0], batch.ground_truth.patch_ids[index])
        assert alone.labels[0] == batch.labels[index]
        assert alone.targets[0] == batch.targets[index]


def test_samples_differ_from_one_another(environment):
    images = environment.sample(8).inputs
    assert len({image.numpy().tobytes() for image in images}) == 8


def test_the_network_answers_every_image_with_its_label(environment):
    batch = environment.sample(16)
    outputs = environment.model(batch.inputs)
    answers = outputs[:, 0] if environment.explains == "value" else outputs.argmax(dim=1)
    assert torch.equal(answers, batch.labels.to(answers.dtype))


def test_the_model_is_built_once_and_evaluates(environment):
    assert environment.model is environment.model
    assert not environment.model.training


def test_part_of_a_batch_is_the_batch_of_that_part(environment):
    part, expected = environment.sample(4)[1:3], environment.sample(2, start=1)
    assert isinstance(part, Batch)
    assert len(part) == 2
    for one, two in zip(tensors_of(part), tensors_of(expected), strict=True):
        assert torch.equal(one, two)


def test_a_batch_moves_as_a_whole(environment):
    batch = environment.sample(2)
    moved = batch.to("meta")
    assert all(tensor.device.type == "meta" for tensor in tensors_of(moved))
    assert moved.scenes == batch.scenes
    assert all(torch.equal(one, two) for one, two in zip(tensors_of(batch.to("cpu")), tensors_of(batch), strict=True))


def tensors_of(batch):
    truth = batch.ground_truth
    return (batch.inputs, batch.targets, batch.labels, truth.signed, truth.patch_ids, truth.smooth_positive_mask)


def test_batches_and_truths_say_what_they_hold_in_one_line():
    batch = make_environment("multi-color-sum", size=16).sample(2)
    assert repr(batch) == "Batch(2 images of 3x16x16)"
    assert repr(batch.ground_truth) == "GroundTruth(2x16x16)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "`n` must be at least 1, got 0"),
        ({"n": 1, "start": -1}, "`start` must be at least 0, got -1"),
        ({"n": 2.5}, "`n` must be an integer, got 2.5"),
        ({"n": "2"}, "`n` must be an integer, got '2'"),
        ({"n": True}, "`n` must be an integer, got True"),
        ({"n": [0, 1]}, r"`n` must be an integer, got \[0, 1\]"),
        ({"n": 1, "start": 0.0}, "`start` must be an integer, got 0.0"),
    ],
)
def test_samples_that_do_not_exist_are_refused(environment, options, message):
    with pytest.raises(BadOption, match=message):
        environment.sample(**options)


# The truth


def test_samples_may_be_counted_in_integers_of_any_type(environment):
    expected = environment.sample(2, start=1).inputs
    for integer in (np.int64, np.uint8, torch.tensor):
        assert torch.equal(environment.sample(integer(2), start=integer(1)).inputs, expected)


def test_masks_are_the_signs_of_the_signed_truth():
    signed = torch.tensor([[[1, 0], [-1, 1]]], dtype=torch.int8)
    truth = GroundTruth(signed, torch.zeros_like(signed), signed > 0)
    assert truth.positive_mask.tolist() == [[[True, False], [False, True]]]
    assert truth.negative_mask.tolist() == [[[False, False], [True, False]]]
    assert truth.overall_mask.tolist() == [[[True, False], [True, True]]]


@pytest.mark.parametrize(("output", "other"), [("probability", -1), ("logit", 0)])
def test_the_winners_pixels_are_positive_and_others_are_negative_for_a_probability_only(output, other):
    environment = make_environment("multi-color-sum", size=16, output=output)
    batch = environment.sample(4)
    for index, image in enumerate(batch.inputs.permute(0, 2, 3, 1).int().tolist()):
        counts = count_colors(image, environment.colors)
        assert counts.count(max(counts)) == 1
        winner = environment.colors[counts.index(max(counts))]
        signs = {winner: 1, environment.background: 0}
        expected = [[signs.get(tuple(pixel), other) for pixel in row] for row in image]
        assert batch.ground_truth.signed[index].tolist() == expected
        assert batch.targets[index] == batch.labels[index] == counts.index(max(counts))


@pytest.mark.parametrize("name", NAMES[len(COLOR_NAMES) :])
def test_every_white_pixel_is_positive_and_black_ones_are_not(name):
    batch = make_environment(name, size=16).sample(4)
    assert torch.equal(batch.ground_truth.signed, batch.inputs[:, 0].to(torch.int8))
    assert not batch.ground_truth.negative_mask.any()


def test_the_smooth_truth_is_the_unthinned_patches_of_positive_pixels(environment):
    batch = environment.sample(4)
    for index, scene in enumerate(batch.scenes):
        winners = [int(np.argmax(scene.n_pixels))] if environment.explains == "probability" else range(4)
        expected = np.isin(patch_ids(scene), [winner + 1 for winner in winners])
        assert np.array_equal(batch.ground_truth.smooth_positive_mask[index].numpy(), expected)
    assert (batch.ground_truth.smooth_positive_mask >= batch.ground_truth.positive_mask).all()
    assert batch.ground_truth.smooth_positive_mask.sum() > batch.ground_truth.positive_mask.sum()


def test_patch_ids_are_those_of_the_scene_before_thinning(environment):
    batch = environment.sample(3)
    for ids, scene in zip(batch.ground_truth.patch_ids, batch.scenes, strict=True):
        assert np.array_equal(ids.numpy(), patch_ids(scene))
        assert (ids.numpy() >= colored_ids(scene)).all()


# Options that all environments share


def test_scenes_do_not_depend_on_options_of_the_network():
    expected = make_environment("multi-color-sum", size=16).sample(3).inputs
    network_options = {
        "accumulator": "signed",
        "n_kernels": 2,
        "n_redundant": 0,
        "redundant_scale": 0.5,
        "temperature": 4.0,
        "output": "logit",
        "layout": "dense",
        "network_seed": 9,
    }
    for name, value in network_options.items():
        assert torch.equal(make_environment("multi-color-sum", size=16, **{name: value}).sample(3).inputs, expected), (
            name
        )


@pytest.mark.parametrize("name", NAMES[len(COLOR_NAMES) :])
def test_scenes_of_one_color_do_not_depend_on_options_of_the_network(name):
    expected = make_environment(name, size=16).sample(3).inputs
    for options in ({"accumulator": "signed"}, {"n_kernels": 2}, {"network_seed": 9}):
        assert torch.equal(make_environment(name, size=16, **options).sample(3).inputs, expected)


def test_the_weights_do_not_depend_on_options_of_the_scenes():
    expected = list(make_environment("multi-color-sum", size=16).model.parameters())
    other = make_environment("multi-color-sum", size=16, data_seed=5, max_margin=2, min_radius=1, max_radius=2)
    assert all(torch.equal(one, two) for one, two in zip(other.model.parameters(), expected, strict=True))


def test_the_two_seeds_choose_images_and_weights_apart(environment):
    data = make_environment(environment.name, size=16, data_seed=1)
    network = make_environment(environment.name, size=16, network_seed=1)
    assert not torch.equal(data.sample(1).inputs, environment.sample(1).inputs)
    assert torch.equal(network.sample(1).inputs, environment.sample(1).inputs)
    weights, same, other = (next(one.model.accumulator.parameters()) for one in (environment, data, network))
    assert torch.equal(same, weights)
    assert not torch.equal(other, weights)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 15}, "`size` must be at least 16, got 15"),
        ({"height": 8, "width": 32}, "`height` must be at least 16, got 8"),
        ({"height": 32, "width": 8}, "`width` must be at least 16, got 8"),
        ({"size": -1}, "`size` must be at least 16, got -1"),
        ({"size": 16, "data_seed": -1}, "`data_seed` must be at least 0, got -1"),
        ({"size": 16, "seed": -1}, "`seed` must be at least 0, got -1"),
        ({"size": 16, "network_seed": -3}, "`network_seed` must be at least 0, got -3"),
        ({"size": "big"}, "`size` must be an integer, got 'big'"),
    ],
    ids=str,
)
def test_sizes_and_seeds_that_cannot_be_used_are_refused(environment, options, message):
    with pytest.raises(BadOption, match=message):
        make_environment(environment.name, **options)


def test_scales_are_relative_to_the_papers_images():
    environment = make_environment("multi-color-sum", height=112, width=448)
    assert environment.scale == 0.5
    assert environment.area_scale == 1.0
    assert MultiColorSum().scale == MultiColorSum().area_scale == 1.0


def test_the_true_baseline_is_the_color_of_nothing(environment):
    baseline = environment.true_baseline
    assert baseline.dtype == torch.float32
    assert baseline.tolist() == ([20, 20, 20] if environment.name in COLOR_NAMES else [0])
    blank = baseline[None, :, None, None].expand(1, -1, 16, 16)
    assert environment.model.counts(blank).abs().sum() == 0


def test_environments_with_the_same_options_are_equal(environment):
    assert make_environment(environment.spec) == environment
    assert make_environment(environment.name, size=16, seed=1) != environment


def test_an_environment_survives_pickling(environment):
    assert pickle.loads(pickle.dumps(environment)) == environment
