"""`attributionlab audit`: do perturbation metrics rank methods as the truth does?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.options import (
    Device,
    DeviceOption,
    ForceOption,
    Format,
    FormatOption,
    MetricsOption,
    SamCheckpointOption,
    SamModelOption,
    SeedOption,
    SizeOption,
    TargetOption,
    environment_defaults,
    environment_specs,
    environments_option,
    methods_option,
    n_samples_option,
    output_option,
    parse_target,
    refused_early,
    require_methods,
    sam_defaults,
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
    say,
)

DEFAULT_METHODS = (
    "gradient,input-x-gradient,integrated-gradients,guided-backprop,deeplift,gradcam,occlusion,random,constant"
)


def audit(
    env: Annotated[list[str] | None, environments_option("Environments, separated by commas, or repeated.")] = None,
    methods: Annotated[str, methods_option("Methods, separated by commas.")] = DEFAULT_METHODS,
    metrics: MetricsOption = "insertion,deletion,sensitivity-n",
    references: Annotated[
        str,
        typer.Option(
            metavar="METHODS",
            help="Maps made from the truth, scored but left out of the correlations.",
            callback=refused_early(lambda text: None if text == "auto" else require_methods(text)),
        ),
    ] = "auto",
    truth: Annotated[str, truth_option("Truth that F1 is computed against.", ("overall", "positive"))] = "auto",
    sam_checkpoint: SamCheckpointOption = None,
    sam_model: SamModelOption = None,
    size: SizeOption = None,
    n_samples: Annotated[int, n_samples_option("Images per environment.")] = 16,
    target: TargetOption = "winner",
    network_seeds: Annotated[int, typer.Option(help="Networks per environment, with consecutive seeds.")] = 1,
    paired: Annotated[
        bool, typer.Option("--paired", help="Also audit each environment without its redundant channels, and compare.")
    ] = False,
    output: Annotated[
        Path | None, output_option("Also draw curves and ranks into this file: .png, .svg or .pdf.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images per call of a method.")] = 4,
    max_memory: Annotated[
        str, typer.Option(metavar="BYTES", help="Memory for exact metrics, like 500MB or 2GB.")
    ] = "2GB",
    seed: SeedOption = None,
    device: DeviceOption = Device.auto,
    format: FormatOption = Format.table,
    force: ForceOption = False,
) -> None:
    """Compare the ranks that perturbation metrics give methods with their ranks by the exact truth."""
    with one_line_errors():
        from attributionlab.specs.grammar import split_specs

        env_specs = environment_specs(env)
        is_auto = references == "auto"
        beside = [] if is_auto else split_specs(references)
        import_torch()
        from attributionlab.errors import bad_option
        from attributionlab.judging import audit as run_audit
        from attributionlab.judging import expand
        from attributionlab.reports.figures.audit import audit_figure
        from attributionlab.reports.figures.saving import check_path, save_figure
        from attributionlab.reports.tables.audit import CSV_COLUMNS, audit_rows, audit_tables
        from attributionlab.specs.arguments import parse_bytes

        for name, specs, least in (("methods", methods, 2), ("metrics", metrics, 1)):
            if len(split_specs(specs)) < least:
                raise bad_option(name, f"name at least {least}", specs)
        measured, memory = split_specs(metrics), parse_bytes("max_memory", max_memory)
        if output is not None:
            check_path(output, force=force)
        with chatter_to_stderr():
            named = build_methods(split_specs(methods), sam_defaults(sam_checkpoint, sam_model))
            named_beside = build_methods(beside, {})
        environments = build_environments(env_specs, environment_defaults(size, seed))
        n_environments = len(expand(environments, network_seeds=network_seeds, paired=paired))
        n_rows = len(named) + (2 if is_auto else sum(reference not in named for reference in named_beside))
        with chatter_to_stderr(), progress_bar("audit", n_rows * n_environments * n_samples) as advance:
            report = run_audit(
                named,
                measured,
                environments,
                references="auto" if is_auto else named_beside,
                n_samples=n_samples,
                truth=truth,
                target=parse_target(target),
                network_seeds=network_seeds,
                paired=paired,
                batch_size=batch_size,
                max_memory=memory,
                device=device.value,
                seed=seed or 0,
                progress=advance,
            )
        if output is not None:
            save_figure(audit_figure(report), output, force=force)
            say("figure", str(output))
        print_result(report, format, audit_rows(report), CSV_COLUMNS, audit_tables(report))
