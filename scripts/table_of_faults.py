"""Tables of docs/testing.md: which assertion catches which planted fault, and which correct method is flagged, over several seeds.

`python scripts/table_of_faults.py --seeds 10` prints Markdown. Results are kept as lines of `--results FILE`, so that a run that was
interrupted goes on. Correct methods come in the order of their CPU seconds with the first seed, so that a run without the time for all has
every seed of the quick ones.
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


def main() -> None:
    """Measure what is missing, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--results", type=Path, default=Path("faults.jsonl"))
    parser.add_argument("--kinds", nargs="*", default=[*KINDS, "correct"])
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    done = _read(options.results)
    for key, measure in _jobs(options.kinds, options.seeds, done):
        if key not in done:
            start = time.process_time()
            done[key] = Result(measure(), time.process_time() - start)
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, *done[key]]) + "\n")
    _print({key: result.outcome for key, result in done.items()})


class Result(NamedTuple):
    """Outcome of an assertion, and the CPU seconds that it took."""

    outcome: str
    seconds: float


def _read(path: Path) -> dict[str, Result]:
    """Results so far, by `kind/name/seed`."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {key: Result(outcome, seconds) for key, outcome, seconds in map(json.loads, lines)}


def _jobs(kinds: list[str], n_seeds: int, done: dict[str, Result]) -> Iterator[tuple[str, Callable[[], str]]]:
    """Every fault and every correct method with every seed; `done` is read while it grows."""
    for kind in kinds:
        module = importlib.import_module(f"faulty.{kind}")
        if kind == "correct":
            yield from _correct_jobs(module, n_seeds, done)
            continue
        for seed in range(n_seeds):
            for fault, expected in module.FAULTS.items():
                yield f"{kind}/{_name(fault)}/{seed}", partial(_outcome, fault, *expected, seed)


def _correct_jobs(module: Any, n_seeds: int, done: dict[str, Result]) -> Iterator[tuple[str, Callable[[], str]]]:
    """Every correct method with the first seed, then the others, the quickest method first."""
    methods = {f"correct/{_name(method)} ({index})": method for index, method in enumerate(module.CORRECT)}
    for key, method in methods.items():
        yield f"{key}/0", partial(_alarm, method, 0, module.KNOWN)
    for key in sorted(methods, key=lambda key: done[f"{key}/0"].seconds):
        for seed in range(1, n_seeds):
            yield f"{key}/{seed}", partial(_alarm, methods[key], seed, module.KNOWN)


def _name(method: Any) -> str:
    """Name of a function, or the spec of a method."""
    return getattr(method, "__name__", None) or str(method.spec)


def _outcome(fault: Any, assertion: str | Callable[..., None], message: str, seed: int) -> str:
    """`named`, `caught` with another message, or `missed`."""
    check = assertion if callable(assertion) else getattr(testing, assertion)
    try:
        check(fault, seed=seed)
    except (AssertionError, MethodError) as error:
        return "named" if re.search(message, str(error), re.DOTALL) else "caught"
    return "missed"


def _alarm(method: Any, seed: int, known: dict[str, set[str]]) -> str:
    """`green`, `known` for a finding that is true of its library, or the first line of a false alarm."""
    try:
        testing.assert_all(method, seed=seed)
    except AssertionError as error:
        failing = set(re.findall(r"^  FAILS    (\w+)$", str(error), re.MULTILINE))
        return "known" if failing <= known.get(_name(method), set()) else f"alarm: {', '.join(sorted(failing))}"
    return "green"


def _print(done: dict[str, str]) -> None:
    """Both tables as Markdown."""
    outcomes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, outcome in done.items():
        kind, name, _ = key.split("/")
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
