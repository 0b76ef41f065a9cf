"""Methods that keep something between calls, or run the network in another mode."""

from __future__ import annotations

import os
import threading

import torch
from faulty.methods import gradient, input_x_gradient

BY_SHAPE, BY_ID, BY_TARGET, KEPT, ARRAYS = {}, {}, {}, [], []
BUFFER, COUNT = {}, {"calls": 0}


def cached_by_shape(model, inputs, targets):
    key = (tuple(inputs.shape), inputs.dtype)
    if key not in BY_SHAPE:
        BY_SHAPE[key] = gradient(model, inputs, targets)
    return BY_SHAPE[key].clone()


def cached_by_identity(model, inputs, targets):
    key = (inputs.data_ptr(), targets.data_ptr(), tuple(inputs.shape), inputs.dtype)
    if key not in BY_ID:
        BY_ID[key] = input_x_gradient(model, inputs, targets)
    return BY_ID[key].clone()


def cached_by_target(model, inputs, targets):
    key = (tuple(targets.tolist()), tuple(inputs.shape), inputs.dtype)
    if key not in BY_TARGET:
        BY_TARGET[key] = gradient(model, inputs, targets)
    return BY_TARGET[key].clone()


def one_buffer(model, inputs, targets):
    key = (tuple(inputs.shape), inputs.dtype)
    buffer = BUFFER.setdefault(key, torch.zeros_like(inputs[:, 0]))
    return buffer.copy_(gradient(model, inputs, targets).sum(dim=1))


def growing_list(model, inputs, targets):
    KEPT.append(gradient(model, inputs, targets))
    return KEPT[-1].clone()


def growing_arrays(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    ARRAYS.append(maps.numpy().copy())
    return maps


def left_on_a_module(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    model.accumulator.last_map = maps
    return maps


def wrong_from_the_20th_call_on(model, inputs, targets):
    COUNT["calls"] += 1
    return gradient(model, inputs, targets) * (1 if COUNT["calls"] % 40 < 20 else 2)


def running_mean(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    before = BUFFER.get(("mean", tuple(maps.shape)), maps.float())
    BUFFER["mean", tuple(maps.shape)] = 0.5 * before + 0.5 * maps.float()
    return maps - 0.1 * before.to(maps)


def in_training_mode(model, inputs, targets):
    mode = model.training
    try:
        return gradient(model.train(), inputs, targets)
    finally:
        model.train(mode)


def dropout_switched_on(model, inputs, targets):
    """Monte Carlo dropout, forgotten."""
    dropouts = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    for dropout in dropouts:
        dropout.training = True
    try:
        return gradient(model, inputs, targets)
    finally:
        for dropout in dropouts:
            dropout.training = False


def growing_list_on_the_network(model, inputs, targets):
    vars(model).setdefault("means", []).append(float(inputs.mean()))
    return gradient(model, inputs, targets)


def targets_of_the_first_call(model, inputs, targets):
    first = BY_TARGET.setdefault(tuple(inputs.shape), targets.clone())
    return gradient(model, inputs, first)


def dropout_left_without_effect(model, inputs, targets):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return gradient(model, inputs, targets)


LARGEST = {"magnitude": 0.0}


def divided_by_the_largest_magnitude_so_far(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    LARGEST["magnitude"] = max(LARGEST["magnitude"], float(maps.abs().max()))
    return maps / LARGEST["magnitude"]


NETWORKS = {}


def network_of_the_first_call(_model, inputs, targets):
    """One for every size of images."""
    model = NETWORKS.setdefault((inputs.shape[2:], inputs.dtype), _model)
    return gradient(model, inputs, targets)


def starting_threads(model, inputs, targets):
    timer = threading.Timer(20, print, args=("",), kwargs={"end": ""})
    timer.daemon = True
    timer.start()
    return gradient(model, inputs, targets)


def leaving_files_open(model, inputs, targets):
    os.open(os.devnull, os.O_RDONLY)
    return gradient(model, inputs, targets)


def gradients_added_to_parameters(model, inputs, targets):
    leaf = inputs.detach().clone().requires_grad_()
    model(leaf).gather(1, targets[:, None]).sum().backward()
    return leaf.grad


def gradients_of_the_caller_deleted(model, inputs, targets):
    model.zero_grad()
    return gradient(model, inputs, targets)


FAULTS = {
    gradients_added_to_parameters: ("assert_model_unchanged", "changes the gradient that .* had.*in place of backward"),
    gradients_of_the_caller_deleted: (
        "assert_model_unchanged",
        "deletes the gradient that .* had.*leave out model.zero_grad",
    ),
    cached_by_shape: (
        "assert_stateless",
        "remembers an earlier call: other images of the same shape get the same maps",
    ),
    cached_by_identity: ("assert_stateless", "remembers an earlier call"),
    cached_by_target: (
        "assert_stateless",
        "remembers an earlier call: other images of the same shape get the same maps",
    ),
    one_buffer: ("assert_stateless", "returns one buffer twice"),
    growing_list: ("assert_stateless", "keeps what it computes: 1 tensors more after every call"),
    growing_arrays: ("assert_stateless", "keeps what it computes: .* bytes of arrays more after every call"),
    left_on_a_module: (
        "assert_model_unchanged",
        "leaves tensors on the network: last_map of accumulator, a tensor",
    ),
    wrong_from_the_20th_call_on: (
        "assert_stateless",
        r"remembers earlier calls: the same images have other maps at call \d+",
    ),
    running_mean: (
        "assert_stateless",
        "remembers earlier calls: the same images have other maps after a call with other",
    ),
    in_training_mode: ("assert_mode_invariant", "runs the network in training mode: its BatchNorm1d"),
    dropout_switched_on: ("assert_mode_invariant", "runs the network in training mode: its Dropout change"),
    growing_list_on_the_network: (
        "assert_model_unchanged",
        "leaves attributes on the network: means of the model, a list",
    ),
    targets_of_the_first_call: ("assert_stateless", "another target for the same tensor of images gets the same maps"),
    dropout_left_without_effect: (
        "assert_mode_invariant",
        "changed the model: option p of head.1 changed from 0.5 to 0.0",
    ),
    divided_by_the_largest_magnitude_so_far: (
        "assert_stateless",
        "the same images have other maps after a call with (other images|a network of larger outputs)",
    ),
    starting_threads: ("assert_stateless", "leaves threads behind: 1 more after every call.*join them"),
    leaving_files_open: ("assert_stateless", "leaves open files behind: 1 more after every call"),
    network_of_the_first_call: ("assert_stateless", "remembers the network of an earlier call"),
}
