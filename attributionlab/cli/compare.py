"""`attributionlab compare`: is one method, or one revision of it, at least as good as another?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from attributionlab.cli.completion import method_names
from attributionlab.cli.options import (
    DEFAULT_ENVIRONMENT,
    Device,
    DeviceOption,
    EnvironmentOption,
    ForceOption,
    Format,
    FormatOption,
    SeedOption,
    SizeOption,
    environment_defaults,
    n_samples_option,
    output_option,
    refused_early,
    require_method,
    truth_option,
)
from attributionlab.cli.output import (
    build_environments,
    build_methods,
    chatter_to_stderr,
    import_torch,
    one_line_errors,
    print_line,
    print_result,
    progress_bar,
)


def _method_argument(metavar: str, text: str) -> Any:
    """One of the two methods."""
    return typer.Argument(
        metavar=metavar,
        help=f"{text}: a name, a spec, or a function: file.py:name.",
        autocompletion=method_names,
        callback=refused_early(require_method),
    )


def compare(
    first: Annotated[str, _method_argument("METHOD", "The first method")],
    second: Annotated[str, _method_argument("OTHER", "The method to compare it with")],
    env: EnvironmentOption = DEFAULT_ENVIRONMENT,
    size: SizeOption = None,
    n_samples: Annotated[
        str, n_samples_option("Images, at least 4; auto adds images until the verdict is decided.", metavar="N|auto")
    ] = "auto",
    truth: Annotated[str, truth_option("Truth to compare on; auto fits both methods.")] = "auto",
    max_seconds: Annotated[float, typer.Option(help="Seconds after which no more images are added.")] = 120,
    output: Annotated[
        Path | None, output_option("Picture (PNG, SVG or PDF) of the images on which they differ most.")
    ] = None,
    seed: SeedOption = None,
    device: DeviceOption = Device.auto,
    force: ForceOption = False,
    format: FormatOption = Format.table,
) -> None:
    """Compare two methods on the same images; exit code 0: better or equal, 1: worse, 4: undecided."""
    with one_line_errors():
        import_torch()
        from attributionlab.judging import compare as run_compare
        from attributionlab.reports.figures.saving import check_path
        from attributionlab.reports.tables.comparisons import COLUMNS, comparison_rows, comparison_table
        from attributionlab.specs.options import convert

        if output is not None:
            check_path(output, force=force)
        (environment,) = build_environments([env], environment_defaults(size, seed))
        samples: Any = convert("n_samples", n_samples, int | Literal["auto"])
        with chatter_to_stderr():
            subject, other = build_methods([first, second], {})
        with chatter_to_stderr(), progress_bar("explaining", None) as advance:
            result = run_compare(
                subject,
                other,
                environment,
                n_samples=samples,
                truth=truth,
                max_seconds=max_seconds,
                device=device.value,
                progress=advance,
            )
        if output is not None and result.batch is not None:
            _draw(result, environment, output, force=force)
        print_result(result, format, comparison_rows(result), COLUMNS, [comparison_table(result)])
        if format is Format.table and output is not None and result.batch is not None:
            print_line(f"wrote {output}")
        if result.exit_code:
            raise SystemExit(result.exit_code)


def _draw(result: Any, environment: Any, output: Path, *, force: bool) -> None:
    """Draw the images on which the methods differ most, with both maps."""
    from attributionlab.reports.answers import answers_of
    from attributionlab.reports.figures.maps import attribution_figure
    from attributionlab.reports.figures.saving import save_figure

    names = {"first": result.first, "second": result.second}
    if result.first == result.second:
        names["second"] += " (second)"
    maps = {names[name]: maps for name, maps in result.maps.items()}
    judged = {names[name]: truth for name, truth in result.judged.items()}
    captions = dict.fromkeys(maps, result.truth)
    scenes = [scene.index for scene in result.most_different]
    answers = answers_of(environment, result.batch, scenes) if environment.has_logits else ()
    title = (
        f"{result.environment}: images on which the methods differ most, each under its own network\n"
        f"mean difference of F1 on {result.truth} truth over {result.n_samples} images: {result.difference:+.3f}, "
        f"95 % interval {result.low:+.3f} to {result.high:+.3f}"
    )
    figure = attribution_figure(result.batch, maps, title=title, captions=captions, judged=judged, answers=answers)
    save_figure(figure, output, force=force)
