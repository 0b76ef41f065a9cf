"""`attributionlab list`: what there is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from attributionlab.cli.options import Format, FormatOption
from attributionlab.cli.output import one_line_errors, print_json, print_table, print_text


class Kind(StrEnum):
    """What can be listed."""

    environments = "environments"
    methods = "methods"


def list_(
    kind: Annotated[Kind | None, typer.Argument(help="What to list.", show_default="both")] = None,
    format: FormatOption = Format.table,
) -> None:
    """List environments and methods with their options."""
    with one_line_errors():
        from attributionlab.reports.catalog import CSV_COLUMNS, catalog, catalog_tables
        from attributionlab.reports.tables import to_csv

        kinds = [kind.value] if kind else [each.value for each in Kind]
        entries = catalog(kinds)
        if format is Format.json:
            print_json(entries)
        elif format is Format.csv:
            rows = [{**entry, "kind": name} for name, found in entries.items() for entry in found]
            print_text(to_csv(rows, CSV_COLUMNS))
        else:
            for table in catalog_tables(entries):
                print_table(table)
