"""Figures (matplotlib): images, their truth, and maps side by side.

Signed maps are scaled as for scoring (Eq. 17), so that every panel of a row has the same limits, -1 to 1, around white.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor

from attributionlab.metrics import Agreement, normalize, score
from attributionlab.reports.figures.pictures import SIGNED, picture
from attributionlab.reports.figures.styles import plain, wrapped
from attributionlab.truth import TRUTHS, Batch, GroundTruth

PANEL = 1.75
"""Width of a panel in inches."""

BAND = 8
"""Largest number of methods in a row; further methods go into another band below, which repeats image and truth."""

MESSAGE = 200
"""Largest number of letters of a message in a panel."""


def attribution_figure(
    batch: Batch,
    maps: Mapping[str, Tensor | str],
    *,
    title: str = "",
    captions: Mapping[str, str] | None = None,
    judged: Mapping[str, GroundTruth] | None = None,
) -> Figure:
    """Draw a row per image: the image, its truth, and the map of every method with its F1; many methods take several bands.

    Args:
        batch: The images (b, c, h, w), or sequences or rows (b, c, l), which are drawn as lines.
        maps: Maps (b, *shape) by method, or a text that says why there are none.
        title: Title of the figure.
        captions: The kind of truth that each method is scored on; a method without one has no score. By default all
            methods are scored on overall truth.
        judged: The truth by which a method is scored, where it is not that of the batch (`Gallery.judged`).
    """
    n_bands = max(1, -(-len(maps) // BAND))
    width = -(-len(maps) // n_bands)  # bands of similar length
    bands = [dict(list(maps.items())[index * width : (index + 1) * width]) for index in range(n_bands)]
    n_rows, n_columns = len(batch) * len(bands), 2 + len(bands[0])
    rows, columns = picture(batch.inputs[0]).shape[:2]
    panel = PANEL * min(max(rows / columns, 0.25), 4.0)  # proportions of the images
    size = (PANEL * n_columns, (panel + 0.32) * n_rows + 0.4 * len(bands) + 0.35)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, band in enumerate(bands):
        _draw_band(axes[index * len(batch) :][: len(batch)], batch, band, captions, judged or {})
    for row in axes[len(batch) - 1 : -1 : len(batch), 0]:
        row.set_xlabel("\n", fontsize=14)  # room between bands
    colors = ScalarMappable(Normalize(-1, 1), SIGNED)
    color_bar = figure.colorbar(colors, ax=axes, location="bottom", shrink=0.3, aspect=40, pad=0.02, ticks=[-1, 0, 1])
    color_bar.ax.set_xticklabels(["lowers the output", "no part", "raises it"], fontsize=7)
    if title:
        figure.suptitle(plain(title), fontsize=9)
    return figure


def difference_figure(
    batch: Batch, rows: Sequence[int], maps: Tensor, expected: Tensor, *, same_units: bool = False, title: str = ""
) -> Figure:
    """Draw a row per image: the image, the expected map, the map, and their difference.

    Args:
        batch: The images.
        rows: Indices of the images to draw.
        maps: (b, *shape).
        expected: (b, *shape).
        same_units: Whether both maps share a scale, so that a factor between them shows; else each has its own.
        title: Title of the figure.
    """
    rows = list(rows)
    expected_maps, actual_maps = expected[rows].double(), maps[rows].double().nan_to_num()
    if same_units:
        features = tuple(range(1, expected_maps.ndim))
        largest = torch.maximum(expected_maps.abs(), actual_maps.abs()).amax(dim=features, keepdim=True)
        expected_maps, actual_maps = (
            values / torch.where(largest == 0, 1.0, largest) for values in (expected_maps, actual_maps)
        )
    else:
        expected_maps, actual_maps = normalize(expected_maps), normalize(actual_maps)
    figure = Figure(figsize=(PANEL * 4, (PANEL + 0.1) * len(rows) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), 4, squeeze=False)
    for line, (image_axis, *map_axes) in enumerate(axes):
        framed(image_axis).imshow(picture(batch.inputs[rows[line]]), interpolation="nearest")
        drawn = (expected_maps[line], actual_maps[line], (actual_maps[line] - expected_maps[line]) / 2)
        for axis, values in zip(map_axes, drawn, strict=True):
            draw_map(framed(axis), values)
        image_axis.set_ylabel(f"image {rows[line]}", fontsize=7)
    for axis, name in zip(axes[0], ("input", "expected", "got", "half the difference"), strict=True):
        axis.set_title(name, fontsize=8)
    figure.suptitle(plain(title), fontsize=9)
    return figure


def _draw_band(
    axes: npt.NDArray[Any],
    batch: Batch,
    maps: Mapping[str, Tensor | str],
    captions: Mapping[str, str] | None,
    judged: Mapping[str, GroundTruth],
) -> None:
    """Draw images, truth and the maps of a band: one row of axes per image."""
    scores = {
        name: score(values, judged.get(name, batch.ground_truth))
        for name, values in maps.items()
        if isinstance(values, Tensor)
    }
    for row, images in enumerate(axes):
        framed(images[0]).imshow(picture(batch.inputs[row]), interpolation="nearest")
        draw_map(framed(images[1]), batch.ground_truth.signed[row])
        for axis, (name, values) in zip(images[2:], maps.items(), strict=False):
            framed(axis)
            if isinstance(values, str):
                height, width = picture(batch.inputs[row]).shape[:2]
                axis.set_box_aspect(height / width)
                axis.text(
                    0.5,
                    0.5,
                    plain(wrapped(shortened(values), 22)),
                    ha="center",
                    va="center",
                    fontsize=6,
                    transform=axis.transAxes,
                )
                continue
            draw_map(axis, normalize(values[row : row + 1])[0])
            truth = "overall" if captions is None else captions.get(name)
            if truth is not None:
                axis.set_xlabel(_caption(scores[name], truth, row), fontsize=7)
    for axis, name in zip(axes[0], ("image", "ground truth", *maps), strict=False):
        axis.set_title(plain(wrapped(name, 20)), fontsize=8)


def shortened(message: str) -> str:
    """Shorten a message to fit a panel."""
    return message if len(message) <= MESSAGE else f"{message[:MESSAGE]}..."


def framed(axis: Axes) -> Axes:
    """Frame an axis without ticks, and return it."""
    axis.set_axis_on()
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_color("#bbbbbb")
    return axis


def draw_map(axis: Axes, values: Tensor) -> None:
    """Draw a map (h, w), or a line (l,), with values in [-1, 1]."""
    rows = values if values.ndim == 2 else values.reshape(1, -1)  # a sequence is a line
    axis.imshow(rows.cpu().numpy(), cmap=SIGNED, vmin=-1, vmax=1, interpolation="nearest")


def _caption(agreement: Agreement, truth: str, row: int) -> str:
    assert truth in TRUTHS
    f1 = float(agreement.against(truth).f1[row])
    return f"{truth}: does not apply" if math.isnan(f1) else f"{truth} F1 {f1:.2f}"
