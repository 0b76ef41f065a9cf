from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from oracles import detect

from attributionlab.errors import BadOption
from attributionlab.networks import ColorDetector

PRIMARY = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
GRAY = (20, 20, 20)
NEIGHBORS = ((20, 20, 21), (20, 21, 20), (21, 20, 20), (19, 20, 20), (20, 20, 22))
PALETTES = {"primary": (PRIMARY, GRAY), "neighbors": (NEIGHBORS, GRAY), "black background": (PRIMARY, (0, 0, 0))}


@pytest.fixture(params=[True, False], ids=["shared thresholds", "as drawn"])
def share_thresholds(request):
    return request.param


def answers_for(detector, pixels):
    """The detector's channels for a list of colors, as nested lists (pixel, channel)."""
    image = torch.tensor(pixels, dtype=torch.float32).T[None, :, :, None]
    with torch.no_grad():
        return detector(image)[0, :, :, 0].T.tolist()


def neighbors_of(colors):
    """Every integer color within 1 of a known one, and every mixture of the values of known colors."""
    near = [
        tuple(value + step for value, step in zip(color, steps, strict=True))
        for color in colors
        for steps in itertools.product((-1, 0, 1), repeat=3)
    ]
    mixed = itertools.product(*zip(*colors, strict=True))
    return sorted({color for color in (*near, *mixed) if all(0 <= value <= 255 for value in color)})


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("n_redundant", [0, 1, 3])
def test_known_colors_and_all_their_neighbors_are_answered_as_the_equations_say(palette, n_redundant, share_thresholds):
    colors, background = PALETTES[palette]
    detector = ColorDetector(colors, background, n_redundant, share_thresholds=share_thresholds)
    pixels = neighbors_of((*colors, background))
    assert answers_for(detector, pixels) == [detect(pixel, colors, background, n_redundant) for pixel in pixels]


def test_a_sample_of_all_colors_is_answered_as_the_equations_say():
    pixels = np.random.default_rng(1).integers(0, 256, (8_000, 3)).tolist()
    detector = ColorDetector(PRIMARY, GRAY, 2)
    assert answers_for(detector, pixels) == [detect(pixel, PRIMARY, GRAY, 2) for pixel in pixels]


def test_half_a_million_unknown_colors_wake_the_redundant_channels_only():
    values = np.random.default_rng(2).integers(0, 256, (1, 3, 512, 1024)).astype(np.float32)
    inputs = torch.from_numpy(values).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        answers = ColorDetector(PRIMARY, GRAY, 2)(inputs)
    expected = torch.zeros_like(answers)
    for index, color in enumerate(PRIMARY):
        expected[:, index] = (inputs == torch.tensor(color)[:, None, None]).all(dim=1)
    is_background = (inputs == torch.tensor(GRAY)[:, None, None]).all(dim=1)
    expected[:, 4:] = 1.0 - (expected.sum(dim=1, keepdim=True) + is_background)
    assert torch.equal(answers, expected)


@pytest.mark.slow
def test_of_all_16777216_colors_each_channel_answers_to_its_own_only():
    detector = ColorDetector(PRIMARY, GRAY, 2)
    awake = torch.zeros(6, dtype=torch.int64)
    with torch.no_grad():
        for red in range(256):
            plane = torch.cartesian_prod(torch.tensor([red]), torch.arange(256), torch.arange(256)).float()
            answers = detector(plane.T[None, :, :, None].contiguous(memory_format=torch.channels_last))
            assert ((answers == 0) | (answers == 1)).all()
            awake += answers.sum(dim=(0, 2, 3)).long()
    assert awake.tolist() == [1, 1, 1, 1, 2**24 - 5, 2**24 - 5]
    assert answers_for(detector, [*PRIMARY, GRAY]) == [detect(pixel, PRIMARY, GRAY, 2) for pixel in [*PRIMARY, GRAY]]


def test_background_pixels_activate_nothing(share_thresholds):
    detector = ColorDetector(PRIMARY, GRAY, 2, share_thresholds=share_thresholds)
    assert answers_for(detector, [GRAY]) == [[0] * 6]


def test_half_steps_of_a_color_are_answered_with_halves_as_the_equations_say(share_thresholds):
    pixels = [(254.5, 0, 0), (255, 0.5, 0), (254.5, 0, 0.25), (127.5, 127.5, 127.5), (20, 20.5, 20)]
    detector = ColorDetector(PRIMARY, GRAY, 1, share_thresholds=share_thresholds)
    assert answers_for(detector, pixels) == [detect(pixel, PRIMARY, GRAY, 1) for pixel in pixels]


def test_channels_are_named_after_colors_then_redundant():
    detector = ColorDetector(PRIMARY[:2], GRAY, 2)
    assert detector.channels == ("(255, 0, 0)", "(0, 255, 0)", "redundant 0", "redundant 1")


@pytest.mark.parametrize("n_redundant", [0, 2])
def test_as_drawn_the_layers_are_as_wide_as_in_the_paper(n_redundant):
    detector = ColorDetector(PRIMARY, GRAY, n_redundant, share_thresholds=False)
    widths = [layer.out_channels for layer in detector.layers if isinstance(layer, torch.nn.Conv2d)]
    assert widths == [9 * 5, 6 * 5, 3 * 5, 5, 4 + n_redundant]


def test_sharing_thresholds_makes_the_layers_narrower():
    detector = ColorDetector(PRIMARY, GRAY, 2)
    widths = [layer.out_channels for layer in detector.layers if isinstance(layer, torch.nn.Conv2d)]
    # ramps at -1 0 1, 19 20 21, 254 255 256 of three channels; comparisons at -1 0, 19 20, 254 255; checks of 0, 20, 255
    assert widths == [27, 18, 9, 5, 6]


def test_the_gradient_at_a_detected_color_is_one_per_color_channel():
    inputs = torch.tensor([*PRIMARY, GRAY, (1, 2, 3)], dtype=torch.float32).T[None, :, :, None].requires_grad_()
    ColorDetector(PRIMARY, GRAY, 0)(inputs).sum().backward()
    assert inputs.grad[0, :, :, 0].T.tolist() == [[1, 1, 1]] * 4 + [[0, 0, 0]] * 2


@pytest.mark.parametrize("colors", [((1, 2, 3), (1, 2, 3)), ((1, 2, 3), (20, 20, 20))])
def test_colors_that_cannot_be_told_apart_are_refused(colors):
    with pytest.raises(BadOption, match="`colors` must be distinct, and differ from the background"):
        ColorDetector(colors, (20, 20, 20), 0)
