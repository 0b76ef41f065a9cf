"""`attributionlab debug`: which bugs does a method reveal?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.completion import bug_names, in_list
from attributionlab.cli.options import (
    Device,
    DeviceOption,
    ForceOption,
    Format,
    FormatOption,
    MethodArgument,
    SeedOption,
    n_samples_option,
    output_option,
    refused_early,
)
from attributionlab.cli.output import (
    build_methods,
    chatter_to_stderr,
    import_torch,
    one_line_errors,
    print_line,
    print_result,
    progress_bar,
)


def require_bug_list(texts: list[str]) -> list[str]:
    """The specs of bugs of `--bug`.

    Raises:
        UnknownName: If a bug does not exist.
        BadOption: If a text is not a list of specs.
    """
    from attributionlab.judging.bug_cases import require_bugs
    from attributionlab.specs.grammar import split_specs

    return require_bugs([spec for text in texts for spec in split_specs(text) or [text]])


def debug(
    method: MethodArgument,
    bug: Annotated[
        list[str] | None,
        typer.Option(
            "--bug",
            metavar="BUGS",
            help="Bugs, separated by commas, or repeated: mislabeled, 'cascade[layer=block1]'.",
            show_default="all",
            autocompletion=in_list(bug_names),
            callback=refused_early(require_bug_list),
        ),
    ] = None,
    n_samples: Annotated[int, n_samples_option("Images for each bug, at least 2.")] = 8,
    gamma: Annotated[
        float, typer.Option(help="A bug is revealed if the map follows more than this share of the truth's change.")
    ] = 0.5,
    size: Annotated[int, typer.Option(help="Side of the images in pixels.")] = 32,
    output: Annotated[
        Path | None, output_option("Picture (PNG, SVG or PDF) of the first image with and without each bug.")
    ] = None,
    seed: SeedOption = None,
    device: DeviceOption = Device.auto,
    force: ForceOption = False,
    format: FormatOption = Format.table,
) -> None:
    """Say which bugs in data, network and inputs a method reveals; exit code 0: all, 1: not all, 4: undecided."""
    with one_line_errors():
        bugs = None if bug is None else require_bug_list(bug)
        import_torch()
        from attributionlab.judging import debug as run_debug
        from attributionlab.judging.bug_cases import bug_cases
        from attributionlab.reports.figures.debugging import debug_figure
        from attributionlab.reports.figures.saving import check_path, save_figure
        from attributionlab.reports.tables.debugging import COLUMNS, debug_rows, debug_table

        if output is not None:
            check_path(output, force=force)
        with chatter_to_stderr():
            (subject,) = build_methods([method], {})
        n_cases = len(bug_cases(bugs, size=size, seed=seed or 0))
        with chatter_to_stderr(), progress_bar(subject.spec, n_cases * n_samples) as advance:
            report = run_debug(
                subject,
                bugs,
                n_samples=n_samples,
                gamma=gamma,
                size=size,
                seed=seed or 0,
                device=device.value,
                progress=advance,
            )
        if output is not None:
            save_figure(debug_figure(report), output, force=force)
        print_result(report, format, debug_rows(report), COLUMNS, [debug_table(report)])
        if format is Format.table and output is not None:
            print_line(f"wrote {output}")
        if report.exit_code:
            raise SystemExit(report.exit_code)
