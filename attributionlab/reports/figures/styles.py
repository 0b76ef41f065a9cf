"""Styles of methods in figures and the HTML report: each has a color, dash and marker, assigned in the order of the plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from attributionlab.printable import printable

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999")
"""Okabe and Ito's palette, which color-blind people can tell apart."""

DASHES: tuple[tuple[float, ...], ...] = ((), (5, 2), (1, 1.5), (5, 1.5, 1, 1.5))
"""Lengths of strokes and gaps in line widths; empty for a solid line."""

MARKERS = "osD^vP*X<>phd"

LABEL = 7
"""Font size of axis labels in points."""

SMALL = 6


@dataclass(frozen=True)
class MethodStyle:
    """The style of one method.

    Args:
        color: Hexadecimal color.
        dash: Lengths of strokes and gaps; empty for a solid line.
        marker: Letter of a matplotlib marker.
        is_hollow: Whether markers are outlines.
    """

    color: str
    dash: tuple[float, ...]
    marker: str
    is_hollow: bool = False

    @property
    def line(self) -> dict[str, Any]:
        """Options of a matplotlib line with markers."""
        return {
            "color": self.color,
            "linestyle": (0, self.dash) if self.dash else "-",
            "marker": self.marker,
            "linewidth": 1.2,
            "markerfacecolor": "none" if self.is_hollow else self.color,
        }


def reference_styles(references: Iterable[str]) -> dict[str, MethodStyle]:
    """Assign a style to maps that are made from the truth: gray, with hollow markers."""
    return {
        name: MethodStyle("#666666", DASHES[1 + index % 3], MARKERS[index % len(MARKERS)], is_hollow=True)
        for index, name in enumerate(references)
    }


def method_styles(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """Assign a style to every method by its position: the first 32 differ, and neighbors also differ in gray."""
    return {method: _style(index) for index, method in enumerate(methods)}


def _style(index: int) -> MethodStyle:
    # a repeated color gets another dash; the 13 markers share no factor with either
    turn = index // len(COLORS)
    return MethodStyle(
        color=COLORS[index % len(COLORS)],
        dash=DASHES[(index + turn) % len(DASHES)],
        marker=MARKERS[index % len(MARKERS)],
    )


def blank_figure(width: float, height: float, n_legend: int = 0) -> tuple[Figure, int]:
    """Make an empty figure (sizes in inches) with room for a legend; return it and the legend's number of columns."""
    n_columns = max(1, round(width / 2.4))
    figure = Figure(figsize=(width, height + 0.2 * -(-n_legend // n_columns) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, n_columns


def add_legend(figure: Figure, styles: dict[str, MethodStyle], n_columns: int) -> None:
    """Add a legend of all methods below the figure."""
    handles = [Line2D([], [], **style.line, markersize=4, label=plain(name)) for name, style in styles.items()]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=n_columns, fontsize=LABEL, frameon=False, handlelength=4
    )


def plain(text: str) -> str:
    """Escape text so that matplotlib shows it letter by letter: control characters, `$` (formulas), a leading `_` (hides labels)."""
    shown = printable(text).replace("$", r"\$")
    return f"\u200b{shown}" if shown.startswith("_") else shown


def wrapped(text: str, width: int) -> str:
    """Break long names after brackets and commas, and texts at spaces."""
    lines = [""]
    for word in text.replace("[", " [").replace(",", ", ").split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += (" " if lines[-1] and not word.startswith("[") else "") + word
    return "\n".join(lines)
