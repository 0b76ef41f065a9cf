"""CPU time of short commands relative to `--help` and to `import torch`. Prints the table of docs/benchmarks.md.

Every figure is the least user CPU time of several fresh processes, which other work on the machine changes little. The
commands take turns, so that a slow minute does not fall on one of them, and byte code is cached beforehand in a folder of
this script.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

REPEATS = 7


@dataclass(frozen=True)
class Command:
    """A command of the table.

    Args:
        text: The command as a user writes it.
        arguments: Arguments of Python.
        base: Text of the command that it is compared with.
        goal: Largest ratio that is accepted, or None.
    """

    text: str
    arguments: tuple[str, ...]
    base: str
    goal: float | None = None


def attributionlab(arguments: str, base: str, goal: float | None = None) -> Command:
    """A command of this package."""
    return Command(f"attributionlab {arguments}", ("-m", "attributionlab", *arguments.split()), base, goal)


HELP, TORCH = "attributionlab --help", 'python -c "import torch"'

COMMANDS = (
    attributionlab("--help", HELP),
    attributionlab("check gradeint", HELP, 3),
    attributionlab("list", HELP, 3),
    Command(TORCH, ("-c", "import torch"), TORCH),
    attributionlab("check gradient --size 64", TORCH, 1.5),
)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = measured({**os.environ, "PYTHONPYCACHEPREFIX": folder, "OMP_NUM_THREADS": "1"})
    print("| command | user CPU s | relative to | ratio | goal |")
    print("|---|---|---|---|---|")
    for command in COMMANDS:
        goal = "" if command.goal is None else f"at most {command.goal:g}"
        ratio = seconds[command.text] / seconds[command.base]
        print(f"| `{command.text}` | {seconds[command.text]:.2f} | `{command.base}` | {ratio:.2f} | {goal} |")


def measured(environment: dict[str, str]) -> dict[str, float]:
    """The least user CPU seconds of every command."""
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    turns = [
        {command.text: user_seconds(command.arguments, environment) for command in COMMANDS}
        for _ in range(REPEATS + 1)  # the first turn fills the cache
    ]
    return {command.text: min(turn[command.text] for turn in turns[1:]) for command in COMMANDS}


def user_seconds(arguments: tuple[str, ...], environment: dict[str, str]) -> float:
    """User CPU seconds of a fresh interpreter and its children."""
    process = subprocess.Popen(  # noqa: S603  # our own commands
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime


if __name__ == "__main__":
    main()
