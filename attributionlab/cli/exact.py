"""`attributionlab exact`: the exact value of every pixel, as numbers or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.completion import starting_with
from attributionlab.cli.options import (
    EnvironmentArgument,
    ForceOption,
    SeedOption,
    SizeOption,
    environment_defaults,
    n_samples_option,
    output_option,
    refused_early,
)
from attributionlab.cli.output import (
    build_environments,
    import_torch,
    one_line_errors,
    print_line,
    progress_bar,
)
from attributionlab.specs.arguments import require_choice
from attributionlab.truth.kinds import GAMES

INTERRUPTED_ESTIMATE = (
    "interrupted; the checkpoint keeps all orders but those of the last seconds; run the same command again to continue"
)


def exact(
    spec: EnvironmentArgument,
    output: Annotated[Path, output_option("Numbers (.npz) or a picture (.png, .svg or .pdf).")],
    game: Annotated[
        str,
        typer.Option(
            metavar="|".join(GAMES),
            help="Leave each pixel out, show it alone, average over all orders, or integrate along a path.",
            autocompletion=lambda incomplete: starting_with(GAMES, incomplete),
            callback=refused_early(lambda text: require_choice("game", text, GAMES)),
        ),
    ] = "shapley",
    baseline: Annotated[
        str, typer.Option(metavar="true|black|R,G,B", help="Color of an absent pixel; true is the background.")
    ] = "true",
    n_samples: Annotated[int, n_samples_option("Images.")] = 3,
    start: Annotated[int, typer.Option(help="Index of the first sample.")] = 0,
    n_orders: Annotated[
        int | None,
        typer.Option(help="Random orders for Shapley values, which are then estimated.", show_default="as needed"),
    ] = None,
    target_error: Annotated[
        float | None, typer.Option(help="Largest standard error relative to the largest value.", show_default="none")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="File (.npz) that keeps random orders, to go on after an interruption.", show_default="none"),
    ] = None,
    size: SizeOption = None,
    seed: SeedOption = None,
    force: ForceOption = False,
) -> None:
    """Compute how much every pixel contributes to the output, exactly; or from random orders, with standard errors."""
    with one_line_errors("interrupted" if checkpoint is None else INTERRUPTED_ESTIMATE):
        import_torch()
        from attributionlab.errors import bad_option
        from attributionlab.exchange.values_file import ENDING, write_values
        from attributionlab.games import exact_values
        from attributionlab.games.permutations import Sampling
        from attributionlab.reports.answers import answers_of
        from attributionlab.reports.figures.maps import attribution_figure
        from attributionlab.reports.figures.saving import FORMATS, save_figure
        from attributionlab.reports.marks import check_replaceable

        if output.suffix.lower() not in (ENDING, *FORMATS):
            raise bad_option("output", f"end in {', '.join((ENDING, *FORMATS[:-1]))} or {FORMATS[-1]}", str(output))
        check_replaceable(output, force=force)
        (environment,) = build_environments([spec], environment_defaults(size, seed))
        batch = environment.sample(n_samples, start)
        sampling = Sampling.checked(n_orders, target_error, seed or 0)
        with progress_bar("orders", len(batch) * sampling.n_orders) as advance:
            exact = exact_values(
                environment,
                batch,
                game,
                baseline,  # type: ignore[arg-type]  # a text, which is converted
                n_orders=n_orders,
                target_error=target_error,
                seed=seed or 0,
                checkpoint=checkpoint,
                progress=advance,
            )
        if output.suffix.lower() == ENDING:
            write_values(output, batch, exact, force=force)
        else:
            name = f"{exact.game}@{exact.baseline}"
            answers = answers_of(environment, batch, start)
            figure = attribution_figure(
                batch, {name: exact.values}, title=environment.spec, captions={}, answers=answers
            )
            save_figure(figure, output, force=force)
        print_line(f"wrote {output}: {exact!r}")
