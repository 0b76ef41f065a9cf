"""Tables of the available environments, methods, metrics and segmenters with their options. Does not import torch."""

from __future__ import annotations

import typing
from collections.abc import Iterable

from rich.console import Group, RenderableType
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
    "higher_is_better",
    "seconds_64",
    "seconds_224",
    "source",
    "options",
)


def catalog(kinds: Iterable[str], name: str | None = None) -> dict[str, list[Entry]]:
    """Describe all entries of each kind, or only the one called `name`.

    Args:
        kinds: Any of `environments`, `methods`, `metrics`, `segmenters`.
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
        table = plain_table(kind)
        columns = _COLUMNS[kind]
        for column, title in columns.items():
            seconds = column.isdigit()
            table.add_column(title, no_wrap=column in ("name", "family"), justify="right" if seconds else "left")
        for entry in described:
            table.add_row(*(_cell(entry, column) for column in columns))
        yield table
        if kind == "methods":
            yield _footer()


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
    "environments": {"name": "name", "summary": "summary", "options": "options"},
    "methods": {
        "name": "name",
        "family": "family",
        "sign": "sign",
        "granularity": "granularity",
        "explains": "explains",
        "needs": "needs",
        "64": "s at 64",
        "224": "s at 224",
        "source": "source",
    },
    "metrics": {"name": "name", "summary": "summary", "better": "better", "options": "options", "source": "source"},
    "segmenters": {"name": "name", "summary": "summary"},
}
"""The columns of each kind's table, and their titles."""


def _footer() -> str:
    machine = escape(measured()["measured_on"])
    return (
        f"[dim]s at 64, s at 224: seconds per image with the default options ({machine}); '-' where not measured.\n"
        "`attributionlab list methods NAME` shows its options.[/]\n"
    )


def _cell(entry: Entry, column: str) -> str:
    """Text of an entry in a column."""
    if column.isdigit():
        seconds = entry["seconds_per_image"]
        return f"{seconds[column]:g}" if isinstance(seconds, dict) else "-"
    if column == "better":
        return "higher" if entry["higher_is_better"] else "lower"
    if column == "options":
        options = typing.cast("dict[str, str]", entry["options"])
        return "\n".join(f"{escape(name)} [dim]= {escape(description)}[/]" for name, description in options.items())
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
