"""`attributionlab sweep`: the scores of methods while one variable changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.completion import in_list, method_names
from attributionlab.cli.options import (
    DEFAULT_ENVIRONMENT,
    Device,
    DeviceOption,
    EnvironmentOption,
    ForceOption,
    Format,
    FormatOption,
    MetricsOption,
    SeedOption,
    SizeOption,
    environment_defaults,
    n_samples_option,
    output_option,
    refused_early,
    truth_option,
)
from attributionlab.cli.output import (
    build_environments,
    build_methods,
    chatter_to_stderr,
    import_torch,
    one_line_errors,
    print_result,
    progress_bar,
    require_names,
    say,
)
from attributionlab.specs.grammar import split_specs


def sweep(
    methods: Annotated[
        str,
        typer.Argument(
            metavar="METHODS",
            help="One or more methods, separated by commas: names, specs or functions, file.py:name.",
            autocompletion=in_list(method_names),
            callback=refused_early(lambda text: require_names(methods=split_specs(text) or [text])),
        ),
    ],
    vary: Annotated[
        str,
        typer.Option(
            metavar="VARIABLE",
            help="baseline, segment_error, noise, an option of the environment, or method.OPTION.",
        ),
    ],
    values: Annotated[
        str,
        typer.Option(metavar="VALUES", help="Its values, separated by commas; by semicolons where values hold commas."),
    ],
    env: EnvironmentOption = DEFAULT_ENVIRONMENT,
    metrics: MetricsOption = "insertion,deletion,sensitivity-n",
    size: SizeOption = None,
    n_samples: Annotated[int, n_samples_option("Images at each value.")] = 8,
    truth: Annotated[str, truth_option("Kind of truth of F1; auto fits each method.")] = "auto",
    output: Annotated[Path | None, output_option("Also draw curves into this file: .png, .svg or .pdf.")] = None,
    seed: SeedOption = None,
    device: DeviceOption = Device.auto,
    force: ForceOption = False,
    format: FormatOption = Format.table,
) -> None:
    """Score methods while one variable changes and all else stays; exit code 1 if a method fails at some value."""
    with one_line_errors():
        named, measured = split_specs(methods) or [methods], split_specs(metrics)
        import_torch()
        from attributionlab.judging import sweep as run_sweep
        from attributionlab.reports.figures.saving import check_path, save_figure
        from attributionlab.reports.figures.sweep import sweep_figure
        from attributionlab.reports.tables.sweep import COLUMNS, sweep_rows, sweep_tables

        if output is not None:
            check_path(output, force=force)
        listed = [value.strip() for value in values.split(";" if ";" in values else ",") if value.strip()]
        (environment,) = build_environments([env], environment_defaults(size, seed))
        with chatter_to_stderr():
            built = build_methods(named, {})
        n_maps = len(built) * len(listed) * n_samples
        with chatter_to_stderr(), progress_bar("sweep", n_maps) as advance:
            result = run_sweep(
                built,
                vary,
                listed,
                environment,
                metrics=measured,
                n_samples=n_samples,
                truth=truth,
                device=device.value,
                seed=seed or 0,
                progress=advance,
            )
        if output is not None:
            save_figure(sweep_figure(result), output, force=force)
            say("figure", str(output))
        print_result(result, format, sweep_rows(result), COLUMNS, sweep_tables(result))
        if result.exit_code:
            raise SystemExit(result.exit_code)
