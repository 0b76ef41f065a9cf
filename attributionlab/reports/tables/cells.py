"""Escaping untrusted text in tables: brackets, which are markup for rich, and formulas, which a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

import rich.markup

from attributionlab.printable import printable

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of cells that spreadsheets take for formulas."""


def escape(text: str) -> str:
    """Escape text so that rich prints it letter by letter."""
    return rich.markup.escape(printable(text))


def to_csv(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Write rows as CSV with a header; several values in a cell are separated by semicolons."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, columns))
    rows = list(rows)
    assert all(set(row) <= set(columns) for row in rows), "every entry of a row has a column"
    writer.writerows([csv_cell(row.get(column, "")) for column in columns] for row in rows)
    return text.getvalue()


def csv_cell(value: object) -> object:
    """Convert a value to a cell of CSV: numbers unchanged, text printable, without Python's brackets, and never a formula.

    Text that begins as a formula does is preceded by an apostrophe, which spreadsheets do not show.

    Example:
        >>> csv_cell("=1+1"), csv_cell(-1.5), csv_cell([1, 2])
        ("'=1+1", -1.5, '1; 2')
    """
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return csv_cell("; ".join(f"{name} = {entry}" for name, entry in value.items()))
        case list() | tuple():
            return csv_cell("; ".join(map(str, value)))
        case set() | frozenset():
            return csv_cell("; ".join(sorted(map(str, value))))
    text = printable(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) else text
