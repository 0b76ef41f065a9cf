"""Running plans: every job once, whoever does it, however often the run is interrupted."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attributionlab.machine import find_device
from attributionlab.runs.executors import Backend, Executor
from attributionlab.runs.jobs import Unit
from attributionlab.runs.plan import Plan
from attributionlab.runs.records import RECORDS_FILE, Record
from attributionlab.runs.store import Journal, RunFolder
from attributionlab.runs.work import Done
from attributionlab.specs.arguments import require_flag, require_function, require_instance, require_path

Watch = Callable[[Record], None]


@dataclass(frozen=True)
class RunOutcome:
    """What a run did.

    Args:
        folder: Where the records are.
        n_jobs: Jobs of the plan.
        n_before: Jobs that had a record already.
        n_run: Records that were written now.
        n_failed: Jobs whose record says that they failed.
        damaged: Records that were found damaged, and were done again.
        seconds: How long it took.
    """

    folder: Path
    n_jobs: int
    n_before: int
    n_run: int
    n_failed: int
    damaged: tuple[str, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**dataclasses.asdict(self), "folder": str(self.folder), "damaged": list(self.damaged)}


def run_plan(
    plan: Plan,
    folder: str | Path,
    *,
    workers: int = 1,
    backend: Backend = "loky",
    address: str | None = None,
    device: str = "auto",
    timeout: float | None = None,
    retry_failed: bool = False,
    progress: Callable[[int], None] | None = None,
    watch: Watch | None = None,
) -> RunOutcome:
    """Do all jobs of a plan that have no record yet, and append a record for each.

    It may be killed at any moment: run again, it goes on with what is missing. Records do not depend on who does the work.

    Args:
        plan: What to measure.
        folder: A new folder, or that of the same plan.
        workers: Processes; 1 is this one.
        backend: `loky` on this machine; `dask` or `ray` (extras of these names) on a cluster.
        address: Of the cluster's scheduler; without one, Dask and Ray start one on this machine.
        device: `auto` (what this machine has), `cpu` or `cuda`; with several GPUs the work is dealt out in turn.
        timeout: Seconds after which a job is given up, a failed one from then on; None for never. Not on Dask.
        retry_failed: Whether jobs whose record says that they failed are done again.
        progress: Called with the number of jobs done since the last call, first with those that were done before.
        watch: Called with each record that is written.

    Raises:
        BadOption: If an option does not fit, the folder belongs to another plan, or another process runs in it.
        MachineError: If the disk is full, there is no such device, or the cluster does not answer.

    Example:
        >>> import tempfile
        >>> plan = Plan.of(environments=["multi-color-sum[size=16]"], methods=["truth"], n_samples=8)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run_plan(plan, folder).n_run, run_plan(plan, folder).n_run
        (2, 0)
    """
    require_instance("plan", plan, Plan, "be a Plan, as Plan.of or read_plan returns it")
    folder = require_path("folder", folder)
    require_flag("retry_failed", retry_failed)
    require_function("progress", progress, "(n)")
    require_function("watch", watch, "(record)")
    begin = time.perf_counter()
    executor = Executor(workers, backend, address, _device(device, address), timeout)
    with RunFolder.opened(folder, plan) as opened:
        skipped = opened.done - opened.failed if retry_failed else opened.done
        units = list(_missing(plan, skipped))
        n_left = sum(len(unit.jobs) for unit in units)
        if progress is not None and plan.n_jobs > n_left:
            progress(plan.n_jobs - n_left)
        n_run, n_failed = 0, len(opened.failed & skipped)
        with Journal(opened.path / RECORDS_FILE) as journal:
            for one in executor.do(units) if units else ():
                _store(one, opened, journal)
                n_run += len(one.records)
                n_failed += sum(record.error is not None for record in one.records)
                if progress is not None:
                    progress(len(one.records))
                for record in one.records if watch is not None else ():
                    watch(record)  # type: ignore[misc]  # it is not None here
        damaged = tuple(map(str, opened.damaged))
    return RunOutcome(folder, plan.n_jobs, plan.n_jobs - n_left, n_run, n_failed, damaged, time.perf_counter() - begin)


def _device(name: str, address: str | None) -> str:
    """`cpu` or `cuda`; a cluster may have GPUs where this machine has none."""
    return name if address is not None and name == "cuda" else find_device(name).type


def _missing(plan: Plan, done: set[str]) -> Iterator[Unit]:
    """What is left of each unit."""
    for unit in plan.units():
        jobs = tuple(job for job in unit.jobs if job.key not in done)
        if jobs:
            yield dataclasses.replace(unit, jobs=jobs)


def _store(done: Done, folder: RunFolder, journal: Journal) -> None:
    """Maps first: a record that says that there are maps is never without them."""
    for record in done.records:
        if record.n_maps and done.maps is not None:
            folder.write_maps(record.job.key, done.maps)
        journal.append(record)
