"""A case, its outcome, and the kinds of violations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KINDS = (
    "traceback",
    "exit code",
    "lines",
    "too long",
    "unescaped",
    "left behind",
    "survivor",
    "hang",
    "slow",
    "bare error",
    "accepted",
    "unnamed",
    "data",
)
"""Kinds of violations, in the order of the columns.

`lines`: several lines on stderr, or none with exit code 2, 3, 130 or 143. `slow`: a refusal that takes more than the
case's seconds of CPU time, or more than 2.5 GB. `bare error`, `accepted`, `unnamed`: of the Python API, an exception of
Python's own, a bad value that is not refused, a message that does not name the parameter. `data`: lost or changed data,
code that ran although nobody asked for it, wrong file modes.
"""

DONE, FAILED, USAGE, MACHINE, UNDECIDED = 0, 1, 2, 3, 4
ANY_CODE = frozenset({DONE, FAILED, USAGE, MACHINE, UNDECIDED})
REFUSED = frozenset({USAGE})


@dataclass(frozen=True)
class Violation:
    """One broken expectation.

    Args:
        kind: One of `KINDS`.
        detail: What happened, in a line.
        cause: A short text that is equal for violations with the same cause.
        label: Reproduction, where it is not that of the case.
    """

    kind: str
    detail: str
    cause: str = ""
    label: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a case did.

    Args:
        code: Exit code; a signal counts as 128 + its number, as in a shell.
        stdout: Bytes on stdout.
        stderr: Bytes on stderr.
        seconds: Wall-clock time.
        cpu_seconds: CPU time of the process and the children that it waited for.
        peak_memory: Largest resident memory in bytes.
        hung: Whether it was killed at its time limit.
        survivors: Command lines of processes that outlived it.
        before: Files of the folder before it ran.
        after: Files of the folder after it ran.
        folder: The folder that it ran in; it exists until the case is judged.
        answer: What a Python case wrote for its judge.
    """

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    cpu_seconds: float
    peak_memory: int
    hung: bool
    survivors: tuple[str, ...]
    before: dict[str, str]
    after: dict[str, str]
    folder: Path
    answer: bytes = b""


def nothing(_: Path) -> None:
    """Prepare nothing."""


def no_more(_: Outcome) -> Iterable[Violation]:
    """Judge by the general rules only."""
    return ()


def nothing_left(_: Outcome) -> Sequence[Case]:
    """Try nothing more."""
    return ()


def a_single_one(_: Outcome) -> int:
    """Count the case once."""
    return 1


@dataclass(frozen=True)
class Case:
    """One thing to try.

    Args:
        label: Reproduction: the command line, or the call.
        command: Arguments of `attributionlab`; None for a case that runs `action`.
        action: A function that runs in the child, in the case's folder; it may write bytes to the file that it is given.
        codes: Exit codes that are right.
        prepare: Fills the case's folder first.
        judge: Judges beyond the general rules.
        general: Whether the general rules for command lines apply.
        seconds: Wall-clock limit.
        cpu_seconds: Most CPU time, or None.
        real: Whether to start a new interpreter rather than fork.
        chatter: Whether code under test prints lines of its own.
        kill: Signal and the moment in seconds at which it is sent.
        setup: Runs in the child before anything else, for example to set limits.
        environment: Environment variables for the case.
        clean: Whether a refusal must leave the folder as it was.
        stdout: A file that stdout goes to, instead of being captured.
        piped: Whether stdout and stderr are pipes, which no limit on the size of files touches.
        rest: Cases that are left to try, depending on the outcome.
        n_tried: How many inputs the case has tried.
    """

    label: str
    command: tuple[str, ...] | None = None
    action: Callable[[Path], None] | None = None
    codes: frozenset[int] = ANY_CODE
    prepare: Callable[[Path], None] = nothing
    judge: Callable[[Outcome], Iterable[Violation]] = no_more
    general: bool = True
    seconds: float = 40.0
    cpu_seconds: float | None = None
    real: bool = False
    chatter: bool = False
    kill: tuple[int, float] | None = None
    setup: Callable[[], None] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    clean: bool = True
    stdout: str | None = None
    piped: bool = False
    rest: Callable[[Outcome], Sequence[Case]] = nothing_left
    n_tried: Callable[[Outcome], int] = a_single_one


def snapshot(folder: Path) -> dict[str, str]:
    """Every file below a folder with a digest of its content."""
    entries: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            entries[name] = "link"
        elif path.is_dir():
            entries[name] = "folder"
        elif path.is_file():
            entries[name] = (
                hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.stat().st_size < 1 << 24 else "large"
            )
        else:
            entries[name] = "special"
    return entries
