"""`attributionlab reproduce`: the published numbers and ours, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attributionlab.cli.completion import starting_with
from attributionlab.cli.help import HelpfulCommand, write_rows
from attributionlab.cli.options import (
    Device,
    DeviceOption,
    n_samples_option,
    output_option,
)
from attributionlab.cli.output import (
    EXIT_FAILED,
    INTERRUPTED_RUN,
    chatter_to_stderr,
    one_line_errors,
    print_line,
    print_table,
    progress_bar,
    say,
)
from attributionlab.cli.run import AddressOption, Backend, BackendOption, SchedulerOption, check_addresses
from attributionlab.errors import bad_option, unknown_name

if TYPE_CHECKING:
    from attributionlab.papers.figure_catalog import PaperFigure
    from attributionlab.papers.paper import Paper


class PaperCommand(HelpfulCommand):
    """A command that passes on the options of papers, and shows them in its help."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.ignore_unknown_options = True

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the studies and the options of every paper below those of the command."""
        from attributionlab.papers.catalog import PAPERS, find_paper

        super().format_options(ctx, formatter)
        for paper in map(find_paper, PAPERS):
            aliases = {study: f" ({alias})" for alias, study in paper.aliases.items()}
            write_rows(
                formatter,
                f"Paper {paper.key}",
                [
                    ("STUDIES", ", ".join(f"{study}{aliases.get(study, '')}" for study in paper.studies)),
                    *((f"{_flag(name)} VALUE", text) for name, text in paper.options.items()),
                ],
            )


def study_names(incomplete: str) -> list[str]:
    """Names of studies and papers."""
    from attributionlab.papers.catalog import ALL, PAPERS, find_paper

    papers = [find_paper(name) for name in PAPERS]
    return starting_with([ALL, *(name for paper in papers for name in (paper.key, *paper.studies))], incomplete)


def require_studies(ctx: typer.Context, words: list[str] | None) -> list[str] | None:
    """A callback that checks studies, preset and options of papers when they are read, so that a typo is reported before a missing option.

    Options of the command that are present were read before.
    """
    if ctx.resilient_parsing:
        return words
    from attributionlab.papers.catalog import find_studies
    from attributionlab.papers.presets import require_preset

    with one_line_errors():
        if ctx.params.get("figures") is not None:
            choose(ctx, words or [], ctx.params["figures"])
            return words
        names, options = split_options(words or [])
        paper, _ = find_studies(names)
        require_options(paper, options, ctx.command.params)
        if "preset" in ctx.params:
            require_preset(paper.presets, ctx.params["preset"])
    return words


def split_options(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The names of studies, and the options of papers: `--name VALUE` or `--name=VALUE`.

    Raises:
        BadOption: If an option has no value, or is written with one dash.
    """
    names: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            names.append(word)
            continue
        flag, equals, value = word.partition("=")
        text = value if equals else next(rest, None)
        if text is None:
            raise bad_option("option", "be followed by its value", word)
        options[flag.lstrip("-").replace("-", "_")] = text
    return names, options


def require_options(paper: Paper, options: Iterable[str], parameters: Iterable[Any]) -> None:
    """Refuse options that neither the paper nor the command has.

    Raises:
        UnknownName: If there is one, with the closest names.
    """
    existing = [*map(_flag, paper.options), *(name for each in parameters for name in each.opts if name[0] == "-")]
    for name in options:
        if name not in paper.options:
            raise unknown_name("option", _flag(name), existing, listing="attributionlab reproduce --help")


def _flag(name: str) -> str:
    """An option of a paper as it is written on the command line."""
    return f"--{name.replace('_', '-')}"


STORED = ("preset", "size", "n_samples", "network_seeds", "backend", "scheduler", "address")
"""Parameters that have no meaning for figures of stored runs."""


def require_defaults(ctx: typer.Context) -> None:
    """Refuse parameters of measurements.

    Raises:
        BadOption: If there is one on the command line.
    """
    for name in STORED:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":  # typer brings its own copy of click, enumerations too
            raise bad_option(name, "be left out with --figures, which shows stored runs", ctx.params[name])


def choose(
    ctx: typer.Context, words: Sequence[str], figures: str
) -> tuple[Paper, dict[str, str], list[PaperFigure], bool]:
    """The paper, its options, the figures to draw, and whether these are all; the words may name the paper, or further figures.

    Raises:
        UnknownName: If there is no such paper, or it has no such option.
        BadOption: If the paper has no such figure.
    """
    from attributionlab.papers.catalog import PAPERS, find_paper
    from attributionlab.papers.figure_catalog import ALL, choose_figures

    names, options = split_options(words)
    numbers = [*figures.replace(",", " ").split(), *(name for name in names if name.isdigit())]
    paper = find_paper(next((name for name in names if not name.isdigit()), next(iter(PAPERS))))
    require_options(paper, options, ctx.command.params)
    return paper, options, list(choose_figures(paper, numbers)), ALL in numbers


def draw(ctx: typer.Context, words: Sequence[str], figures: str, output: Path, workers: int, device: Device) -> None:
    """Draw figures of a paper from stored runs, and print the files."""
    require_defaults(ctx)
    paper, options, chosen, is_all = choose(ctx, words, figures)

    from attributionlab.papers.figures import draw_figures, stored_preset
    from attributionlab.papers.studies import StudySetting

    setting = StudySetting(
        folder=output,
        preset=stored_preset(paper, output),
        workers=workers,
        device=device.value,
        options=options,
        watch=progress_bar,
    )
    with chatter_to_stderr():
        paths, entries = draw_figures(paper, chosen, setting)
    for entry in entries:
        if entry.error is not None:
            say("left out", f"figure {entry.figure.number}: {entry.error}")
    for path in paths:
        print_line(str(path))
    errors = [entry.error for entry in entries if entry.error is not None]
    if errors and not is_all:
        raise SystemExit(errors[0].exit_code)
    if not paths:
        raise SystemExit(EXIT_FAILED)


def reproduce(
    ctx: typer.Context,
    studies: Annotated[
        list[str] | None,
        typer.Argument(
            help="Studies (below), the name of a paper, or all.",
            show_default="all",
            autocompletion=study_names,
            callback=require_studies,
        ),
    ] = None,
    output: Annotated[Path, output_option("A new folder, or the folder of the same preset to resume it.")] = ...,  # type: ignore[assignment]  # typer's mark of what must be given
    preset: Annotated[
        str, typer.Option(metavar="PRESET", help="quick (minutes) or paper (as many images as the paper has).")
    ] = "quick",
    size: Annotated[int | None, typer.Option(help="Side of the images in pixels.", show_default="preset")] = None,
    n_samples: Annotated[int | None, n_samples_option("Images per environment.", show_default="preset")] = None,
    network_seeds: Annotated[
        int | None, typer.Option(help="Networks per environment, with consecutive seeds.", show_default="preset")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    backend: BackendOption = Backend.loky,
    scheduler: SchedulerOption = None,
    address: AddressOption = None,
    device: DeviceOption = Device.auto,
    figures: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS|all",
            help="Draw figures of the paper from the runs stored in OUTPUT, e.g. 2,7, into OUTPUT/figures; only the maps of two images are computed.",
        ),
    ] = None,
) -> None:
    """Reproduce the tables and claims of a paper; an interrupted run is resumed.

    The exit code is 0 if the studies could be measured, whatever the findings, and 1 if all jobs of a study failed or no figure could be drawn.
    A figure that cannot be drawn does not stop the others. If you named its number, the exit code is that of its error.
    """
    with one_line_errors(INTERRUPTED_RUN):
        if figures is not None:
            draw(ctx, studies or [], figures, output, workers, device)
            return
        from attributionlab.papers.catalog import find_studies
        from attributionlab.papers.presets import find_preset
        from attributionlab.papers.studies import StudySetting

        check_addresses(backend, scheduler, address)
        words, options = split_options(studies or [])
        paper, names = find_studies(words)
        from attributionlab.runs.executors import Executor  # torch; names are checked without it

        setting = StudySetting(
            folder=output,
            preset=find_preset(paper.presets, preset, size=size, n_samples=n_samples, n_network_seeds=network_seeds),
            workers=Executor(workers, backend.value, scheduler or address).workers,
            backend=backend.value,
            address=scheduler or address,
            device=device.value,
            options=options,
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
        if report.unmeasured_studies:
            say("could not measure", f"{', '.join(report.unmeasured_studies)}: all jobs failed")
            raise SystemExit(EXIT_FAILED)
