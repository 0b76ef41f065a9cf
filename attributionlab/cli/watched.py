"""Commands that call a user's functions run under watch: a function that ends the process cannot pass for a result.

The command runs in a forked child, which hands its exit code over in a pipe before it ends. The fork comes before anything heavy is
imported, so it costs milliseconds (docs/reliability.md). A child that ends without having handed a code over gave no result.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

from attributionlab.cli.output import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_TERMINATED, say
from attributionlab.cli.termination import REPEAT_SECONDS
from attributionlab.errors import Terminated
from attributionlab.runs.parent import ask_kernel

WATCHED = (
    "check",
    "answers",
    "compare",
    "debug",
    "quiz",
    "show",
    "audit",
    "sweep",
    "run",
    "modify",
    "attr-percent",
    "reproduce",
)
"""Commands that call functions of others."""

Program = Callable[[], int]


def is_watched(arguments: Sequence[str]) -> bool:
    """Whether a command line calls functions of others, on a system where a fork is safe."""
    return sys.platform == "linux" and bool(arguments) and arguments[0] in WATCHED and threading.active_count() == 1


def run_watched(program: Program) -> int:
    """Run a program in a child and return its exit code; in the child this does not return to the caller.

    Args:
        program: Returns its exit code, or raises SystemExit.
    """
    reading, writing = os.pipe()
    parent = os.getpid()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()  # what is buffered would be written twice
    child = os.fork()
    if child:
        os.close(writing)
        return _watch(child, reading)
    os.close(reading)
    ask_kernel()
    if os.getppid() != parent:
        os._exit(EXIT_TERMINATED)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _Interrupt())
    sys.exit(_handing_over(program, writing))


def _handing_over(program: Program, writing: int) -> int:
    """Run the program and write its exit code into the pipe, also that of an exception that it does not handle."""
    code = EXIT_FAILED
    try:
        code = program()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except KeyboardInterrupt as error:  # between the end of the command and here
        is_terminated = isinstance(error, Terminated)
        say("error", "terminated" if is_terminated else "interrupted")
        code = EXIT_TERMINATED if is_terminated else EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is a result
        with contextlib.suppress(OSError):  # a function may have closed every file: then there is no result
            os.write(writing, bytes([code % 256]))
    return code


class _Interrupt:
    """Raises KeyboardInterrupt, once for signals that come together."""

    def __init__(self) -> None:
        self.last = -REPEAT_SECONDS

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        before, self.last = self.last, time.monotonic()
        if self.last - before >= REPEAT_SECONDS:
            raise KeyboardInterrupt


def _watch(child: int, reading: int) -> int:
    """Wait for the child, pass signals on to it, and return the exit code that it handed over."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, pass_on)
    _, status = os.waitpid(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    os.set_blocking(reading, False)  # a process that a function started may hold the other end open
    with contextlib.suppress(BlockingIOError):
        handed_over = os.read(reading, 1)
        if handed_over:
            return handed_over[0] or max(ended, 0)
    if ended == -signal.SIGTERM:
        say("error", "terminated")
        return EXIT_TERMINATED
    if ended == -signal.SIGINT:
        say("error", "interrupted")
        return EXIT_INTERRUPTED
    how = f"signal {-ended}" if ended < 0 else f"exit code {ended}"
    say(
        "error",
        f"the command ended before it gave a result ({how}): a function that it called may have ended the process",
    )
    return EXIT_FAILED
