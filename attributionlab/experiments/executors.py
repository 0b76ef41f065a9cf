"""Where the work of a run is done: in this process, in others (loky), or on a cluster (dask, ray), through joblib."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import BrokenProcessPool

from attributionlab._checks import whole_number
from attributionlab.errors import MachineError, bad_option
from attributionlab.experiments.plan import Unit
from attributionlab.experiments.work import Done, do_unit, lost_unit

Backend = Literal["loky", "dask", "ray"]

CONNECT_SECONDS = 10
RAY_BATCH = 8
"""Units per processor of a Ray cluster that are handed out at once: its joblib backend gives nothing back before all are done."""


@dataclass(frozen=True)
class Executor:
    """How units are done; the records are the same whatever it is.

    Args:
        workers: Processes; 1 is this one. A cluster uses all that it has.
        backend: `loky` on this machine; `dask` or `ray` on a cluster.
        address: Of the cluster's scheduler; without one, Dask and Ray start one on this machine.
        devices: Names of torch devices, which units take in turn.

    Raises:
        BadOption: If an option does not fit, or the engine is not installed.
    """

    workers: int = 1
    backend: Backend = "loky"
    address: str | None = None
    devices: tuple[str, ...] = ("cpu",)

    def __post_init__(self) -> None:
        whole_number("workers", self.workers, 1)
        if self.backend not in get_args(Backend):
            raise bad_option("backend", f"be {' or '.join(get_args(Backend))}", self.backend)
        if self.backend == "loky" and self.address is not None:
            raise bad_option("address", "go with the backend dask or ray", self.address)
        module = {"dask": "distributed", "ray": "ray"}.get(self.backend)
        if module is not None and importlib.util.find_spec(module) is None:
            hint = f'pip install "attributionlab[{self.backend}]"'
            raise bad_option("backend", "be one that is installed", self.backend, hint)

    def do(self, units: Sequence[Unit]) -> Iterator[Done]:
        """Do units in any order, and give what came of each as soon as it is there.

        Raises:
            MachineError: If the cluster is not there.
        """
        if self.backend == "dask":
            with _dask(self.address, self.workers):
                yield from self._parallel(units, n_jobs=-1)
        elif self.backend == "ray":
            with _ray(self.address, self.workers, self.on_gpu) as n_workers:
                at_once = RAY_BATCH * n_workers
                for start in range(0, len(units), at_once):
                    yield from Parallel(n_jobs=n_workers)(self._calls(units[start : start + at_once]))
        elif self.workers > 1:
            yield from self._in_processes(units)
        else:
            yield from (do_unit(unit, self._device(index)) for index, unit in enumerate(units))

    @property
    def on_gpu(self) -> bool:
        """Whether units need a GPU."""
        return any(device.startswith("cuda") for device in self.devices)

    def _in_processes(self, units: Sequence[Unit]) -> Iterator[Done]:
        """Where a process dies, the units that were handed out are done again one by one, so that the guilty one is known."""
        left = {unit.jobs[0].key: unit for unit in units}
        n_alone = 0
        while left:
            now = list(left.values())[: 1 if n_alone else None]
            try:
                with parallel_config(backend="loky", inner_max_num_threads=self._threads):
                    for done in self._parallel(now, n_jobs=self.workers):
                        del left[done.records[0].job.key]
                        yield done
            except BrokenProcessPool as error:
                if n_alone:
                    why = " ".join(str(error).split()).partition(". ")[0]
                    yield lost_unit(left.pop(now[0].jobs[0].key), why)
                else:
                    n_alone = 2 * self.workers + 1
            n_alone = max(0, n_alone - 1)

    def _parallel(self, units: Sequence[Unit], n_jobs: int) -> Iterator[Done]:
        found: Iterator[Done] = Parallel(n_jobs=n_jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(
            self._calls(units)
        )
        yield from found

    def _calls(self, units: Sequence[Unit]) -> Iterator[Any]:
        return (delayed(do_unit)(unit, self._device(index)) for index, unit in enumerate(units))

    @property
    def _threads(self) -> int:
        """Threads of torch in each process: more than there are processors would only fight."""
        return max(1, (os.cpu_count() or 1) // self.workers)

    def _device(self, index: int) -> str:
        return self.devices[index % len(self.devices)]


@contextmanager
def _dask(address: str | None, workers: int) -> Iterator[None]:
    from distributed import Client, LocalCluster  # noqa: PLC0415  # an extra

    try:
        if address is None:
            cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            client = Client(cluster)
        else:
            cluster, client = None, Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError) as error:
        hint = " ".join(str(error).split())
        raise MachineError(f"`scheduler` must be a Dask scheduler that answers, got {address!r}; {hint}") from error
    try:
        with parallel_config(backend="dask", client=client, wait_for_workers_timeout=CONNECT_SECONDS):
            yield
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


@contextmanager
def _ray(address: str | None, workers: int, on_gpu: bool) -> Iterator[int]:  # noqa: FBT001  # private
    import ray  # noqa: PLC0415  # an extra
    from ray.util.joblib import register_ray  # noqa: PLC0415  # as above

    try:
        local = {} if address is not None else {"num_cpus": workers, "include_dashboard": False}
        ray.init(address=address or "local", log_to_driver=False, configure_logging=False, **local)
    except (ConnectionError, ValueError, OSError, RuntimeError) as error:
        hint = " ".join(str(error).split())
        raise MachineError(f"`address` must be a Ray cluster that answers, got {address!r}; {hint}") from error
    try:
        register_ray()
        resources = ray.cluster_resources()
        n_workers = int(resources.get("GPU" if on_gpu else "CPU", 0))
        if n_workers < 1:
            raise MachineError(f"`address` must be a Ray cluster with {'GPUs' if on_gpu else 'CPUs'}, got {resources}")
        with parallel_config(backend="ray", ray_remote_args={"num_gpus": 1} if on_gpu else {}):
            yield n_workers
    finally:
        ray.shutdown()
