"""Violin plots of precision and recall over images, as in Figures 17, 22 and 23."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attributionlab.judging.statistics import mean_interval
from attributionlab.reports.figures.styles import LABEL, SMALL, MethodStyle, blank_figure, method_styles, plain, wrapped
from attributionlab.reports.run_view import RunView
from attributionlab.truth import TRUTHS

HEIGHT = 1.7
PER_METHOD = 0.42
"""Width of a violin in inches."""

NOTE = "bars: highest, mean and lowest image; box: 95 % interval of the mean; above: number of images"

BARS = ("cmaxes", "cmeans", "cmins")


def violin_figure(view: RunView, family: str) -> Figure:
    """Draw precision (left) and recall (right), a violin per method, a row per kind of truth that applies to any method.

    The horizontal bars are the maximum, mean and minimum over images, as in the paper. The box around the mean is its
    95 percent interval. The number above a violin is the number of images.

    Args:
        view: The run.
        family: The environment, without its seeds: the images of all seeds are drawn together.
    """
    styles = method_styles(view.methods)
    scores: dict[tuple[str, str], dict[str, npt.NDArray[np.float64]]] = defaultdict(dict)
    for method in view.methods:
        agreement = view.all_scores(family, method, "agreement")
        applicable = view.records.plan.declared.truths[family][method].applicable
        for truth, part in itertools.product(TRUTHS, ("precision", "recall")):
            values = agreement.get(f"{truth}.{part}", np.empty(0)) if truth in applicable else np.empty(0)
            scores[truth, part][method] = _defined(values)
    truths = [truth for truth in TRUTHS if any(len(values) for values in scores[truth, "recall"].values())] or [
        "overall"
    ]
    width = 2 * max(PER_METHOD * len(styles) + 0.7, 2.5)
    figure, _ = blank_figure(width, HEIGHT * len(truths) + 0.8)
    axes = figure.subplots(len(truths), 2, squeeze=False, sharex=True, sharey=True)
    for row, truth in zip(axes, truths, strict=True):
        for axis, part in zip(row, ("precision", "recall"), strict=True):
            draw_violins(axis, scores[truth, part], styles)
        row[0].set_ylabel(f"{truth} truth", fontsize=LABEL)
    for axis, part in zip(axes[0], ("precision", "recall"), strict=True):
        axis.set_title(part, fontsize=8)
    figure.suptitle(f"{plain(wrapped(family, 80))}\n{NOTE}", fontsize=9)
    return figure


def draw_violins(
    axis: Axes,
    scores: Mapping[str, npt.NDArray[np.float64]],
    styles: Mapping[str, MethodStyle],
    *,
    has_intervals: bool = True,
) -> None:
    """Draw a violin for each style.

    Args:
        axis: The axis to draw on.
        scores: Scores (n,) without NaN by name; `n/a` is written where there are none.
        styles: Styles by name.
        has_intervals: Whether a box around the mean shows its interval, for scores that are independent.
    """
    axis.set_ylim(-0.03, 1.14)
    axis.set_xlim(-0.6, len(styles) - 0.4)
    axis.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=SMALL)
    axis.set_xticks(range(len(styles)), [plain(wrapped(method, 26)) for method in styles], rotation=90)
    for place, method in enumerate(styles):
        values = scores[method]
        if not len(values):
            axis.text(place, 0.5, "n/a", ha="center", va="center", fontsize=SMALL, color="#666666")
            continue
        drawn = axis.violinplot([values], [place], widths=0.8, showmeans=True, showextrema=True)
        for body in drawn["bodies"]:  # type: ignore[attr-defined]  # a list of polygons
            body.set(facecolor=styles[method].color, alpha=0.45, edgecolor="#333333", linewidth=0.4)
        if has_intervals:
            low, high = mean_interval(len(values), float(values.sum()), float((values**2).sum()))
            axis.bar(place, high - low, 0.3, low, facecolor="none", edgecolor="#000000", linewidth=0.8, zorder=3)
        axis.text(place, 1.06, f"{len(values)}", ha="center", va="center", fontsize=SMALL)
        drawn["cbars"].set(color="#333333", linewidth=0.5)
        for part in BARS:
            drawn[part].set(color="#000000", linewidth=1.6 if part == "cmeans" else 0.8)


def _defined(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values[~np.isnan(values)]
