"""`attributionlab verify`: prove what environments claim."""

from __future__ import annotations

from typing import Annotated

import typer

from attributionlab.cli.completion import environment_names
from attributionlab.cli.options import (
    BenchmarkOption,
    Device,
    DeviceOption,
    Format,
    FormatOption,
    SeedOption,
    SizeOption,
    environment_defaults,
    n_samples_option,
    refused_early,
    require_left_out,
)
from attributionlab.cli.output import (
    EXIT_FAILED,
    build_environments,
    import_torch,
    one_line_errors,
    print_json,
    print_line,
    print_table,
    print_text,
    progress_bar,
    require_names,
)

CSV_COLUMNS = ("environment", "name", "statement", "n_checked", "n_violations", "holds", "note")
DIFFERENCE_COLUMNS = ("benchmark", "difference")


def verify(
    spec: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ENVIRONMENT",
            help="Environments.",
            show_default="all environments",
            autocompletion=environment_names,
            callback=refused_early(lambda specs: require_names(environments=specs)),
        ),
    ] = None,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Change every colored pixel and try all 16,777,216 colors.")
    ] = False,
    size: SizeOption = None,
    n_samples: Annotated[int, n_samples_option("Images per environment.")] = 8,
    n_pixels: Annotated[int, typer.Option(help="Pixels per image that are changed, one at a time.")] = 64,
    seed: SeedOption = None,
    device: DeviceOption = Device.auto,
    benchmark: BenchmarkOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Test by intervention that networks do exactly what they claim; exit code 1 if one does not.

    With a benchmark, compare its images, truths and networks with their fingerprints instead.
    """
    if benchmark is not None:
        with one_line_errors():
            require_left_out(environments=spec or None, size=size, seed=seed)
            compare_with_benchmark(benchmark, format)
        return
    with one_line_errors():
        import_torch()
        from attributionlab.environments import ENVIRONMENTS
        from attributionlab.environments import verify as run_verify
        from attributionlab.machine import find_device
        from attributionlab.reports.tables.cells import to_csv
        from attributionlab.reports.tables.verdicts import verification_rows, verification_table

        where = find_device(device.value)
        environments = build_environments(spec or list(ENVIRONMENTS), environment_defaults(size, seed))
        verifications = []
        with progress_bar("environments verified", len(environments)) as advance:
            for environment in environments:
                verification = run_verify(
                    environment, n_samples=n_samples, n_pixels=n_pixels, exhaustive=exhaustive, device=where
                )
                advance(1)
                verifications.append(verification)
                if format is Format.table:
                    print_table(verification_table(verification))
        if format is Format.json:
            print_json([verification.to_dict() for verification in verifications])
        elif format is Format.csv:
            rows = [row for verification in verifications for row in verification_rows(verification)]
            print_text(to_csv(rows, CSV_COLUMNS))
    if not all(verification.passed for verification in verifications):
        raise typer.Exit(EXIT_FAILED)


def compare_with_benchmark(name: str, format: Format) -> None:
    """Print what differs from a frozen benchmark, a line for each environment, and leave with exit code 1 if something does."""
    from attributionlab.benchmarks import load_benchmark
    from attributionlab.reports.tables.cells import to_csv

    benchmark = load_benchmark(name)
    differences = benchmark.differences()
    if format is Format.json:
        print_json(
            {"benchmark": benchmark.name, "environments": list(benchmark.specs), "differences": list(differences)}
        )
    elif format is Format.csv:
        print_text(
            to_csv([{"benchmark": benchmark.name, "difference": line} for line in differences], DIFFERENCE_COLUMNS)
        )
    else:
        for line in differences or (f"all fingerprints of {benchmark.name} are the same: {benchmark.contents}",):
            print_line(line)
    if differences:
        raise typer.Exit(EXIT_FAILED)
