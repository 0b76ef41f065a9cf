"""Methods that explain another output than that of the target, or start from another baseline."""

from __future__ import annotations

import torch
from faulty.methods import gradient

from attributionlab.methods import declares


def target_is_the_prediction(model, inputs, targets):
    return gradient(model, inputs, model(inputs).argmax(dim=1))


def target_of_the_first_image(model, inputs, targets):
    return gradient(model, inputs, targets[:1].expand_as(targets))


def target_of_the_last_image(model, inputs, targets):
    leaf = inputs.clone().detach().requires_grad_()
    return torch.autograd.grad(model(leaf)[:, targets[-1]].sum(), leaf)[0]


def first_output_always(model, inputs, targets):
    return gradient(model, inputs, torch.zeros_like(targets))


def sum_of_all_outputs(model, inputs, targets):
    leaf = inputs.clone().detach().requires_grad_()
    return torch.autograd.grad(model(leaf).sum(), leaf)[0]


def targets_in_ascending_order(model, inputs, targets):
    return gradient(model, inputs, targets.sort().values)


def path_integral(model, inputs, targets, baseline, nodes):
    total = torch.zeros_like(inputs)
    for node in nodes:
        total += gradient(model, baseline + node * (inputs - baseline), targets)
    return (inputs - baseline) * total / len(nodes)


def midpoints(n):
    return [(index + 0.5) / n for index in range(n)]


@declares(answers="aumann-shapley@true")
def path_from_zero(model, inputs, targets):
    """Multiplied by the right difference, along a path that starts at black."""
    total = sum(gradient(model, node * inputs, targets) for node in midpoints(8)) / 8
    return inputs * total


@declares(answers="removal@true")
def input_in_place_of_the_difference(model, inputs, targets):
    return inputs * gradient(model, inputs, targets)


FIRST = {}


def baseline_of_the_first_call(model, inputs, targets):
    baseline = FIRST.setdefault("corner", inputs[0, :, 0, 0].clone())[None, :, None, None].to(inputs)
    return path_integral(model, inputs, targets, baseline.expand_as(inputs), midpoints(8))


def mean_of_the_first_image(model, inputs, targets):
    baseline = FIRST.setdefault("mean", inputs[0].flatten(1).mean(dim=1))[None, :, None, None].to(inputs)
    return path_integral(model, inputs, targets, baseline.expand_as(inputs), midpoints(8))


def target_is_the_second_best(model, inputs, targets):
    return gradient(model, inputs, model(inputs).topk(2, dim=1).indices[:, 1])


def targets_clamped(model, inputs, targets):
    return gradient(model, inputs, targets.clamp(max=1))


def target_of_the_image_before(model, inputs, targets):
    return gradient(model, inputs, targets.roll(1))


def target_in_the_middle(model, inputs, targets):
    return gradient(model, inputs, targets.median().expand_as(targets))


def outputs_of_all_targets(model, inputs, targets):
    """A column for every image, summed up."""
    inputs = inputs.clone().requires_grad_()
    return torch.autograd.grad(model(inputs)[:, targets].sum(), inputs)[0]


def contrast_with_the_other_outputs(model, inputs, targets):
    leaf = inputs.detach().clone().requires_grad_()
    outputs = model(leaf)
    own = outputs.gather(1, targets[:, None])[:, 0]
    others = (outputs.sum(dim=1) - own) / (outputs.shape[1] - 1)
    return torch.autograd.grad((own - others).sum(), leaf)[0]


def weighted_by_the_number_of_the_target(model, inputs, targets):
    leaf = inputs.detach().clone().requires_grad_()
    outputs = model(leaf).gather(1, targets[:, None])[:, 0] * targets
    return torch.autograd.grad(outputs.sum(), leaf)[0]


FAULTS = {
    contrast_with_the_other_outputs: ("assert_values", "the gradient, of the output less the mean of the others"),
    weighted_by_the_number_of_the_target: (
        "assert_values",
        "multiplied by a number that depends on the output that is explained: 0 for output 0, 2 for output 2",
    ),
    target_is_the_prediction: ("assert_target_used", "ignores its target: .*the prediction"),
    target_of_the_first_image: ("assert_target_used", "confuses the targets of images.*the first image's target"),
    target_of_the_last_image: ("assert_target_used", "confuses the targets of images.*the last image's target"),
    first_output_always: ("assert_target_used", "ignores its target: .*one fixed output"),
    sum_of_all_outputs: ("assert_target_used", "ignores its target: .*their sum"),
    targets_in_ascending_order: ("assert_target_used", "the targets in ascending order"),
    path_from_zero: ("assert_values", r"declares to answer aumann-shapley@true, .*those of input times gradient"),
    input_in_place_of_the_difference: ("assert_values", "declares to answer removal@true.*look at the baseline"),
    baseline_of_the_first_call: ("assert_values", "remembers its first call: .* the first corner of the first images"),
    mean_of_the_first_image: ("assert_values", "remembers its first call: .* the mean color of the first images"),
    target_is_the_second_best: ("assert_target_used", "ignores its target: .*the prediction"),
    targets_clamped: ("assert_target_used", "the maps of outputs 1 and 2 are the same.*clamped"),
    target_of_the_image_before: ("assert_target_used", "the target of the image before it"),
    target_in_the_middle: ("assert_target_used", "those of outputs 1, 1, 1, 1 where the targets are 2, 1, 0, 3"),
    outputs_of_all_targets: (
        "assert_target_used",
        "the sum of the maps of outputs 2, 1, 0, 3.*a column for every image",
    ),
}
