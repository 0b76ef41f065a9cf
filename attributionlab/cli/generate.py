"""`attributionlab generate`: write images and their exact truth to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.options import (
    EnvironmentArgument,
    SeedOption,
    SizeOption,
    TargetOption,
    environment_defaults,
    n_samples_option,
    output_option,
    parse_target,
)
from attributionlab.cli.output import (
    build_environments,
    import_torch,
    one_line_errors,
    print_line,
    progress_bar,
)


def generate(
    spec: EnvironmentArgument,
    output: Annotated[Path, output_option("The folder to write.")],
    n_samples: Annotated[int, n_samples_option("Images.")] = 32,
    start: Annotated[int, typer.Option(help="Index of the first sample.")] = 0,
    size: SizeOption = None,
    seed: SeedOption = None,
    target: TargetOption = "winner",
    counterparts: Annotated[
        bool, typer.Option("--counterparts", help="Also write a second network for every image, to test blindness.")
    ] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="Also write the network as ONNX (extra onnx).")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a folder that this command wrote earlier.")] = False,
) -> None:
    """Write PNG images, masks, truth.npz, the network, a preview and manifest.json. Interrupted, it leaves nothing."""
    with one_line_errors():
        import_torch()
        from attributionlab.exchange.dataset import generate as run_generate

        (environment,) = build_environments([spec], environment_defaults(size, seed))
        with progress_bar("writing", n_samples) as advance:
            run_generate(
                environment,
                output,
                n_samples=n_samples,
                start=start,
                target=parse_target(target),
                force=force,
                onnx=onnx,
                counterparts=counterparts,
                progress=advance,
            )
        print_line(f"wrote {n_samples} images of {environment.spec} to {output}: see {output / 'preview.png'}")
