"""A debugging test as a figure: for each bug image, truth and map of the healthy network beside those with the bug."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attributionlab.judging import BugVerdict, DebugReport
from attributionlab.reports.figures.looks import look_of
from attributionlab.reports.figures.panels import MESSAGE, add_color_bars, add_notes, draw_map, panel
from attributionlab.reports.figures.pictures import SIGNED, picture
from attributionlab.reports.figures.styles import LABEL, plain, wrapped

PANEL = 1.0
"""Side of a panel in inches."""

NAMES = ("image", "truth", "map")

N_COLUMNS = 1 + 2 * len(NAMES)
"""Columns of a bug: its name, and the panels without and with it."""

BAND = 10
"""Largest number of bugs below each other; further bugs go into another column."""

NOTE = (
    "Each truth and each map has its own scale: 1 is its largest magnitude. Both are those of the class that the healthy network "
    "predicts. Numbers: the part of the truth's change that the map follows, with its 95 % interval."
)

COLORS = {"revealed": "#1a7f37", "undecided": "#9a6700", "invisible": "#666666"}
"""Colors of outcomes; all others are red."""


def debug_figure(report: DebugReport) -> Figure:
    """Draw a row per bug: the first scene, its truth and its map, under the healthy network and with the bug.

    Each map and each truth has a scale of its own: what a row shows is where a map lies, not how large it is.
    """
    n_bands = -(-len(report.bugs) // BAND)
    height = -(-len(report.bugs) // n_bands)
    size = (n_bands * N_COLUMNS * PANEL, height * (PANEL + 0.1) + 1.2)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        plain(f"{report.method}: which bugs does the map follow? ({report.n_samples} scenes each)"), fontsize=9
    )
    axes = figure.subplots(height, n_bands * N_COLUMNS, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, verdict in enumerate(report.bugs):
        band, row = divmod(index, height)
        _draw_bug(list(axes[row, band * N_COLUMNS : (band + 1) * N_COLUMNS]), verdict, titled=row == 0)
    add_color_bars(figure, SIGNED)
    add_notes(figure, [NOTE])
    return figure


def _draw_bug(axes: Sequence[Axes], verdict: BugVerdict, *, titled: bool) -> None:
    """Draw one bug: its name and outcome, then three panels without it and three with it."""
    name, *panels = axes
    n = verdict.follows
    follows = "" if n is None else f" {n.value:.2f}\n({n.low:.2f} to {n.high:.2f})"
    label = f"{plain(wrapped(verdict.label, 14))}\n{verdict.outcome}{follows}"
    color = COLORS.get(verdict.outcome, "#b3261e")
    name.text(1, 0.5, label, ha="right", va="center", fontsize=LABEL, color=color, transform=name.transAxes)
    if titled:
        for index, axis in enumerate(panels):
            axis.set_title(f"{'with bug' if index > 2 else 'healthy'}\n{NAMES[index % 3]}", fontsize=LABEL)
    if verdict.shown is None:
        message = "no maps" if verdict.error is None else verdict.error.message
        panels[0].text(0, 0.5, plain(wrapped(message[:MESSAGE], 60)), va="center", fontsize=LABEL)
        return
    for side in range(2):
        image, truth, drawn = panels[3 * side : 3 * side + 3]
        panel(image).imshow(picture(verdict.shown.inputs[side]), interpolation="nearest")
        for axis, values in ((truth, verdict.shown.truths[side]), (drawn, verdict.shown.maps[side])):
            draw_map(panel(axis), look_of(values))
            if not values.any():
                axis.text(
                    0.5, 0.5, "zero\neverywhere", ha="center", va="center", fontsize=LABEL, transform=axis.transAxes
                )
