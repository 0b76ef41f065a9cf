"""The audit as a figure: the curves of the metrics, and the ranks that they give against the ranks by the exact truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from attributionlab.experiments import Audit, EnvironmentAudit, ImageCurves, MethodScores
from attributionlab.metrics import ranks

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999")
"""Okabe and Ito's, which color-blind people can tell apart."""

DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)))
MARKERS = "osD^vP*X"
BAND = (25, 75)
"""Percentiles over images that the band of a curve spans."""

PANEL = (3.1, 2.5)


def audit_figure(audit: Audit) -> Figure:
    """Per environment two rows: the mean curve of each method by metric, with a band; and rank against rank.

    Of several network seeds the first one is drawn.
    """
    shown = [one for one in audit.environments if one.environment == one.family]
    metrics = list(shown[0].correlations)
    styles = {spec: _style(index) for index, spec in enumerate(shown[0].methods)}
    width, height = max(PANEL[0] * len(metrics), 6.0), 2 * PANEL[1] * len(shown)
    n_columns = max(1, round(width / 2.2))
    legend_rows = -(-len(styles) // n_columns)
    figure = Figure(figsize=(width, height + 0.2 * legend_rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    parts = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for part, environment in zip(parts, shown, strict=True):
        part.suptitle(environment.environment, fontsize=9)
        axes = part.subplots(2, len(metrics), squeeze=False)
        for column, metric in enumerate(metrics):
            _draw_curves(axes[0, column], environment, metric, styles)
            _draw_ranks(axes[1, column], audit, environment, metric, styles)
    handles = [Line2D([], [], **style, markersize=4, label=spec) for spec, style in styles.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=n_columns, fontsize=7, frameon=False)
    return figure


def _style(index: int) -> dict[str, Any]:
    """Color, dash and marker of the method at this place: told apart in gray as well."""
    return {
        "color": COLORS[index % len(COLORS)],
        "linestyle": DASHES[index // len(COLORS) % len(DASHES)],
        "marker": MARKERS[(index + index // len(COLORS)) % len(MARKERS)],
        "linewidth": 1.2,
    }


def _draw_curves(axis: Axes, environment: EnvironmentAudit, metric: str, styles: Mapping[str, dict[str, Any]]) -> None:
    """The mean over images, and the middle half of the images."""
    axis.set_title(metric, fontsize=8)
    axis.tick_params(labelsize=6)
    axis.set_xlabel("part of the pixels", fontsize=7)
    drawn = {spec: scores.curves[metric] for spec, scores in environment.methods.items() if metric in scores.curves}
    if not drawn:
        axis.text(0.5, 0.5, "no curves", ha="center", va="center", fontsize=7, transform=axis.transAxes)
    for spec, curves in drawn.items():
        middle, low, high = _band(curves)
        style = {**styles[spec], "markevery": (0.05, 0.18), "markersize": 3}
        axis.plot(curves.at, middle, **style)
        axis.fill_between(curves.at, low, high, color=style["color"], alpha=0.12, linewidth=0)


def _band(curves: ImageCurves) -> tuple[npt.NDArray[np.float64], ...]:
    """Mean, lower and upper end over images, where any is defined."""
    values = np.full((3, len(curves.at)), np.nan)
    known = ~np.isnan(curves.values).all(axis=0)
    some = curves.values[:, known]
    values[0, known] = np.nanmean(some, axis=0)
    values[1:, known] = np.nanpercentile(some, BAND, axis=0)
    return tuple(values)


def _draw_ranks(
    axis: Axes, audit: Audit, environment: EnvironmentAudit, metric: str, styles: Mapping[str, dict[str, Any]]
) -> None:
    """The best method has rank 1; on the diagonal metric and truth agree."""
    ranked = {spec: scores for spec, scores in environment.methods.items() if _is_ranked(scores, metric)}
    better = -1.0 if environment.higher_is_better.get(metric, True) else 1.0
    by_f1 = ranks(np.array([-(scores.f1 or 0.0) for scores in ranked.values()]))
    by_metric = ranks(np.array([better * (scores.metrics[metric] or 0.0) for scores in ranked.values()]))
    axis.plot([1, max(len(ranked), 2)], [1, max(len(ranked), 2)], color="#bbbbbb", linewidth=0.8, zorder=0)
    for spec, first, second in zip(ranked, by_f1, by_metric, strict=True):
        axis.plot(first, second, **{**styles[spec], "linestyle": "none"}, markersize=5)
    both = environment.correlations[metric]
    spearman = "undefined" if both.spearman is None else f"{both.spearman:.2f}"
    axis.set_title(f"Spearman {spearman}", fontsize=7)
    axis.set_xlabel(f"rank by F1 ({audit.f1_truth})", fontsize=7)
    axis.set_ylabel("rank by the metric", fontsize=7)
    axis.tick_params(labelsize=6)
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(MaxNLocator(integer=True))
    axis.invert_xaxis()
    axis.invert_yaxis()


def _is_ranked(scores: MethodScores, metric: str) -> bool:
    return scores.f1 is not None and scores.metrics[metric] is not None
