"""`attributionlab explain-network`: one path through a network, neuron by neuron."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.options import (
    EnvironmentArgument,
    ForceOption,
    Format,
    FormatOption,
    SeedOption,
    SizeOption,
    environment_defaults,
    output_option,
)
from attributionlab.cli.output import (
    build_environments,
    import_torch,
    one_line_errors,
    print_json,
    print_line,
    print_table,
    print_text,
)


def explain_network(
    spec: EnvironmentArgument,
    pixel: Annotated[
        str | None,
        typer.Option(metavar="R,G,B", help="Paint the pixel with this color first.", show_default="its own color"),
    ] = None,
    number: Annotated[
        int | None, typer.Option(help="Follow this count through the head alone.", show_default="the image's count")
    ] = None,
    index: Annotated[int, typer.Option(help="Index of the image.")] = 0,
    output: Annotated[Path | None, output_option("A picture (.png, .svg or .pdf).")] = None,
    size: SizeOption = None,
    seed: SeedOption = None,
    force: ForceOption = False,
    format: FormatOption = Format.table,
) -> None:
    """Follow a pixel, or a count, through a network: what every neuron on the path reads and computes."""
    with one_line_errors():
        import_torch()
        from attributionlab.environments import explain_network as follow
        from attributionlab.errors import bad_option
        from attributionlab.reports.tables.cells import to_csv
        from attributionlab.reports.tables.network_path import CSV_COLUMNS, path_rows, path_table

        if output is not None:
            from attributionlab.reports.figures.saving import check_path

            check_path(output, force=force)
        (environment,) = build_environments([spec], environment_defaults(size, seed))
        color = None
        if pixel is not None:
            values = [part.strip() for part in pixel.split(",")]
            if not all(value.isdecimal() for value in values):
                raise bad_option("pixel", "be integers in 0..255, separated by commas", pixel)
            color = tuple(map(int, values))
        path = follow(environment, index=index, pixel=color, number=number)
        if format is Format.json:
            print_json(path.to_dict())
        elif format is Format.csv:
            print_text(to_csv(path_rows(path), CSV_COLUMNS))
        else:
            print_table(path_table(path))
        if output is not None:
            from attributionlab.reports.figures.network_path import network_path_figure
            from attributionlab.reports.figures.saving import save_figure

            save_figure(network_path_figure(path), output, force=force)
            if format is Format.table:
                print_line(f"wrote {output}")
