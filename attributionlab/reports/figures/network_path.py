"""A picture of one path through a network: neurons with their values, edges with their weights, windows of cells."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from attributionlab.environments.network_path import NetworkPath
from attributionlab.networks.color_detector import CHANNELS
from attributionlab.networks.paths import LayerValues, NeuronValue
from attributionlab.reports.figures.styles import LABEL, SMALL, plain

MOST_NEURONS = 12
"""Neurons of a layer that are drawn; the others are counted."""

COLUMN = 1.55
"""Width of a layer in inches."""

ROW = 0.42
"""Height of a neuron in inches."""

BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
"""Box behind texts that lie on lines."""

POSITIVE, NEGATIVE, SILENT, AWAKE = "#b2182b", "#2166ac", "#d9d9d9", "#f4a582"


def network_path_figure(path: NetworkPath) -> Figure:
    """Draw the layers from left to right, in bands for detector, accumulator and head.

    A neuron is a circle with its value, gray if it is 0. A line is a weight times a value that is not 0: red if it
    raises the neuron, blue if it lowers it. Blocks of the accumulator show the window of cells that they read.
    """
    bands = [
        list(band)
        for _, band in itertools.groupby(
            path.layers, key=lambda layer: layer.name.split(maxsplit=1)[0].strip(",") in ("detector", "block")
        )
    ]
    bands = [part for band in bands for part in _split(band)]
    heights = [max(_n_drawn(layer) for layer in band) * ROW + 0.9 for band in bands]
    widest = max(len(band) for band in bands)
    figure = Figure(figsize=(max(6.0, (widest + 1) * COLUMN), sum(heights) + 0.7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(bands), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, band in zip(axes, bands, strict=True):
        _draw_band(axis, band, widest, path.color)
    title = "\n".join(textwrap.wrap(f"{path.environment}: {path.start}", int(widest * 22)))
    figure.suptitle(plain(title), fontsize=LABEL + 2, x=0.01, ha="left")
    figure.supxlabel(plain(f"output: {path.end}"), fontsize=LABEL, x=0.01, ha="left")
    return figure


def _split(band: Sequence[LayerValues]) -> list[list[LayerValues]]:
    """Detector and accumulator in bands of their own."""
    return [list(part) for _, part in itertools.groupby(band, key=lambda layer: layer.name.startswith("block"))]


def _n_drawn(layer: LayerValues) -> int:
    """Rows of a layer: its neurons, or three rows of a window and its neurons."""
    return min(len(layer.neurons), MOST_NEURONS) + (4 if layer.window is not None else 0)


def _draw_band(axis: Axes, band: Sequence[LayerValues], widest: int, color: tuple[float, ...] | None) -> None:
    """A row of layers, with lines between neurons that read each other."""
    n_rows = max(map(_n_drawn, band))
    axis.set_xlim(-1.2, widest - 0.3)
    axis.set_ylim(-0.8, n_rows + 0.6)
    axis.set_aspect("auto")
    axis.set_axis_off()
    before = _draw_pixel(axis, color, n_rows) if band[0].name.startswith("detector") and color else {}
    for column, layer in enumerate(band):
        drawn = layer.neurons[:MOST_NEURONS]
        top = n_rows - 0.5 - (4 if layer.window is not None else 0)
        start = top if layer.window is not None else (n_rows + len(drawn)) / 2 - 0.5
        places = {neuron.name: (float(column), start - row) for row, neuron in enumerate(drawn)}
        if layer.window is not None:
            _draw_window(axis, layer.window, column, n_rows)
        for neuron in drawn:
            _draw_edges(axis, neuron, places[neuron.name], before)
        for neuron in drawn:
            _draw_neuron(axis, neuron, places[neuron.name])
        n_hidden = layer.n_others + len(layer.neurons) - len(drawn)
        more = f"\n+ {n_hidden} others" if n_hidden else ""
        axis.text(
            column,
            -0.7,
            plain(f"{layer.name.replace(', ', chr(10))}{more}"),
            ha="center",
            va="bottom",
            fontsize=SMALL,
            color="#444444",
        )
        before = places


def _draw_pixel(axis: Axes, color: tuple[float, ...], n_rows: int) -> dict[str, tuple[float, float]]:
    """The pixel in its color, with its three numbers; the place of each."""
    places = {channel: (-0.8, (n_rows + 1) / 2 - row) for row, channel in enumerate(CHANNELS)}
    low = places[CHANNELS[-1]][1] - 0.5
    face = tuple(min(max(value / 255, 0), 1) for value in color)
    axis.add_patch(Rectangle((-1.1, low), 0.3, 3, facecolor=face, edgecolor="#555555", zorder=2))
    for value, (channel, (column, row)) in zip(color, places.items(), strict=True):
        axis.text(
            column + 0.06, row, f"{channel}\n{value:g}", ha="left", va="center", fontsize=SMALL, zorder=4, bbox=BEHIND
        )
    axis.text(-0.95, -0.7, "pixel", ha="center", va="bottom", fontsize=SMALL, color="#444444")
    return places


def _draw_neuron(axis: Axes, neuron: NeuronValue, place: tuple[float, float]) -> None:
    """A marker with the value, and the name above it."""
    column, row = place
    color = SILENT if neuron.value == 0 else AWAKE
    axis.plot(
        [column], [row], "o", markersize=18, color=color, markeredgecolor="#555555", markeredgewidth=0.6, zorder=3
    )
    axis.text(column, row, f"{neuron.value:.3g}", ha="center", va="center", fontsize=SMALL - 0.5, zorder=4)
    axis.text(
        column,
        row + 0.36,
        plain(textwrap.shorten(neuron.name, 30)),
        ha="center",
        va="bottom",
        fontsize=SMALL - 1,
        zorder=4,
    )


def _draw_edges(
    axis: Axes, neuron: NeuronValue, place: tuple[float, float], before: dict[str, tuple[float, float]]
) -> None:
    """Lines from the neurons that it reads, dotted where nothing flows."""
    for term in neuron.terms:
        if term.source in before:
            (left, low), (right, high) = before[term.source], place
            flows = term.weight * term.value != 0
            color = (POSITIVE if term.weight > 0 else NEGATIVE) if flows else "#bbbbbb"
            axis.plot(
                [left, right],
                [low, high],
                color=color,
                linewidth=1.0 if flows else 0.5,
                linestyle="-" if flows else ":",
                zorder=1,
            )
            if flows and abs(term.weight) != 1:
                axis.text(
                    left * 0.45 + right * 0.55,
                    low * 0.45 + high * 0.55,
                    f"{term.weight:g}",
                    fontsize=SMALL - 1.5,
                    color=color,
                    zorder=2,
                )


def _draw_window(axis: Axes, window: tuple[tuple[float, ...], ...], column: int, n_rows: int) -> None:
    """The nine cells that a block reads, darker where there is more."""
    highest = max(1.0, *(value for row in window for value in row))
    for row, values in enumerate(window):
        for position, value in enumerate(values):
            corner = (column - 0.3 + 0.2 * position, n_rows - 1 - row)
            axis.add_patch(
                Rectangle(
                    corner, 0.2, 1.0, facecolor=AWAKE, alpha=0.15 + 0.85 * value / highest if value > 0 else 0, zorder=1
                )
            )
            axis.add_patch(Rectangle(corner, 0.2, 1.0, fill=False, edgecolor="#777777", linewidth=0.6, zorder=2))
            axis.text(
                corner[0] + 0.1, corner[1] + 0.5, f"{value:g}", ha="center", va="center", fontsize=SMALL - 0.5, zorder=3
            )
