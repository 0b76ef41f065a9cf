"""Curves of perturbation metrics: Insertion and Deletion (Figure 9), Sensitivity-N over N (Figures 18, 20 and 21)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from attributionlab.environments import make_environment
from attributionlab.environments.factory import ENVIRONMENTS
from attributionlab.errors import AttributionLabError
from attributionlab.judging.audit_report import ImageCurves
from attributionlab.metrics.base import OUTPUT
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
from attributionlab.runs.declarations import is_built_in
from attributionlab.specs.grammar import parse_spec

BAND = (25, 75)
"""Percentiles over images that the band of a curve spans."""

MOST_BANDS = 4
"""Largest number of methods that are drawn with bands; more have bars at their markers, because bands would hide each other."""

X_AXIS = "share of the pixels"

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
        draw_curves(axis, view.curves(family, metric), styles, unit_of(family))
        axis.set_title(plain(wrapped(family, 40)), fontsize=LABEL)
    n_images = view.records.plan.n_samples * max(len(seeds) for seeds in view.seeds.values())
    figure.suptitle(f"{plain(wrapped(metric, 70))}\n{curves_text(n_images, len(styles))}", fontsize=9)
    add_legend(figure, styles, legend_columns)
    return figure


def unit_of(environment: str) -> str:
    """Kind of output that a built-in environment explains; empty for others: reading a run imports nothing that it names."""
    with contextlib.suppress(AttributionLabError):
        if is_built_in(ENVIRONMENTS, parse_spec(environment).name):
            return make_environment(environment).explains
    return ""


def draw_curves(
    axis: Axes, drawn: Mapping[str, ImageCurves], styles: Mapping[str, MethodStyle], unit: str = ""
) -> None:
    """Draw each method's mean over images, and the middle half of the images as a band, or as bars if there are many methods.

    Args:
        axis: The axis to draw on.
        drawn: Curves by method.
        styles: Styles by method.
        unit: Kind of the explained output, for the axis of curves that show it.
    """
    axis.tick_params(labelsize=SMALL)
    axis.set_xlabel(X_AXIS, fontsize=LABEL)
    axis.xaxis.set_major_formatter(PercentFormatter(1.0))
    if not drawn:
        axis.text(0.5, 0.5, "no curves", ha="center", va="center", fontsize=LABEL, transform=axis.transAxes)
    else:
        quantity = next(iter(drawn.values())).quantity
        axis.set_ylabel(f"{quantity} ({unit})" if unit and quantity == OUTPUT else quantity, fontsize=LABEL)
    for index, (method, curves) in enumerate(drawn.items()):
        middle, low, high = band_of(curves)
        first = 0.01 + 0.15 * index / max(len(drawn), 1)  # markers of curves that overlap stand side by side
        marked = np.unique(np.round(np.arange(first, 1, 0.16) * (len(curves.at) - 1)).astype(int))
        color, n_methods = styles[method].color, sum(not style.is_hollow for style in styles.values())
        axis.plot(curves.at, middle, **styles[method].line, markevery=marked.tolist(), markersize=3.5)
        if styles[method].is_hollow:  # made from the truth: a mean to compare with
            continue
        if n_methods <= MOST_BANDS:
            axis.fill_between(curves.at, low, high, color=color, alpha=band_opacity(len(drawn)), linewidth=0)
        else:
            axis.vlines(curves.at[marked], low[marked], high[marked], color=color, linewidth=1, alpha=0.5)


def curves_text(n_images: int, n_methods: int) -> str:
    """Explanation of lines and bands."""
    images = "1 image" if n_images == 1 else f"{n_images} images"
    return f"lines: mean over {images}; {'bands' if n_methods <= MOST_BANDS else 'bars at markers'}: their middle half (25 % to 75 %)"


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
