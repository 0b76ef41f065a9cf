"""What a run costs beside its work: seconds of a typical run and where they go, overhead per job, two workers, a million records.

Usage: python scripts/bench_runs.py [N_RECORDS]
"""

from __future__ import annotations

import dataclasses
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import orjson

from attributionlab.reports.page.provenance import provenance
from attributionlab.reports.page.report import report_html
from attributionlab.reports.tables.run_rows import run_table
from attributionlab.reports.tables.run_tables import to_rich
from attributionlab.runs import Plan, Record, Records, load_records, run_plan
from attributionlab.runs.jobs import AGREEMENT
from attributionlab.runs.records import RECORDS_FILE
from attributionlab.runs.store import RunFolder

METHODS = [
    "gradient",
    "input-x-gradient",
    "integrated-gradients[n_steps=50]",
    "guided-backprop",
    "deeplift",
    "deepshap",
    "lrp-epsilon",
    "gradcam",
    "occlusion",
    "lime",
    "random",
    "constant",
]


def typical(folder: Path) -> None:
    """Twelve methods, three environments, 32 images at 64x64; one worker and two."""
    environments = [f"{name}[size=64]" for name in ("multi-color-sum", "single-color-sum", "single-color-modulo")]
    plan = Plan.of(environments=environments, methods=METHODS, metrics=["insertion", "deletion"], n_samples=32)
    spent: dict[str, float] = defaultdict(float)
    print(f"{plan.n_jobs} jobs: {len(METHODS)} methods, 3 environments, 32 images at 64x64, Insertion and Deletion\n")
    outcome = run_plan(plan, folder / "one")
    for record in load_records(folder / "one"):
        spent[record.method if record.measure == AGREEMENT else record.measure] += record.seconds
    print("| where | seconds |\n|---|---|")
    for name, seconds in sorted(spent.items(), key=lambda one: -one[1]):
        print(f"| `{name}` | {seconds:.1f} |")
    rest = outcome.seconds - sum(spent.values())
    print(f"| scores, scenes, networks, records | {rest:.1f} |\n| all | {outcome.seconds:.1f} |\n")


def throughput(folder: Path) -> None:
    """A CPU-bound plan by one process of one thread and by two."""
    plan = Plan.of(environments=["multi-color-sum[size=64]"], methods=["lime", "kernel-shap"], n_samples=64)
    warm = Plan.of(environments=["multi-color-sum[size=16]"], methods=["truth", "random"], n_samples=16)
    run_plan(warm, folder / "warm", workers=2)  # starting processes is paid once
    import torch  # noqa: PLC0415  # one thread only now

    torch.set_num_threads(1)
    one = run_plan(plan, folder / "single").seconds
    two = run_plan(plan, folder / "double", workers=2).seconds
    print(f"LIME and KernelSHAP, 64 images at 64x64: one worker {one:.1f} s, two {two:.1f} s, ratio {one / two:.2f}\n")


def overhead(folder: Path) -> None:
    """Jobs that take next to nothing, without what they take."""
    plan = Plan.of(
        environments=["single-color-sum[size=16]"], methods=["constant", "input"], n_samples=1000, images_per_job=1
    )
    outcome = run_plan(plan, folder / "small")
    work = sum(record.seconds for record in load_records(folder / "small"))
    each = (outcome.seconds - work) / plan.n_jobs * 1000
    print(f"overhead per job, scene and scores of an image included: {each:.2f} ms ({plan.n_jobs} jobs)\n")


def many(folder: Path, n_records: int) -> None:
    """A million records: whatever reads them, beside what it takes to parse every line and do nothing else."""
    environments = [f"multi-color-sum[size=16,temperature={2**power}]" for power in range(4)]
    n_ranges = n_records // (len(METHODS) * 4 * 5)
    plan = Plan.of(
        environments=environments, methods=METHODS, seeds=list(range(5)), n_samples=4 * n_ranges, images_per_job=4
    )
    found = folder / "few"
    few = dataclasses.replace(plan, n_samples=4, seeds=(0,))
    run_plan(few, found)
    records = {(record.environment, record.method): record for record in load_records(found)}
    path = folder / "many"
    with RunFolder.opened(path, plan), (path / RECORDS_FILE).open("wb") as file:
        for unit in plan.units():
            (job,) = unit.jobs
            like = records[plan.expanded[job.environment], job.method]
            file.write(Record.to_line(dataclasses.replace(like, job=job)))
    size = (path / RECORDS_FILE).stat().st_size
    method, environment = plan.methods[0], next(iter(plan.expanded))
    print(f"{plan.n_jobs:,} records ({size / 1e9:.2f} GB)\n\n| what | CPU seconds | MB more memory |\n|---|---|---|")
    reading: dict[str, Callable[[Records], object]] = {
        "lines that are damaged": lambda records: records.damaged,
        "scores of a method, the first ones asked for": lambda records: records.scores(environment, method),
        "`report`: the table": lambda records: to_rich(run_table(records)),
        "`run` of a finished plan": lambda _: run_plan(plan, path),
        "where the numbers come from": provenance,
        "`report -o`: the whole page": report_html,
        "every line parsed, and nothing else": lambda _: parse(path / RECORDS_FILE),
    }
    for name, read in reading.items():
        before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        read(load_records(path))
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"| {name} | {time.process_time() - begin:.1f} | {more:.0f} |", flush=True)
    print()


def parse(path: Path) -> None:
    """The least that reading JSON takes."""
    with path.open("rb") as lines:
        for line in lines:
            orjson.loads(line)


def main(n_records: int = 1_000_000) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many(folder, n_records)
        overhead(folder)
        typical(folder)
        throughput(folder)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
