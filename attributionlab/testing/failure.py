"""Messages of failed assertions: the problem, values per image, a picture of the worst images, and a diagnosis."""

from __future__ import annotations

import inspect
import itertools
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from attributionlab.reports.figures.maps import difference_figure
from attributionlab.reports.figures.saving import save_figure
from attributionlab.testing.session import artifacts_folder
from attributionlab.testing.subject import Subject

SHOWN = 8
"""Largest number of rows of a table."""

WIDE = 15
"""Width above which a column is left-aligned, as text."""

TITLE_WIDTH = 100
"""Characters in a line of a picture's title."""

DRAWN = 2
"""Number of images in a picture."""


def failure(
    subject: Subject,
    problem: str,
    *,
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
    worst: Tensor | None = None,
    maps: Tensor | None = None,
    expected: Tensor | None = None,
    hint: str | None = None,
) -> AssertionError:
    """The error of an assertion.

    Args:
        subject: The method, with its environment.
        problem: The problem, in a line.
        columns: Titles of the table.
        rows: Its rows, one per image.
        worst: (b,), size of the error on each image; the worst images are drawn.
        maps: (b, h, w), the maps of the method.
        expected: (b, h, w), the correct maps, in the same units; by default the signed truth.
        hint: A remedy.
    """
    parts = [f"{subject.method.spec} {problem}", f"in {subject.place}, {len(subject.batch)} images"]
    if rows:
        parts.append(_table(columns, rows))
    if hint:
        parts.append(f"-> {hint}")
    if maps is not None and worst is not None:
        chosen = torch.argsort(worst.nan_to_num(torch.inf), descending=True, stable=True)[:DRAWN].sort().values
        name = re.sub(r"\W+", "-", f"{subject.method.spec} {problem}").strip("-")[:60]
        path = _free_path(artifacts_folder() / f"{name}.png")
        reference = subject.batch.ground_truth.signed if expected is None else expected
        figure = difference_figure(
            subject.batch,
            chosen.tolist(),
            maps.cpu(),
            reference.cpu(),
            same_units=expected is not None,
            title=textwrap.fill(f"{_assertion()}: {subject.method.spec} {problem}", TITLE_WIDTH),
        )
        save_figure(figure, path)
        parts.append(f"picture of the worst images: {path}")
    return AssertionError("\n".join(parts))


_WRITTEN: set[Path] = set()
"""Pictures of this process."""


def _free_path(path: Path) -> Path:
    """The path, with a number where this process has written a picture there already."""
    candidates = itertools.chain([path], (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2)))
    chosen = next(candidate for candidate in candidates if candidate not in _WRITTEN)
    _WRITTEN.add(chosen)
    return chosen


def _assertion() -> str:
    """Name of the innermost assertion that is running."""
    frame = inspect.currentframe()
    while frame is not None and not frame.f_code.co_name.startswith("assert_"):
        frame = frame.f_back
    return "attributionlab" if frame is None else frame.f_code.co_name


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as text, limited to its first rows."""
    shown = [columns, *rows[:SHOWN]]
    widths = [max(len(row[index]) for row in shown) for index in range(len(columns))]
    is_text = [max(len(row[index]) for row in rows) > WIDE for index in range(len(columns))]
    lines = [
        "  "
        + "  ".join(
            f"{cell:{'<' if text else '>'}{width}}" for cell, text, width in zip(row, is_text, widths, strict=True)
        ).rstrip()
        for row in shown
    ]
    if len(rows) > SHOWN:
        lines.append(f"  and {len(rows) - SHOWN} more")
    return "\n".join(lines)


def per_image(values: Tensor) -> list[tuple[str, str]]:
    """Rows of a table: the image's number and its value."""
    return [(str(index), f"{value:.3g}") for index, value in enumerate(values.tolist())]
