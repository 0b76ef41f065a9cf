"""What there is: environments, methods and metrics with their options."""

from __future__ import annotations

import importlib.resources
import inspect
import json
import typing
from collections.abc import Callable, Iterable
from functools import cache

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from attributionlab.environments import ENVIRONMENTS
from attributionlab.environments.base import Environment
from attributionlab.methods import METHODS
from attributionlab.methods.base import Declaration
from attributionlab.metrics import METRICS
from attributionlab.metrics.base import Metric, MetricDeclaration
from attributionlab.reports.tables.verdicts import plain_table
from attributionlab.specs.catalog import Catalog
from attributionlab.specs.grammar import format_value
from attributionlab.specs.options import describe_option, option_fields

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

Entry = dict[str, object]


def catalog(kinds: Iterable[str], name: str | None = None) -> dict[str, list[Entry]]:
    """The entries of each kind, or the one of this name.

    Args:
        kinds: Of `environments`, `methods`, `metrics`.
        name: The name of the only entry.

    Raises:
        UnknownName: If there is none of this name.
    """
    entries = {}
    for kind in kinds:
        things, entry_of = _KINDS[kind]
        names = things if name is None else [name]
        entries[kind] = [entry_of(each, things.get(each)) for each in names]
    return entries


def catalog_rows(entries: dict[str, list[Entry]]) -> Iterable[dict[str, object]]:
    """The entries as rows of CSV."""
    for kind, found in entries.items():
        for entry in found:
            row = {"kind": kind, **{name: "" if value is None else value for name, value in entry.items()}}
            seconds = row.pop("seconds_per_image", None) or {}
            yield {**row, **{f"seconds_{size}": value for size, value in dict(seconds).items()}}  # type: ignore[call-overload]  # a mapping


def catalog_tables(entries: dict[str, list[Entry]]) -> Iterable[RenderableType]:
    """The entries as tables for people."""
    for kind, found in entries.items():
        table = plain_table(kind)
        columns = _COLUMNS[kind]
        for column, title in columns.items():
            seconds = column.isdigit()
            table.add_column(title, no_wrap=column in ("name", "family"), justify="right" if seconds else "left")
        for entry in found:
            table.add_row(*(_cell(entry, column) for column in columns))
        yield table
        if kind == "methods":
            yield _footer()


def entry_table(entry: Entry) -> RenderableType:
    """All that is known of one entry."""
    facts = Table.grid(padding=(0, 2, 0, 0))
    for fact, value in entry.items():
        if fact in ("name", "summary", "options") or value in (None, "", []):
            continue
        facts.add_row(f"[dim]{fact.replace('_', ' ')}[/]", escape(_in_words(value)))
    options = Table.grid(padding=(0, 2, 0, 0))
    for option, what in typing.cast("dict[str, str]", entry["options"]).items():
        options.add_row(f"  {escape(option)}", escape(what))
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
}
"""The columns of each kind's table, and their titles."""


def _environment(name: str, kind: type[Environment]) -> Entry:
    shorthand = {short: f"sets {' and '.join(names)}" for short, names in kind.shorthands.items()}
    return {"name": name, "summary": kind.summary, "options": {**_options(kind), **shorthand}}


def _method(name: str, kind: Callable[..., object]) -> Entry:
    facts: Declaration = getattr(kind, "declaration", Declaration())
    return {
        "name": name,
        "summary": _first_line(kind),
        "family": facts.family,
        "sign": facts.sign,
        "granularity": facts.granularity,
        "explains": facts.explains,
        "needs": sorted(facts.needs),
        "randomness": facts.randomness,
        "completeness": facts.completeness,
        "seconds_per_image": _measured()["seconds"].get(name),
        "source": facts.source,
        "options": _options(kind),
    }


def _metric(name: str, kind: typing.Any) -> Entry:
    facts: type[Metric] | MetricDeclaration = getattr(kind, "declaration", kind)
    return {
        "name": name,
        "summary": _first_line(kind),
        "higher_is_better": facts.higher_is_better,
        "source": facts.source,
        "options": _options(kind),
    }


_KINDS: dict[str, tuple[Catalog[typing.Any], Callable[[str, typing.Any], Entry]]] = {
    "environments": (ENVIRONMENTS, _environment),
    "methods": (METHODS, _method),
    "metrics": (METRICS, _metric),
}


def _first_line(kind: Callable[..., object]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _options(kind: Callable[..., object]) -> dict[str, str]:
    """Every option with its default and what it can be; a plain function has none."""
    if not isinstance(kind, type):
        return {}
    return {
        name: f"{format_value(field.default)} ({describe_option(kind, name)})"
        for name, field in option_fields(kind).items()
    }


@cache
def _measured() -> typing.Any:
    """What `scripts/bench_methods.py` measured."""
    text = importlib.resources.files("attributionlab.methods").joinpath("seconds.json").read_text(encoding="utf-8")
    return json.loads(text)


def _footer() -> str:
    measured = escape(_measured()["measured_on"])
    return (
        f"[dim]s at 64, s at 224: seconds per image with the default options ({measured}); '-' where not measured.\n"
        "`attributionlab list methods NAME` shows its options.[/]\n"
    )


def _cell(entry: Entry, column: str) -> str:
    """What a table shows."""
    if column.isdigit():
        seconds = entry["seconds_per_image"]
        return f"{seconds[column]:g}" if isinstance(seconds, dict) else "-"
    if column == "better":
        return "higher" if entry["higher_is_better"] else "lower"
    if column == "options":
        options = typing.cast("dict[str, str]", entry["options"])
        return "\n".join(f"{escape(name)} [dim]= {escape(what)}[/]" for name, what in options.items())
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
