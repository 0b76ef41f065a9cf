"""Figure 3: images of the trained networks, and which halves they use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from torch import Tensor

from attributionlab.papers.figures import DrawnFigure
from attributionlab.papers.stored import stored_claims
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024.figures.sections import Panel, Section, compose, gallery
from attributionlab.papers.zhang2024.trained import KEY, designed_data
from attributionlab.reports.figures.styles import COLORS, LABEL, SMALL

HALVES = {"edge": "objects at the edge alone", "center": "objects in the center alone"}

Accuracies = Mapping[str, Mapping[str, tuple[float, ...]]]
"""Accuracy of each network, by half and kind of network."""


def draw_figure3(setting: StudySetting) -> DrawnFigure:
    """Figure 3: the accuracies are those of the stored report of the study."""
    by_half = _accuracies(setting)
    data = designed_data()
    parts = {"training image": data.whole, "edge alone": data.edge, "center alone": data.center}
    panels = [
        Panel(name, partial(_draw_gray, images[label]), f"class {label}")
        for name, images in parts.items()
        for label in (0, 1)
    ]
    chart = Section("Accuracy of each trained network on one half of the objects", 1.9, partial(_draw_chart, by_half))
    return DrawnFigure(
        compose(gallery("Images of the two classes, and their halves", [panels]), chart), _counted(by_half)
    )


def _accuracies(setting: StudySetting) -> Accuracies:
    """The accuracies that the study `figure3` found.

    Raises:
        BadOption: If the report in the folder does not hold this study.
    """
    claims = {claim["id"]: claim for claim in stored_claims(setting, KEY)}
    return {
        half: {
            finding["setting"]: tuple(finding["ours"]["by_seed"])
            for finding in claims[f"{KEY}.{half}"]["findings"]
            if finding["ours"] is not None
        }
        for half in HALVES
    }


def _draw_gray(image: Tensor, axis: Axes) -> None:
    axis.imshow(image[0].numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def _draw_chart(by_half: Accuracies, figure: Figure, place: SubplotSpec) -> None:
    axis = figure.add_subplot(place)
    kinds = list(by_half["edge"])
    for offset, (half, marker, color) in zip(
        (0.18, -0.18), (("edge", "o", COLORS[0]), ("center", "s", COLORS[1])), strict=True
    ):
        for row, kind in enumerate(kinds):
            values, counts = np.unique(by_half[half][kind], return_counts=True)
            y = len(kinds) - 1 - row + offset
            label = HALVES[half] if row == 0 else None
            axis.scatter(values, [y] * len(values), s=40, color=color, marker=marker, label=label, zorder=3)
            for value, count in zip(values, counts, strict=True):
                axis.annotate(f"{count}", (value, y), (6, 0), textcoords="offset points", va="center", fontsize=SMALL)
    axis.set_yticks(range(len(kinds)), kinds[::-1], fontsize=LABEL)
    axis.set_ylim(-0.6, len(kinds) - 0.4)
    axis.set_xlim(-0.05, 1.12)
    axis.set_xticks([0, 0.5, 1], ["0", "0.5 (a guess)", "1"], fontsize=LABEL)
    axis.grid(axis="x", color="#e5e5e5", linewidth=0.6)
    axis.legend(loc="upper left", fontsize=LABEL, frameon=False)


def _counted(by_half: Accuracies) -> str:
    """The numbers of networks that are right on one half and guess on the other, in words."""
    pairs = [
        (edge, center)
        for kind, edges in by_half["edge"].items()
        for edge, center in zip(edges, by_half["center"][kind], strict=True)
    ]
    only_edge = sum(edge == 1 and center == 0.5 for edge, center in pairs)
    only_center = sum(edge == 0.5 and center == 1 for edge, center in pairs)
    both, neither = (sum(edge == center == value for edge, center in pairs) for value in (1, 0.5))
    return (
        f"Of {len(pairs)} networks of {len(by_half['edge'])} kinds, {only_edge} are right on the edge and guess in the center, as the paper's, "
        f"{only_center} the other way round, {both} are right on both, and {neither} guess on both. Numbers beside markers count networks."
    )
