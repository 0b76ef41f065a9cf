"""The entry point `attributionlab`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from attributionlab.cli.audit import audit
from attributionlab.cli.check import check
from attributionlab.cli.generate import generate
from attributionlab.cli.list import list_
from attributionlab.cli.output import EXIT_USAGE, say
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
    """The program: like `app`, but a call that cannot be parsed gets one line, too, and functions of others are watched."""
    sys.exit(run_watched(_program) if is_watched(sys.argv[1:]) else _program())


def _program() -> int:
    """Run the command and return its exit code."""
    try:
        return int(app(standalone_mode=False) or 0)
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's errors of usage have it, whichever click typer brings along
            raise
        if error.format_message():  # without arguments at all, help has been printed
            say("error", f"{error.format_message()} (see --help)")
        raise SystemExit(EXIT_USAGE) from error


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
