"""The result of a quiz as a figure, as tables for the terminal, and as rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from rich.console import Group, RenderableType

from attributionlab.live.quiz_analysis import ConditionResult, QuizReport
from attributionlab.live.quiz_answers import REASONS
from attributionlab.reports.figures.styles import COLORS, LABEL, blank_figure, method_styles, plain
from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.plain import plain_table

COLUMNS = ("condition", "quantity", "method", "other_method", "n", "value", "p")

WIDTH = 0.8
"""Width of the boxes of a condition."""

NOTE = (
    "F: one-way ANOVA over the methods; Tukey: each pair of methods. Both take the answers of one participant for independent, "
    "as the paper does. A dash: too few answers, or they do not vary."
)


def quiz_figure(report: QuizReport) -> Figure:
    """Draw Figure 5: a box for the answers of each condition and method, and below it the shares of the reasons."""
    width = max(6.0, 0.5 * len(report.conditions) * len(report.methods) + 2)
    figure, _ = blank_figure(width, 5.6)
    figure.suptitle(f"Is the model ready to be sold? ({_people(report)})", fontsize=9)
    boxes, bars = figure.subplots(2, 1, sharex=True)
    _draw_boxes(boxes, report)
    _draw_reasons(bars, report)
    bars.set_xticks(range(len(report.conditions)), [result.condition for result in report.conditions], fontsize=LABEL)
    for axis in (boxes, bars):
        axis.tick_params(labelsize=LABEL)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def quiz_table(report: QuizReport) -> RenderableType:
    """Build the tables that `quiz --analyze` prints."""
    answers = plain_table("ready to be sold? 1: definitely not, 5: definitely")
    for name in ("condition", "method", "n", "median", "mean", "most frequent reason"):
        answers.add_column(name, justify="left" if name in ("condition", "method", "most frequent reason") else "right")
    tests = plain_table("do the methods differ?")
    for name in ("condition", "test", "difference", "F", "p"):
        tests.add_column(name, justify="left" if name in ("condition", "test") else "right")
    for result in report.conditions:
        for method, values in result.answers.items():
            cells = (f"{np.median(values):g}", f"{np.mean(values):.2f}", _reason(result, method))
            answers.add_row(result.condition, escape(method), str(len(values)), *cells)
        statistic = "-" if result.statistic is None else f"{result.statistic:.2f}"
        tests.add_row(result.condition, "ANOVA", "", statistic, _p(result.p))
        for pair in result.pairs:
            name = f"{escape(pair.first)} - {escape(pair.second)}"
            tests.add_row("", name, f"{pair.difference:+.2f}", "", _p(pair.p))
    title = f"[bold]{_people(report)}[/]"
    repeats = f"{report.n_consistent} of {report.n_repeated} answered the repeated question alike (within 1)"
    return Group(title, answers, "", tests, f"[dim]{NOTE}[/]", repeats)


def quiz_rows(report: QuizReport) -> Iterator[dict[str, object]]:
    """Build the rows of CSV: medians, means, numbers of reasons, and tests."""
    for result in report.conditions:
        for method, values in result.answers.items():
            common = {"condition": result.condition, "method": method, "n": len(values)}
            yield {**common, "quantity": "median", "value": float(np.median(values))}
            yield {**common, "quantity": "mean", "value": float(np.mean(values))}
            for reason, count in result.reasons[method].items():
                yield {**common, "quantity": f"reason.{reason}", "value": count}
        if result.statistic is not None:
            yield {"condition": result.condition, "quantity": "anova", "value": result.statistic, "p": result.p}
        for pair in result.pairs:
            yield {
                "condition": result.condition,
                "quantity": "tukey",
                "method": pair.first,
                "other_method": pair.second,
                "value": pair.difference,
                "p": pair.p,
            }


def _draw_boxes(axis: Axes, report: QuizReport) -> None:
    """Draw the answers."""
    styles = method_styles(report.methods)
    for center, offset, result, method in _places(report):
        color = styles[method].color
        axis.boxplot(
            [result.answers[method]],
            positions=[center + offset],
            widths=0.8 * WIDTH / len(report.methods),
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": color, "alpha": 0.55},
            medianprops={"color": "black", "linewidth": 1.8},
            flierprops={"markersize": 3},
        )
    axis.set_ylim(0.7, 5.3)
    axis.set_yticks(range(1, 6), ["1 definitely not", "2", "3", "4", "5 definitely"])
    handles = [Patch(facecolor=styles[name].color, alpha=0.55, label=plain(name)) for name in report.methods]
    axis.legend(
        handles=handles, fontsize=LABEL, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0
    )


def _draw_reasons(axis: Axes, report: QuizReport) -> None:
    """Draw the shares of the reasons as stacked bars, in the order of the boxes."""
    for center, offset, result, method in _places(report):
        counts = result.reasons[method]
        bottom = 0.0
        for color, count in zip(COLORS[3:], counts.values(), strict=False):
            share = 100 * count / sum(counts.values())
            axis.bar(center + offset, share, 0.8 * WIDTH / len(report.methods), bottom=bottom, color=color)
            bottom += share
    axis.set_ylabel("reasons in %", fontsize=LABEL)
    axis.set_ylim(0, 100)
    handles = [
        Patch(facecolor=color, label=text.rstrip(".:"))
        for color, text in zip(COLORS[3:], REASONS.values(), strict=False)
    ]
    axis.legend(
        handles=handles,
        fontsize=LABEL,
        frameon=False,
        ncols=2,
        loc="upper left",
        bbox_to_anchor=(0, -0.12),
        borderpad=0,
    )


def _places(report: QuizReport) -> Iterator[tuple[int, float, ConditionResult, str]]:
    """Place of the condition, offset within it, the condition's result, and the method."""
    n = len(report.methods)
    for center, result in enumerate(report.conditions):
        for index, method in enumerate(report.methods):
            if method in result.answers:
                yield center, (index - (n - 1) / 2) * WIDTH / n, result, method


def _reason(result: ConditionResult, method: str) -> str:
    """The most frequent reason with its share."""
    counts = result.reasons[method]
    reason = max(counts, key=counts.__getitem__)
    return f"{reason} ({100 * counts[reason] / sum(counts.values()):.0f} %)"


def _people(report: QuizReport) -> str:
    n = len(report.participants)
    return f"{n} participant{'' if n == 1 else 's'}"


def _p(value: float | None) -> str:
    return "-" if value is None else "< 0.0001" if value < 0.0001 else f"{value:.4f}"
