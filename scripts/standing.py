"""The standing table: many methods on every environment of a frozen benchmark, in docs/standing.json and docs/standing.md.

    python scripts/standing.py           # measures what is missing, then writes the page
    python scripts/standing.py --page    # writes the page from what is stored
    python scripts/standing.py --anew    # measures everything again

scripts/standing.toml names the benchmark and the methods; a line adds a method. Every verdict is stored as soon as it is there, so
the command can be stopped and goes on from there. A verdict is measured again where the version of its library has changed. Rows of
libraries that are not installed are left as they are stored. About an hour of one core; the extra `findings` has the libraries.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import itertools
import json
import textwrap
import time
import tomllib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import attributionlab as al
from attributionlab.benchmarks import Benchmark, load_benchmark
from attributionlab.errors import BadOption, UnknownName
from attributionlab.files import write_whole
from attributionlab.judging.benchmarking import NO_LIMIT
from attributionlab.machine import versions
from attributionlab.methods import context_for, make_method

ROOT = Path(__file__).parents[1]
LIST = ROOT / "scripts" / "standing.toml"
STORED, PAGE = ROOT / "docs" / "standing.json", ROOT / "docs" / "standing.md"

COLUMNS = {
    "multi-color-sum[size=32]": "probability",
    "multi-color-sum[output=logit,size=32]": "logit",
    "multi-color-sum[size=32,structure=residual]": "residual",
    "background-sum[size=32]": "background",
    "single-color-sum[size=32]": "count",
    "single-color-modulo[size=32]": "modulo",
}
"""Short names of environments."""

SYMBOLS = {
    "passed": "✓",
    "pixels-only": "±",
    "undecided": "?",
    "blind": "○",
    "failed": "✗",
    "broke": "✗!",
    "refused": "n/a",
    "not measured": "·",
}
"""Symbols of outcomes, which differ in shape and not in color."""

MEANINGS = {
    "passed": "the interval of the mean F1 is at or above 0.5",
    "pixels-only": "the pixels are right, but their signs are wrong",
    "undecided": "the interval contains 0.5",
    "blind": "the maps do not depend on the network, or are right without it",
    "failed": "the interval is below 0.5",
    "broke": "the method raised an error, or gave no valid maps",
    "refused": "the method says that it cannot explain this network",
    "not measured": "not measured yet",
}
"""Outcomes in words, in the order of the legend."""

LIBRARIES = {
    "attributionlab": "attributionlab",
    "captum": "captum",
    "zennit": "zennit",
    "shap": "shap",
    "grad-cam": "pytorch_grad_cam",
}
"""Modules of libraries, in the order of the page."""

N_TIMED = 4
"""Images on which the cost is measured."""


@dataclass(frozen=True)
class Listed:
    """What the table is about.

    Args:
        benchmark: The benchmark.
        methods: Specs of methods.
        n_fast: Number of those, from the first on, that are measured in all environments before the others.
    """

    benchmark: Benchmark
    methods: tuple[str, ...]
    n_fast: int

    @classmethod
    def read(cls, path: Path = LIST) -> Listed:
        """Read the list of methods."""
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        fast, slow = entries["methods"], entries["slow"]
        return cls(load_benchmark(entries["benchmark"]), (*fast, *slow), len(fast))

    def cells(self) -> Iterator[tuple[str, str]]:
        """Environment and method of every cell in the order of measuring: an environment keeps its exact values for the next method."""
        for methods in (self.methods[: self.n_fast], self.methods[self.n_fast :]):
            yield from itertools.product(self.benchmark.specs, methods)

    def rows(self, library: str) -> list[str]:
        """Methods of a library, without the controls."""
        return [method for method in self.methods if library_of(method) == library and not is_control(method)]


def library_of(method: str) -> str:
    """The library of a method."""
    library, colon, _ = method.partition(":")
    return library if colon else "attributionlab"


@cache
def is_control(method: str) -> bool:
    """Whether a method is a control of this package."""
    return library_of(method) == "attributionlab" and make_method(method).declaration.family == "controls"


def version_of(method: str) -> str | None:
    """Version of a method's library; None if it is not installed."""
    library = library_of(method)
    if importlib.util.find_spec(LIBRARIES[library]) is None:
        return None
    return importlib.metadata.version(library)


def measure(method: str, environment: str, benchmark: Benchmark) -> dict[str, Any]:
    """The verdict on a method in one environment, as it is stored."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  # what libraries draw from
    try:
        limits: dict[str, Any] = {"n_samples": benchmark.n_samples, "max_seconds": NO_LIMIT}
        result = al.check(method, environment, gamma=benchmark.gamma, device="cpu", **limits)
    except (BadOption, UnknownName) as error:
        return {"outcome": "refused", "error": str(error)}
    (verdict,) = result.environments
    if verdict.error is not None:
        return {"outcome": "broke", "error": verdict.error.message}
    scores, dependence = verdict.truths[result.deciding_truth], verdict.dependence
    assert scores is not None, "the deciding truth applies"
    return {
        "outcome": verdict.outcome,
        "deciding_truth": result.deciding_truth,
        "f1": [round(value, 4) for value in (scores.f1, scores.f1_low, scores.f1_high)],
        "dependence": None if dependence is None else round(dependence[result.deciding_truth].value, 4),
        "answers": verdict.answers,
    }


def cost(method: str, environment: str) -> float:
    """CPU seconds per image of a method relative to one gradient, on a batch of four."""
    built = al.make_environment(environment)
    batch = built.sample(N_TIMED)

    def seconds(spec: str, repeats: int) -> float:
        explain = make_method(spec, built)
        context = context_for(explain, batch)
        times = []
        for _ in range(repeats):
            begin = time.process_time()
            explain(built.model, batch.inputs, batch.targets, **context)
            times.append(time.process_time() - begin)
            if times[-1] > 1:
                break
        return min(times)

    return float(f"{seconds(method, 5) / seconds('gradient', 10):.3g}")


def measure_missing(listed: Listed, stored: dict[str, Any]) -> None:
    """Measure the cells that are not stored with the version of their library, and store each."""
    for environment, method in listed.cells():
        version = version_of(method)
        if version is None:
            continue
        row = stored["methods"].setdefault(method, {"version": version, "cells": {}})
        if row["version"] == version and environment in row["cells"]:
            continue
        if row["version"] != version:
            row = stored["methods"][method] = {"version": version, "cells": {}}
        begin = time.process_time()
        cell = row["cells"][environment] = measure(method, environment, listed.benchmark)
        if environment == listed.benchmark.specs[0] and "error" not in cell:
            row["cost"] = cost(method, environment)
        write(listed, stored)
        print(f"{method}, {environment}: {cell['outcome']}, {time.process_time() - begin:.1f} CPU s", flush=True)


def write(listed: Listed, stored: Mapping[str, Any]) -> None:
    """Write the verdicts and the page."""
    write_whole(STORED, (json.dumps(stored, ensure_ascii=False).replace('"cells"', '\n"cells"') + "\n").encode())
    write_whole(PAGE, page(listed, stored).encode())


def page(listed: Listed, stored: Mapping[str, Any]) -> str:
    """The text of docs/standing.md."""
    return "\n".join(_lines(listed, stored["methods"], stored["versions"])) + "\n"


def _lines(listed: Listed, methods: Mapping[str, Any], used: Mapping[str, str]) -> Iterator[str]:
    """Lines of the page."""
    benchmark = listed.benchmark
    columns = [COLUMNS[spec] for spec in benchmark.specs]
    yield "# Standing table\n"
    yield (
        "This table says which attribution methods find the pixels that designed networks use, relative to the true background, on the frozen"
        f" benchmark `{benchmark.name}` ([what it fixes](verdict.md#a-frozen-benchmark)). A method that does not pass errs on networks whose every"
        " weight is understood, or answers another question ([which one](#questions-that-are-answered)). A method that passes has not been shown to"
        " be right about any other network, and one with another baseline, layer or number of samples may stand elsewhere.\n"
    )
    yield _counts(listed, methods)
    yield "| symbol | outcome |\n|---|---|"
    yield from (f"| {SYMBOLS[name]} | {name}: {text} |" for name, text in MEANINGS.items())
    yield (
        f"\nA number is the mean F1 on the truth that decides, over {benchmark.n_samples} images, each under its own network"
        " ([the verdict](verdict.md)). *Cost* is CPU time per image relative to one gradient, in the first environment, for"
        f" {N_TIMED} images at once. Networks of `count` and `modulo` have no second network, so blind maps are not found there.\n"
    )
    yield "| column | environment |\n|---|---|"
    yield from (f"| {COLUMNS[spec]} | `{spec}` |" for spec in benchmark.specs)
    sections = [(library, listed.rows(library)) for library in LIBRARIES]
    sections.append(("Controls", [name for name in listed.methods if is_control(name)]))
    for title, names in sections:
        yield f"\n## {_title(title, names, methods)}\n"
        yield f"| method | {' | '.join(columns)} | decides | cost |"
        yield f"|---|{'---|' * len(columns)}---|---:|"
        yield from (_row(name, methods.get(name, {"cells": {}}), benchmark.specs) for name in names)
    yield from _answers(listed, methods)
    yield from _errors(listed, methods)
    yield "\n## How it was made\n"
    yield (
        f"`python scripts/standing.py`, with {', '.join(f'{name} {number}' for name, number in used.items())}. Every verdict is in"
        " `docs/standing.json`, with its interval and network dependence. To add a method, add a line to `scripts/standing.toml` and run the"
        f" command: it measures what is missing. `attributionlab check METHOD --benchmark {benchmark.name}` repeats a row and prints the sentence"
        " to cite. The benchmark's environments are those of this package whose truth is exact; networks on texts are trained ([texts](text.md))."
    )


def _counts(listed: Listed, methods: Mapping[str, Any]) -> str:
    """How many methods are measured, and which pass everywhere."""
    names = [name for name in listed.methods if not is_control(name)]
    outcomes = {name: _outcomes(methods.get(name), listed.benchmark) for name in names}
    measured = [name for name in names if "not measured" not in outcomes[name]]
    passed = [name for name in names if outcomes[name] == {"passed"}]
    n = len(listed.benchmark.specs)
    which = f": {', '.join(f'`{name}`' for name in passed)}" if passed else ""
    return f"{len(measured)} of {len(names)} methods are measured in all {n} environments. {len(passed)} pass in all{which}.\n"


def _title(library: str, names: Sequence[str], methods: Mapping[str, Any]) -> str:
    """Title of a section: library and version."""
    numbers = sorted({methods[name]["version"] for name in names if methods.get(name, {}).get("version")})
    if library == "Controls":
        return "Controls: maps that do not look at the network, or know the answer"
    return f"{library} {', '.join(numbers) or '(not measured)'}"


def _row(name: str, row: Mapping[str, Any], specs: Sequence[str]) -> str:
    """A method's row."""
    entries = [row["cells"].get(spec, {"outcome": "not measured"}) for spec in specs]
    deciding = sorted({entry["deciding_truth"] for entry in entries if "deciding_truth" in entry})
    price = f"{row['cost']:,.3g}" if row.get("cost", 1000) < 1000 else f"{row['cost']:,.0f}" if "cost" in row else ""
    return f"| `{name}` | {' | '.join(map(_cell, entries))} | {', '.join(deciding)} | {price} |"


def _cell(entry: Mapping[str, Any]) -> str:
    """Symbol and F1, which stay on one line."""
    return SYMBOLS[entry["outcome"]] + (f"\u00a0{entry['f1'][0]:.2f}" if "f1" in entry else "")


def _outcomes(row: Mapping[str, Any] | None, benchmark: Benchmark) -> set[str]:
    """Outcomes of a row; with `not measured` if one is missing."""
    entries = {} if row is None else row["cells"]
    return {entries.get(spec, {"outcome": "not measured"})["outcome"] for spec in benchmark.specs}


def _answers(listed: Listed, methods: Mapping[str, Any]) -> Iterator[str]:
    """The games that methods answer, with those that answer one somewhere."""
    specs = listed.benchmark.specs
    yield "\n## Questions that are answered\n"
    yield "The [games](truth.md) whose exact values the maps equal (l1 below 0.05 on each of the first four images), the two nearest. Methods that answer none are left out.\n"
    yield f"| method | {' | '.join(COLUMNS[spec] for spec in specs)} |"
    yield f"|---|{'---|' * len(specs)}"
    for name in listed.methods:
        entries = methods.get(name, {"cells": {}})["cells"]
        answers = [", ".join(f"`{game}`" for game in entries.get(spec, {}).get("answers", [])[:2]) for spec in specs]
        if any(answers):
            yield f"| `{name}` | {' | '.join(answer or '-' for answer in answers)} |"


def _errors(listed: Listed, methods: Mapping[str, Any]) -> Iterator[str]:
    """Refusals and errors, one line for each message of a method."""
    yield "\n## Refusals and errors\n"
    for name in listed.methods:
        by_message: dict[str, list[str]] = {}
        for spec, cell in methods.get(name, {"cells": {}})["cells"].items():
            if "error" in cell:
                by_message.setdefault(cell["error"], []).append(COLUMNS[spec])
        for message, where in by_message.items():
            yield f"* `{name}` ({', '.join(where)}): {_shown(message)}"


def _shown(message: str) -> str:
    """A message as text of a page."""
    return (
        textwrap.shorten(message, 200, placeholder=" ...").replace("|", r"\|").replace("<", "&lt;").replace("*", r"\*")
    )


def read_stored() -> dict[str, Any]:
    """The stored verdicts."""
    stored: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    return {"benchmark": "", "versions": {}, "methods": {}, **stored}


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", action="store_true", help="only write the page from what is stored")
    parser.add_argument("--anew", action="store_true", help="measure everything again")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    listed, stored = Listed.read(), read_stored()
    if not options.page:
        differences = listed.benchmark.differences()
        if differences:
            parser.error("; ".join(differences))
        if options.anew or stored["benchmark"] != listed.benchmark.name:
            stored = {"benchmark": listed.benchmark.name, "versions": {}, "methods": {}}
        stored["versions"] = versions()
        measure_missing(listed, stored)
    write(listed, stored)


if __name__ == "__main__":
    main()
