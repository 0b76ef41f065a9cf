"""GradCAM with mistakes, found beside another implementation."""

from __future__ import annotations

import functools

import torch
from torch.nn import functional

from attributionlab.methods import declares
from attributionlab.testing import assert_same_as

LAYER = 3


@declares(sign="positive", granularity="coarse")
def grad_cam(
    model, inputs, targets, *, layer=LAYER, rectified=True, corners=False, mode="bilinear", turns=0, enlarged=True
):
    kept = []
    handle = model.accumulator.layers[layer].register_forward_hook(lambda *call: kept.append(call[-1]))
    try:
        outputs = model(inputs.clone().requires_grad_()).gather(1, targets[:, None]).sum()
    finally:
        handle.remove()
    weights = torch.autograd.grad(outputs, kept)[0].mean(dim=(2, 3), keepdim=True)
    cells = (weights * kept[0]).sum(dim=1, keepdim=True)
    cells = cells.relu() if rectified else cells
    if not enlarged:
        return cells
    cells = functional.interpolate(cells.rot90(turns, (2, 3)), size=cells.shape[2:])
    options = {"align_corners": corners} if mode == "bilinear" else {}
    return functional.interpolate(cells, size=inputs.shape[2:], mode=mode, **options)[:, 0]


def broken(name, **options):
    function = declares(sign="signed", granularity="coarse")(functools.partial(grad_cam, **options))
    function.__name__ = name
    return function


def assert_same_as_ours(method, **options):
    assert_same_as(method, grad_cam, **options)


another_layer = broken("another_layer", layer=7)
without_relu = broken("without_relu", rectified=False)
aligned_corners = broken("aligned_corners", corners=True)
nearest_neighbor = broken("nearest_neighbor", mode="nearest")


@declares(sign="positive", granularity="coarse")
def normalized(model, inputs, targets):
    maps = grad_cam(model, inputs, targets)
    return maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)


@declares(sign="positive", granularity="coarse")
def mirrored_cells(model, inputs, targets):
    return grad_cam(model, inputs, targets).flip(2)


@declares(sign="positive", granularity="coarse")
def corners_of_the_image(model, inputs, targets):
    return grad_cam(model, inputs, targets, layer=5, corners=True)


@declares(sign="positive", granularity="coarse")
def turned_cells(model, inputs, targets):
    return grad_cam(model, inputs, targets, layer=5, turns=1)


@declares(sign="positive", granularity="coarse")
def cropped(model, inputs, targets):
    """As wide as high, and cropped."""
    cells = grad_cam(model, inputs, targets, enlarged=False)
    side = max(inputs.shape[2:])
    maps = functional.interpolate(cells, size=(side, side), mode="bilinear")
    return maps[:, 0, : inputs.shape[2], : inputs.shape[3]]


@declares(sign="positive", granularity="coarse")
def cropped_from_the_middle(model, inputs, targets):
    """As pictures are prepared: enlarged by an eighth, and the middle of them."""
    height, width = inputs.shape[2:]
    cells = grad_cam(model, inputs, targets, enlarged=False)
    maps = functional.interpolate(cells, size=(height + height // 8, width + width // 8), mode="bilinear")
    return maps[:, 0, height // 16 : height // 16 + height, width // 16 : width // 16 + width]


@declares(sign="positive", granularity="coarse")
def with_a_margin(model, inputs, targets):
    """A margin of zeros, for the pixels that an unpadded convolution leaves out."""
    height, width = inputs.shape[2:]
    cells = grad_cam(model, inputs, targets, enlarged=False)
    maps = functional.interpolate(cells, size=(height - 2, width - 2), mode="bilinear")
    return functional.pad(maps, (1, 1, 1, 1))[:, 0]


FAULTS = {
    another_layer: (assert_same_as_ours, "differs from .*look at the layer"),
    without_relu: (assert_same_as_ours, "differs from .*look at the layer, at the ReLU|differs from"),
    aligned_corners: (assert_same_as_ours, "differs from .*its corners"),
    nearest_neighbor: (assert_same_as_ours, "differs from .*its mode"),
    mirrored_cells: ("assert_values", "at wrong places: it has the cells of GradCAM at .*, mirrored"),
    corners_of_the_image: ("assert_values", "its 2 x 2 cells, enlarged with aligned corners"),
    turned_cells: ("assert_values", "at wrong places: .*turned by 90 degrees and stretched"),
    cropped: ("assert_values", "at wrong places: .*cells, enlarged to 18x18 pixels and cropped at row 0 and column 0"),
    cropped_from_the_middle: ("assert_values", "cells, enlarged to 18x20 pixels and cropped at row 1 and column 1"),
    with_a_margin: ("assert_values", "cells, enlarged to 14x16 pixels and padded by 1 and 1"),
    normalized: (assert_same_as_ours, "it is the reference divided by its largest magnitude"),
}
