"""Occlusion against nested loops over windows."""

from functools import cache

import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption
from attributionlab.methods import make_method


@cache
def environment_of(spec):
    return make_environment(spec)


def starts_of(side, window, stride):
    """First rows of the windows: every `stride` until the image is covered; the last may hang over the edge."""
    starts = [0]
    while starts[-1] + window < side:
        starts.append(starts[-1] + stride)
    return starts


def literal_occlusion(model, image, target, color, window, stride):
    """The drop of the logit under each window, averaged over the windows that cover a pixel."""
    _, height, width = image.shape
    rows, columns = window if isinstance(window, tuple) else (window, window)
    down, right = stride if isinstance(stride, tuple) else (stride, stride)
    whole = model.logits(image[None])[0, target].item()
    total, covering = torch.zeros(height, width), torch.zeros(height, width)
    for top in starts_of(height, rows, down):
        for left in starts_of(width, columns, right):
            covered = image.clone()
            for row in range(top, min(top + rows, height)):
                for column in range(left, min(left + columns, width)):
                    covered[:, row, column] = torch.tensor(color)
            drop = whole - model.logits(covered[None])[0, target].item()
            total[top : top + rows, left : left + columns] += drop
            covering[top : top + rows, left : left + columns] += 1
    return total / covering


@pytest.mark.parametrize(
    ("spec", "options", "color"),
    [
        ("multi-color-sum[size=16]", "", (0.0,) * 3),
        ("multi-color-sum[size=16]", "baseline=true", (20.0,) * 3),
        ("multi-color-sum[size=16]", "baseline=1,2,3,window=4,stride=4", (1.0, 2.0, 3.0)),
        ("single-color-modulo[size=16]", "window=6,stride=2", (0.0,)),
        ("single-color-sum[height=16,width=18]", "", (0.0,)),
        ("single-color-sum[height=16,width=18]", "window=16,stride=9", (0.0,)),
        ("single-color-sum[size=16]", "window=3,stride=1", (0.0,)),
        ("single-color-sum[size=16]", "window=7,2,stride=3,2", (0.0,)),
        ("multi-color-sum[size=16]", "window=1,16,stride=1", (0.0,) * 3),
    ],
)
def test_occlusion_equals_nested_loops_over_windows(spec, options, color):
    """Logits are dyadic and a pixel is covered by few windows, so sums are exact, and so is their quotient.

    A pixel of three channels carries its drop once, not three times.
    """
    environment = environment_of(spec)
    batch = environment.sample(2)
    method = make_method(f"occlusion[{options}]", environment)
    maps = method(environment.model, batch.inputs, batch.targets)
    for index in range(2):
        by_hand = literal_occlusion(
            environment.model, batch.inputs[index], batch.targets[index], color, method.window, method.stride
        )
        assert torch.equal(maps[index], by_hand)


def test_occlusion_pixel_by_pixel_finds_each_winner_pixel_worth_one_count():
    environment = environment_of("multi-color-sum[n_redundant=0,size=16]")
    batch = environment.sample(1)
    method = make_method("occlusion", environment, baseline="true", window=1, stride=1)
    maps = method(environment.model, batch.inputs, batch.targets)
    winners = batch.ground_truth.positive_mask
    assert torch.equal(maps, winners.float() * 4.0)


def test_occlusion_explains_the_logit_of_a_network_that_ends_in_a_softmax():
    batch = environment_of("multi-color-sum[size=16]").sample(1)
    method = make_method("occlusion")
    logit = environment_of("multi-color-sum[output=logit,size=16]").model
    probability = environment_of("multi-color-sum[size=16]").model
    assert torch.equal(method(probability, batch.inputs, batch.targets), method(logit, batch.inputs, batch.targets))


def test_occlusion_explains_the_output_of_a_model_without_logits():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 1, bias=False))
    model[1].weight.data = torch.arange(16.0)[None]
    maps = make_method("occlusion", window=1, stride=1)(model, torch.ones(1, 1, 4, 4), torch.tensor([0]))
    assert maps.flatten().tolist() == list(range(16))


@pytest.mark.parametrize("internal_batch_size", [1, 5, 1000])
def test_the_internal_batch_size_of_occlusion_changes_nothing(internal_batch_size):
    environment = environment_of("multi-color-sum[size=16]")
    batch = environment.sample(3)
    usual = make_method("occlusion")(environment.model, batch.inputs, batch.targets)
    method = make_method("occlusion", internal_batch_size=internal_batch_size)
    assert torch.equal(method(environment.model, batch.inputs, batch.targets), usual)


@pytest.mark.parametrize("option", ["window", "stride", "internal_batch_size"])
def test_occlusion_refuses_options_below_one(option):
    with pytest.raises(BadOption, match=rf"^`{option}` must be at least 1, got 0$"):
        make_method("occlusion", **{option: 0})


def test_occlusion_refuses_a_stride_that_leaves_pixels_out():
    with pytest.raises(BadOption, match=r"^`stride` must be at most `window` \(5\), got 6$"):
        make_method("occlusion", stride=6)


def test_occlusion_refuses_a_window_larger_than_the_image():
    environment = environment_of("single-color-sum[height=16,width=18]")
    batch = environment.sample(1)
    with pytest.raises(BadOption, match=r"^`window` must be at most the image's smaller side \(16\), got 17$"):
        make_method("occlusion", window=17)(environment.model, batch.inputs, batch.targets)


def test_windows_of_two_sides_are_the_same_by_forward_passes():
    environment = environment_of("multi-color-sum[size=16]")
    batch, method = environment.sample(1), make_method("occlusion[window=2,5,stride=1,4]")
    with torch.no_grad():
        expected = method.by_captum(environment.model, batch.inputs, batch.targets)[:, 0]
    assert torch.equal(method(environment.model, batch.inputs, batch.targets), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("window=0,3", r"^`window` must be at least 1, got \(0, 3\)$"),
        ("window=5,3,stride=4", r"^`stride` must be at most `window` \(5,3\), got 4$"),
        ("window=17,3,stride=3", r"^`window` must fit into the image \(16, 18\), got \(17, 3\)$"),
    ],
)
def test_windows_that_do_not_fit_are_refused(options, message):
    batch = environment_of("single-color-sum[height=16,width=18]").sample(1)
    with pytest.raises(BadOption, match=message):
        make_method(f"occlusion[{options}]")(
            environment_of("single-color-sum[height=16,width=18]").model, batch.inputs, batch.targets
        )


def test_a_baseline_beyond_the_designed_values_is_occluded_by_forward_passes():
    """255 in a gray image of zeros and ones: the designed biases no longer keep the later blocks from clipping."""
    environment = make_environment("single-color-sum[accumulator=signed,size=16]")
    batch = environment.sample(1)
    method = make_method("occlusion", environment, baseline=(255,))
    with torch.no_grad():
        expected = method.by_captum(environment.model, batch.inputs, batch.targets)[:, 0]
    assert torch.equal(method(environment.model, batch.inputs, batch.targets), expected)
