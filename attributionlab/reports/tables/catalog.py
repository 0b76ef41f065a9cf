"""Tables of the available environments, methods, metrics, segmenters and manipulations with their options. Does not import torch."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table

from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.descriptions import CATALOGS, Entry, describe, measured
from attributionlab.reports.tables.plain import plain_table

CSV_COLUMNS = (
    "kind",
    "name",
    "summary",
    "family",
    "sign",
    "granularity",
    "explains",
    "needs",
    "randomness",
    "completeness",
    "answers",
    "higher_is_better",
    "seconds_64",
    "seconds_224",
    "source",
    "levels",
    "options",
)


def catalog(kinds: Iterable[str], name: str | None = None) -> dict[str, list[Entry]]:
    """Describe all entries of each kind, or only the one called `name`.

    Args:
        kinds: Any of `environments`, `methods`, `metrics`, `segmenters`, `manipulations`.
        name: The name of the only entry.

    Raises:
        UnknownName: If there is no entry of this name.
    """
    return {kind: [describe(kind, entry) for entry in ([name] if name else CATALOGS[kind])] for kind in kinds}


def catalog_rows(entries: dict[str, list[Entry]]) -> Iterable[dict[str, object]]:
    """Build the rows of CSV, one per entry."""
    for kind, described in entries.items():
        for entry in described:
            row = {"kind": kind, **{name: "" if value is None else value for name, value in entry.items()}}
            seconds = row.pop("seconds_per_image", None) or {}
            yield {**row, **{f"seconds_{size}": value for size, value in dict(seconds).items()}}  # type: ignore[call-overload]  # a mapping


def catalog_tables(entries: dict[str, list[Entry]]) -> Iterable[RenderableType]:
    """Build one table per kind, a row per entry."""
    for kind, described in entries.items():
        yield _CatalogTable(kind, tuple(described))
        yield _footer(kind)


@dataclass(frozen=True)
class _CatalogTable:
    """The table of a kind; columns that do not fit into a narrow terminal are left out."""

    kind: str
    entries: tuple[Entry, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self.drawn(_COLUMNS[self.kind])
        if Measurement.get(console, options.update(width=10_000), table).maximum > options.max_width:
            narrow = {name: title for name, title in _COLUMNS[self.kind].items() if name not in _IF_WIDE}
            table = self.drawn(narrow)
        yield table

    def drawn(self, columns: Mapping[str, str]) -> Table:
        """Draw the table with these columns."""
        table = plain_table(self.kind)
        for column, title in columns.items():
            seconds = column.isdigit()
            table.add_column(title, no_wrap=column in _WHOLE, justify="right" if seconds else "left")
        for entry in self.entries:
            table.add_row(*(_cell(entry, column) for column in columns))
        return table


def entry_table(entry: Entry) -> RenderableType:
    """Build a list of all facts and options of one entry."""
    facts = Table.grid(padding=(0, 2, 0, 0))
    for fact, value in entry.items():
        if fact in ("name", "summary", "options") or value in (None, "", []):
            continue
        facts.add_row(f"[dim]{fact.replace('_', ' ')}[/]", escape(_in_words(value)))
    options = Table.grid(padding=(0, 2, 0, 0))
    for option, description in typing.cast("dict[str, str]", entry["options"]).items():
        options.add_row(f"  {escape(option)}", escape(description))
    parts: list[RenderableType] = [f"[bold]{escape(str(entry['name']))}[/]: {escape(str(entry['summary']))}"]
    if facts.rows:
        parts.append(facts)
    if options.rows:
        parts += ["[dim]options, with their defaults:[/]", options]
    return Group(*parts)


_COLUMNS = {
    "environments": {"name": "name", "summary": "summary"},
    "methods": {
        "name": "name",
        "family": "family",
        "sign": "sign",
        "granularity": "grain",
        "explains": "explains",
        "needs": "needs",
        "64": "ms at 64",
        "224": "ms at 224",
        "source": "source",
    },
    "metrics": {"name": "name", "better": "better", "summary": "summary", "source": "source"},
    "segmenters": {"name": "name", "summary": "summary"},
    "manipulations": {"name": "name", "summary": "summary", "levels": "levels of visibility"},
}
"""The columns of each kind's table, and their titles."""

_IF_WIDE = ("needs", "224", "source", "levels")
"""Columns that a narrow terminal does without."""

_WHOLE = ("name", "family", "sign", "granularity", "explains")
"""Columns whose cells are not wrapped."""


def _footer(kind: str) -> str:
    """Lines below a table."""
    shows = f"[dim]`attributionlab list {kind} NAME` shows "
    if kind != "methods":
        return f"{shows}its options.[/]\n" if kind != "segmenters" else ""
    machine = escape(measured()["measured_on"])
    return (
        "[dim]ms at 64: milliseconds per image of 64x64; '-': not measured\n"
        f"({machine}).[/]\n"
        f"{shows}its options, needs and source.[/]\n"
    )


def _cell(entry: Entry, column: str) -> str:
    """Text of an entry in a column."""
    if column.isdigit():
        seconds = entry["seconds_per_image"]
        return f"{float(f'{1000 * seconds[column]:.3g}'):g}" if isinstance(seconds, dict) else "-"
    if column == "better":
        return "higher" if entry["higher_is_better"] else "lower"
    return escape(_in_words(entry[column]))


def _in_words(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{seconds:g} at {size}x{size}" for size, seconds in value.items())
    return str(value)
