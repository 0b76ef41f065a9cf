"""Section a: every command with every option and hostile values."""

from __future__ import annotations

import dataclasses
import enum
import random
import shlex
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breaking import values
from breaking.cases import ANY_CODE, MACHINE, REFUSED, Case
from breaking.fixtures import Fixtures, hostile_folder
from breaking.values import Value

QUICK_CPU_SECONDS = 2.0

DECIDES_THE_WORK = {"size", "n_samples", "workers", "network_seeds"}
"""Integers that must have a limit."""

OUTPUTS = {"output", "figures"}
SPECS = {"spec", "env", "methods", "method", "metrics", "option", "manipulation", "noninformative", "bug"}
FUNCTIONS = {"vgg16", "vit", "model"}

BASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "list": ((), ()),
    "verify": (("multi-color-sum",), ("--size=16", "--n-samples=1", "--n-pixels=1", "--device=cpu")),
    "generate": (("multi-color-sum",), ("--output=g", "--n-samples=1", "--size=16")),
    "show": (("multi-color-sum",), ("--output=s.png", "--methods=gradient", "--n-samples=1", "--size=16")),
    "check": (("gradient",), ("--size=16", "--n-samples=4")),
    "answers": (("gradient",), ("--size=16", "--n-samples=1", "--n-orders=2")),
    "compare": (("gradient", "random"), ("--size=16", "--n-samples=4")),
    "debug": (("gradient",), ("--size=16", "--n-samples=2", "--bug=mislabeled")),
    "demo": ((), ("--output=lab.html",)),
    "quiz": ((), ("--output=quiz.html", "--methods=gradient", "--size=16", "--n-samples=1")),
    "explain-network": (("multi-color-sum",), ("--size=16",)),
    "exact": (("multi-color-sum",), ("--game=shapley", "--size=16", "--n-samples=1")),
    "score": (("images", "images/truth.npz"), ("--key=signed",)),
    "sweep": (("gradient",), ("--vary=noise", "--values=0", "--metrics=insertion", "--size=16", "--n-samples=1")),
    "audit": ((), ("--methods=gradient,random", "--metrics=insertion", "--size=16", "--n-samples=1")),
    "run": (("plan.toml",), ("--output=r",)),
    "report": (("run",), ()),
    "modify": ((), ("--images=builtin", "--output=m", "--n-samples=6", "--size=16")),
    "attr-percent": (("modified",), ("--methods=random", "--n-samples=1", "--epochs=1")),
    "attr-words": (("builtin",), ("--methods=attention", "--n-samples=1", "--networks=1", "--longest=26")),
    "reproduce": (("table1",), ("--output=p", "--size=16", "--n-samples=1", "--network-seeds=1")),
}
"""A call of each command that works: positional arguments and options."""

CONTRADICTIONS = (
    ("run", "--scheduler=tcp://x:1"),
    ("run", "--address=x:1"),
    ("run", "--backend=ray", "--scheduler=tcp://x:1"),
    ("run", "--backend=dask", "--timeout=5"),
    ("check", "--sam-model=vit_b"),
    ("check", "--sam-checkpoint=missing"),
    ("check", "--option=x"),
    ("check", "--option=n_steps=1", "--option=n_steps=2"),
    ("show", "--sam-model=vit_b"),
    ("reproduce", "--sam-model=vit_b"),
    ("score", "--key=missing"),
    ("score", "--truth=negative", "--sign=positive"),
    ("generate", "--start=-1"),
    ("check", "--no-such-option"),
    ("check", "extra", "argument"),
    ("list", "methods", "truth", "extra"),
    ("list", "metrics", "no-such"),
)
"""Options that contradict each other or do not exist; all are refused."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a command.

    Args:
        command: The command.
        name: Python's name of it.
        flag: How it is written, or None for an argument.
        position: Which argument it is.
        type: What it is converted to: bool, int, float, str, Path or an enumeration.
    """

    command: str
    name: str
    flag: str | None
    position: int
    type: type


def parameters() -> list[Parameter]:
    """All parameters of all commands, and the options of the paper, read from the program itself."""
    import typer  # noqa: PLC0415  # only where cases are made

    from attributionlab.cli.app import app  # noqa: PLC0415  # as above
    from attributionlab.papers.catalog import find_paper  # noqa: PLC0415  # as above

    parameters = []
    for command, parsed in typing.cast("Any", typer.main.get_command(app)).commands.items():
        hints = typing.get_type_hints(parsed.callback)
        position = 0
        for parameter in parsed.params:
            if parameter.name == "help":
                continue
            flag = max(parameter.opts, key=len) if parameter.param_type_name == "option" else None
            kind = int if parameter.name == "n_samples" else _plain(hints[parameter.name])  # a number, or auto
            parameters.append(Parameter(command, parameter.name, flag, position, kind))
            position += flag is None
    for name in find_paper("zhang2024").options:
        kind = Path if name == "sam_checkpoint" else str
        parameters.append(Parameter("reproduce", name, f"--{name.replace('_', '-')}", 0, kind))
    return parameters


def _plain(hint: Any) -> type:
    """`int` for `list[int] | None`."""
    while not isinstance(hint, type) or typing.get_origin(hint) is list:
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def pool(parameter: Parameter) -> Sequence[Value]:
    """Hostile values for a parameter."""
    if parameter.type is int:
        return (*values.INTEGERS, *(values.TOO_LARGE if parameter.name in DECIDES_THE_WORK else values.LARGE))
    if parameter.type is float:
        return values.NUMBERS
    if issubclass(parameter.type, enum.Enum):
        return tuple(Value(text) for text in values.NAMES)
    if issubclass(parameter.type, Path):
        return values.OUTPUT_PATHS if parameter.name in OUTPUTS else values.INPUT_PATHS
    if parameter.name == "plan":
        return (*values.INPUT_PATHS, *values.FUNCTIONS)
    if parameter.name in SPECS:
        return tuple(_specs(parameter.name))
    if parameter.name in FUNCTIONS:
        return tuple(dataclasses.replace(value, bad=False) for value in values.FUNCTIONS)  # table1 does not use them
    return tuple(Value(text) for text in values.NAMES)


def _specs(name: str) -> Iterator[Value]:
    """Broken specs of environments, methods, metrics, or options of a method."""
    existing = {
        "spec": "multi-color-sum",
        "env": "multi-color-sum",
        "metrics": "insertion",
        "manipulation": "noise",
        "noninformative": "spot",
        "bug": "cascade",
    }.get(name, "gradient")
    lists = name in {"methods", "metrics"}
    if name == "option":
        yield from (Value(text) for text in values.NAMES if text.strip())
        yield from (Value(option) for method in values.METHOD_OPTIONS for option in [method.partition("[")[2][:-1]])
        return
    for value in values.SPECS:
        empty = not value.text.strip(" ,\n\t")
        bad = value.bad and not (lists and empty)
        yield dataclasses.replace(value, text=value.text.replace("NAME", existing), bad=bad)
    if name in {"spec", "env"}:
        for kind, options in values.OPTION_SPECS.items():
            yield from (Value(f"{kind}[{option}]") for option in options)
        return
    yield from values.FUNCTIONS
    for text in values.METRIC_OPTIONS if name == "metrics" else values.METHOD_OPTIONS:
        yield Value(text)


class Commands:
    """Makes cases of command lines.

    Args:
        fixtures: Files that they need.
        random_numbers: Where choices come from.
    """

    def __init__(self, fixtures: Fixtures, random_numbers: random.Random) -> None:
        self.fixtures, self.random = fixtures, random_numbers

    def cases(self, n: int) -> list[Case]:
        """All single values, contradictions, and random combinations up to `n` cases; fewer are a sample."""
        cases = [*self.special(), *self.single(), *self.contradictions()]
        combinations = self.combinations()
        while len(cases) < n:
            cases.append(next(combinations))
        cases = self.random.sample(cases, n) if len(cases) > n else cases
        return [*cases, *self.real(cases, max(2, n // 75))]

    def single(self) -> Iterator[Case]:
        """A hostile value for one parameter, all others as they should be."""
        for parameter in parameters():
            if parameter.type is bool:
                continue
            for value in pool(parameter):
                yield self.case(parameter.command, [(parameter, value)])

    def contradictions(self) -> Iterator[Case]:
        """Options that do not go together."""
        for command, *options in CONTRADICTIONS:
            yield self.made(command, [*BASES[command][0]], [*BASES[command][1], *options], REFUSED)

    def combinations(self) -> Iterator[Case]:
        """Two or three hostile values at once, for ever."""
        by_command: dict[str, list[Parameter]] = {}
        for parameter in parameters():
            if parameter.type is not bool:
                by_command.setdefault(parameter.command, []).append(parameter)
        names = sorted(name for name in by_command if len(by_command[name]) > 1)
        while True:
            choices = by_command[self.random.choice(names)]
            chosen = self.random.sample(choices, min(len(choices), self.random.choice((2, 3))))
            yield self.case(
                chosen[0].command, [(parameter, self.random.choice(pool(parameter))) for parameter in chosen]
            )

    def special(self) -> Iterator[Case]:
        """Calls without arguments, help, versions, unknown commands, and folders that hold other things."""
        yield Case("attributionlab", (), codes=REFUSED, general=False)
        for name in BASES:
            yield Case(f"attributionlab {name} --help", (name, "--help"), codes=frozenset({0}))
        for text in values.NAMES:
            yield Case(f"attributionlab {_quoted(text)}", (text,), codes=REFUSED)
        yield Case("attributionlab --version", ("--version",), codes=frozenset({0}))
        base = ("generate", "multi-color-sum", "--n-samples=1", "--size=16")
        empty = "in an empty folder: attributionlab "
        yield Case(f"{empty}generate multi-color-sum -o .", (*base, "--output=."), codes=frozenset({0}))
        run = ("run", "../../fixtures/plan.toml", "--output=.")
        yield Case(f"{empty}run /elsewhere/plan.toml -o .", run, codes=frozenset({0}))
        for name in ("plan.toml", "evil.py", "full"):
            yield Case(
                f"in a folder with {name}: attributionlab generate multi-color-sum -o . --force",
                (*base, "--output=.", "--force"),
                codes=REFUSED,
                prepare=self._hostile,
            )
        for name in ("own.png", "own.html", "folder.png"):
            command = "show" if name.endswith("png") else "report"
            yield self.made(command, [*BASES[command][0]], [*BASES[command][1], f"--output={name}"], REFUSED)

    def real(self, cases: Sequence[Case], n: int) -> Iterator[Case]:
        """Some of the cases again, each by an interpreter of its own."""
        for case in self.random.sample(list(cases), min(n, len(cases))):
            cpu_seconds = None if case.cpu_seconds is None else case.cpu_seconds + 8
            yield dataclasses.replace(
                case,
                label=f"{case.label}  # own interpreter",
                real=True,
                seconds=case.seconds + 30,
                cpu_seconds=cpu_seconds,
            )

    def case(self, command: str, replaced: Sequence[tuple[Parameter, Value]]) -> Case:
        """A call with some parameters replaced."""
        arguments, options = list(BASES[command][0]), list(BASES[command][1])
        for parameter, value in replaced:
            if parameter.flag is None:
                arguments += [""] * (parameter.position + 1 - len(arguments))
                arguments[parameter.position] = value.text
            else:
                options = [option for option in options if not option.startswith(f"{parameter.flag}=")]
                options.append(f"{parameter.flag}={value.text}")
        bad = any(self._is_bad(parameter, value) for parameter, value in replaced)
        codes = REFUSED if bad else ANY_CODE
        if command != "run" and any(parameter.name == "device" for parameter, _ in replaced) and not bad:
            codes = codes | {MACHINE}
        limit = QUICK_CPU_SECONDS if bad else None
        return self.made(command, arguments, options, codes, limit)

    def made(
        self, command: str, arguments: list[str], options: list[str], codes: frozenset[int], limit: float | None = None
    ) -> Case:
        """A case from the parts of a call; arguments stand behind `--`, so that they may begin with a dash."""
        extra = [option for option in options if not option.startswith("-")]
        options = [option for option in options if option.startswith("-")]
        parts = (command, *options, *(["--"] if arguments or extra else []), *arguments, *extra)
        return Case(
            f"attributionlab {' '.join(map(_quoted, parts))}",
            parts,
            codes=codes,
            prepare=self._hostile,
            cpu_seconds=limit,
            seconds=60 if limit is None else 10,
        )

    def _hostile(self, work: Path) -> None:
        self.fixtures.copied("plan.toml", "images", "modified", "run")(work)
        hostile_folder(work)

    @staticmethod
    def _is_bad(parameter: Parameter, value: Value) -> bool:
        """Whether the value must be refused for this parameter."""
        text = value.text
        if parameter.name in {"name", "key", "kind"} and parameter.command == "list" and text == "":
            return False
        if parameter.name == "gamma" and text == "-0.0":
            return False
        if parameter.name in {"start", "seed"} and text == values.DIGITS:
            return True
        if (parameter.name, text) in {("references", ""), ("target", "+1")}:  # no references; the class 1
            return False
        if parameter.name == "sam_checkpoint" and parameter.command == "reproduce":
            return value.bad and not text.startswith(
                ("empty.", "zeros.")
            )  # table1 does not use it, but it must be a file
        if parameter.name == "studies" and text == "":
            return True
        if parameter.name == "plan" and text == "empty.toml":
            return True
        if parameter.command == "score" and parameter.name == "folder" and text == "images":
            return False
        return value.bad


def _quoted(text: str) -> str:
    """A text for a shell, ASCII only, long runs shortened."""
    if len(text) > 120:
        text = f"{text[:40]}...({len(text)} characters)"
    return shlex.quote(ascii(text)[1:-1] if not text.isascii() or not text.isprintable() else text)
