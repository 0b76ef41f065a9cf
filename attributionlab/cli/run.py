"""`attributionlab run`: do the jobs of a plan, and resume an interrupted run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attributionlab.cli.options import Device, DeviceOption, output_option, refused_early
from attributionlab.cli.output import (
    EXIT_FAILED,
    INTERRUPTED_RUN,
    chatter_to_stderr,
    import_torch,
    one_line_errors,
    print_json,
    print_line,
    print_table,
    say,
    stderr,
)
from attributionlab.runs.plan_path import require_plan

if TYPE_CHECKING:
    from attributionlab.runs import Record, RunOutcome


class Backend(StrEnum):
    """Engine that does the jobs."""

    loky = "loky"
    dask = "dask"
    ray = "ray"


BackendOption = Annotated[Backend, typer.Option(help="loky is this machine; dask and ray are clusters.")]
SchedulerOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Address of the Dask scheduler, like tcp://host:8786.")
]
AddressOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Address of the Ray cluster, like host:6379 or auto.")
]


class RunFormat(StrEnum):
    """Output format of the outcome."""

    table = "table"
    json = "json"


def run(
    plan: Annotated[
        str,
        typer.Argument(
            help="A TOML file, or file.py:function that returns a Plan.", callback=refused_early(require_plan)
        ),
    ],
    output: Annotated[Path, output_option("A new folder, or the folder of the same plan to resume it.")],
    workers: Annotated[int, typer.Option(help="Processes; 1 is this one.")] = 1,
    backend: BackendOption = Backend.loky,
    scheduler: SchedulerOption = None,
    address: AddressOption = None,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time limit of a job; not on Dask.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Repeat jobs that failed.")] = False,
    device: DeviceOption = Device.auto,
    format: Annotated[RunFormat, typer.Option(help="How to print the outcome.")] = RunFormat.table,
) -> None:
    """Measure all jobs of a plan that have no record yet; exit code 1 if some failed."""
    with one_line_errors(INTERRUPTED_RUN):
        import_torch()
        from attributionlab.reports.tables.run_rows import run_table
        from attributionlab.reports.tables.run_tables import to_rich
        from attributionlab.runs import load_records, read_plan, run_plan

        check_addresses(backend, scheduler, address)
        with chatter_to_stderr():
            checked = read_plan(plan)
        with chatter_to_stderr(), _jobs_bar(checked.name, checked.n_jobs) as (advance, watch):
            outcome = run_plan(
                checked,
                output,
                workers=workers,
                backend=backend.value,
                address=scheduler or address,
                device=device.value,
                timeout=timeout,
                retry_failed=retry_failed,
                progress=advance,
                watch=watch,
            )
        for line in outcome.damaged:
            say("warning", f"{line}; its job was repeated; damaged.jsonl keeps the line")
        if format is RunFormat.json:
            print_json(outcome.to_dict())
        else:
            print_table(to_rich(run_table(load_records(output))))
            print_line(_outcome_text(outcome))
        if outcome.n_failed:
            raise SystemExit(EXIT_FAILED)


def check_addresses(backend: Backend, scheduler: str | None, address: str | None) -> None:
    """Refuse an address of another engine.

    Raises:
        BadOption: If the address belongs to another engine.
    """
    from attributionlab.errors import bad_option

    addresses = {"scheduler": (scheduler, Backend.dask), "address": (address, Backend.ray)}
    for name, (value, owner) in addresses.items():
        if value is not None and backend is not owner:
            raise bad_option(name, f"go with --backend {owner.value}", value)


_LOOK = "Look at it: attributionlab report {} -o report.html"


def _outcome_text(outcome: RunOutcome) -> str:
    """Sentence about the outcome, and the command that shows the results."""
    if outcome.n_run == 0 and not outcome.n_failed:
        return f"All {outcome.n_jobs:,} jobs were done before. {_LOOK.format(outcome.folder)}"
    before = f", {outcome.n_before:,} were done before" if outcome.n_before else ""
    failed = f"; {outcome.n_failed:,} failed (--retry-failed does them again)" if outcome.n_failed else ""
    jobs_done = f"{outcome.n_run:,} of {outcome.n_jobs:,} jobs done in {outcome.seconds:.1f} s{before}{failed}"
    return f"{jobs_done}. {_LOOK.format(outcome.folder)}"


@contextmanager
def _jobs_bar(title: str, n_jobs: int) -> Iterator[tuple[Callable[[int], None], Callable[[Record], None]]]:
    """Jobs done, rate, time left and the last result; silent in a pipe."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from attributionlab.reports.tables.cells import escape

    console = stderr()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(escape(title), total=n_jobs, rate="", last="")

        def advance(n: int) -> None:
            progress.advance(task, n)
            speed = progress.tasks[0].speed
            progress.update(task, rate="" if speed is None else f"{speed:.1f}/s")

        yield advance, lambda record: progress.update(task, last=escape(_last(record)))


def _last(record: Record) -> str:
    """A record in a few words."""
    if record.error is not None:
        return f"{record.method}: {record.error.type}"
    name = next((score_name for score_name in ("overall.f1", "score") if score_name in record.scores), None)
    values = [value for value in record.scores.get(name or "", []) if value is not None]
    mean = f" {sum(values) / len(values):.2f}" if values else ""
    return f"{record.method} {'F1' if name == 'overall.f1' else record.measure}{mean}"
