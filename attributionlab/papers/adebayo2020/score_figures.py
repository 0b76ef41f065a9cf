"""Figures of the studies of concepts and of training images: scores and positions, with what chance gives."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attributionlab.papers.evidence import Values
from attributionlab.papers.studies import ReportFigure
from attributionlab.reports.figures.styles import LABEL, method_styles

CHANCE_GRAY = "#bbbbbb"


@dataclass(frozen=True)
class ConceptPanel:
    """Scores of one network.

    Args:
        title: Title.
        scores: Mean score at each layer, (seeds, layers), by concept.
        random: Scores of all pairs of random sets at each layer, (pairs,) over all seeds.
    """

    title: str
    scores: Mapping[str, Values]
    random: Sequence[Values]


def concepts_figure(panels: Sequence[ConceptPanel], layers: Sequence[str]) -> ReportFigure:
    """A panel per network: the scores of concepts by layer, above what random sets score."""
    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, panel in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
        places = np.arange(len(layers))
        axes.boxplot(
            list(panel.random),
            positions=places.tolist(),
            widths=0.5,
            showfliers=False,
            whis=(0, 100),
            patch_artist=True,
            boxprops={"facecolor": "#e6e6e6", "edgecolor": CHANCE_GRAY},
            medianprops={"color": CHANCE_GRAY},
            whiskerprops={"color": CHANCE_GRAY},
            capprops={"color": CHANCE_GRAY},
        )
        for (name, scores), style in zip(panel.scores.items(), method_styles(panel.scores).values(), strict=True):
            axes.plot(places, scores.mean(axis=0), label=name, **style.line, markersize=5)
            axes.plot(
                np.broadcast_to(places, scores.shape).ravel(), scores.ravel(), "o", color=style.color, markersize=2
            )
        axes.set_title(panel.title, fontsize=9)
        axes.set_xticks(places, [name.replace(" ", "\n", 1) for name in layers])
        axes.tick_params(labelsize=LABEL)
        axes.set_ylim(-0.03, 1.03)
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", fontsize=LABEL, title="concept", title_fontsize=LABEL)
    figure.supylabel("share of images whose output the concept raises", fontsize=LABEL)
    title = (
        "TCAV scores by layer: lines are means over seeds, small dots are seeds. Gray: pairs of random sets, from the least to the "
        "largest score, the box from the first to the third quartile"
    )
    return ReportFigure("concepts.png", title, _png(figure))


def positions_figure(positions: Mapping[str, Mapping[str, Values]]) -> ReportFigure:
    """A panel per reading: the share of mislabeled images that is met by the share of training images that is checked.

    Args:
        positions: Positions (n,) of mislabeled images in the order of falling scores, shares of the training set, by reading and score.
    """
    figure = Figure(figsize=(4.2 * len(positions), 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (reading, scores) in zip(
        figure.subplots(1, len(positions), sharey=True, squeeze=False)[0], positions.items(), strict=True
    ):
        axes.plot([0, 1], [0, 1], color=CHANCE_GRAY, linestyle=":", label="random order")
        for (name, values), style in zip(scores.items(), method_styles(scores).values(), strict=True):
            checked = np.concatenate([[0.0], np.sort(values), [1.0]])
            met = np.concatenate([np.arange(len(values) + 1) / len(values), [1.0]])
            axes.step(checked, met, where="post", label=f"by {name}", **{**style.line, "marker": ""})
        _limits(axes, reading)
    axes.legend(fontsize=LABEL, frameon=False, loc="lower right")
    figure.supxlabel("share of the training images that is checked", fontsize=LABEL)
    figure.supylabel("share of the mislabeled images that is met", fontsize=LABEL)
    title = "Mislabeled training images that are met when the training set is checked in the order of falling scores, all seeds together"
    return ReportFigure("influence.png", title, _png(figure))


def _limits(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=LABEL)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.03)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()
