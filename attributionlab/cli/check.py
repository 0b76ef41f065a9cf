"""`attributionlab check`: the verdict on one method."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from attributionlab.cli.options import (
    DEFAULT_ENVIRONMENT,
    BenchmarkOption,
    Device,
    DeviceOption,
    Format,
    FormatOption,
    MethodArgument,
    Rule,
    RuleOption,
    SamCheckpointOption,
    SamModelOption,
    SeedOption,
    SizeOption,
    environment_defaults,
    environment_specs,
    environments_option,
    n_samples_option,
    require_left_out,
    sam_defaults,
    truth_option,
)
from attributionlab.cli.output import (
    build_environments,
    build_methods,
    chatter_to_stderr,
    import_torch,
    one_line_errors,
    print_verdict,
    progress_bar,
)


def check(
    method: MethodArgument,
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
    n_samples: Annotated[
        str,
        n_samples_option(
            "Images per environment, at least 4; auto adds images until the verdict is decided.", metavar="N|auto"
        ),
    ] = "auto",
    gamma: Annotated[float, typer.Option(help="Mean F1 that must be reached.")] = 0.5,
    truth: Annotated[str, truth_option("Truth that decides; auto fits the method.")] = "auto",
    rule: RuleOption = Rule.interval,
    network_seed: Annotated[
        int | None, typer.Option(help="Explain all images under the network with this seed.", show_default="one each")
    ] = None,
    max_seconds: Annotated[
        float, typer.Option(help="Seconds per environment after which no more images are added.")
    ] = 120,
    batch_size: Annotated[int, typer.Option(help="Images per call of the method.")] = 4,
    seed: SeedOption = None,
    device: DeviceOption = Device.auto,
    benchmark: BenchmarkOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Test a method against the exact truth of designed networks; exit code 1 if it fails, 4 if it is undecided."""
    with one_line_errors():
        env_specs = environment_specs(env)
        import_torch()
        from attributionlab.judging import check as run_check
        from attributionlab.specs.grammar import parse_options
        from attributionlab.specs.options import convert

        options: dict[str, object] = {**parse_options(",".join(option or []))}
        with chatter_to_stderr():
            (subject,) = build_methods([method], sam_defaults(sam_checkpoint, sam_model), options)
        environments = None
        if benchmark is None:
            environments = build_environments(env_specs, environment_defaults(size, seed))
        else:
            require_left_out(env=env, size=size, seed=seed, network_seed=network_seed)
        if environments and network_seed is not None:
            environments = [environment.changed(network_seed=network_seed) for environment in environments]
        samples: Any = convert("n_samples", n_samples, int | Literal["auto"])
        with chatter_to_stderr(), progress_bar(subject.spec, None) as advance:
            verdict = run_check(
                subject,
                environments or DEFAULT_ENVIRONMENT,
                n_samples=samples,
                gamma=gamma,
                truth=truth,
                rule=rule.value,
                one_network=network_seed is not None,
                max_seconds=max_seconds,
                batch_size=batch_size,
                device=device.value,
                benchmark=benchmark,
                progress=advance,
            )
        print_verdict(verdict, format.value)
