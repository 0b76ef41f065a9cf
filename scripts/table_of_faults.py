"""Tables of docs/testing.md: which assertion catches which planted fault, and which correct method is flagged, over several seeds.

`python scripts/table_of_faults.py --seeds 10` prints Markdown. Results are kept as lines of `--results FILE`, so that a run that was
interrupted goes on. Correct methods come in the order of their CPU seconds with the first seed, so that a run without the time for all has
every seed of the quick ones. `--part 3/16` measures one of 16 parts, so that 16 processes share the work: each needs a file of its own, and
`cat` joins the files. What needs a library that is missing is recorded as not measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from attributionlab import testing
from attributionlab.errors import MethodError

ROOT = Path(__file__).parents[1]
KINDS = {
    "methods": "first faults",
    "targets": "target and baseline",
    "values": "values",
    "places": "geometry",
    "batches": "batches",
    "states": "state and modes",
    "settings": "globals",
    "digits": "precision and declared signs",
    "cams": "coarse maps",
    "metrics": "metrics",
}
"""Modules of tests/faulty, and the kind of their faults."""

NOT_MEASURED = "not measured"
"""Outcome of what needs a library that is missing."""


def main() -> None:
    """Measure what is missing, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--results", type=Path, default=Path("faults.jsonl"))
    parser.add_argument("--kinds", nargs="*", default=[*KINDS, "correct"])
    parser.add_argument("--part", type=_part, default=(1, 1), metavar="I/N", help="the I-th of N parts")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    done = _read(options.results)
    for job in _jobs(options.kinds, options.seeds, done):
        if job.key not in done and job.is_in(*options.part):
            start = time.process_time()
            outcome = _measured(job.measure)
            done[job.key] = Result(outcome, time.process_time() - start)
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps([job.key, *done[job.key]]) + "\n")
    _print({key: result.outcome for key, result in done.items()})


def _part(text: str) -> tuple[int, int]:
    """Number of a part, and of parts: `3/16`."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    part, n_parts = map(int, match.groups()) if match else (0, 0)
    if not 1 <= part <= n_parts:
        raise argparse.ArgumentTypeError(f"must be I/N with 1 <= I <= N, got {text!r}")
    return part, n_parts


class Result(NamedTuple):
    """Outcome of an assertion, and the CPU seconds that it took."""

    outcome: str
    seconds: float


def _read(path: Path) -> dict[str, Result]:
    """Results so far, by `kind/name/seed`."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {key: Result(outcome, seconds) for key, outcome, seconds in map(json.loads, lines)}


class Job(NamedTuple):
    """A fault or a correct method, with a seed."""

    key: str
    number: int
    measure: Callable[[], str]

    def is_in(self, part: int, n_parts: int) -> bool:
        """Whether the job belongs to a part: the seeds of a method are in parts that follow each other."""
        return self.number % n_parts == part - 1


def _jobs(kinds: list[str], n_seeds: int, done: dict[str, Result]) -> Iterator[Job]:
    """Every fault and every correct method with every seed; `done` is read while it grows."""
    for kind in kinds:
        try:
            module = importlib.import_module(f"faulty.{kind}")
        except ImportError as error:
            print(f"{kind}: not measured, {error}", file=sys.stderr)
            continue
        if kind == "correct":
            yield from _correct_jobs(module, n_seeds, done)
            continue
        for seed in range(n_seeds):
            if seed > 0:  # faults that remember earlier calls must not remember those of other seeds
                module = importlib.reload(module)
            for index, (fault, expected) in enumerate(module.FAULTS.items()):
                yield Job(f"{kind}/{_name(fault)}/{seed}", index + seed, partial(_outcome, fault, *expected, seed))


def _correct_jobs(module: Any, n_seeds: int, done: dict[str, Result]) -> Iterator[Job]:
    """Every correct method with the first seed, then the others, the quickest method first."""
    jobs = [
        [
            Job(f"correct/{_name(method)} ({index})/{seed}", index + seed, partial(_alarm, method, seed, module.KNOWN))
            for seed in range(n_seeds)
        ]
        for index, method in enumerate(module.CORRECT)
    ]
    yield from (first for first, *_ in jobs)
    for _, *others in sorted(jobs, key=lambda each: done[each[0].key].seconds if each[0].key in done else 0):
        yield from others


def _name(method: Any) -> str:
    """Name of a function, or the spec of a method."""
    return getattr(method, "__name__", None) or str(method.spec)


def _measured(measure: Callable[[], str]) -> str:
    """Outcome of a job, also where a library is missing or the job breaks off."""
    try:
        return measure()
    except ImportError as error:
        return f"{NOT_MEASURED}: {error}"
    except Exception as error:  # noqa: BLE001  # one broken job must not end hours of others
        return f"alarm: {type(error).__name__}: {error}"


def _missing_library(error: Exception) -> str | None:
    """Outcome of a method that needs a library that is missing; None for other errors."""
    missing = re.search(r"No module named \S+", str(error))
    return f"{NOT_MEASURED}: {missing.group()}" if missing else None


def _outcome(fault: Any, assertion: str | Callable[..., None], message: str, seed: int) -> str:
    """`named`, `caught` with another message, or `missed`."""
    check = assertion if callable(assertion) else getattr(testing, assertion)
    try:
        check(fault, seed=seed)
    except (AssertionError, MethodError) as error:
        named = "named" if re.search(message, str(error), re.DOTALL) else "caught"
        return _missing_library(error) or named
    return "missed"


def _alarm(method: Any, seed: int, known: dict[str, set[str]]) -> str:
    """`green`, `known` for a finding that is true of its library, or the first line of a false alarm."""
    try:
        testing.assert_all(method, seed=seed)
    except AssertionError as error:
        failing = set(re.findall(r"^  FAILS    (\w+)$", str(error), re.MULTILINE))
        if failing <= known.get(_name(method), set()):
            return "known"
        messages = re.findall(r"^\w+: .*", str(error), re.MULTILINE)[1:]
        return _missing_library(error) or " / ".join([f"alarm: {', '.join(sorted(failing))}", *messages])
    return "green"


def _print(done: dict[str, str]) -> None:
    """Both tables as Markdown."""
    outcomes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, outcome in done.items():
        kind, name, _ = key.split("/")
        if outcome.startswith(NOT_MEASURED):
            print(f"<!-- {key}: {outcome} -->")
        else:
            outcomes[kind][name].append(outcome)
    print("| kind | faults | caught | named by the message |\n|---|---|---|---|")
    for kind in (kind for kind in KINDS if kind in outcomes):
        runs = [outcome for each in outcomes[kind].values() for outcome in each]
        n_caught, n_named = (sum(outcome in names for outcome in runs) for names in (("named", "caught"), ("named",)))
        print(f"| {KINDS[kind]} | {len(outcomes[kind])} | {n_caught} of {len(runs)} | {n_named} of {len(runs)} |")
        for name, each in outcomes[kind].items():
            if set(each) != {"named"}:
                print(f"<!-- {name}: {', '.join(each)} -->")
    runs = [outcome for each in outcomes["correct"].values() for outcome in each]
    counts = {name: runs.count(name) for name in ("green", "known")}
    print(f"\n{len(outcomes['correct'])} correct methods: {counts['green']} of {len(runs)} runs green, ", end="")
    print(f"{counts['known']} with the known finding about a library, {len(runs) - sum(counts.values())} false alarms")
    for name, each in outcomes["correct"].items():
        if alarms := sorted({outcome for outcome in each if outcome not in counts}):
            print(f"<!-- {name}: {'; '.join(alarms)} -->")


if __name__ == "__main__":
    main()
