"""Pictures of the report: maps in rows and columns, the images above them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from attributionlab.metrics import is_map
from attributionlab.reports.figures.looks import look_of
from attributionlab.reports.figures.panels import add_color_bars, add_notes, draw_map, panel
from attributionlab.reports.figures.pictures import SIGNED, picture
from attributionlab.reports.figures.styles import LABEL, plain, wrapped

PANEL = 0.8
"""Side of a panel in inches."""

NOTE = "Each map has its own scale: 1 is its largest magnitude."


def map_grid(title: str, images: Mapping[str, Tensor], rows: Mapping[str, Sequence[Tensor | str]]) -> bytes:
    """A PNG with a row per method and a column per network or image.

    Args:
        title: Title of the figure.
        images: The image (c, h, w) above each column, by the column's title.
        rows: Maps (h, w) by method, one per column, or a text that says why there is none.
    """
    n_columns = len(images)
    figure = Figure(figsize=(1.1 + n_columns * PANEL, 1.4 + (1 + len(rows)) * PANEL), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(plain(wrapped(title, 14 * (n_columns + 1))), fontsize=9)
    axes = figure.subplots(1 + len(rows), n_columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, image) in zip(axes[0], images.items(), strict=True):
        panel(axis).imshow(picture(image), interpolation="nearest")
        axis.set_title(plain(wrapped(name, 14)), fontsize=LABEL)
    for row, (name, maps) in zip(axes[1:], rows.items(), strict=True):
        for axis, values in zip(row, maps, strict=True):
            if isinstance(values, str) or not bool(is_map(values[None])):
                axis.text(0.5, 0.5, "no map", ha="center", va="center", fontsize=LABEL, transform=axis.transAxes)
                continue
            draw_map(panel(axis), look_of(values))
        row[0].text(-0.12, 0.5, plain(name), ha="right", va="center", fontsize=LABEL, transform=row[0].transAxes)
    add_color_bars(figure, SIGNED)
    add_notes(figure, [NOTE])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
