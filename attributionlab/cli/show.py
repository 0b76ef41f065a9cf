"""`attributionlab show`: a picture of images, truth and maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.options import (
    Device,
    DeviceOption,
    EnvironmentArgument,
    ForceOption,
    SamCheckpointOption,
    SamModelOption,
    SeedOption,
    SizeOption,
    environment_defaults,
    methods_option,
    n_samples_option,
    output_option,
    sam_defaults,
)
from attributionlab.cli.output import (
    EXIT_FAILED,
    build_environments,
    build_methods,
    chatter_to_stderr,
    import_torch,
    one_line_errors,
    print_line,
    progress_bar,
)


def show(
    spec: EnvironmentArgument,
    output: Annotated[Path, output_option("The picture to write: .png, .svg or .pdf.")],
    methods: Annotated[str, methods_option("Methods, separated by commas: 'gradient, occlusion[baseline=true]'.")] = "",
    n_samples: Annotated[int, n_samples_option("Images, one row each.")] = 3,
    start: Annotated[int, typer.Option(help="Index of the first sample.")] = 0,
    sam_checkpoint: SamCheckpointOption = None,
    sam_model: SamModelOption = None,
    size: SizeOption = None,
    seed: SeedOption = None,
    device: DeviceOption = Device.auto,
    force: ForceOption = False,
) -> None:
    """Draw images, their exact truth and the maps of methods side by side (PNG, SVG or PDF)."""
    with one_line_errors():
        from attributionlab.specs.grammar import split_specs

        import_torch()
        from attributionlab.measuring.galleries import gallery
        from attributionlab.methods import make_method
        from attributionlab.reports.answers import answers_of
        from attributionlab.reports.figures.maps import attribution_figure
        from attributionlab.reports.figures.saving import check_path, save_figure

        check_path(output, force=force)
        (environment,) = build_environments([spec], environment_defaults(size, seed))
        with chatter_to_stderr():
            named = build_methods(split_specs(methods), sam_defaults(sam_checkpoint, sam_model))
            chosen = [make_method(method, environment) for method in named]
        with chatter_to_stderr(), progress_bar("explaining", len(chosen)) as advance:
            drawn = gallery(
                environment, chosen, n_samples=n_samples, start=start, device=device.value, progress=advance
            )
        figure = attribution_figure(
            drawn.batch,
            {**drawn.maps, **drawn.failures},
            title=drawn.environment,
            captions=drawn.truths,
            judged=drawn.judged,
            answers=answers_of(environment, drawn.batch, start),
        )
        save_figure(figure, output, force=force)
        print_line(f"wrote {output}")
        for message in drawn.failures.values():
            print_line(message)
    if drawn.failures:
        raise typer.Exit(EXIT_FAILED)
