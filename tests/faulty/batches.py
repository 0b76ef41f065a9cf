"""Methods whose maps depend on the batch."""

from __future__ import annotations

import torch
from faulty.methods import gradient


def tail_beyond_32_dropped(model, inputs, targets):
    maps = torch.zeros_like(inputs)
    maps[:32] = gradient(model, inputs[:32], targets[:32])
    return maps


def last_chunk_repeats_the_one_before(model, inputs, targets):
    chunks = list(zip(inputs.split(16), targets.split(16), strict=True))
    maps = [gradient(model, *chunk) for chunk in chunks]
    if len(maps) > 1 and len(maps[-1]) < 16:
        maps[-1] = maps[-2][: len(maps[-1])]
    return torch.cat(maps)


def map_of_the_previous_image(model, inputs, targets):
    return gradient(model, inputs, targets).roll(1, 0)


def reversed_order(model, inputs, targets):
    return gradient(model, inputs, targets).flip(0)


def map_of_the_first_for_all(model, inputs, targets):
    return gradient(model, inputs, targets)[:1].expand_as(inputs)


def mean_map_for_all(model, inputs, targets):
    return gradient(model, inputs, targets).mean(dim=0, keepdim=True).expand_as(inputs)


def scaled_by_the_index(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    return maps * torch.linspace(1, 1.5, len(maps)).to(maps)[:, None, None, None]


def normalized_over_the_batch(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    return maps / maps.abs().max()


def noise_shared_by_scale(model, inputs, targets):
    """Random noise as wide as the range of the whole batch."""
    noise = torch.randn_like(inputs) * (inputs.max() - inputs.min()) * 0.01
    return gradient(model, inputs + noise, targets) * (inputs.max() - inputs.min())


def pairs_swapped(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    return maps[(torch.arange(len(maps)) ^ 1).clamp(max=len(maps) - 1)]


def chunks_in_reversed_order(model, inputs, targets):
    chunks = zip(inputs.split(16), targets.split(16), strict=True)
    return torch.cat([gradient(model, *chunk) for chunk in chunks][::-1])


def mean_loss(model, inputs, targets):
    return gradient(model, inputs, targets) / len(inputs)


def maps_added_up(model, inputs, targets):
    return gradient(model, inputs, targets).cumsum(dim=0)


def one_target_after_the_other(model, inputs, targets):
    """Maps in the order of targets, not of images."""
    return torch.cat([gradient(model, inputs[targets == one], targets[targets == one]) for one in targets.unique()])


def only_the_first_image(model, inputs, targets):
    maps = torch.zeros_like(inputs)
    maps[:1] = gradient(model, inputs[:1], targets[:1])
    return maps


def odd_image_left_out(model, inputs, targets):
    """Images are taken in pairs."""
    maps, n_images = torch.zeros_like(inputs), len(inputs) // 2 * 2
    if n_images:
        maps[:n_images] = gradient(model, inputs[:n_images], targets[:n_images])
    return maps


FAULTS = {
    tail_beyond_32_dropped: ("assert_batch_invariant", "the last images of 35 have no map.*loop over chunks"),
    last_chunk_repeats_the_one_before: ("assert_batch_invariant", "the last images of 35 have other maps"),
    map_of_the_previous_image: ("assert_batch_invariant", "depends on the batch"),
    reversed_order: ("assert_batch_invariant", "depends on the batch"),
    map_of_the_first_for_all: ("assert_batch_invariant", "the same map for all 4 images"),
    mean_map_for_all: ("assert_batch_invariant", "the same map for all 4 images.*a mean or a sum over the first axis"),
    scaled_by_the_index: (
        "assert_batch_invariant",
        "depends on the batch: an image's map alone and together with others",
    ),
    normalized_over_the_batch: ("assert_batch_invariant", "depends on the batch.*maxima"),
    noise_shared_by_scale: ("assert_batch_invariant", "with other images around it differ"),
    pairs_swapped: ("assert_batch_invariant", "the maps are those of images 1, 0, 3, 2, in this order"),
    chunks_in_reversed_order: ("assert_batch_invariant", "the last images of 35 have other maps.*loop over chunks"),
    mean_loss: ("assert_batch_invariant", "multiples of those alone, by 0.25, 0.25, 0.25, 0.25: look for means"),
    maps_added_up: ("assert_batch_invariant", "the sum of its map and all before it"),
    one_target_after_the_other: ("assert_batch_invariant", "the maps are those of images 2, 1, 0, 3, in this order"),
    only_the_first_image: ("assert_batch_invariant", "together images 1, 2, 3 have no map"),
    odd_image_left_out: ("assert_batch_invariant", "alone images 0, 1, 2, 3 have no map.*a rest that is left out"),
}
