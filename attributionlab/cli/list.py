"""`attributionlab list`: the environments, methods, metrics, segmenters and manipulations."""

from __future__ import annotations

from typing import Annotated

import typer

from attributionlab.cli.completion import names_of, starting_with
from attributionlab.cli.help import usage_errors
from attributionlab.cli.options import Format, FormatOption
from attributionlab.cli.output import one_line_errors, print_json, print_table, print_text
from attributionlab.errors import bad_option

KINDS = ("environments", "methods", "metrics", "segmenters", "manipulations")
"""Kinds of entries that can be listed."""


def parse_kind(text: str) -> str:
    """The kind in the plural; the singular is understood."""
    if f"{text}s" in KINDS:
        return f"{text}s"
    with usage_errors():
        if text not in KINDS:
            owners = [kind for kind in KINDS if names_of(kind, text)[:1] == [text]]
            hint = f"`attributionlab list {owners[0]} {text}` describes it" if owners else ""
            raise bad_option("kind", f"be {', '.join(KINDS[:-1])} or {KINDS[-1]}", text, hint)
        return text


def complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the kind that stands before."""
    return names_of(str(ctx.params.get("kind")), incomplete)


def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="environments, methods, metrics, segmenters or manipulations.",
            show_default="all",
            parser=parse_kind,
            autocompletion=lambda incomplete: starting_with(KINDS, incomplete),
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Argument(help="The entry to describe, with its options.", autocompletion=complete_name)
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """List environments, methods, metrics, segmenters, manipulations; with a NAME, describe one and its options."""
    with one_line_errors():
        from attributionlab.reports.tables.catalog import (
            CSV_COLUMNS,
            catalog,
            catalog_rows,
            catalog_tables,
            entry_table,
        )
        from attributionlab.reports.tables.cells import to_csv

        entries = catalog([kind] if kind else KINDS, name)
        if format is Format.json:
            print_json(entries)
        elif format is Format.csv:
            print_text(to_csv(catalog_rows(entries), CSV_COLUMNS))
        else:
            tables = catalog_tables(entries) if kind is None or name is None else map(entry_table, entries[kind])
            for table in tables:
                print_table(table, pipe_width=80)
