"""Figures of modified pictures: the originals, what was changed, and where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attributionlab.modification import ModifiedPictures
from attributionlab.modification.manipulation import Manipulation
from attributionlab.reports.figures.styles import LABEL, plain, wrapped
from attributionlab.seeding import generator

N_ROWS = 6
PANEL = 1.3
"""Width of a panel in inches."""


def modified_figure(data: ModifiedPictures, n: int = N_ROWS) -> Figure:
    """Draw a row per picture: the original, the modified one, the pixels that differ, and the joint region.

    Args:
        data: The modified pictures.
        n: Most pictures; the pairs of old and new label take turns.
    """
    classes, old_labels = range(len(data.classes)), data.originals.labels
    turns = [np.flatnonzero((old_labels == old) & (data.labels == new)) for old in classes for new in classes]
    rows = [int(turn[place]) for place in range(max(map(len, turns))) for turn in turns if place < len(turn)][:n]
    figure, axes = _grid(len(rows), 4, data.originals.size)
    for line, index in zip(axes, rows, strict=True):
        original, modified = data.originals.values[index], data.values[index]
        old, new = data.classes[int(data.originals.labels[index])], data.classes[int(data.labels[index])]
        differs = (original != modified).any(axis=2)
        _show(line[0], original, old)
        _show(line[1], modified, f"{new}: {data.manipulations[int(data.labels[index])].spec}")
        _show(line[2], differs)
        _show(line[3], data.region)
    for axis, title in zip(axes[0], ("original", "new label", "changed", "joint region"), strict=True):
        axis.set_title(title, fontsize=LABEL)
    return figure


def levels_figure(picture: npt.NDArray[np.uint8], manipulations: Sequence[Manipulation], seed: int = 0) -> Figure:
    """Draw a row per manipulation: the picture, each level of visibility, and the region, as in Figures 4 and 14 of Zhou et al. 2022.

    Args:
        picture: (h, w, 3).
        manipulations: Manipulations; those without levels are drawn once.
        seed: Seed of what they draw.
    """
    size = picture.shape[0], picture.shape[1]
    most = max((len(each.visibility.levels) for each in manipulations if each.visibility is not None), default=1)
    figure, axes = _grid(len(manipulations), most + 2, size)
    for line, manipulation in zip(axes, manipulations, strict=True):
        levels = () if manipulation.visibility is None else manipulation.visibility.levels
        versions = [manipulation.at_level(level) for level in levels] or [manipulation]
        _show(line[0], picture, manipulation.name)
        for axis, version in zip(line[1:], versions, strict=False):
            visibility = version.visibility
            text = "" if visibility is None else f"{visibility.option}={getattr(version, visibility.option):g}"
            _show(axis, version.apply(picture, generator(seed, "levels")), text)
        for axis in line[1 + len(versions) : -1]:
            axis.set_axis_off()
        _show(line[-1], manipulation.region(*size), "region")
    return figure


def _grid(n_rows: int, n_columns: int, size: tuple[int, int]) -> tuple[Figure, npt.NDArray[np.object_]]:
    """A figure with panels of the pictures' proportions."""
    panel = PANEL * min(max(size[0] / size[1], 0.25), 4.0)
    figure = Figure(figsize=(PANEL * n_columns, (panel + 0.25) * n_rows + 0.2), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def _show(axis: Axes, pixels: npt.NDArray[np.generic], text: str = "") -> None:
    """Draw a picture (h, w, 3) or a mask (h, w) in black and white, with a text below."""
    axis.imshow(pixels, interpolation="nearest", cmap="gray", vmin=0, vmax=1)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_xlabel(plain(wrapped(text, 26)), fontsize=5)
