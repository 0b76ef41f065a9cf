"""What a failed assertion says: what is wrong, the numbers image by image, a picture of the worst, and a diagnosis."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from attributionlab.reports.figures.maps import difference_figure
from attributionlab.reports.figures.saving import save_figure
from attributionlab.testing.session import artifacts_folder
from attributionlab.testing.subject import Subject

SHOWN = 8
"""Rows of a table at most."""

WIDE = 15
"""Columns that are wider hold text, which reads from the left."""

DRAWN = 2
"""Images of a picture."""


def failure(
    subject: Subject,
    what: str,
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
        subject: Who failed, and where.
        what: What is wrong, in a line.
        columns: Titles of the table.
        rows: Its rows, one per image.
        worst: (b,), how bad each image is; the worst ones are drawn.
        maps: (b, h, w), what the method gave.
        expected: (b, h, w), what it should have given, in the same units; by default the signed truth.
        hint: What to do about it.
    """
    parts = [f"{subject.method.spec} {what}", f"in {subject.environment.spec}, {len(subject.batch)} images"]
    if rows:
        parts.append(_table(columns, rows))
    if hint:
        parts.append(f"-> {hint}")
    if maps is not None and worst is not None:
        chosen = torch.argsort(worst.nan_to_num(torch.inf), descending=True, stable=True)[:DRAWN].sort().values
        name = re.sub(r"\W+", "-", f"{subject.method.spec} {what}").strip("-")[:60]
        path = artifacts_folder() / f"{name}.png"
        wanted = subject.batch.ground_truth.signed if expected is None else expected
        figure = difference_figure(
            subject.batch,
            chosen.tolist(),
            maps.cpu(),
            wanted.cpu(),
            same_units=expected is not None,
            title=subject.method.spec,
        )
        save_figure(figure, path)
        parts.append(f"picture of the worst images: {path}")
    return AssertionError("\n".join(parts))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Text in columns; the first rows of many."""
    shown = [columns, *rows[:SHOWN]]
    widths = [max(len(row[index]) for row in shown) for index in range(len(columns))]
    wide = [max(len(row[index]) for row in rows) > WIDE for index in range(len(columns))]
    lines = [
        "  "
        + "  ".join(
            f"{cell:{'<' if left else '>'}{width}}" for cell, left, width in zip(row, wide, widths, strict=True)
        ).rstrip()
        for row in shown
    ]
    if len(rows) > SHOWN:
        lines.append(f"  and {len(rows) - SHOWN} more")
    return "\n".join(lines)


def per_image(values: Tensor) -> list[tuple[str, str]]:
    """Rows of a table: the image's number and its value."""
    return [(str(index), f"{value:.3g}") for index, value in enumerate(values.tolist())]
