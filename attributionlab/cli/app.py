"""The entry point `attributionlab`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from attributionlab.cli.audit import audit
from attributionlab.cli.check import check
from attributionlab.cli.generate import generate
from attributionlab.cli.list import list_
from attributionlab.cli.output import (
    EXIT_INTERRUPTED,
    EXIT_MACHINE,
    EXIT_USAGE,
    discard_output,
    harden_streams,
    say,
)
from attributionlab.cli.report import report
from attributionlab.cli.reproduce import reproduce
from attributionlab.cli.run import run as run_command
from attributionlab.cli.score import score
from attributionlab.cli.show import show
from attributionlab.cli.verify import verify
from attributionlab.cli.watched import is_watched, run_watched

app = typer.Typer(
    name="attributionlab",
    help="Is this attribution method right? Exact answers, from networks whose weights are written by hand.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Is this attribution method right? Exact answers, from networks whose weights are written by hand."""
    if version:
        from attributionlab import __version__

        typer.echo(__version__)
        raise typer.Exit


def run() -> None:
    """The program: like `app`, but whatever cannot be parsed, printed or finished gets one line and its exit code.

    Commands that call functions of others are watched.
    """
    harden_streams()
    sys.exit(run_watched(_program) if is_watched(sys.argv[1:]) else _program())


def _program() -> int:
    """Run the command and print everything; returns the exit code."""
    code = _exit_code()
    try:
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        if code != EXIT_MACHINE:  # else it has been said
            code = _refused(error)
    return code


def _exit_code() -> int:
    """Run the command; returns its exit code."""
    try:
        code = app(standalone_mode=False)
    except SystemExit as stop:
        code = stop.code
    except KeyboardInterrupt:
        say("error", "interrupted")
        return EXIT_INTERRUPTED
    except OSError as error:
        return _refused(error)
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's errors of usage have it, whichever click typer brings along
            raise
        if error.format_message():  # without arguments at all, help has been printed
            say("error", f"{error.format_message()} (see --help)")
        return EXIT_USAGE
    return code if isinstance(code, int) else 0


def _refused(error: OSError) -> int:
    """Say that results could not be printed; returns the exit code."""
    say("error", f"the machine refused: what was to be printed could not be written; {error.strerror or error}")
    return EXIT_MACHINE


app.command("list")(list_)
app.command()(verify)
app.command()(generate)
app.command()(show)
app.command()(check)
app.command()(score)
app.command()(audit)
app.command("run")(run_command)
app.command()(report)
app.command()(reproduce)
