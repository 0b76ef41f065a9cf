"""Curves of perturbation metrics: Insertion and Deletion (Figure 9), Sensitivity-N over N (Figures 18, 20 and 21)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attributionlab.judging.audit_report import ImageCurves
from attributionlab.reports.figures.styles import (
    LABEL,
    SMALL,
    MethodStyle,
    add_legend,
    blank_figure,
    method_styles,
    plain,
    wrapped,
)
from attributionlab.reports.run_view import RunView

BAND = (25, 75)
"""Percentiles over images that the band of a curve spans."""

PANEL = (3.4, 2.6)
ROW = 3
"""Panels in a row, at most."""

Band = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]


def curves_figure(view: RunView, metric: str) -> Figure:
    """Draw a panel per environment: each method's mean curve over the images of all seeds, with the middle half as a band.

    Args:
        view: The run.
        metric: Canonical spec of a metric that has curves.
    """
    styles = method_styles(view.methods)
    n_columns = min(ROW, len(view.families))
    n_rows = -(-len(view.families) // n_columns)
    figure, legend_columns = blank_figure(max(PANEL[0] * n_columns, 5.0), PANEL[1] * n_rows, len(styles))
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    for axis in axes.flat[len(view.families) :]:
        axis.set_axis_off()
    for axis, family in zip(axes.flat, view.families, strict=False):
        draw_curves(axis, view.curves(family, metric), styles)
        axis.set_title(plain(wrapped(family, 40)), fontsize=LABEL)
    for row in axes:
        row[0].set_ylabel(view.records.quantities.get(metric, ""), fontsize=LABEL)
    figure.suptitle(plain(wrapped(metric, 70)), fontsize=9)
    add_legend(figure, styles, legend_columns)
    return figure


def draw_curves(axis: Axes, drawn: Mapping[str, ImageCurves], styles: Mapping[str, MethodStyle]) -> None:
    """Draw each method's mean over images, and the middle half of the images as a band."""
    axis.tick_params(labelsize=SMALL)
    axis.set_xlabel("part of the pixels", fontsize=LABEL)
    if not drawn:
        axis.text(0.5, 0.5, "no curves", ha="center", va="center", fontsize=LABEL, transform=axis.transAxes)
    opacity = band_opacity(len(drawn))
    for index, (method, curves) in enumerate(drawn.items()):
        middle, low, high = band_of(curves)
        first = 0.03 + 0.15 * index / max(len(drawn), 1)  # markers of curves that overlap stand side by side
        axis.plot(curves.at, middle, **styles[method].line, markevery=(first, 0.18), markersize=3)
        axis.fill_between(curves.at, low, high, color=styles[method].color, alpha=opacity, linewidth=0)


def band_opacity(n_methods: int) -> float:
    """Opacity of a curve's band, smaller for many methods, so that overlapping bands do not hide the curves."""
    return min(0.12, 0.3 / max(n_methods, 1))


def band_of(curves: ImageCurves) -> Band:
    """Mean over images and the ends of the band, (s,) each; NaN where no image has a value."""
    values = np.full((3, len(curves.at)), np.nan)
    is_defined = ~np.isnan(curves.values).all(axis=0)
    defined = curves.values[:, is_defined]
    if defined.size:
        values[0, is_defined] = np.nanmean(defined, axis=0)
        values[1:, is_defined] = np.nanpercentile(defined, BAND, axis=0)
    return values[0], values[1], values[2]
