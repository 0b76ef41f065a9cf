"""`attributionlab check`: the verdict on one method."""

from __future__ import annotations

from typing import Annotated

import typer

from attributionlab.cli.completion import method_names
from attributionlab.cli.options import (
    Device,
    DeviceOption,
    Format,
    FormatOption,
    SamCheckpointOption,
    SamModelOption,
    SeedOption,
    SizeOption,
    environment_defaults,
    environment_specs,
    environments_option,
    n_samples_option,
    sam_defaults,
    truth_option,
)
from attributionlab.cli.output import (
    build_environments,
    build_methods,
    chatter_to_stderr,
    one_line_errors,
    print_verdict,
    progress_bar,
    require_names,
)


def check(
    method: Annotated[
        str,
        typer.Argument(
            help="A method, e.g. integrated-gradients, or a function: file.py:name or package.module:name.",
            autocompletion=method_names,
        ),
    ],
    env: Annotated[
        list[str] | None,
        environments_option("Environments, separated by commas, or repeated: the method must pass in all."),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the method; may be repeated.")
    ] = None,
    sam_checkpoint: SamCheckpointOption = None,
    sam_model: SamModelOption = None,
    size: SizeOption = None,
    n_samples: Annotated[int, n_samples_option("Images per environment.")] = 16,
    gamma: Annotated[float, typer.Option(help="Smallest mean F1 that passes.")] = 0.5,
    truth: Annotated[str, truth_option("Truth that decides; auto fits the method.")] = "auto",
    batch_size: Annotated[int, typer.Option(help="Images per call of the method.")] = 4,
    seed: SeedOption = None,
    device: DeviceOption = Device.auto,
    format: FormatOption = Format.table,
) -> None:
    """Test a method against the exact truth of designed networks; exit code 1 if it fails."""
    with one_line_errors():
        env_specs = environment_specs(env)
        require_names(environments=env_specs, methods=[method])
        from attributionlab.judging import check as run_check
        from attributionlab.specs.grammar import parse_options

        options: dict[str, object] = {**parse_options(",".join(option or []))}
        with chatter_to_stderr():
            (subject,) = build_methods([method], sam_defaults(sam_checkpoint, sam_model), options)
        environments = build_environments(env_specs, environment_defaults(size, seed))
        with chatter_to_stderr(), progress_bar(subject.spec, n_samples * len(environments)) as advance:
            verdict = run_check(
                subject,
                environments,
                n_samples=n_samples,
                gamma=gamma,
                truth=truth,
                batch_size=batch_size,
                device=device.value,
                progress=advance,
            )
        print_verdict(verdict, format.value)
