"""Running plans: each job is done once, on any worker, however often the run is interrupted."""

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
from attributionlab.runs.work import UnitResult
from attributionlab.specs.arguments import require_flag, require_function, require_instance, require_path

Watch = Callable[[Record], None]


@dataclass(frozen=True)
class RunOutcome:
    """Outcome of a run.

    Args:
        folder: Folder of the records.
        n_jobs: Jobs of the plan.
        n_before: Jobs that already had a record.
        n_run: Records that this run wrote.
        n_failed: Jobs recorded as failed.
        damaged: Damaged records, whose jobs were done again.
        seconds: Duration of the run.
    """

    folder: Path
    n_jobs: int
    n_before: int
    n_run: int
    n_failed: int
    damaged: tuple[str, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-serializable form."""
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
    """Measure all jobs of a plan that have no record yet, and append a record for each.

    It may be killed at any moment; the next call does the missing jobs. Records do not depend on the workers.

    Args:
        plan: The plan.
        folder: A new folder, or that of the same plan.
        workers: Processes; 1 is this one.
        backend: `loky` on this machine; `dask` or `ray` (extras of these names) on a cluster.
        address: Address of the cluster's scheduler; without one, Dask and Ray start one on this machine.
        device: `auto` (what this machine has), `cpu` or `cuda`; several GPUs are used in turn.
        timeout: Seconds after which a job is given up and recorded as failed; None for never. Not on Dask.
        retry_failed: Whether jobs recorded as failed are done again.
        progress: Called with the number of jobs done since the last call, first with those that were done before.
        watch: Called with each record that is written.

    Raises:
        BadOption: If an option is out of range, the folder belongs to another plan, or another process runs in it.
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
        skipped = opened.recorded - opened.failed if retry_failed else opened.recorded
        units = list(_missing(plan, skipped))
        n_left = sum(len(unit.jobs) for unit in units)
        if progress is not None and plan.n_jobs > n_left:
            progress(plan.n_jobs - n_left)
        n_run, n_failed = 0, len(opened.failed & skipped)
        with Journal(opened.path / RECORDS_FILE) as journal:
            for unit_result in executor.do(units) if units else ():
                _store(unit_result, opened, journal)
                n_run += len(unit_result.records)
                n_failed += sum(record.error is not None for record in unit_result.records)
                if progress is not None:
                    progress(len(unit_result.records))
                for record in unit_result.records if watch is not None else ():
                    watch(record)  # type: ignore[misc]  # it is not None here
        damaged = tuple(map(str, opened.damaged))
    return RunOutcome(folder, plan.n_jobs, plan.n_jobs - n_left, n_run, n_failed, damaged, time.perf_counter() - begin)


def _device(name: str, address: str | None) -> str:
    """`cpu` or `cuda`; a cluster may have GPUs where this machine has none."""
    return name if address is not None and name == "cuda" else find_device(name).type


def _missing(plan: Plan, recorded: set[str]) -> Iterator[Unit]:
    """Units of the jobs that have no record yet."""
    for unit in plan.units():
        jobs = tuple(job for job in unit.jobs if job.key not in recorded)
        if jobs:
            yield dataclasses.replace(unit, jobs=jobs)


def _store(unit_result: UnitResult, folder: RunFolder, journal: Journal) -> None:
    """Store maps before their record, so that a record with maps is never without them."""
    for record in unit_result.records:
        if record.n_maps and unit_result.maps is not None:
            folder.write_maps(record.job.key, unit_result.maps)
        journal.append(record)
