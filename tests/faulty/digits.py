"""Methods that lose digits, or give other signs than they declare."""

from __future__ import annotations

import copy

import torch
from faulty.methods import gradient, input_x_gradient

from attributionlab.methods import declares


def network_in_bfloat16(model, inputs, targets):
    short = copy.deepcopy(model).bfloat16()
    return gradient(short, inputs.bfloat16(), targets).to(inputs)


def result_in_float16(model, inputs, targets):
    return (gradient(model, inputs, targets) * 1024).half().to(inputs) / 1024


def returned_in_bfloat16(model, inputs, targets):
    return gradient(model, inputs, targets).bfloat16()


def gray_picture(model, inputs, targets):
    maps = gradient(model, inputs, targets).abs().sum(dim=1)
    return (255 * maps / maps.amax(dim=(1, 2), keepdim=True)).to(torch.uint8)


def codes_with_a_zero_point(model, inputs, targets):
    maps = gradient(model, inputs, targets).sum(dim=1)
    return (100 * maps / maps.abs().amax(dim=(1, 2), keepdim=True) - 28).round().to(inputs)


def clipped_at_a_percentile(model, inputs, targets):
    maps = input_x_gradient(model, inputs, targets).sum(dim=1)
    limits = maps.abs().flatten(1).quantile(0.9, dim=1)[:, None, None]
    return maps.clamp(-limits, limits)


def clipped_below(model, inputs, targets):
    maps = input_x_gradient(model, inputs, targets).sum(dim=1)
    return maps.clamp(min=maps.flatten(1).quantile(0.2, dim=1)[:, None, None])


@declares(sign="positive")
def positive_with_negative_values(model, inputs, targets):
    return gradient(model, inputs, targets)


@declares(sign="magnitude")
def magnitude_less_its_mean(model, inputs, targets):
    maps = gradient(model, inputs, targets).abs().sum(dim=1)
    return maps - maps.mean(dim=(1, 2), keepdim=True)


def codes_of_8_bits(model, inputs, targets):
    maps = input_x_gradient(model, inputs, targets).sum(dim=1)
    step = maps.abs().amax(dim=(1, 2), keepdim=True) / 127
    return (maps / step).round() * step


def levels_of_a_picture(model, inputs, targets):
    maps = input_x_gradient(model, inputs, targets).sum(dim=1)
    low, high = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return (255 * (maps - low) / (high - low)).to(torch.uint8).to(inputs) / 255


def in_autocast(model, inputs, targets):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return gradient(model, inputs, targets).to(inputs)


def differences_of_rounding(model, inputs, targets):
    """Of rows, by a step that is far below the digits of the images."""

    def outputs(images):
        with torch.no_grad():
            return model(images).gather(1, targets[:, None])[:, 0]

    maps, step = torch.zeros_like(inputs[:, 0]), 1e-4
    for row in range(maps.shape[1]):
        moved = inputs.clone()
        moved[:, :, row] += step
        maps[:, row] = ((outputs(moved) - outputs(inputs)) / step)[:, None]
    return maps


@declares(granularity="segment")
def segments_with_a_residue(model, inputs, targets):
    """Means over patches, to which a part of the pixels' values is added."""
    maps = input_x_gradient(model, inputs, targets).sum(dim=1)
    patches = torch.nn.functional.avg_pool2d(maps, 2)
    return patches.repeat_interleave(2, 1).repeat_interleave(2, 2) + 1e-3 * maps


FAULTS = {
    segments_with_a_residue: ("assert_declared", "declares segments and has 288 different values on 288 pixels"),
    network_in_bfloat16: ("assert_dtype_robust", "loses precision: .*bfloat16"),
    result_in_float16: ("assert_dtype_robust", "loses precision: .*look for .half"),
    returned_in_bfloat16: ("assert_dtype_robust", "returns bfloat16, which has fewer digits"),
    gray_picture: ("assert_dtype_robust", "returns uint8"),
    codes_with_a_zero_point: ("assert_dtype_robust", "digits of bfloat16|digits of whole numbers"),
    clipped_at_a_percentile: (
        "assert_dtype_robust",
        r"is clipped: \d+% of the values of a map are equal to its largest",
    ),
    clipped_below: ("assert_dtype_robust", r"is clipped: \d+% of the values of a map are equal to its smallest"),
    positive_with_negative_values: ("assert_declared", "declares positive and gives negative values"),
    magnitude_less_its_mean: ("assert_declared", "declares magnitude and gives negative values"),
    codes_of_8_bits: ("assert_dtype_robust", "has only the precision of a picture: .* lie on 255 levels"),
    levels_of_a_picture: ("assert_dtype_robust", "has only the precision of a picture: .* lie on 256 levels"),
    in_autocast: ("assert_dtype_robust", "float64 than in float32.*look for half precision|loses precision"),
    differences_of_rounding: ("assert_batch_invariant", "loses precision: .* in float32, and not in float64"),
}
