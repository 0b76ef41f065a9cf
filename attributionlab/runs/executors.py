"""Executors of the units of a run: this process, worker processes (loky), or a cluster (dask, ray)."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

from attributionlab.errors import bad_option
from attributionlab.methods.factory import METHODS
from attributionlab.metrics.factory import METRICS
from attributionlab.runs.clusters import dask_cluster, do_on_cluster, ray_cluster
from attributionlab.runs.groups import Group, together
from attributionlab.runs.jobs import AGREEMENT, Unit
from attributionlab.runs.tasks import Task, TaskResult
from attributionlab.runs.time_limit import GRACE_SECONDS, TIMEOUT_CODE, check_time_limit
from attributionlab.runs.work import Result, UnitResult, Work, do_units, killed_unit, lost_unit
from attributionlab.runs.worker_process import do_in_worker, start_worker
from attributionlab.specs.arguments import LARGEST_INTEGER, require_choice, require_text, whole_number
from attributionlab.specs.catalog import Catalog
from attributionlab.specs.functions import parse_address
from attributionlab.specs.grammar import parse_spec

Backend = Literal["loky", "dask", "ray"]

MOST_WORKERS_PER_PROCESSOR = 4
"""More workers gain no speed and take memory: each holds torch, some 250 MB."""

IDLE_SECONDS = 300
"""Seconds after which an idle worker process ends, as joblib's do."""


@dataclass(frozen=True)
class Executor:
    """Does units on one or several processes or machines; the records do not depend on which.

    Args:
        workers: Processes; 1 is this one, or one child process if the plan names functions that are not ours or there is a timeout. At
            most 4 for each processor of this machine. A cluster uses all its workers.
        backend: `loky` on this machine; `dask` or `ray` on a cluster.
        address: Address of the cluster's scheduler; without one, Dask and Ray start one on this machine.
        device: `cpu` or `cuda`; several GPUs in one machine are used in turn.
        timeout: Seconds after which a job is given up; None for never. Not on Dask, whose workers do jobs in threads.

    Raises:
        BadOption: If an option is out of range or does not go with the backend, or the engine is not installed.
    """

    workers: int = 1
    backend: Backend = "loky"
    address: str | None = None
    device: str = "cpu"
    timeout: float | None = None

    def __post_init__(self) -> None:
        most = MOST_WORKERS_PER_PROCESSOR * (os.cpu_count() or 1) if self.address is None else LARGEST_INTEGER
        whole_number(
            "workers", self.workers, 1, most, f"{MOST_WORKERS_PER_PROCESSOR} for each processor of this machine"
        )
        require_choice("backend", self.backend, get_args(Backend))
        if self.address is not None:
            require_text("address", self.address, "be a text, or none")
        if self.backend == "loky" and self.address is not None:
            raise bad_option("address", "go with the backend dask or ray", self.address)
        if self.timeout is not None:
            self._check_timeout(self.timeout)
        module = {"dask": "distributed", "ray": "ray"}.get(self.backend)
        if module is not None and importlib.util.find_spec(module) is None:
            hint = f'pip install "attributionlab[{self.backend}]"'
            raise bad_option("backend", "be one that is installed", self.backend, hint)

    def _check_timeout(self, seconds: float) -> None:
        check_time_limit(seconds)
        if self.backend == "dask":
            hint = "Dask does jobs in threads, which nothing can end"
            raise bad_option("timeout", "go with the backend loky or ray", seconds, hint)

    def do(self, units: Sequence[Unit]) -> Iterator[UnitResult]:
        """Do units in any order, and yield the result of each as soon as it is ready.

        Raises:
            MachineError: If the cluster does not answer, or lacks the device or the installed packages.
        """
        for result in self._do(units):
            assert isinstance(result, UnitResult), "units have such results"
            yield result

    def do_tasks(self, tasks: Sequence[Task]) -> Iterator[TaskResult]:
        """Do tasks in any order, and yield the result of each as soon as it is ready.

        Raises:
            MachineError: If the cluster does not answer, or lacks the device or the installed packages.
        """
        for result in self._do(tasks):
            assert isinstance(result, TaskResult), "tasks have such results"
            yield result

    def _do(self, units: Sequence[Work]) -> Iterator[Result]:
        """Do units or tasks."""
        if self.backend == "loky" and self.workers == 1 and self.timeout is None and not any(map(calls_others, units)):
            for unit in units:
                yield from do_units([unit], self.device)
        elif self.backend == "loky":
            yield from _in_processes(units, self.workers, self.device, self.timeout)
        else:
            cluster = (
                dask_cluster(self.address, self.workers)
                if self.backend == "dask"
                else ray_cluster(self.address, self.workers)
            )
            with cluster as workers:
                yield from do_on_cluster(units, workers(self.device), self.timeout)


def calls_others(unit: Work) -> bool:
    """Whether a unit calls functions or classes that are not ours, which may end their process."""
    if isinstance(unit, Task):
        return not unit.is_ours
    metrics = [job.measure for job in unit.jobs if job.measure != AGREEMENT]
    return not (_is_ours(METHODS, unit.jobs[0].method) and all(_is_ours(METRICS, metric) for metric in metrics))


def _is_ours(catalog: Catalog[Any], spec: str) -> bool:
    return parse_address(spec) is None and parse_spec(spec).name in catalog.built_in


def _in_processes(units: Sequence[Work], workers: int, device: str, timeout: float | None) -> Iterator[Result]:
    """Do units in worker processes; after one dies, do the unfinished units one by one to find the unit that ended it."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    n_threads = max(1, (os.cpu_count() or 1) // workers)  # more threads than processors would only compete
    remaining = {unit.key: unit for unit in units}
    n_alone = 0
    while remaining:
        groups = [(next(iter(remaining.values())),)] if n_alone else together(list(remaining.values()), workers)
        one_by_one = n_alone > 0 or (workers == 1 and len(groups[0]) == 1)
        begin = time.monotonic()
        try:
            with parallel_config(
                backend="loky",
                inner_max_num_threads=n_threads,
                initializer=start_worker,
                initargs=(os.getpid(), in_main_thread),
            ):
                for unit_result in _parallel(groups, workers, device, timeout):
                    del remaining[unit_result.key]
                    begin = time.monotonic()
                    yield unit_result
        except BrokenProcessPool as error:
            if one_by_one:
                lost = remaining.pop(next(iter(remaining)))
                yield _ended_unit(lost, error, timeout, time.monotonic() - begin)
            else:
                n_alone = 2 * workers * max(map(len, groups)) + 1
        n_alone = max(0, n_alone - 1)


def _ended_unit(unit: Work, error: Exception, timeout: float | None, seconds: float) -> Result:
    """Records of a unit whose worker ended, either because the unit ignored the time limit or for another reason."""
    ignored = f"EXIT({TIMEOUT_CODE})" in str(error)
    if timeout is not None and (ignored or seconds > timeout + GRACE_SECONDS):
        why = f"took longer than {timeout:g} s, and ignored the time limit, so its process was ended"
        return lost_unit(unit, "TookTooLong", why)
    return killed_unit(unit, error)


def _parallel(groups: Sequence[Group], workers: int, device: str, timeout: float | None) -> Iterator[Result]:
    calls = (delayed(do_in_worker)(group, device, turn, timeout) for turn, group in enumerate(groups))
    if workers == 1:
        yield from _in_one_child(groups, device, timeout)
        return
    for results in Parallel(workers, return_as="generator_unordered", pre_dispatch="2*n_jobs")(calls):
        yield from results


_children: dict[tuple[bool, tuple[str, ...]], ProcessPoolExecutor] = {}
"""Child processes, by whether the main thread started them and where they look for modules (a package may have been added since).

Later runs use them again, because starting takes seconds.
"""


def _in_one_child(groups: Sequence[Group], device: str, timeout: float | None) -> Iterator[Result]:
    """Do groups in one child process, which joblib would not start; an interrupt ends it."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    kind = in_main_thread, tuple(sys.path)
    if kind not in _children:
        _children[kind] = ProcessPoolExecutor(
            1, timeout=IDLE_SECONDS, initializer=start_worker, initargs=(os.getpid(), in_main_thread)
        )
    executor = _children[kind]
    try:
        for turn, group in enumerate(groups):
            yield from executor.submit(do_in_worker, group, device, turn, timeout).result()
    except BaseException:
        del _children[kind]
        executor.shutdown(wait=True, kill_workers=True)
        raise
