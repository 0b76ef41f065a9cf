"""Ranks of methods by a metric against their ranks by the exact truth (section 5, Table 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from attributionlab.judging.ranking import RankCorrelation, rank_correlation, ranks
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
from attributionlab.runs.results import Values

PANEL = (2.7, 2.7)


def ranks_figure(view: RunView) -> Figure:
    """Draw ranks by metric against ranks by F1, with Spearman's rho, its interval and numbers: a row per environment, a column per metric."""
    styles = method_styles(view.methods)
    width = max(PANEL[0] * len(view.metrics), 5.0)
    figure, n_columns = blank_figure(width, PANEL[1] * len(view.families), len(styles))
    axes = figure.subplots(len(view.families), len(view.metrics), squeeze=False)
    for row, family in zip(axes, view.families, strict=True):
        for axis, metric in zip(row, view.metrics, strict=True):
            scores = view.oriented(family, metric)
            means = {
                method: (float(np.nanmean(f1)), float(np.nanmean(score))) for method, (f1, score) in scores.items()
            }
            draw_ranks(axis, means, styles, f1_truth=view.f1_truth)
            note = _spearman(scores) if metric in view.directions else "direction not recorded"
            axis.set_title(f"{plain(wrapped(metric, 34))}\n{note}", fontsize=LABEL)
            axis.set_ylabel("")
        row[0].set_ylabel(f"{plain(wrapped(family, 34))}\nrank by the metric", fontsize=LABEL)
    add_legend(figure, styles, n_columns)
    return figure


def draw_ranks(
    axis: Axes,
    means: Mapping[str, tuple[float, float]],
    styles: Mapping[str, MethodStyle],
    *,
    f1_truth: str,
    references: Mapping[str, tuple[float, float]] | None = None,
) -> None:
    """Draw rank against rank; the best method has rank 1, and metric and truth agree on the diagonal.

    Args:
        axis: The axis to draw on.
        means: Mean F1 and mean metric by method, with signs such that higher is better.
        styles: Styles by method.
        f1_truth: The kind of truth that F1 compares with.
        references: Means of maps that are made from the truth; each is drawn where it would stand among the methods alone.
    """
    by_f1, by_metric = (ranks(np.array([-pair[side] for pair in means.values()])) for side in (0, 1))
    last = max(len(means), 2)
    axis.plot([1, last], [1, last], color="#bbbbbb", linewidth=0.8, zorder=0)
    places = list(zip(by_f1, by_metric, strict=True))
    for index, (method, place) in enumerate(zip(means, places, strict=True)):
        later = places[index + 1 :].count(place)  # markers at one place are nested
        axis.plot(*place, **{**styles[method].line, "linestyle": "none"}, markersize=5 + 3.5 * later)
    for index, (name, pair) in enumerate((references or {}).items()):
        at = tuple(_rank_among([mean[side] for mean in means.values()], pair[side]) for side in (0, 1))
        axis.plot(*at, **{**styles[name].line, "linestyle": "none"}, markersize=9 + 3 * index)
    axis.set_xlabel(f"rank by F1 ({f1_truth})", fontsize=LABEL)
    axis.set_ylabel("rank by the metric", fontsize=LABEL)
    axis.tick_params(labelsize=SMALL)
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(MaxNLocator(integer=True))
    axis.invert_xaxis()
    axis.invert_yaxis()


def _rank_among(means: Sequence[float], mean: float) -> float:
    """The rank that a mean would have among others, 1 for the highest."""
    return float(ranks(-np.array([*means, mean]))[-1])


def spearman_text(correlation: RankCorrelation) -> str:
    """Spearman's rho with its interval and the numbers behind it, as a text of two lines."""
    n = f"{correlation.n_methods} methods, {correlation.n_images} images"
    if correlation.spearman is None:
        return f"Spearman undefined\n{n}"
    if correlation.low is None or correlation.high is None:
        return f"Spearman {correlation.spearman:.2f}\n{n}"
    return f"Spearman {correlation.spearman:.2f}, 95 % {correlation.low:.2f} to {correlation.high:.2f}\n{n}"


def _spearman(scores: Mapping[str, tuple[Values, Values]]) -> str:
    if not scores:
        return "no scores"
    f1, metric = (np.stack([pair[side] for pair in scores.values()]) for side in (0, 1))
    return spearman_text(rank_correlation(f1, metric))
