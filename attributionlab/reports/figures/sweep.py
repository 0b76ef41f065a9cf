"""The sweep as a figure: scores over the values of the variable, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attributionlab.judging import RankCorrelation, Sweep, SweepCurve
from attributionlab.judging.game_agreement import ANSWERED_BELOW
from attributionlab.judging.statistics import ResampledMean
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
from attributionlab.specs.grammar import format_value

PANEL = (2.9, 2.4)
ROW = 3
"""Panels in a row, at most."""

UNEVEN = 8
"""Ratio of the largest to the smallest gap between values from which the axis is logarithmic, on both sides of 0."""

SHOWN = (1e-3, 10.0)
"""Range of distances that are drawn; others stand at its ends."""

GAMES_AXIS = "l1 distance (answered below the line)"

OWN_GAME = "the game that it declares"

Line = Sequence[tuple[float, float, float]]
"""Mean, lower and upper end at every value; NaN where undefined."""

UNDEFINED = (np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class _Panel:
    """Lines over the values.

    Args:
        title: Title.
        quantity: Label of the axis.
        lines: Lines by name.
        styles: Styles by name.
        limits: Ends of the axis, or None.
        threshold: Height of a dotted line, or None.
        named: Whether lines are named in the panel instead of in the figure's legend.
        is_log: Whether the axis of scores is logarithmic.
    """

    title: str
    quantity: str
    lines: Mapping[str, Line]
    styles: Mapping[str, MethodStyle]
    limits: tuple[float, float] | None = None
    threshold: float | None = None
    named: bool = False
    is_log: bool = False


def sweep_figure(sweep: Sweep) -> Figure:
    """Draw F1, every metric, the distance to the games (of a single method), and the rank correlations (of three or more methods)."""
    styles = method_styles(curve.method for curve in sweep.curves)
    panels = list(_panels(sweep, styles))
    n_columns = min(ROW, len(panels))
    n_rows = -(-len(panels) // n_columns)
    figure, legend_columns = blank_figure(max(PANEL[0] * n_columns, 4.5), PANEL[1] * n_rows, len(styles))
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, panel in zip(axes.flat, panels, strict=False):
        _draw(axis, panel, sweep)
    images = f"{sweep.n_samples} image{'s' if sweep.n_samples != 1 else ''}"
    title = plain(wrapped(sweep.environment, 70))
    figure.suptitle(f"{title}\nmeans over {images}; bands: 95 % intervals, bootstrap over images", fontsize=9)
    add_legend(figure, styles, legend_columns)
    return figure


def _panels(sweep: Sweep, styles: Mapping[str, MethodStyle]) -> Iterator[_Panel]:
    """The panels from left to right."""
    truths = sorted({curve.truth for curve in sweep.curves})
    f1 = {curve.method: [_of_mean(point.truths.get(curve.truth)) for point in curve.points] for curve in sweep.curves}
    yield _Panel("agreement with the truth", f"F1 ({', '.join(truths)})", f1, styles, (-0.03, 1.03))
    for metric, higher in sweep.higher_is_better.items():
        lines = {
            curve.method: [_of_mean(point.metrics.get(metric)) for point in curve.points] for curve in sweep.curves
        }
        yield _Panel(metric, f"mean score ({'higher' if higher else 'lower'} is better)", lines, styles)
    if len(sweep.curves) == 1:
        games = _games(sweep.curves[0])
        yield _Panel("games", GAMES_AXIS, games, method_styles(games), SHOWN, ANSWERED_BELOW, named=True, is_log=True)
    if sweep.correlations:
        lines = {name: [_of_rank(each) for each in row] for name, row in sweep.correlations.items()}
        title, quantity = f"over {len(sweep.curves)} methods", f"Spearman of F1 ({sweep.correlated_truth})"
        yield _Panel(title, quantity, lines, method_styles(lines), (-1.06, 1.06), 0.0, named=True)


def _games(curve: SweepCurve) -> dict[str, Line]:
    """Distance to each game that has values at every value of the variable, and to the declared one, whatever its baseline."""
    distances: dict[str, list[float]] = {}
    for point in curve.points:
        own = {} if point.declared is None else {OWN_GAME: point.games.get(point.declared)}
        for name, agreement in {**own, **point.games}.items():
            distances.setdefault(name, []).append(np.nan if agreement is None else agreement.distance)
    complete = {name: row for name, row in distances.items() if len(row) == len(curve.points)}
    return {name: [(float(np.clip(each, *SHOWN)),) * 3 for each in row] for name, row in complete.items()}


def _of_mean(mean: ResampledMean | None) -> tuple[float, float, float]:
    return UNDEFINED if mean is None else (mean.mean, mean.low, mean.high)


def _of_rank(rank: RankCorrelation) -> tuple[float, float, float]:
    if rank.spearman is None or rank.low is None or rank.high is None:
        return UNDEFINED
    return rank.spearman, rank.low, rank.high


def _draw(axis: Axes, panel: _Panel, sweep: Sweep) -> None:
    """Draw one panel."""
    at = _scale(axis, sweep.values)
    for name, line in panel.lines.items():
        middle, low, high = np.array(line, dtype=np.float64).T
        axis.plot(at, middle, **panel.styles[name].line, markersize=3.5, label=plain(name))
        axis.fill_between(at, low, high, color=panel.styles[name].color, alpha=0.15, linewidth=0)
    if panel.threshold is not None:
        axis.axhline(panel.threshold, color="#666666", linewidth=0.8, linestyle=":")
    if panel.is_log:
        axis.set_yscale("log")
    if panel.limits is not None:
        axis.set_ylim(*panel.limits)
    if panel.named and panel.lines:
        axis.legend(fontsize=SMALL, frameon=False, handlelength=3)
    axis.set_title(plain(wrapped(panel.title, 40)), fontsize=LABEL + 1)
    axis.set_xlabel(plain(sweep.vary), fontsize=LABEL)
    axis.set_ylabel(panel.quantity, fontsize=LABEL)
    axis.tick_params(labelsize=SMALL)


def _scale(axis: Axes, values: Sequence[float | str]) -> list[float]:
    """Set the scale of the x axis and return the place of each value: numbers at their value, texts one beside the other."""
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        axis.set_xticks(range(len(values)), [plain(format_value(value)) for value in values])
        return [float(index) for index in range(len(values))]
    ordered = sorted(set(numbers))
    gaps = np.diff(ordered)
    if len(gaps) > 1 and gaps.max() >= UNEVEN * gaps.min():
        axis.set_xscale("symlog", base=2, linthresh=min(abs(value) for value in ordered if value != 0))
        axis.set_xticks(ordered, [f"{value:.3g}" for value in ordered])
        axis.minorticks_off()
    return numbers
