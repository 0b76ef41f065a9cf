"""Figures (matplotlib): images, their truth, and maps side by side, each map on a scale of its own that its caption states."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor

from attributionlab.metrics import score
from attributionlab.reports.answers import Answer, truth_text
from attributionlab.reports.figures.looks import FAINT_NOTE, MAGNITUDE, SCALE_NOTE, MapLook, look_of
from attributionlab.reports.figures.panels import (
    CAPTION,
    PanelGrid,
    add_color_bars,
    add_notes,
    add_titles,
    draw_heading,
    draw_map,
    draw_signs,
    draw_text,
)
from attributionlab.reports.figures.pictures import SIGNED, picture, relative
from attributionlab.reports.figures.styles import plain
from attributionlab.truth import TRUTHS, Batch, GroundTruth

BAND = 8
"""Largest number of methods in a row; further methods go into another band below, which repeats image and truth."""

CAPTION_WIDTH = 34
"""Letters in a line below a panel."""


class _MapColumn(NamedTuple):
    """A method's column: a look for each image or a text why there is none, and a caption for each image."""

    title: str
    heading: str
    looks: tuple[MapLook, ...] | str
    captions: tuple[str, ...]


@dataclass(frozen=True)
class _Settings:
    """Arguments of `attribution_figure` beside the maps."""

    batch: Batch
    captions: Mapping[str, str] | None
    judged: Mapping[str, GroundTruth]
    answers: Sequence[Answer]
    headings: Mapping[str, tuple[str, str]]


def attribution_figure(
    batch: Batch,
    maps: Mapping[str, Tensor | str],
    *,
    title: str = "",
    captions: Mapping[str, str] | None = None,
    judged: Mapping[str, GroundTruth] | None = None,
    answers: Sequence[Answer] = (),
    headings: Mapping[str, tuple[str, str]] | None = None,
) -> Figure:
    """Draw a row per image: the image, its truth, and the map of every method with its F1; many methods take several bands.

    Args:
        batch: The images (b, c, h, w), or sequences or rows (b, c, l), which are drawn as lines.
        maps: Maps (b, *shape) by method, masks (bool), or a text that says why there are none.
        title: Title of the figure.
        captions: The kind of truth that each method is scored on; a method without one has no score. By default all
            methods are scored on overall truth.
        judged: The truth by which a method is scored, where it is not that of the batch (`Gallery.judged`).
        answers: The network's answers to the images, which are stated below them; values of maps are divided by its output.
        headings: Heading above neighboring maps and title of the map, by method; by default its name is the title.
    """
    settings = _Settings(batch, captions, judged or {}, answers, headings or {})
    columns = [_column(name, values, settings) for name, values in maps.items()]
    n_bands = max(1, -(-len(columns) // BAND))
    width = -(-len(columns) // n_bands)  # bands of similar length
    below = [_answer_text(answer) for answer in answers] or [""] * len(batch)
    texts = [*below, *(text for column in columns for text in column.captions)]
    n_lines = max(text.count("\n") + 1 for text in texts)
    grid = PanelGrid(
        batch.inputs[0], len(batch), 2 + width, n_lines=n_lines, n_bands=n_bands, has_headings=bool(headings)
    )
    for band in range(n_bands):
        _draw_band(grid, band, settings, below, columns[band * width :][:width])
    looks = [look for column in columns if not isinstance(column.looks, str) for look in column.looks]
    _explain_scale(grid.figure, looks, has_outputs=bool(answers))
    grid.figure.suptitle(plain(title), fontsize=9)
    return grid.figure


def difference_figure(
    batch: Batch, rows: Sequence[int], maps: Tensor, expected: Tensor, *, same_units: bool = False, title: str = ""
) -> Figure:
    """Draw a row per image: the image, the expected map, the map, and their difference.

    Args:
        batch: The images.
        rows: Indices of the images to draw.
        maps: (b, *shape).
        expected: (b, *shape).
        same_units: Whether both maps share a scale, so that a factor between them shows; else each has its own.
        title: Title of the figure.
    """
    grid = PanelGrid(batch.inputs[0], len(rows), 4)
    for place, row in enumerate(rows):
        image_axis, *axes = grid.row(0, place, 4)
        image_axis.imshow(picture(batch.inputs[row]), interpolation="nearest")
        image_axis.set_ylabel(f"image {row}", fontsize=CAPTION)
        pair = [values[row].double().nan_to_num() for values in (expected, maps)]
        first, second = relative(torch.stack(pair)) if same_units else map(relative, pair)
        for axis, values, source in zip(axes, (first, second, (second - first) / 2), (*pair, None), strict=True):
            extent = "" if source is None else look_of(source).extent
            draw_map(axis, MapLook(values, SIGNED, is_faint=False, extent=extent))
            axis.set_xlabel(extent, fontsize=CAPTION)
        if place == 0:
            add_titles((image_axis, *axes), ("input", "expected", "got", "half the difference"))
    add_color_bars(grid.figure, SIGNED)
    scale = "The expected map and the map share one scale" if same_units else "Each of the two maps has its own scale"
    add_notes(grid.figure, [f"{scale}: 1 is the largest magnitude. Below a map: its smallest and its largest value."])
    grid.figure.suptitle(plain(title), fontsize=9)
    return grid.figure


def _column(name: str, values: Tensor | str, settings: _Settings) -> _MapColumn:
    """Looks and captions of a method's maps."""
    batch, truth = settings.batch, settings.judged.get(name, settings.batch.ground_truth)
    heading, title = settings.headings.get(name, ("", name))
    if isinstance(values, str):
        return _MapColumn(title, heading, values, ())
    kind = "overall" if settings.captions is None else settings.captions.get(name)
    explains_logit = truth is not batch.ground_truth
    looks = tuple(
        look_of(values[row], kind if settings.captions else None, answer, explains_logit=explains_logit)
        for row, answer in enumerate(settings.answers or [None] * len(batch))
    )
    extents = [look.caption for look in looks]
    if kind is None:
        return _MapColumn(title, heading, looks, tuple(extents))
    assert kind in TRUTHS
    scores = score(values, truth).against(kind).f1.tolist()
    texts = [f"{kind}: does not apply" if math.isnan(f1) else f"{kind} F1 {f1:.2f}" for f1 in scores]
    return _MapColumn(title, heading, looks, tuple(map("\n".join, zip(texts, extents, strict=True))))


def _draw_band(
    grid: PanelGrid, band: int, settings: _Settings, below: Sequence[str], columns: Sequence[_MapColumn]
) -> None:
    """Draw images, truth and the maps of a band."""
    batch = settings.batch
    for row in range(len(batch)):
        axes = grid.row(band, row, 2 + len(columns))
        axes[0].imshow(picture(batch.inputs[row]), interpolation="nearest")
        axes[0].set_xlabel(below[row], fontsize=CAPTION)
        draw_signs(axes[1], batch.ground_truth, row)
        axes[1].set_xlabel("\n".join(truth_text(batch, row)), fontsize=CAPTION)
        for axis, column in zip(axes[2:], columns, strict=True):
            if isinstance(column.looks, str):
                draw_text(axis, column.looks, grid.proportions)
            else:
                draw_map(axis, column.looks[row])
                axis.set_xlabel(column.captions[row], fontsize=CAPTION)
        if row == 0:
            add_titles(axes, ("image", "ground truth", *(column.title for column in columns)))
    first = 2
    for heading, group in groupby(columns, key=lambda column: column.heading):
        last = first + len(list(group))
        if heading:
            draw_heading(grid.heading(band, first, last), plain(heading))
        first = last


def _explain_scale(figure: Figure, looks: Sequence[MapLook], *, has_outputs: bool) -> None:
    """Add color bars and the notes that explain captions."""
    add_color_bars(figure, SIGNED, *([MAGNITUDE] if any(look.colors is MAGNITUDE for look in looks) else []))
    notes = (
        [SCALE_NOTE.format(unit="divided by the explained output" if has_outputs else "in the units of the method")]
        if looks
        else []
    )
    notes += [FAINT_NOTE] if any(look.is_faint for look in looks) else []
    add_notes(figure, notes)


def _answer_text(answer: Answer) -> str:
    """The lines of an answer, broken between counts but not within one."""
    lines = (re.sub(r" (?=\d)", "\N{NO-BREAK SPACE}", line) for line in answer.lines)
    broken = "\n".join(textwrap.fill(line, CAPTION_WIDTH) for line in lines)
    return plain(broken.replace("\N{NO-BREAK SPACE}", " "))
