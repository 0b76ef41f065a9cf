"""`attributionlab quiz`: the user study as a page for classes, and the analysis of its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from attributionlab.cli.completion import in_list, method_names
from attributionlab.cli.options import (
    ForceOption,
    Format,
    FormatOption,
    SeedOption,
    n_samples_option,
    output_option,
    refused_early,
    require_methods,
)
from attributionlab.cli.output import (
    chatter_to_stderr,
    one_line_errors,
    print_line,
    print_result,
    progress_bar,
)


def quiz(
    files: Annotated[list[Path] | None, typer.Argument(help="CSV files of participants, for --analyze.")] = None,
    analyze: Annotated[bool, typer.Option("--analyze", help="Analyze the answers in FILES.")] = False,
    output: Annotated[
        Path | None, output_option("The page (.html); with --analyze the box plots (PNG, SVG or PDF).")
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="METHODS",
            help="Methods whose maps are shown, separated by commas.",
            show_default="gradient, input-x-gradient, integrated-gradients",
            autocompletion=in_list(method_names),
            callback=refused_early(require_methods),
        ),
    ] = None,
    n_samples: Annotated[int | None, n_samples_option("Images of each question, at most 12.", show_default="4")] = None,
    size: Annotated[int | None, typer.Option(help="Side of the images in pixels, 16 to 64.", show_default="32")] = None,
    seed: SeedOption = None,
    force: ForceOption = False,
    format: FormatOption = Format.table,
) -> None:
    """Write a quiz in which a class judges from maps whether models are fit for use; analyze its answers."""
    with one_line_errors():
        from attributionlab.errors import bad_option

        options = {"methods": methods, "n_samples": n_samples, "size": size, "seed": seed}
        options = {name: value for name, value in options.items() if value is not None}
        if analyze:
            for name, value in options.items():
                raise bad_option(name, "go without --analyze", value)
            _analyze(files or [], output, format, force=force)
            return
        if files:
            raise bad_option("files", "go with --analyze", str(files[0]))
        if format is not Format.table:
            raise bad_option("format", "go with --analyze", format.value)
        if output is None or output.suffix.lower() != ".html":
            raise bad_option(
                "output", "be a file that ends in .html", None if output is None else str(output), "write -o quiz.html"
            )
        _write(output, options, force=force)


def _write(output: Path, options: dict[str, Any], *, force: bool) -> None:
    """Write the page with the options that are not the default."""
    from attributionlab.files import whole_file
    from attributionlab.reports.marks import check_replaceable
    from attributionlab.specs.grammar import split_specs

    if "methods" in options:
        options["methods"] = split_specs(options["methods"])
    check_replaceable(output, force=force)
    from attributionlab.live.quiz import quiz_page
    from attributionlab.live.quiz_content import MODELS, QuizSetting

    setting = QuizSetting(**options)
    with chatter_to_stderr(), progress_bar("explaining", len(MODELS)) as advance:
        page = quiz_page(setting, advance)
    with whole_file(output) as file:
        file.write(page.encode())
    print_line(f"wrote {output}: open it in a browser; answers stay there until a participant saves them as CSV")


def _analyze(files: list[Path], output: Path | None, form: str, *, force: bool) -> None:
    """Print the statistics and draw the box plots."""
    from attributionlab.errors import bad_option
    from attributionlab.live.quiz_analysis import analyze_answers
    from attributionlab.live.quiz_answers import read_answers
    from attributionlab.live.quiz_results import COLUMNS, quiz_figure, quiz_rows, quiz_table
    from attributionlab.reports.figures.saving import check_path, save_figure

    if not files:
        raise bad_option("files", "be the CSV files of at least one participant", [])
    if output is not None:
        check_path(output, force=force)
    report = analyze_answers(read_answers(files))
    if output is not None:
        save_figure(quiz_figure(report), output, force=force)
    print_result(report, form, quiz_rows(report), COLUMNS, [quiz_table(report)])
    if form is Format.table and output is not None:
        print_line(f"wrote {output}")
