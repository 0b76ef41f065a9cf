"""What there is: environments and methods with their options."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from attributionlab._specs import describe, format_value, option_fields
from attributionlab.environments import ENVIRONMENTS
from attributionlab.environments.factory import SHORTHANDS
from attributionlab.methods import METHODS
from attributionlab.methods.base import Declaration
from attributionlab.methods.factory import is_method_class

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
    "source",
    "options",
)

Entry = dict[str, object]


def catalog(kinds: Iterable[str]) -> dict[str, list[Entry]]:
    """The entries of each kind, `environments` or `methods`."""
    makers = {"environments": _environments, "methods": _methods}
    return {kind: makers[kind]() for kind in kinds}


def catalog_tables(entries: dict[str, list[Entry]]) -> Iterable[Table]:
    """The entries as tables for people."""
    columns = {
        "environments": ("name", "summary", "options"),
        "methods": ("name", "family", "sign", "granularity", "explains", "options", "source"),
    }
    for kind, found in entries.items():
        table = Table(title=kind, title_justify="left", show_lines=kind == "environments")
        for column in columns[kind]:
            table.add_column(column, no_wrap=column in ("name", "family"))
        for entry in found:
            table.add_row(*(_cell(entry[column]) for column in columns[kind]))
        yield table


def _environments() -> list[Entry]:
    shorthand = {name: f"sets {both[0]} and {both[1]}" for name, both in SHORTHANDS.items()}
    return [
        {"name": name, "summary": kind.summary, "options": {**_options(kind), **shorthand}}
        for name, kind in ((name, ENVIRONMENTS.get(name)) for name in ENVIRONMENTS)
    ]


def _methods() -> list[Entry]:
    entries: list[Entry] = []
    for name in METHODS:
        kind = METHODS.get(name)
        facts: Declaration = getattr(kind, "declaration", Declaration())
        entries.append(
            {
                "name": name,
                "summary": (inspect.getdoc(kind) or "").partition("\n")[0],
                "family": facts.family,
                "sign": facts.sign,
                "granularity": facts.granularity,
                "explains": facts.explains,
                "needs": sorted(facts.needs),
                "randomness": facts.randomness,
                "source": facts.source,
                "options": _options(kind) if is_method_class(kind) else {},
            }
        )
    return entries


def _options(kind: type) -> dict[str, str]:
    """Every option with its default and what it can be."""
    annotations = typing.get_type_hints(kind)
    return {
        name: f"{format_value(field.default)} ({describe(annotations[name])})"
        for name, field in option_fields(kind).items()
    }


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{escape(name)} [dim]= {escape(str(what))}[/]" for name, what in value.items())
    return escape(str(value))
