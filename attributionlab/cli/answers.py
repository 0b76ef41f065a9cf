"""`attributionlab answers`: the questions that a method answers, by the distance of its maps to exact values."""

from __future__ import annotations

from typing import Annotated

import typer

from attributionlab.cli.options import (
    DEFAULT_ENVIRONMENT,
    Device,
    DeviceOption,
    EnvironmentOption,
    Format,
    FormatOption,
    MethodArgument,
    SeedOption,
    SizeOption,
    environment_defaults,
    n_samples_option,
)
from attributionlab.cli.output import (
    build_environments,
    build_methods,
    chatter_to_stderr,
    import_torch,
    one_line_errors,
    print_result,
    progress_bar,
)


def answers(
    method: MethodArgument,
    env: EnvironmentOption = DEFAULT_ENVIRONMENT,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="true|black|R,G,B",
            help="Color of an absent pixel; true is the background. May be repeated.",
            show_default="true and black",
        ),
    ] = None,
    size: SizeOption = None,
    n_samples: Annotated[int, n_samples_option("Images.")] = 4,
    n_orders: Annotated[int, typer.Option(help="Random orders for Shapley values without a closed form.")] = 400,
    seed: SeedOption = None,
    device: DeviceOption = Device.auto,
    format: FormatOption = Format.table,
) -> None:
    """Compare a method's maps with the exact values of every game; exit code 1 if it misses the game that it declares."""
    with one_line_errors():
        import_torch()
        from attributionlab.judging import answers as run_answers
        from attributionlab.reports.tables.answers import COLUMNS, answers_rows, answers_table

        (environment,) = build_environments([env], environment_defaults(size, seed))
        with chatter_to_stderr():
            (subject,) = build_methods([method], {})
        with chatter_to_stderr(), progress_bar("explaining", n_samples) as advance:
            result = run_answers(
                subject,
                environment,
                baselines=baseline or ["true", "black"],  # type: ignore[arg-type]  # texts, which are converted
                n_samples=n_samples,
                n_orders=n_orders,
                device=device.value,
                progress=advance,
            )
        print_result(result, format, answers_rows(result), COLUMNS, [answers_table(result)])
        if result.exit_code:
            raise SystemExit(result.exit_code)
