"""Metrics with a mistake."""

from __future__ import annotations

import torch

import attributionlab as al


@al.metric(higher_is_better=True)
def depends_on_the_scale(environment, batch, attribution):
    return al.insertion(environment, batch, attribution).auc + attribution.flatten(1).sum(dim=1) * 1e-3


@al.metric(higher_is_better=True)
def rows_and_columns_swapped(environment, batch, attribution):
    swapped = attribution.reshape(len(attribution), attribution.shape[2], attribution.shape[1]).transpose(1, 2)
    return al.insertion(environment, batch, swapped).auc


@al.metric(higher_is_better=True)
def mirrored_maps(environment, batch, attribution):
    return al.insertion(environment, batch, attribution.flip(2)).auc


@al.metric(higher_is_better=True)
def shifted_maps(environment, batch, attribution):
    return al.insertion(environment, batch, attribution.roll(1, 2)).auc


@al.metric(higher_is_better=True)
def everything_hidden(environment, batch, attribution):
    with torch.no_grad():
        return environment.model(torch.zeros_like(batch.inputs)).gather(1, batch.targets[:, None])[:, 0]


@al.metric(higher_is_better=True)
def half_of_the_map(environment, batch, attribution):
    upper = attribution.clone()
    upper[:, attribution.shape[1] // 2 :] = 0
    return al.insertion(environment, batch, upper).auc


@al.metric(higher_is_better=True)
def ties_by_position(environment, batch, attribution):
    """Hits among as many pixels as the truth has, ties in the order of rows."""
    truth = batch.ground_truth.positive_mask.flatten(1)
    order = attribution.flatten(1).argsort(dim=1, descending=True, stable=True)
    ranked = truth.gather(1, order)
    n_pixels = truth.sum(dim=1)
    hits = [float(row[:n].double().mean()) for row, n in zip(ranked, n_pixels.tolist(), strict=True)]
    return torch.tensor(hits, dtype=torch.float64) - 1e-9 * (attribution < 0).flatten(1).double().mean(dim=1)


@al.metric(higher_is_better=True)
def one_step(environment, batch, attribution):
    """The largest value alone."""
    first = attribution.flatten(1).argmax(dim=1)
    return batch.ground_truth.signed.flatten(1).gather(1, first[:, None])[:, 0].double()


@al.metric(higher_is_better=True)
def absolute_values(environment, batch, attribution):
    return al.insertion(environment, batch, attribution.abs()).auc


@al.metric(higher_is_better=False)
def declared_the_other_way(environment, batch, attribution):
    return al.insertion(environment, batch, attribution).auc


@al.metric(higher_is_better=True)
def normalizing_in_place(environment, batch, attribution):
    attribution /= attribution.abs().amax(dim=(1, 2), keepdim=True)
    return al.insertion(environment, batch, attribution).auc


@al.metric(higher_is_better=True)
def hiding_in_place(environment, batch, attribution):
    batch.inputs[attribution[:, None].expand_as(batch.inputs) > 0] = 0
    return al.insertion(environment, batch, attribution).auc


FAULTS = {
    normalizing_in_place: ("assert_metric_known_answers", "writes into the maps that it is given"),
    hiding_in_place: ("assert_metric_known_answers", "writes into the images that it is given"),
    depends_on_the_scale: ("assert_metric_known_answers", "depends on the scale of a map"),
    rows_and_columns_swapped: ("assert_metric_known_answers", "the truth with .* has a better score than in its place"),
    mirrored_maps: ("assert_metric_known_answers", "the truth mirrored has a better score than in its place"),
    shifted_maps: (
        "assert_metric_known_answers",
        "moved by 0 rows and -1 columns has a better score than in its place",
    ),
    everything_hidden: ("assert_metric_known_answers", "gives every map the same score"),
    half_of_the_map: ("assert_metric_known_answers", "looks at the upper half of a map only"),
    ties_by_position: ("assert_metric_known_answers", "takes pixels of equal value in the order of their places"),
    one_step: ("assert_metric_known_answers", "does not rise with the share of the truth|at or above truth"),
    absolute_values: ("assert_metric_known_answers", "negated truth at or above noise.*look for abs and squares"),
    declared_the_other_way: ("assert_metric_known_answers", "with the other direction the truth would be best"),
}
