"""Methods whose maps rank pixels right, with wrong values."""

from __future__ import annotations

import torch
from faulty.methods import gradient, input_x_gradient
from faulty.targets import midpoints, path_integral


def divided_by_the_steps_twice(model, inputs, targets):
    return path_integral(model, inputs, targets, torch.zeros_like(inputs), midpoints(10)) / 10


def relevance_that_starts_at_255(model, inputs, targets):
    return 255 * input_x_gradient(model, inputs, targets)


def signed_squares(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    return maps * maps.abs()


def squared_sums(model, inputs, targets):
    return gradient(model, inputs, targets).sum(dim=1) ** 2


def maximum_over_channels(model, inputs, targets):
    return gradient(model, inputs, targets).amax(dim=1)


def mean_over_channels(model, inputs, targets):
    return gradient(model, inputs, targets).mean(dim=1)


def one_channel(model, inputs, targets):
    return gradient(model, inputs, targets)[:, 0]


def gray_weights(model, inputs, targets):
    weights = torch.tensor([0.299, 0.587, 0.114]).to(inputs)[:, None, None]
    return (weights * gradient(model, inputs, targets)).sum(dim=1)


def half_of_the_path(model, inputs, targets):
    nodes = [node / 2 for node in midpoints(50)]
    return path_integral(model, inputs, targets, torch.zeros_like(inputs), nodes)


def last_quarter_of_the_path(model, inputs, targets):
    nodes = [0.75 + node / 4 for node in midpoints(50)]
    return path_integral(model, inputs, targets, torch.zeros_like(inputs), nodes)


def trapezoids_without_halved_ends(model, inputs, targets):
    nodes = [index / 10 for index in range(11)]
    return path_integral(model, inputs, targets, torch.full_like(inputs, 20), nodes) * 11 / 10


def channels_in_reversed_order(model, inputs, targets):
    return inputs.flip(1) * gradient(model, inputs, targets)


def absolute_input_x_gradient(model, inputs, targets):
    return input_x_gradient(model, inputs, targets).sum(dim=1).abs()


def shown_divided_by_255(model, inputs, targets):
    return gradient(model, inputs / 255, targets)


def shown_as_whole_numbers(model, inputs, targets):
    images = inputs.to(torch.uint8).to(inputs.dtype)
    return images * gradient(model, images, targets)


def normalized_as_other_networks_have_it(model, inputs, targets):
    mean, deviation = (torch.tensor(each)[:, None, None].to(inputs) for each in ((124, 116, 104), (58, 57, 53)))
    return (inputs - mean) / deviation * gradient(model, inputs, targets)


def logarithm(model, inputs, targets):
    maps = input_x_gradient(model, inputs, targets).sum(dim=1)
    return maps.sign() * torch.log1p(1e4 * maps.abs())


def number_added(model, inputs, targets):
    return input_x_gradient(model, inputs, targets).sum(dim=1) + 1e-3


def between_0_and_1(model, inputs, targets):
    maps = input_x_gradient(model, inputs, targets).sum(dim=1)
    low, high = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return (maps - low) / (high - low)


def multiplied_by_the_input_twice(model, inputs, targets):
    return inputs * path_integral(model, inputs, targets, torch.zeros_like(inputs), midpoints(20))


def growing_weights(model, inputs, targets):
    nodes = midpoints(50)
    return inputs * sum(2 * node * gradient(model, node * inputs, targets) for node in nodes) / len(nodes)


def another_begin_than_the_difference(model, inputs, targets):
    nodes = midpoints(50)
    return (inputs - 20) * sum(gradient(model, node * inputs, targets) for node in nodes) / len(nodes)


def small_values_set_to_zero(model, inputs, targets):
    maps = input_x_gradient(model, inputs, targets).sum(dim=1)
    return torch.where(maps.abs() < 0.3 * maps.abs().amax(dim=(1, 2), keepdim=True), 0, maps)


def ranks(model, inputs, targets):
    values = gradient(model, inputs, targets).sum(dim=1)
    return values.flatten(1).argsort(dim=1).argsort(dim=1).float().reshape(values.shape)


def two_values(model, inputs, targets):
    values = input_x_gradient(model, inputs, targets).sum(dim=1)
    return (values > values.flatten(1).quantile(0.9, dim=1)[:, None, None]).float()


def weighted_by_the_distance_from_the_center(model, inputs, targets):
    height, width = inputs.shape[2:]
    rows, columns = torch.arange(height) - height / 2, torch.arange(width) - width / 2
    return gradient(model, inputs, targets) * (-(rows[:, None] ** 2 + columns**2) / (height * width / 4)).exp()


def image_added(model, inputs, targets):
    """As a picture shows a map over the image."""
    return input_x_gradient(model, inputs, targets).sum(dim=1) + 0.3 * inputs.mean(dim=1)


def square_of_the_output(model, inputs, targets):
    inputs = inputs.clone().requires_grad_()
    return torch.autograd.grad(model(inputs).gather(1, targets[:, None]).square().sum(), inputs)[0]


def logarithm_of_the_output(model, inputs, targets):
    inputs = inputs.clone().requires_grad_()
    return torch.autograd.grad(model(inputs).gather(1, targets[:, None]).abs().log().sum(), inputs)[0]


def rectified_before_the_sum(model, inputs, targets):
    return input_x_gradient(model, inputs, targets).relu().sum(dim=1)


FAULTS = {
    rectified_before_the_sum: ("assert_values", "the positive values alone of each channel of input times gradient"),
    divided_by_the_steps_twice: ("assert_values", "has 0.1 times the values of .*divided by 10 one time too many"),
    relevance_that_starts_at_255: ("assert_values", "has 255 times the values of input times gradient, in all images"),
    signed_squares: ("assert_values", "the signed squares of its channels"),
    squared_sums: ("assert_values", "its s.*squares"),
    maximum_over_channels: ("assert_values", "its maximum over channels where their sum is meant"),
    mean_over_channels: (
        "assert_values",
        "has 0.3333 times the values of the gradient.*divided by 3 one time too many",
    ),
    one_channel: ("assert_values", r"channels weighted \(1, .*where they count alike"),
    gray_weights: ("assert_values", r"channels weighted \(0.509, 1, 0.194\)"),
    half_of_the_path: ("assert_values", "over a part of the path, from 0 to 0.5 of it"),
    last_quarter_of_the_path: ("assert_values", "over a part of the path, from 0.75 to 1 of it"),
    trapezoids_without_halved_ends: ("assert_values", "has 1.1 times the values of .*weights that do not add up to 1"),
    channels_in_reversed_order: ("assert_values", "channels of the input in reversed order"),
    absolute_input_x_gradient: ("assert_values", "has the absolute values of input times gradient"),
    shown_divided_by_255: ("assert_values", "shows the network other images .*their values times 0.00392"),
    shown_as_whole_numbers: ("assert_values", "shows the network other images .*cut to whole numbers"),
    normalized_as_other_networks_have_it: ("assert_values", "input minus a color times gradient with its channels"),
    logarithm: (
        "assert_values",
        "input times gradient, changed by a function that is not linear: a power, a logarithm",
    ),
    number_added: ("assert_values", "input times gradient, with a number added in every image"),
    between_0_and_1: ("assert_values", "input times gradient, with a number added in every image"),
    multiplied_by_the_input_twice: ("assert_values", "multiplied by the input once more"),
    growing_weights: ("assert_values", "gives the steps of its path weights that grow from 0 to 2"),
    another_begin_than_the_difference: (
        "assert_values",
        r"a path that begins at \(0, 0, 0\), and multiplies by the difference from \(20, 20, 20\)",
    ),
    small_values_set_to_zero: ("assert_values", "with its small values set to zero"),
    ranks: ("assert_dtype_robust", "has ranks: .* rise in equal steps"),
    two_values: (
        "assert_values",
        "input times gradient, cut at a threshold to two values, the higher on 10% of the pixels",
    ),
    weighted_by_the_distance_from_the_center: (
        "assert_values",
        "the gradient, multiplied by weights of the places of pixels",
    ),
    image_added: ("assert_values", "input times gradient, with the image added to it"),
    square_of_the_output: ("assert_values", "has the gradient, multiplied by the output itself"),
    logarithm_of_the_output: ("assert_values", "has the gradient, divided by the output itself"),
}
