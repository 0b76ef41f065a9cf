"""`attributionlab reproduce`: the published numbers and ours, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.options import (
    Device,
    DeviceOption,
    OutputOption,
    SamCheckpointOption,
    SamModelOption,
    sam_defaults,
)
from attributionlab.cli.output import (
    INTERRUPTED_RUN,
    chatter_to_stderr,
    one_line_errors,
    print_table,
    progress_bar,
    say,
)


def reproduce(
    studies: Annotated[
        list[str] | None,
        typer.Argument(
            help="table1, table3, table4, table5, table6 (with table 2), section4, figure3, appendix-k, or all.",
            show_default="all",
        ),
    ] = None,
    output: OutputOption = ...,  # type: ignore[assignment]  # typer's mark of what must be given
    preset: Annotated[str, typer.Option(help="quick (64x64, minutes) or paper (224x224, 100 images).")] = "quick",
    size: Annotated[int | None, typer.Option(help="Side of the images in pixels.", show_default="preset")] = None,
    n_samples: Annotated[int | None, typer.Option(help="Images per environment.", show_default="preset")] = None,
    network_seeds: Annotated[
        int | None, typer.Option(help="Networks per environment, of consecutive seeds.", show_default="preset")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    sam_checkpoint: SamCheckpointOption = None,
    sam_model: SamModelOption = None,
    vgg16: Annotated[
        str | None,
        typer.Option(help="FILE.py:FUNCTION that returns your VGG16 and images, for section4 and appendix-k."),
    ] = None,
    vit: Annotated[str | None, typer.Option(help="The same for your ViT, for appendix-k.")] = None,
    device: DeviceOption = Device.auto,
) -> None:
    """Reproduce the paper's tables and claims; an interrupted run is resumed.

    The exit code is 0 when it could measure, whatever the outcome.
    """
    with one_line_errors(INTERRUPTED_RUN):
        from attributionlab.errors import bad_option
        from attributionlab.papers.catalog import find_studies
        from attributionlab.papers.presets import find_preset
        from attributionlab.papers.studies import StudySetting
        from attributionlab.specs.arguments import whole_number

        paper, names = find_studies(studies or [])
        if sam_checkpoint is None and sam_model is not None:
            raise bad_option("sam_model", "go with --sam-checkpoint", sam_model)
        networks = {name: address for name, address in (("vgg16", vgg16), ("vit", vit)) if address is not None}
        setting = StudySetting(
            folder=output,
            preset=find_preset(paper.presets, preset, size=size, n_samples=n_samples, n_network_seeds=network_seeds),
            workers=whole_number("workers", workers, 1),
            device=device.value,
            options={**sam_defaults(_weights(sam_checkpoint), sam_model), **networks},
            watch=progress_bar,
        )

        from attributionlab.papers.reports import summary_table
        from attributionlab.papers.running import reproduce as reproduce_paper
        from attributionlab.papers.running import write_report

        with chatter_to_stderr():
            report = reproduce_paper(paper, names, setting)
            paths = write_report(report, output)
        print_table(summary_table(report))
        for path in paths:
            say("report", str(path))


def _weights(checkpoint: Path | None) -> Path | None:
    """The file of SAM's weights; None if none is named."""
    if checkpoint is None:
        return None
    from attributionlab.methods.sam import weights_file

    return weights_file(str(checkpoint))
