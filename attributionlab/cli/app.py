"""The entry point `attributionlab`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from attributionlab.cli import completion
from attributionlab.cli.answers import answers
from attributionlab.cli.attr_percent import attr_percent
from attributionlab.cli.attr_words import attr_words
from attributionlab.cli.audit import audit
from attributionlab.cli.check import check
from attributionlab.cli.compare import compare
from attributionlab.cli.completion import PROGRAM, Shell
from attributionlab.cli.debug import debug
from attributionlab.cli.demo import demo
from attributionlab.cli.exact import exact
from attributionlab.cli.explain_network import explain_network
from attributionlab.cli.generate import generate
from attributionlab.cli.help import HelpfulCommand, typed
from attributionlab.cli.list import list_
from attributionlab.cli.modify import modify
from attributionlab.cli.output import (
    EXIT_INTERRUPTED,
    EXIT_MACHINE,
    EXIT_TERMINATED,
    EXIT_USAGE,
    discard_output,
    harden_streams,
    say,
)
from attributionlab.cli.quiz import quiz
from attributionlab.cli.report import report
from attributionlab.cli.reproduce import PaperCommand, reproduce
from attributionlab.cli.run import run as run_command
from attributionlab.cli.score import score
from attributionlab.cli.show import show
from attributionlab.cli.sweep import sweep
from attributionlab.cli.termination import termination_raises
from attributionlab.cli.verify import verify
from attributionlab.cli.watched import is_watched, run_watched
from attributionlab.errors import Terminated

app = typer.Typer(
    name=PROGRAM,
    help="Is this attribution method right? Exact answers, from networks whose weights are written by hand.",
    add_completion=False,  # ours names the shell: typer's asks the process tree for it
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # typer's boxes cut long words off
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
@typed
def main(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    install_completion: Annotated[
        Shell | None, typer.Option(help="Set up completion of names; it works in the next shell that you start.")
    ] = None,
    show_completion: Annotated[Shell | None, typer.Option(help="Print the script that completes names.")] = None,
) -> None:
    """Is this attribution method right? Exact answers, from networks whose weights are written by hand."""
    completion.show_completion(show_completion)
    completion.install_completion(install_completion)
    if version:
        from attributionlab import __version__

        typer.echo(__version__)
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
        raise typer.Exit(EXIT_USAGE)


def run() -> None:
    """The program: like `app`, but whatever cannot be parsed, printed or finished gets one line and its exit code.

    Commands that call functions of others are watched.
    """
    harden_streams()
    completion.prepare_completion()
    try:
        sys.exit(run_watched(_program) if is_watched(sys.argv[1:]) else _program())
    except KeyboardInterrupt as error:  # between the commands and here
        sys.exit(_stopped(isinstance(error, Terminated)))


def _program() -> int:
    """Run the command and print everything; returns the exit code."""
    with termination_raises() as terminated:
        code = _exit_code(terminated)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
    except OSError as error:
        discard_output()
        if code != EXIT_MACHINE:  # else it has been said
            code = _refused(error)
    return code


def _exit_code(terminated: Callable[[], bool]) -> int:
    """Run the command; returns its exit code.

    Args:
        terminated: Tells whether SIGTERM came.
    """
    is_returned = True
    try:
        code = app(prog_name=PROGRAM, standalone_mode=False)
    except SystemExit as stop:
        is_returned = False
        if isinstance(stop.__context__, BrokenPipeError):  # typer leaves so where a reader of its help has gone
            discard_output()
            return 0
        code = stop.code
    except KeyboardInterrupt:
        return _stopped(terminated())
    except BrokenPipeError:  # from the help; results handle it themselves
        discard_output()
        return 0
    except OSError as error:
        return _refused(error)
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's errors of usage have it, whichever click typer brings along
            raise
        if isinstance(error, typer.BadParameter) and error.message.startswith("`"):  # a refusal of ours
            say("error", error.message)
        else:
            say("error", f"{error.format_message()} (see --help)")
        return EXIT_USAGE
    if (
        is_returned and code == EXIT_INTERRUPTED
    ):  # typer makes this of a signal that comes outside of a command's own work
        return _stopped(terminated())
    return code if isinstance(code, int) else 0


def _stopped(by_termination: bool) -> int:
    """Say that a signal ended the command; returns the exit code."""
    say("error", "terminated" if by_termination else "interrupted")
    return EXIT_TERMINATED if by_termination else EXIT_INTERRUPTED


def _refused(error: OSError) -> int:
    """Say that results could not be printed; returns the exit code."""
    say("error", f"the system reported an error: the output could not be written; {error.strerror or error}")
    return EXIT_MACHINE


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "list": (list_, "List methods, environments, metrics and other names."),
    "verify": (verify, "Test what environments claim about their networks."),
    "generate": (generate, "Write images and their exact truth to a folder."),
    "show": (show, "Draw images, truth and maps side by side."),
    "demo": (demo, "Write a web page to paint pixels and see maps."),
    "explain-network": (explain_network, "Follow a pixel through a network, neuron by neuron."),
    "exact": (exact, "Compute what every pixel contributes, exactly."),
    "check": (check, "Test a method against the exact truth."),
    "answers": (answers, "Say which questions a method answers, and how well."),
    "compare": (compare, "Compare two methods on the same images."),
    "debug": (debug, "Test which bugs a method's maps reveal."),
    "quiz": (quiz, "Write the user study on bugs as a quiz, for classes."),
    "score": (score, "Judge maps that were computed elsewhere."),
    "sweep": (sweep, "Score methods while one variable changes."),
    "audit": (audit, "Compare perturbation metrics with the exact truth."),
    "run": (run_command, "Measure a plan: many methods, many environments."),
    "report": (report, "Print the table of a run; write its HTML report."),
    "modify": (modify, "Make pictures whose labels only a manipulation predicts."),
    "attr-percent": (attr_percent, "Measure which share of maps lies where networks must look."),
    "attr-words": (attr_words, "Measure which share lies on words that networks must use."),
    "reproduce": (reproduce, "Compare the published numbers with ours."),
}
"""Every command by its name, with its line in the help of the program."""

for _name, (_function, _line) in COMMANDS.items():
    _class = PaperCommand if _function is reproduce else HelpfulCommand
    app.command(_name, cls=_class, short_help=_line)(typed(_function))
