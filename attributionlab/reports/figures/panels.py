"""Single panels of figures: a map, the truth with its signs, a text instead of a map; and color bars."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from torch import Tensor

from attributionlab.reports.answers import SIGNS
from attributionlab.reports.figures.looks import TICKS, MapLook
from attributionlab.reports.figures.pictures import SIGNED, picture
from attributionlab.reports.figures.styles import SMALL, plain, wrapped
from attributionlab.truth import GroundTruth

PANEL = 1.75
"""Width of a panel in inches."""

CAPTION = 6.5
"""Font size of captions in points."""

LINE = 0.115
"""Height of a line of a caption in inches."""

HEADING = 0.15
"""Height of a heading, and of the room between bands, relative to a panel."""

MESSAGE = 200
"""Largest number of letters of a message in a panel."""


class PanelGrid:
    """A figure of panels in bands of rows; axes are made when they are asked for.

    Args:
        sample: An input (c, *shape), whose proportions the panels have.
        n_rows: Rows in a band.
        n_columns: Panels in a row.
        n_lines: Lines of the longest caption below a panel.
        n_bands: Number of bands.
        has_headings: Whether there is room for headings above each band.
    """

    def __init__(
        self,
        sample: Tensor,
        n_rows: int,
        n_columns: int,
        *,
        n_lines: int = 1,
        n_bands: int = 1,
        has_headings: bool = False,
    ) -> None:
        height, width = picture(sample).shape[:2]
        self.proportions = height / width
        """Height over width of an image."""
        self._n_rows = n_rows
        heading = HEADING if has_headings or n_bands > 1 else 0.001
        ratios = [heading, *[1.0] * n_rows] * n_bands
        panels = PANEL * min(max(self.proportions, 0.25), 4.0) * sum(ratios)
        texts = LINE * n_lines * n_rows * n_bands + 0.4 * n_bands + 0.9
        self.figure = Figure(figsize=(PANEL * n_columns, panels + texts), layout=ConstrainedLayoutEngine(h_pad=0.06))
        FigureCanvasAgg(self.figure)
        self._grid = self.figure.add_gridspec(len(ratios), n_columns, height_ratios=ratios)

    def row(self, band: int, row: int, n_columns: int) -> list[Axes]:
        """Framed axes of the first columns of a row."""
        place = band * (self._n_rows + 1) + 1 + row
        return [panel(self.figure.add_subplot(self._grid[place, column])) for column in range(n_columns)]

    def heading(self, band: int, first: int, last: int) -> Axes:
        """Axis above the columns `first` to `last - 1` of a band."""
        return self.figure.add_subplot(self._grid[band * (self._n_rows + 1), first:last])


def panel(axis: Axes) -> Axes:
    """Frame an axis without ticks, and return it."""
    axis.set_axis_on()
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_color("#bbbbbb")
    return axis


def draw_map(axis: Axes, look: MapLook) -> None:
    """Draw a map in its colors; one that is faint is nearly transparent."""
    _show(axis, look.values, look.colors, look.lowest, look.opacity)


def draw_signs(axis: Axes, truth: GroundTruth, row: int) -> None:
    """Draw the signed truth of an image, with the sign of every patch, so that colors are not needed to tell them apart."""
    signed = truth.signed[row].cpu()
    _show(axis, signed, SIGNED, -1.0)
    if truth.patch_ids is None:
        return
    ids = truth.patch_ids[row].cpu()
    for patch in ids.unique().tolist():
        signs = signed[(ids == patch) & (signed != 0)]
        if patch > 0 and len(signs):
            y, x = torch.nonzero(ids == patch).double().mean(dim=0).tolist()
            label = axis.text(x, y, SIGNS[int(signs[0])], ha="center", va="center", fontsize=12, weight="bold")
            label.set_path_effects([withStroke(linewidth=3, foreground="white")])


def draw_text(axis: Axes, message: str, proportions: float) -> None:
    """Write a message where there is no map; `proportions` is height over width of the panel."""
    axis.set_box_aspect(proportions)
    text = message if len(message) <= MESSAGE else f"{message[:MESSAGE]}..."
    center = {"ha": "center", "va": "center", "transform": axis.transAxes}
    axis.text(0.5, 0.5, plain(wrapped(text, 22)), fontsize=SMALL, **center)  # type: ignore[arg-type]  # options of a text


def draw_heading(axis: Axes, text: str) -> None:
    """Write a heading over a line that spans the columns below it."""
    axis.set_axis_off()
    axis.axhline(0, color="#555555", linewidth=1)
    axis.set_ylim(0, 1)
    axis.text(0.5, 0.25, text, ha="center", va="bottom", fontsize=8, weight="bold", transform=axis.transAxes)


def add_notes(figure: Figure, notes: Sequence[str]) -> None:
    """Write notes below everything else, as wide as the figure."""
    width = int(19 * figure.get_figwidth())
    figure.supxlabel("\n".join(textwrap.fill(note, width) for note in notes), fontsize=CAPTION)


def add_titles(axes: Sequence[Axes], titles: Sequence[str]) -> None:
    """Write a title above each panel of a row."""
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(plain(wrapped(title, 20)), fontsize=8)


def add_color_bars(figure: Figure, *scales: LinearSegmentedColormap) -> None:
    """Add color bars below all panels, with numbers and their meaning."""
    panels, width = figure.axes, min(0.9, 3.6 / figure.get_figwidth())
    for colors in scales:
        ticks = TICKS[colors.name]
        mappable = ScalarMappable(Normalize(min(ticks), 1), colors)
        bar = figure.colorbar(mappable, ax=panels, location="bottom", shrink=width, aspect=40, pad=0.02, ticks=[*ticks])
        bar.ax.set_xticklabels([*ticks.values()], fontsize=CAPTION)


def _show(axis: Axes, values: Tensor, colors: LinearSegmentedColormap, lowest: float, opacity: float = 1.0) -> None:
    rows = values if values.ndim == 2 else values.reshape(1, -1)  # a sequence is a line
    axis.imshow(rows.cpu().numpy(), cmap=colors, vmin=lowest, vmax=1, alpha=opacity, interpolation="nearest")
