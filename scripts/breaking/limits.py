"""Section g: little memory, small files, a full disk, full and closed pipes, umasks."""

from __future__ import annotations

import dataclasses
import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from breaking.cases import Case, Outcome, Violation
from breaking.fixtures import Fixtures
from breaking.forked import PROGRAM, ROOT

MACHINE = frozenset({3})
DONE_OR_MACHINE = frozenset({0, 3})

COMMANDS: dict[str, tuple[str, ...]] = {
    "list": ("list",),
    "list json": ("list", "--format", "json"),
    "verify": ("verify", "multi-color-sum", "--size=16", "--n-samples=1", "--n-pixels=1"),
    "generate": ("generate", "multi-color-sum", "--output=g", "--n-samples=2", "--size=16"),
    "show": ("show", "multi-color-sum", "--output=s.png", "--methods=gradient", "--n-samples=1", "--size=16"),
    "check": ("check", "truth", "--size=16", "--n-samples=4"),
    "score": ("score", "images", "images/truth.npz", "--key=signed", "--rule=point"),
    "audit": (
        "audit",
        "--methods=gradient,random",
        "--metrics=insertion",
        "--size=16",
        "--n-samples=1",
        "--output=a.svg",
    ),
    "sweep": ("sweep", "gradient", "--vary=noise", "--values=0", "--size=16", "--n-samples=1", "--output=w.svg"),
    "run": ("run", "plan.toml", "--output=r"),
    "report": ("report", "run"),
    "report -o": ("report", "run", "--output=r.html"),
    "report --figures": ("report", "run", "--figures=f"),
    "reproduce": ("reproduce", "table1", "--output=p", "--size=16", "--n-samples=1", "--network-seeds=1"),
}
"""A call of each command that works."""

SILENT = ("report -o", "report --figures")
"""Commands that print nothing to stdout."""

WRITES = ("generate", "show", "audit", "sweep", "run", "report -o", "report --figures", "reproduce")


class Limits:
    """Makes cases of limits.

    Args:
        fixtures: Folders that commands need.
    """

    def __init__(self, fixtures: Fixtures) -> None:
        self.fixtures = fixtures

    def cases(self, numbers: random.Random, n: int) -> list[Case]:
        """All of them; fewer are a sample."""
        cases = [
            *self._memory(),
            *self._file_size(),
            *self._full_disk(),
            *self._full_stdout(),
            *self._pipes(),
            *self._umasks(),
        ]
        return numbers.sample(cases, n) if n < len(cases) else cases

    def _memory(self) -> Iterator[Case]:
        for name, command in COMMANDS.items():
            for megabytes in (4, 16, 48, 128):
                yield dataclasses.replace(
                    self._case(
                        name,
                        f"with {megabytes} MB more memory",
                        command,
                        frozenset({0, 1, 3} if name in {"run", "show"} else {0, 3}),
                    ),
                    setup=lambda megabytes=megabytes: _limit_memory(megabytes),
                    piped=True,
                )

    def _file_size(self) -> Iterator[Case]:
        for name in WRITES:
            for size in (0, 1, 100, 2_000, 20_000):
                yield dataclasses.replace(
                    self._case(
                        name,
                        f"with files of at most {size} bytes",
                        COMMANDS[name],
                        DONE_OR_MACHINE if size > 100 else MACHINE,
                    ),
                    setup=lambda size=size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
                    piped=True,
                )

    def _full_disk(self) -> Iterator[Case]:
        """On a small disk, where one can be mounted; records written before it was full are kept."""
        if os.getuid() != 0 or not Path("/bin/mount").exists():
            return
        for name in WRITES:
            for kilobytes in (4, 12, 40, 100):
                command = tuple(
                    part.replace("--output=", "--output=disk/").replace("--figures=", "--figures=disk/")
                    for part in COMMANDS[name]
                )

                def prepare(work: Path, kilobytes: int = kilobytes) -> None:
                    self._prepare(work)
                    (work / "disk").mkdir()
                    mount = ["/bin/mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(work / "disk")]
                    subprocess.run(mount, check=False)  # noqa: S603  # a small disk

                yield dataclasses.replace(
                    self._case(name, f"on a disk of {kilobytes} kB", command, DONE_OR_MACHINE),
                    prepare=prepare,
                    judge=_unmounted,
                )

    def _full_stdout(self) -> Iterator[Case]:
        for name, command in {
            **COMMANDS,
            "--help": ("--help",),
            "check --help": ("check", "--help"),
            "--version": ("--version",),
        }.items():
            yield dataclasses.replace(
                self._case(name, "> /dev/full", command, DONE_OR_MACHINE if name in SILENT else MACHINE),
                stdout="/dev/full",
                real=True,
                seconds=60,
            )

    def _pipes(self) -> Iterator[Case]:
        """A reader that closes the pipe at once, which is no error: the exit code is that of the command."""
        commands = {**COMMANDS, "--help": ("--help",)}
        for name, command in commands.items():
            yield dataclasses.replace(
                self._case(name, "| true", (), frozenset({0, 1})),
                command=None,
                action=_into_closed_pipe(command),
                seconds=60,
            )

    def _umasks(self) -> Iterator[Case]:
        for name in WRITES:
            for mask in (0o077, 0o022, 0o027, 0o002):
                yield dataclasses.replace(
                    self._case(name, f"under umask {mask:03o}", COMMANDS[name], frozenset({0})),
                    setup=lambda mask=mask: os.umask(mask) and None,
                    judge=lambda outcome, mask=mask: _judged_modes(outcome, mask),
                )

    def _case(self, name: str, what: str, command: tuple[str, ...], codes: frozenset[int]) -> Case:
        del name
        text = " ".join(command or ("...",))
        return Case(f"attributionlab {text}  # {what}", command, codes=codes, prepare=self._prepare, clean=False)

    def _prepare(self, work: Path) -> None:
        self.fixtures.copied("plan.toml", "images", "run")(work)


def _limit_memory(megabytes: int) -> None:
    used = next(
        line for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if line.startswith("VmSize")
    )
    limit = int(used.split()[1]) * 1024 + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _into_closed_pipe(command: tuple[str, ...]) -> Callable[[Path], None]:
    def action(_: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        arguments = [sys.executable, "-c", PROGRAM, *command]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment)  # noqa: S603  # our own program
        assert process.stdout is not None
        process.stdout.close()
        code = process.wait()
        raise SystemExit(128 - code if code < 0 else code)

    return action


def _unmounted(outcome: Outcome) -> list[Violation]:
    """Give the small disk back."""
    subprocess.run(["/bin/umount", "-l", str(outcome.folder / "disk")], check=False, capture_output=True)  # noqa: S603  # as above
    return []


def _judged_modes(outcome: Outcome, mask: int) -> list[Violation]:
    """New files and folders have the modes that the umask leaves."""
    problems = []
    for name in outcome.after.keys() - outcome.before.keys():
        path = outcome.folder / name
        mode = path.stat().st_mode & 0o777
        expected = (0o777 if path.is_dir() else 0o666) & ~mask
        if mode != expected and not name.endswith(".lock"):
            what = f"{path.name if path.suffix != '.npz' or path.parent.name != 'maps' else 'maps/KEY.npz'}"
            problems.append(Violation("data", f"{name} is {mode:03o} instead of {expected:03o}", f"mode of {what}"))
    return problems
