"""Figure of findings by the strength of the redundant channels."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attributionlab.papers.studies import ReportFigure
from attributionlab.reports.figures.styles import LABEL, method_styles

FILE = "scales.png"
TITLE = "Findings by the strength of the redundant channels: means over networks, with 95 % intervals"


@dataclass(frozen=True)
class ScalePanel:
    """One panel of the figure.

    Args:
        title: Title.
        curves: Value and ends of its interval by scale, by name; None where there are none.
        gamma: Threshold that is drawn; None for none.
    """

    title: str
    curves: Mapping[str, Sequence[tuple[float | None, float | None, float | None]]]
    gamma: float | None


def scales_figure(panels: Sequence[ScalePanel], labels: Sequence[str], default: int) -> ReportFigure:
    """Panels in two rows; the scale of the environment is marked.

    Args:
        panels: Panels, six.
        labels: The scales in words.
        default: Index of the scale that the environment has by default.
    """
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, panel in zip(figure.subplots(2, 3).flat, panels, strict=True):
        _draw(axes, panel, default)
        axes.set_xticks(range(len(labels)), labels)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return ReportFigure(FILE, TITLE, buffer.getvalue())


def _draw(axes: Axes, panel: ScalePanel, default: int) -> None:
    """One panel: a line per curve, its interval as a band."""
    axes.axvline(default, color="#bbbbbb", linewidth=4, zorder=0)
    if panel.gamma is not None:
        axes.axhline(panel.gamma, color="black", linewidth=0.8, linestyle=":")
    for (name, points), style in zip(panel.curves.items(), method_styles(panel.curves).values(), strict=True):
        values, lows, highs = np.array(points, dtype=np.float64).T  # None becomes NaN, which is not drawn
        places = np.arange(len(values))
        axes.plot(places, values, label=name, **style.line, markersize=4)
        axes.fill_between(places, lows, highs, color=style.color, alpha=0.15)
    axes.set_title(panel.title, fontsize=9)
    axes.set_xlabel("strength of the redundant channels (gray: ours)", fontsize=LABEL)
    axes.tick_params(labelsize=LABEL)
    axes.set_ylim(-1.05 if panel.title.startswith("Spearman") else -0.02, 1.05)
    # outside the axes: bands fill them
    axes.legend(
        fontsize=LABEL, frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.17), columnspacing=1.0
    )
