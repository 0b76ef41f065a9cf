"""Printing: results to stdout, progress and errors to stderr, one line per error, exit codes by kind."""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from attributionlab.cli.termination import termination_raises
from attributionlab.errors import AttributionLabError, BadPlan
from attributionlab.machine import is_out_of_memory
from attributionlab.printable import LONGEST_MESSAGE, error_text, one_line, printable, value_text
from attributionlab.reports.tables.cells import escape

if TYPE_CHECKING:
    from attributionlab.environments import Environment
    from attributionlab.judging import Verdict
    from attributionlab.methods import AnyMethod


class JsonResult(Protocol):
    """A result that JSON can hold."""

    def to_dict(self) -> Any:
        """The result as JSON."""


INTERRUPTED_RUN = "interrupted; the recorded results are kept; run the same command again to continue"

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_MACHINE = 3
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

MOST_PROBLEMS = 50
"""Largest number of problems of a plan that are printed."""

PIPE_WIDTH = 140
"""Width of a table that is not printed to a terminal, in characters, so that nothing is cut off."""


class _Console(Console):
    """A console that goes on where nobody reads; rich's own would end the program as if a check had failed."""

    def on_broken_pipe(self) -> None:
        """Discard the rest."""
        discard_output()


def harden_streams() -> None:
    """Make stdout and stderr take any text, and exist: a shell can close them (`>&-`)."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # as long as the program
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # as long as the program
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Discard what stdout holds and gets from now on; otherwise Python would try to write it again when it exits."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def stdout(pipe_width: int = PIPE_WIDTH) -> Console:
    """The console for results."""
    return _Console(width=None if sys.stdout.isatty() else pipe_width, highlight=False, emoji=False)


def stderr() -> Console:
    """The console for progress and errors."""
    return _Console(stderr=True, highlight=False, emoji=False)


def print_table(table: RenderableType, *, pipe_width: int = PIPE_WIDTH) -> None:
    """Print a table for people, at most `pipe_width` characters wide where stdout is not a terminal."""
    stdout(pipe_width).print(table)


def print_line(text: str) -> None:
    """Print a line, whatever the text holds."""
    stdout().print(printable(text), markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    r"""Print a value as JSON in printable ASCII; NaN has no place in it."""
    print_text(json.dumps(value, indent=2, allow_nan=False).replace("\x7f", r"\u007f") + "\n")


def print_result(
    result: JsonResult,
    form: str,
    rows: Iterable[Mapping[str, object]],
    columns: Sequence[str],
    tables: Iterable[RenderableType],
) -> None:
    """Print a result as JSON, as CSV or, for people, as tables.

    Args:
        result: The result.
        form: `table`, `json` or `csv`.
        rows: Rows of the CSV.
        columns: Its columns.
        tables: The tables for people.
    """
    from attributionlab.reports.tables.cells import to_csv

    if form == "json":
        print_json(result.to_dict())
    elif form == "csv":
        print_text(to_csv(rows, columns))
    else:
        for table in tables:
            print_table(table)


def print_verdict(verdict: Verdict, form: str) -> None:
    """Print a verdict as a table, JSON or CSV, and leave with the exit code of a failed check where it failed."""
    from attributionlab.reports.tables.verdicts import CSV_COLUMNS, verdict_rows, verdict_table

    print_result(verdict, form, verdict_rows(verdict), CSV_COLUMNS, [verdict_table(verdict)])
    if not verdict.passed:
        raise SystemExit(verdict.exit_code)


def print_text(text: str) -> None:
    """Print text as it is; a reader that has gone, as in `| head -1`, is no error."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        discard_output()


@contextmanager
def one_line_errors(interrupted: str = "interrupted") -> Iterator[None]:
    """Turn errors into one line on stderr and the exit code of their kind, warnings into one line each.

    Args:
        interrupted: Message after Ctrl-C; after SIGTERM its first word differs.

    The exit goes through SystemExit, so that nothing is printed after the line.
    """
    with warnings.catch_warnings(), termination_raises() as terminated:
        warnings.simplefilter("default", UserWarning)
        # loky replaces processes that have grown, as they do by what they keep; those that died have their record
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        warnings.showwarning = lambda message, *_, **__: say("warning", error_text(message))
        try:
            yield
        except AttributionLabError as error:
            problems = error.problems if isinstance(error, BadPlan) else (str(error),)
            for line in problems[:MOST_PROBLEMS]:
                say("error", line)
            if len(problems) > MOST_PROBLEMS:
                say("error", f"and {len(problems) - MOST_PROBLEMS:,} more")
            raise SystemExit(error.exit_code) from error
        except (OSError, MemoryError, RuntimeError, SystemError) as error:
            if not isinstance(error, OSError) and not is_out_of_memory(error):
                raise
            if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
                say("error", f"a path must be short enough for the file system, got {value_text(str(error.filename))}")
                raise SystemExit(EXIT_USAGE) from error
            say("error", f"the system reported an error: {error_text(error) or 'there is not enough memory'}")
            raise SystemExit(EXIT_MACHINE) from error
        except KeyboardInterrupt as error:
            if terminated():
                say("error", interrupted.replace("interrupted", "terminated", 1))
                raise SystemExit(EXIT_TERMINATED) from error
            say("error", interrupted)
            raise SystemExit(EXIT_INTERRUPTED) from error


@contextmanager
def chatter_to_stderr() -> Iterator[None]:
    """Redirect what a user's code prints from stdout to stderr, also from native code and other processes."""
    saved_stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved_stdout, 1)
        os.close(saved_stdout)


@contextmanager
def progress_bar(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, silent in a pipe; yields the function that advances it."""
    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(escape(title), total=total)
        yield lambda n: progress.advance(task, n)


def require_names(
    *, environments: Iterable[str] = (), methods: Iterable[str] = (), metrics: Iterable[str] = ()
) -> None:
    """Refuse specs whose names do not exist, before torch is imported.

    Raises:
        UnknownName: If a name does not exist.
    """
    from attributionlab.environments.factory import ENVIRONMENTS
    from attributionlab.methods.factory import METHODS
    from attributionlab.metrics.factory import METRICS

    for catalog, specs in ((ENVIRONMENTS, environments), (METHODS, methods), (METRICS, metrics)):
        for spec in specs:
            catalog.require(spec)


def import_torch() -> None:
    """Import torch while the garbage collector waits, and exempt what exists then from later collections.

    Importing makes hundreds of thousands of objects that stay: to look at them again and again takes an eighth of the import.
    Programs that imported torch before, or disabled the collector, keep it as it is.
    """
    if "torch" in sys.modules or not gc.isenabled():
        return
    gc.disable()
    try:
        import torch  # noqa: F401  # for its objects

        gc.freeze()
    finally:
        gc.enable()


def build_environments(specs: list[str], defaults: dict[str, object]) -> list[Environment]:
    """The environments of these specs, with options for those that do not set them themselves."""
    from attributionlab.environments import complete_environment

    return [complete_environment(spec, **defaults) for spec in specs]


def build_methods(
    specs: list[str], sam: dict[str, object], options: dict[str, object] | None = None
) -> list[AnyMethod]:
    """The methods of these specs, with `options` for all and SAM's options for those that segment with it.

    Raises:
        BadOption: If SAM's options are given and no method takes them.
    """
    from attributionlab.errors import bad_option
    from attributionlab.methods import make_method
    from attributionlab.specs.grammar import parse_spec

    built, unused = [], dict(sam)
    for spec in specs:
        set_options = {**(options or {}), **(parse_spec(spec).options if spec.endswith("]") else {})}
        missing = {
            name: value
            for name, value in sam.items()
            if name not in set_options and set_options.get("segments") == "sam"
        }
        built.append(make_method(spec, **(options or {}), **missing))
        unused = {name: value for name, value in unused.items() if name not in missing}
    for name, value in unused.items():
        raise bad_option(name, "go with a method that has segments=sam and does not set it", value)
    return built


def say(kind: str, text: str) -> None:
    """Print one line of at most 2,000 characters to stderr, whatever the text holds."""
    color = {"error": "red", "warning": "yellow"}.get(kind, "green")
    try:
        console = stderr()
        console.print(f"[{color}]{kind}:[/] ", end="")
        console.print(one_line(text, LONGEST_MESSAGE - len(f"{kind}: ")), markup=False, soft_wrap=True)
    except MemoryError:
        with contextlib.suppress(OSError):
            os.write(2, b"error: the system reported an error: there is not enough memory\n")
    except OSError:  # where stderr itself is full or closed, nobody can be told
        pass
