"""Tables of docs/testing.md: which assertion catches which planted fault, and which correct method is flagged, over several seeds.

`python scripts/table_of_faults.py --seeds 10` prints Markdown. Results are kept as lines of `--results FILE`, so that a run that was
interrupted goes on.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

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
    for key, measure in _jobs(options.kinds, options.seeds):
        if key not in done:
            done[key] = measure()
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, done[key]]) + "\n")
    _print(done)


def _read(path: Path) -> dict[str, str]:
    """Results so far, by `kind/name/seed`."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return dict(json.loads(line) for line in lines)


def _jobs(kinds: list[str], n_seeds: int) -> Iterator[tuple[str, Callable[[], str]]]:
    """Every fault and every correct method with every seed."""
    for kind in kinds:
        module = importlib.import_module(f"faulty.{kind}")
        for seed in range(n_seeds):
            if kind == "correct":
                for index, method in enumerate(module.CORRECT):
                    name = f"{_name(method)} ({index})"
                    yield f"correct/{name}/{seed}", partial(_alarm, method, seed, module.KNOWN)
                continue
            for fault, expected in module.FAULTS.items():
                yield f"{kind}/{_name(fault)}/{seed}", partial(_outcome, fault, *expected, seed)


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
