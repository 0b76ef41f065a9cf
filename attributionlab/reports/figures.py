"""Figures (matplotlib): images, their truth, and maps side by side.

Signed maps are scaled as for scoring (Eq. 17), so that every panel of a row has the same limits, -1 to 1, around white.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch
from einops import rearrange
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from torch import Tensor

from attributionlab.environments import Batch
from attributionlab.errors import MachineError, bad_option
from attributionlab.metrics import TRUTHS, Agreement, normalize, score
from attributionlab.reports.styles import plain, wrapped

SIGNED = LinearSegmentedColormap.from_list("signed", ["#0b3d91", "#5b8fd6", "#ffffff", "#e06a4c", "#8b0d1a"])
"""Blue lowers, white is nothing, red raises."""

PANEL = 1.75
"""Width of a panel in inches."""

BAND = 8
"""Most methods side by side; more go into another band below, with image and truth again beside them."""

MESSAGE = 200
"""Most letters of a message in a panel."""

FORMATS = (".png", ".svg", ".pdf")


def picture(image: Tensor) -> npt.NDArray[np.uint8]:
    """An input (c, h, w) as a picture (h, w, 3): gray zeros and ones become black and white."""
    pixels = rearrange(image, "c h w -> h w c").cpu().numpy()
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels * 255, 3, axis=2)
    return pixels.astype(np.uint8)


def attribution_figure(
    batch: Batch, maps: Mapping[str, Tensor | str], *, title: str = "", captions: Mapping[str, str] | None = None
) -> Figure:
    """A row per image: the image, its truth, and the map of every method with its F1; several bands for many methods.

    Args:
        batch: The images (b, c, h, w).
        maps: Maps (b, h, w) by method; a text instead says why there are none.
        title: Title of the figure.
        captions: The truth that each method is scored on, by method; a method without one is not scored. By default all
            are scored on overall truth.
    """
    n_bands = max(1, -(-len(maps) // BAND))
    width = -(-len(maps) // n_bands)  # bands of about one length
    bands = [dict(list(maps.items())[index * width : (index + 1) * width]) for index in range(n_bands)]
    n_rows, n_columns = len(batch) * len(bands), 2 + len(bands[0])
    rows, columns = batch.inputs.shape[2:]
    panel = PANEL * min(max(rows / columns, 0.25), 4.0)  # as high as the pictures are
    size = (PANEL * n_columns, (panel + 0.32) * n_rows + 0.4 * len(bands) + 0.35)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, band in enumerate(bands):
        _draw_band(axes[index * len(batch) :][: len(batch)], batch, band, captions)
    for row in axes[len(batch) - 1 : -1 : len(batch), 0]:
        row.set_xlabel("\n", fontsize=14)  # room between bands
    colors = ScalarMappable(Normalize(-1, 1), SIGNED)
    bar = figure.colorbar(colors, ax=axes, location="bottom", shrink=0.3, aspect=40, pad=0.02, ticks=[-1, 0, 1])
    bar.ax.set_xticklabels(["lowers the output", "no part", "raises it"], fontsize=7)
    if title:
        figure.suptitle(plain(title), fontsize=9)
    return figure


def difference_figure(
    batch: Batch, rows: Sequence[int], maps: Tensor, expected: Tensor, *, same_units: bool = False, title: str = ""
) -> Figure:
    """A row per image: the image, what is expected, the map, and their difference.

    Args:
        batch: The images.
        rows: Which of them are drawn.
        maps: (b, h, w).
        expected: (b, h, w).
        same_units: Whether both are drawn on one scale, so that a factor between them shows; else each on its own.
        title: Title of the figure.
    """
    rows = list(rows)
    wanted, got = expected[rows].double(), maps[rows].double().nan_to_num()
    if same_units:
        largest = torch.maximum(wanted.abs(), got.abs()).amax(dim=(1, 2), keepdim=True)
        wanted, got = (values / torch.where(largest == 0, 1.0, largest) for values in (wanted, got))
    else:
        wanted, got = normalize(wanted), normalize(got)
    figure = Figure(figsize=(PANEL * 4, (PANEL + 0.1) * len(rows) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), 4, squeeze=False)
    for line, (axis, *others) in enumerate(axes):
        _panel(axis).imshow(picture(batch.inputs[rows[line]]), interpolation="nearest")
        for other, values in zip(others, (wanted[line], got[line], (got[line] - wanted[line]) / 2), strict=True):
            _draw_map(_panel(other), values)
        axis.set_ylabel(f"image {rows[line]}", fontsize=7)
    for axis, name in zip(axes[0], ("input", "expected", "got", "half the difference"), strict=True):
        axis.set_title(name, fontsize=8)
    figure.suptitle(title, fontsize=9)
    return figure


def _draw_band(
    axes: npt.NDArray[Any], batch: Batch, maps: Mapping[str, Tensor | str], captions: Mapping[str, str] | None
) -> None:
    """Images, truth and some of the methods: one row of axes per image."""
    scores = {name: score(values, batch.ground_truth) for name, values in maps.items() if isinstance(values, Tensor)}
    for row, images in enumerate(axes):
        _panel(images[0]).imshow(picture(batch.inputs[row]), interpolation="nearest")
        _draw_map(_panel(images[1]), batch.ground_truth.signed[row])
        for axis, (name, values) in zip(images[2:], maps.items(), strict=False):
            _panel(axis)
            if isinstance(values, str):
                axis.set_box_aspect(batch.inputs.shape[2] / batch.inputs.shape[3])
                axis.text(
                    0.5,
                    0.5,
                    plain(wrapped(_shortened(values), 22)),
                    ha="center",
                    va="center",
                    fontsize=6,
                    transform=axis.transAxes,
                )
                continue
            _draw_map(axis, normalize(values[row : row + 1])[0])
            truth = "overall" if captions is None else captions.get(name)
            if truth is not None:
                axis.set_xlabel(_caption(scores[name], truth, row), fontsize=7)
    for axis, name in zip(axes[0], ("image", "ground truth", *maps), strict=False):
        axis.set_title(plain(wrapped(name, 20)), fontsize=8)


def _shortened(message: str) -> str:
    """A message that fits a panel."""
    return message if len(message) <= MESSAGE else f"{message[:MESSAGE]}..."


def _panel(axis: Axes) -> Axes:
    """An axis that frames a picture."""
    axis.set_axis_on()
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_color("#bbbbbb")
    return axis


def _draw_map(axis: Axes, values: Tensor) -> None:
    axis.imshow(values.cpu().numpy(), cmap=SIGNED, vmin=-1, vmax=1, interpolation="nearest")


def check_path(path: Path) -> None:
    """Refuse a path at which no figure can be written, before any work is done.

    Raises:
        BadOption: If its ending is no format of figures, or no folder can be made for it.
    """
    if path.suffix.lower() not in FORMATS:
        raise bad_option("output", f"end in {' or '.join(FORMATS)}", str(path))
    check_parents(path)


def check_parents(path: Path, name: str = "output") -> None:
    """Refuse a path whose parents are no folders and cannot become any.

    Raises:
        BadOption: If one of them is a file.
    """
    above = next((parent for parent in path.absolute().parents if parent.exists()), path)
    if not above.is_dir():
        raise bad_option(name, "lie in a folder", str(path), f"{above} is a file")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF: the whole file, or none; folders on the way to it are made.

    Raises:
        BadOption: If the ending is another one, or the path cannot lie in a folder.
        MachineError: If the file cannot be written.
    """
    check_path(path)
    with drafted(path) as draft, mpl.rc_context({"svg.hashsalt": "attributionlab"}):
        figure.savefig(draft, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place when all is written, or is gone; folders on the way are made.

    Raises:
        MachineError: If the file cannot be written.
    """
    draft = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=path.suffix, dir=path.parent)
        os.close(handle)
        draft = Path(name)
        yield draft
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        raise MachineError(f"`output` must be writable, got {str(path)!r}; {error.strerror}") from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)


def _caption(agreement: Agreement, truth: str, row: int) -> str:
    assert truth in TRUTHS
    f1 = float(agreement.against(truth).f1[row])
    return f"{truth}: does not apply" if math.isnan(f1) else f"{truth} F1 {f1:.2f}"
