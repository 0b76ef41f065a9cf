"""Sections of a figure, one below the other: a heading, and panels of images, violins or curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D

from attributionlab.judging.audit_report import ImageCurves
from attributionlab.papers.evidence import Values
from attributionlab.reports.figures.curves import draw_curves
from attributionlab.reports.figures.looks import TICKS
from attributionlab.reports.figures.panels import panel
from attributionlab.reports.figures.pictures import SIGNED
from attributionlab.reports.figures.styles import (
    LABEL,
    SMALL,
    MethodStyle,
    blank_figure,
    method_styles,
    plain,
    wrapped,
)
from attributionlab.reports.figures.violins import draw_violins

WIDTH = 7.4
"""Width of a figure in inches."""

HEADING = 0.24
BAR = 0.5
PANEL_TEXTS = 0.36
"""Heights in inches: of a heading, of the color bar, and of title and caption of a panel."""

PROBABILITIES = (-0.04, 1.04)
"""Ends of an axis of probabilities."""

BARS = "Bars: highest, mean and lowest image; above: number of images."
"""Explanation of violins."""

GAMMA = 0.5
"""Least F1 that passes the paper's test."""

Draw = Callable[[Figure, SubplotSpec], None]


@dataclass(frozen=True)
class Section:
    """A part of a figure as wide as the figure.

    Args:
        heading: Text above it; empty for none.
        height: Height in inches, without the heading.
        draw: Draws into a place of the figure.
    """

    heading: str
    height: float
    draw: Draw


@dataclass(frozen=True)
class Panel:
    """A small square of a gallery.

    Args:
        title: Text above.
        draw: Draws on an axis.
        caption: Text below.
    """

    title: str
    draw: Callable[[Axes], None]
    caption: str = ""


def compose(*sections: Section) -> Figure:
    """A figure of sections, from the top to the bottom."""
    rows: list[tuple[float, Draw]] = []
    for section in sections:
        if section.heading:
            rows.append((HEADING, partial(_draw_heading, section.heading)))
        rows.append((section.height, section.draw))
    heights = [height for height, _ in rows]
    figure, _ = blank_figure(WIDTH, sum(heights) - 0.5 + 0.06 * len(rows))
    figure.set_layout_engine("constrained", h_pad=0.06, w_pad=0.05)
    grid = figure.add_gridspec(len(rows), 1, height_ratios=heights)
    for index, (_, draw) in enumerate(rows):
        draw(figure, grid[index])
    return figure


def gallery(heading: str, rows: Sequence[Sequence[Panel]], *, least_columns: int = 1) -> Section:
    """Panels in rows, each of which begins at the left; panels are as wide as the longest row, or `least_columns`, allows."""
    n_columns = max(least_columns, *map(len, rows))
    height = len(rows) * (WIDTH / n_columns * 0.93 + PANEL_TEXTS)
    return Section(heading, height, partial(_draw_gallery, rows, n_columns))


def in_rows(panels: Sequence[Panel], n_columns: int) -> list[Sequence[Panel]]:
    """Panels in rows of at most this many."""
    return [panels[first : first + n_columns] for first in range(0, len(panels), n_columns)]


def violins(heading: str, scores: Mapping[str, Mapping[str, Values]], *, height: float = 2.0) -> Section:
    """A row of axes, each of which has violins.

    Args:
        heading: Text above.
        scores: Scores (n,) of the violins by their labels, by title of the axis; an axis called F1 has a line at gamma.
        height: Height in inches.
    """
    return Section(heading, height, partial(_draw_violin_row, scores))


def curve_panels(
    panels: Mapping[str, Mapping[str, ImageCurves]], styles: Mapping[str, MethodStyle], units: Mapping[str, str]
) -> Section:
    """A row of axes of curves by method, by title of the axis; `units` are the kinds of outputs, by title, of axes of probabilities."""
    return Section("", 2.6, partial(_draw_curve_row, panels, styles, units))


def legend(styles: Mapping[str, MethodStyle]) -> Section:
    """The lines of methods, by name."""
    n_columns = 5
    return Section("", 0.2 * -(-len(styles) // n_columns) + 0.05, partial(_draw_legend, styles, n_columns))


def color_bar() -> Section:
    """The colors of signed maps."""
    return Section("", BAR, _draw_color_bar)


def _draw_heading(text: str, figure: Figure, place: SubplotSpec) -> None:
    axis = figure.add_subplot(place)
    axis.set_axis_off()
    axis.text(0, 0.1, plain(text), ha="left", va="bottom", fontsize=8, weight="bold", transform=axis.transAxes)


def _draw_gallery(rows: Sequence[Sequence[Panel]], n_columns: int, figure: Figure, place: SubplotSpec) -> None:
    grid = place.subgridspec(len(rows), n_columns)
    for row, panels in enumerate(rows):
        for column, shown in enumerate(panels):
            axis = panel(figure.add_subplot(grid[row, column]))
            shown.draw(axis)
            axis.set_title(plain(wrapped(shown.title, 18)), fontsize=LABEL, pad=3)
            axis.set_xlabel(plain(shown.caption), fontsize=SMALL, labelpad=2)


def _draw_violin_row(scores: Mapping[str, Mapping[str, Values]], figure: Figure, place: SubplotSpec) -> None:
    grid = place.subgridspec(1, len(scores))
    for column, (title, by_label) in enumerate(scores.items()):
        axis = figure.add_subplot(grid[0, column])
        defined = {label: values[np.isfinite(values)] for label, values in by_label.items()}
        draw_violins(axis, defined, method_styles(by_label), has_intervals=False)
        axis.set_title(title, fontsize=8)
        if title.endswith("F1"):
            axis.axhline(GAMMA, color="#d55e00", linewidth=0.9, linestyle=(0, (4, 2)), zorder=0.5)


def _draw_curve_row(
    panels: Mapping[str, Mapping[str, ImageCurves]],
    styles: Mapping[str, MethodStyle],
    units: Mapping[str, str],
    figure: Figure,
    place: SubplotSpec,
) -> None:
    grid = place.subgridspec(1, len(panels))
    for column, (title, curves) in enumerate(panels.items()):
        axis = figure.add_subplot(grid[0, column])
        draw_curves(axis, curves, styles, units.get(title, ""))
        axis.set_title(plain(title), fontsize=8)
        if title in units:
            axis.set_ylim(PROBABILITIES)


def _draw_legend(styles: Mapping[str, MethodStyle], n_columns: int, figure: Figure, place: SubplotSpec) -> None:
    axis = figure.add_subplot(place)
    axis.set_axis_off()
    handles = [Line2D([], [], **style.line, markersize=4, label=plain(name)) for name, style in styles.items()]
    axis.legend(handles=handles, loc="center", ncols=n_columns, fontsize=LABEL, frameon=False, handlelength=4)


def _draw_color_bar(figure: Figure, place: SubplotSpec) -> None:
    ticks = TICKS[SIGNED.name]
    axis = figure.add_subplot(place.subgridspec(2, 3, height_ratios=(1, 1))[0, 1])
    bar = figure.colorbar(ScalarMappable(Normalize(-1, 1), SIGNED), cax=axis, orientation="horizontal", ticks=[*ticks])
    bar.ax.set_xticklabels([*ticks.values()], fontsize=SMALL)
