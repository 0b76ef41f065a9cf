"""Precision and recall of rationales against the share of selected words, as Figures 12 and 13 of Zhou et al. 2022."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from attributionlab.reports.figures.styles import LABEL, SMALL, plain
from attributionlab.text import SelectionOptimum

COLORS = ("#0072B2", "#D55E00")
OPTIMUM = "#009E73"
PANEL = 2.3
"""Width of a panel in inches."""

SCORES = ("precision", "recall")


@dataclass(frozen=True)
class RationalePoint:
    """A rationale model on a data set.

    Args:
        data: Name of the data set.
        selector: Name of the selector.
        selected: %Sel on the test texts.
        precision: Its precision.
        recall: Its recall.
        optimum: The best for this %Sel of all texts together.
        optimum_per_text: The best for this %Sel in each text.
    """

    data: str
    selector: str
    selected: float
    precision: float
    recall: float
    optimum: SelectionOptimum
    optimum_per_text: SelectionOptimum


def rationales_figure(points: Sequence[RationalePoint]) -> Figure:
    """Draw precision and recall in rows, data sets in columns; lines are the best that is possible."""
    names = list(dict.fromkeys(point.data for point in points)) or ["no model"]
    figure = Figure(figsize=(PANEL * len(names) + 0.4, 2 * PANEL + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(names), squeeze=False, sharey=True)
    selectors = list(dict.fromkeys(point.selector for point in points))
    for column, name in enumerate(names):
        own = [point for point in points if point.data == name]
        for row, score in enumerate(SCORES):
            _draw(axes[row][column], own, score, selectors)
        axes[0][column].set_title(plain(name), fontsize=LABEL)
        axes[1][column].set_xlabel("%Sel", fontsize=LABEL)
    for row, score in enumerate(SCORES):
        axes[row][0].set_ylabel(score, fontsize=LABEL)
    handles = [
        Line2D([], [], color=color, marker="o", linestyle="none", markersize=4, label=plain(selector))
        for selector, color in zip(selectors, COLORS, strict=False)
    ]
    handles.append(Line2D([], [], color=OPTIMUM, label="best, %Sel of all texts"))
    handles.append(Line2D([], [], color=OPTIMUM, linestyle="--", label="best, %Sel of each text"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=SMALL, frameon=False)
    return figure


def _draw(axis: Axes, points: Sequence[RationalePoint], score: str, selectors: Sequence[str]) -> None:
    """Draw a panel."""
    axis.set(ylim=(-0.03, 1.05))
    axis.tick_params(labelsize=SMALL)
    ordered = sorted(points, key=lambda point: point.selected)
    at = [point.selected for point in ordered]
    for dash, optima in (
        ("-", [point.optimum for point in ordered]),
        ("--", [point.optimum_per_text for point in ordered]),
    ):
        axis.plot(at, [getattr(best, score) for best in optima], color=OPTIMUM, linestyle=dash, linewidth=1)
    for selector, color in zip(selectors, COLORS, strict=False):
        own = [point for point in points if point.selector == selector]
        axis.plot(
            [point.selected for point in own], [getattr(point, score) for point in own], "o", color=color, markersize=4
        )
