"""Figures of Attr%: against %ER, accuracy, visibility and r (Figures 5 to 8 of Zhou et al. 2022), and examples of maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from attributionlab.modification.attr_report import AttrExamples, AttrPoint, AttrReport, Question, TrainedPictures
from attributionlab.reports.figures.styles import COLORS, LABEL, SMALL, plain, wrapped

PANEL = 2.1
"""Side of a panel in inches."""

WITH, WITHOUT = COLORS[0], COLORS[1]
"""Colors of classes with and without a manipulation, as in the paper: blue and orange."""

CHANCE, EXPECTED = "#b03030", "#2e7d32"

PAIRS: tuple[tuple[str, Literal["-", "--"]], ...] = (("similar", "-"), ("distinct", "--"))
"""Lines of pairs of classes."""


@dataclass(frozen=True)
class _Axis:
    """The horizontal axis of a question.

    Args:
        label: Its label.
        value: The value of a point.
        file: Name of the figure's file.
    """

    label: str
    value: Callable[[TrainedPictures, AttrPoint], float]
    file: str


AXES: dict[Question, _Axis] = {
    "attributions": _Axis("%ER", lambda _network, point: point.region_share, "figure5-region.png"),
    "accuracy": _Axis("accuracy", lambda _network, point: point.accuracy, "figure6-accuracy.png"),
    "visibility": _Axis(
        "level, 1 the least visible", lambda network, _point: _number(network.level), "figure7-visibility.png"
    ),
    "correlation": _Axis("r", lambda network, _point: _number(network.reassign), "figure8-correlation.png"),
}
"""By question; file names say which figure of the paper they are like."""


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def question_figure(report: AttrReport, question: Question) -> Figure:
    """Draw a panel per method: mean Attr% of each class, with its interval.

    The green line, or area, is what is expected; the red line is what a random map has.
    """
    points = report.of(question)
    methods = list(dict.fromkeys(point.method for point in points))
    n_columns = min(4, len(methods))
    n_rows = -(-len(methods) // n_columns)
    figure = Figure(figsize=(PANEL * n_columns + 0.3, (PANEL + 0.2) * n_rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True)
    for axis in axes.flat[len(methods) :]:
        axis.set_axis_off()
    for axis, method in zip(axes.flat, methods, strict=False):
        _draw_panel(axis, report, question, [point for point in points if point.method == method])
        axis.set_title(plain(wrapped(method, 26)), fontsize=LABEL)
    for row in axes:
        row[0].set_ylabel("Attr%", fontsize=LABEL)
    figure.legend(handles=_legend(question), loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def _draw_panel(axis: Axes, report: AttrReport, question: Question, points: list[AttrPoint]) -> None:
    """Draw the points of a method."""
    axis.set(ylim=(-0.03, 1.05))
    axis.set_xlabel(AXES[question].label, fontsize=LABEL)
    axis.tick_params(labelsize=SMALL)
    _draw_expectation(axis, report, question, points)
    lines: dict[tuple[str, str, bool], list[AttrPoint]] = {}
    for point in points:
        lines.setdefault((report.networks[point.network].data, point.class_name, point.is_manipulated), []).append(
            point
        )
    for (_, _, is_manipulated), line in lines.items():
        networks = [report.networks[point.network] for point in line]
        at = [AXES[question].value(network, point) for network, point in zip(networks, line, strict=True)]
        if question == "visibility":  # levels of different manipulations have different units
            levels = _levels(report, networks[0].data)
            at = [1.0 + levels.index(level) for level in at]
        middle = np.array([point.attr.mean for point in line])
        reach = [middle - [point.attr.low for point in line], np.array([point.attr.high for point in line]) - middle]
        dash = "none" if question == "attributions" else "--" if networks[0].pair == "distinct" else "-"
        marker, color = ("o", WITH) if is_manipulated else ("x", WITHOUT)
        axis.errorbar(
            at,
            middle,
            np.clip(reach, 0, None),
            fmt=marker,
            color=color,
            linestyle=dash,
            markersize=4,
            linewidth=1,
            elinewidth=0.6,
        )


def _levels(report: AttrReport, data: str) -> list[float]:
    """All levels at which networks of a data set were trained, in order."""
    own = [network for network in report.networks if network.question == "visibility" and network.data == data]
    return sorted({_number(network.level) for network in own})


def _draw_expectation(axis: Axes, report: AttrReport, question: Question, points: list[AttrPoint]) -> None:
    """Draw what is expected, and what a random map has."""
    if question == "attributions":
        axis.set(xlim=(0, 1))
        axis.plot([0, 1], [0, 1], color=CHANCE, linewidth=0.8)
        axis.axhline(1, color=EXPECTED, linewidth=0.8)
        return
    for share in sorted({point.region_share for point in points}):
        axis.axhline(share, color=CHANCE, linewidth=0.8)
    if question == "correlation":
        r = np.array(sorted({_number(report.networks[point.network].reassign) for point in points}))
        axis.fill_between(r, 1.5 - r, 1.0, color=EXPECTED, alpha=0.15, linewidth=0)
    else:
        axis.axhline(1, color=EXPECTED, linewidth=0.8)


def _legend(question: Question) -> list[Line2D]:
    """What marks and lines mean."""
    expected = "in the range of the Shapley axioms" if question == "correlation" else "expected"
    return [
        Line2D([], [], color=WITH, marker="o", linestyle="none", markersize=4, label="manipulated class"),
        Line2D([], [], color=WITHOUT, marker="x", linestyle="none", markersize=4, label="class left alone"),
        Line2D([], [], color=EXPECTED, label=expected),
        Line2D([], [], color=CHANCE, label="a random map"),
        *(
            [Line2D([], [], color="#555555", linestyle=dash, label=f"{pair} classes") for pair, dash in PAIRS]
            if question == "correlation"
            else []
        ),
    ]


def examples_figure(examples: AttrExamples) -> Figure:
    """Draw a row per picture: the picture, the joint region, and the magnitudes of each method's map, white at the largest."""
    n_columns = 2 + len(examples.maps)
    height, width = examples.region.shape
    panel = 1.2 * min(max(height / width, 0.25), 4.0)
    figure = Figure(figsize=(1.2 * n_columns, (panel + 0.15) * len(examples.pictures) + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(examples.pictures), n_columns, squeeze=False)
    for row, line in enumerate(axes):
        shown = [examples.pictures[row], examples.region, *(maps[row].abs().numpy() for maps in examples.maps.values())]
        for axis, values in zip(line, shown, strict=True):
            axis.imshow(values, cmap="gray", interpolation="nearest", vmin=0, vmax=float(values.max()) or 1.0)
            axis.set_xticks([])
            axis.set_yticks([])
        line[0].set_ylabel(plain(examples.names[row]), fontsize=SMALL)
    for axis, title in zip(axes[0], ("picture", "region", *examples.maps), strict=True):
        axis.set_title(plain(wrapped(title, 18)), fontsize=SMALL)
    return figure
