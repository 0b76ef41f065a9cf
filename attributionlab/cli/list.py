"""`attributionlab list`: the environments, methods, metrics and segmenters."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from attributionlab.cli.options import Format, FormatOption
from attributionlab.cli.output import one_line_errors, print_json, print_table, print_text


class Kind(StrEnum):
    """Kinds of entries that can be listed."""

    environments = "environments"
    methods = "methods"
    metrics = "metrics"
    segmenters = "segmenters"


def list_(
    kind: Annotated[Kind | None, typer.Argument(help="What to list.", show_default="all")] = None,
    name: Annotated[str | None, typer.Argument(help="The only one to list, with all details.")] = None,
    format: FormatOption = Format.table,
) -> None:
    """List environments, methods, metrics and segmenters with their options."""
    with one_line_errors():
        from attributionlab.reports.tables.catalog import (
            CSV_COLUMNS,
            catalog,
            catalog_rows,
            catalog_tables,
            entry_table,
        )
        from attributionlab.reports.tables.cells import to_csv

        kinds = [kind.value] if kind else [member.value for member in Kind]
        entries = catalog(kinds, name)
        if format is Format.json:
            print_json(entries)
        elif format is Format.csv:
            print_text(to_csv(catalog_rows(entries), CSV_COLUMNS))
        else:
            tables = catalog_tables(entries) if name is None else map(entry_table, entries[kinds[0]])
            for table in tables:
                print_table(table)
