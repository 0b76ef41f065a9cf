"""Section f: signals at random moments; then nothing is lost, nothing is left, and the same command goes on."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from breaking.cases import Case, Outcome, Violation, snapshot
from breaking.fixtures import Fixtures
from breaking.forked import call
from breaking.judging import drafts

SIGNALS = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGKILL: 137}

PLAN = """environments = ["multi-color-sum[size=16]", "single-color-sum[size=16]"]
methods = ["gradient", "random", "occlusion"]
metrics = ["insertion"]
n_samples = 12
images_per_job = 1
save_maps = 12
"""
N_RECORDS = 2 * 3 * 12 * 2


@dataclass(frozen=True)
class Target:
    """A command that is killed.

    Args:
        name: Its name in the list.
        command: Its arguments.
        output: What it writes, a file or a folder.
        old: Whether there is an older output.
        seconds: CPU time that it takes undisturbed, about; kills come within this time.
        real: Whether it runs in an interpreter of its own.
        weight: Its share of the kills.
    """

    name: str
    command: tuple[str, ...]
    output: str
    old: bool
    seconds: float
    real: bool = False
    weight: int = 2


TARGETS = (
    Target(
        "generate",
        ("generate", "multi-color-sum", "--output=g", "--n-samples=12", "--size=32"),
        "g",
        old=False,
        seconds=1.2,
    ),
    Target(
        "generate --force",
        ("generate", "multi-color-sum", "--output=g", "--n-samples=12", "--size=32", "--force"),
        "g",
        old=True,
        seconds=1.2,
        weight=3,
    ),
    Target("run", ("run", "plan.toml", "--output=run"), "run", old=False, seconds=2.5, weight=3),
    Target(
        "run, own interpreter", ("run", "plan.toml", "--output=run"), "run", old=False, seconds=7.0, real=True, weight=1
    ),
    Target(
        "run --workers 2",
        ("run", "plan.toml", "--output=run", "--workers=2"),
        "run",
        old=False,
        seconds=16.0,
        real=True,
        weight=3,
    ),
    Target("report -o", ("report", "fixture", "--output=r.html"), "r.html", old=True, seconds=0.6),
    Target("report --figures", ("report", "fixture", "--figures=f"), "f", old=False, seconds=2.0, weight=1),
    Target(
        "audit -o",
        ("audit", "--methods=gradient,random", "--metrics=insertion", "--size=16", "--n-samples=4", "--output=a.png"),
        "a.png",
        old=True,
        seconds=1.5,
    ),
    Target(
        "show -o",
        ("show", "multi-color-sum", "--methods=gradient", "--size=16", "--n-samples=2", "--output=s.png"),
        "s.png",
        old=True,
        seconds=1.0,
    ),
    Target(
        "reproduce table1",
        ("reproduce", "table1", "--output=p", "--size=16", "--n-samples=1", "--network-seeds=1"),
        "p",
        old=False,
        seconds=0.8,
        weight=1,
    ),
)


class Kills:
    """Makes cases of kills.

    Args:
        fixtures: A run for `report`.
        numbers: Where moments come from.
    """

    def __init__(self, fixtures: Fixtures, numbers: random.Random) -> None:
        self.fixtures, self.numbers = fixtures, numbers

    def cases(self, n: int) -> list[Case]:
        """`n` kills, spread over commands and signals."""
        endless = self._endless()
        return [next(endless) for _ in range(n)]

    def _endless(self) -> Iterator[Case]:
        while True:
            rounds = [target for target in TARGETS for _ in range(target.weight)]
            self.numbers.shuffle(rounds)
            for target in rounds:
                for number in self.numbers.sample(sorted(SIGNALS), 2):
                    yield self._case(
                        target, signal.Signals(number), self.numbers.uniform(0.02, target.seconds) * self.fixtures.pace
                    )

    def _case(self, target: Target, number: signal.Signals, moment: float) -> Case:
        return Case(
            f"attributionlab {' '.join(target.command)}  # {number.name} after {moment:.2f} s",
            target.command,
            codes=frozenset({0, SIGNALS[number]}),
            prepare=self._prepared(target),
            judge=lambda outcome: self._judged(target, outcome),
            kill=(number, moment),
            seconds=moment + 60,
            real=target.real,
            general=number is not signal.SIGKILL,
        )

    def _prepared(self, target: Target) -> Callable[[Path], None]:
        def prepare(work: Path) -> None:
            (work / "plan.toml").write_text(PLAN, encoding="utf-8")
            if "fixture" in target.command:
                shutil.copytree(self.fixtures.folder / "run", work / "fixture")
            if target.old and target.output == "g":
                shutil.copytree(self.fixtures.folder / "images", work / "g")
            elif target.old:
                # What the command itself would write is replaced; it comes from an earlier call.
                source = self.fixtures.old(target.output)
                shutil.copy(source, work / target.output)

        return prepare

    def _judged(self, target: Target, outcome: Outcome) -> list[Violation]:
        problems = list(_judged_output(target, outcome))
        before = _records(outcome.folder)
        if problems and target.old:
            return problems
        if not target.old and target.output == "g" and (outcome.folder / "g").exists():
            return problems  # it was done before the signal came
        command = [part for part in target.command if part != "--workers=2"]
        code, text = call(command, outcome.folder)
        if code != 0:
            problems.append(
                Violation("data", f"the next call ends with {code}: {text[-120:]!r}", "the next call fails")
            )
            return problems
        left = drafts(snapshot(outcome.folder))
        if left:
            problems.append(
                Violation("left behind", f"after the next call: {', '.join(left[:3])}", "also after the next call")
            )
        if target.output == "run":
            after = _records(outcome.folder)
            if len(after) != N_RECORDS:
                problems.append(
                    Violation("data", f"{len(after)} of {N_RECORDS} records after the next call", "records missing")
                )
            if any(after.get(key) != line for key, line in before.items()):
                problems.append(Violation("data", "a record was lost or changed", "record lost"))
        return problems


def _judged_output(target: Target, outcome: Outcome) -> Iterator[Violation]:
    """The old output or the new one, complete, and never neither."""
    path = outcome.folder / target.output
    if not target.old:
        if target.output == "g" and path.exists() and not (path / "manifest.json").exists():
            yield Violation("data", "a folder without a manifest", "half an output")
        return
    if not path.exists():
        yield Violation("data", f"neither the old nor the new {target.output}", "neither old nor new")
    elif target.output == "g":
        manifest = path / "manifest.json"
        n_samples = json.loads(manifest.read_text(encoding="utf-8"))["n_samples"] if manifest.exists() else -1
        n_images = len(list((path / "images").glob("*.png")))
        if n_samples != n_images or not (path / "truth.npz").exists() or not (path / "preview.png").exists():
            yield Violation("data", f"{n_images} images, the manifest names {n_samples}", "half an output")
    else:
        content = path.read_bytes()
        whole = content.rstrip().endswith(b"</html>") or content.endswith(b"IEND\xaeB`\x82")
        if not whole:
            yield Violation("data", f"{len(content)} bytes that are no whole file", "half an output")


def _records(folder: Path) -> dict[str, bytes]:
    """Whole lines of a run by key."""
    file = folder / "run/records.jsonl"
    if not file.exists():
        return {}
    records = {}
    for line in file.read_bytes().splitlines(keepends=True):
        with contextlib.suppress(ValueError, KeyError):
            if line.endswith(b"\n"):
                records[json.loads(line)["record"]["key"]] = line
    return records
