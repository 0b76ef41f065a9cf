"""`attributionlab report`: the table, the figures and the HTML report of a run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attributionlab.cli.options import ForceOption, output_option, path_of
from attributionlab.cli.output import one_line_errors, print_json, print_table, print_text, say

if TYPE_CHECKING:
    from attributionlab.reports.tables.run_rows import RunTable


class TableFormat(StrEnum):
    """Output format of the table."""

    table = "table"
    csv = "csv"
    json = "json"
    latex = "latex"
    markdown = "markdown"


class FigureFormat(StrEnum):
    """File format of the figures."""

    png = "png"
    svg = "svg"
    pdf = "pdf"


def report(
    folder: Annotated[Path, typer.Argument(help="A folder that `attributionlab run` wrote.")],
    output: Annotated[
        Path | None, output_option("Write the HTML report to this file, which needs no network to be read.")
    ] = None,
    format: Annotated[TableFormat | None, typer.Option(help="How to print the table.", show_default="table")] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Write all figures into this folder.", parser=path_of("figures")),
    ] = None,
    figure_format: Annotated[FigureFormat, typer.Option(help="Format of the figures.")] = FigureFormat.png,
    n_images: Annotated[int, typer.Option(help="Images per environment in the HTML report.")] = 8,
    force: ForceOption = False,
) -> None:
    """Print the table of a run; with -o write the HTML report, with --figures the figures.

    With -o or --figures the table is printed only where --format asks for it.
    """
    with one_line_errors():
        from attributionlab.errors import bad_option
        from attributionlab.files import check_parents
        from attributionlab.reports.tables.run_rows import run_table
        from attributionlab.runs import load_records
        from attributionlab.specs.arguments import whole_number

        whole_number("n_images", n_images, 1)
        if output is not None:
            from attributionlab.reports.page.report import check_report_path, write_report  # matplotlib and torch

            check_report_path(output, force=force)
        if figures is not None:
            check_parents(figures / "figure", "figures")
            if figures.absolute() == Path(figures.absolute().anchor):
                raise bad_option("figures", "be a folder below the root", str(figures))
        records = load_records(folder)
        if format is not None or (output is None and figures is None):
            _print(run_table(records), format or TableFormat.table)
        if output is not None:
            write_report(records, output, n_images=n_images, force=force)
            say("report", str(output))
        if figures is not None:
            from attributionlab.reports.figures.runs import write_figures  # as above

            for path in write_figures(records, figures, figure_format.value, force=force):
                say("figure", str(path))


def _print(table: RunTable, form: TableFormat) -> None:
    from attributionlab.reports.tables.run_tables import to_csv_text, to_json, to_latex, to_markdown, to_rich

    match form:
        case TableFormat.json:
            print_json(to_json(table))
        case TableFormat.table:
            print_table(to_rich(table))
        case _:
            writers = {TableFormat.csv: to_csv_text, TableFormat.latex: to_latex, TableFormat.markdown: to_markdown}
            print_text(writers[form](table))
