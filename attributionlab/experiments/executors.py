"""Where the work of a run is done: in this process, in others (loky), or on a cluster (dask, ray), through joblib."""

from __future__ import annotations

import importlib.util
import itertools
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


@dataclass(frozen=True)
class Executor:
    """How units are done; the records are the same whatever it is.

    Args:
        workers: Processes; 1 is this one. A cluster uses all that it has.
        backend: `loky` on this machine; `dask` or `ray` on a cluster.
        address: Of the cluster's scheduler; without one, Dask and Ray start one on this machine.
        device: `cpu` or `cuda`; of several GPUs in one machine units take each in its turn.

    Raises:
        BadOption: If an option does not fit, or the engine is not installed.
    """

    workers: int = 1
    backend: Backend = "loky"
    address: str | None = None
    device: str = "cpu"

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
        if self.backend == "loky" and self.workers == 1:
            yield from (do_unit(unit, self.device) for unit in units)
        elif self.backend == "ray":
            with _ray(self.address, self.workers):
                yield from _ray_tasks(units, self.device)
        else:
            engine = _loky(self.workers) if self.backend == "loky" else _dask(self.address, self.workers)
            with engine as workers:
                yield from _survived(units, workers, self.device)


@dataclass(frozen=True)
class _Engine:
    """Workers that joblib hands units to.

    Args:
        config: Of joblib's backend.
        n_jobs: As joblib counts them: -1 for all.
        n_out: Units that are handed out at once.
        died: What joblib raises where a worker died.
    """

    config: dict[str, Any]
    n_jobs: int
    n_out: int
    died: type[Exception]

    def run(self, units: Sequence[Unit], device: str) -> Iterator[Done]:
        """Do units in any order."""
        calls = (delayed(do_unit)(unit, device, turn) for turn, unit in enumerate(units))
        with parallel_config(**self.config):
            yield from Parallel(self.n_jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(calls)


def _survived(units: Sequence[Unit], engine: _Engine, device: str) -> Iterator[Done]:
    """Where a worker dies, the units that were handed out are done again one by one, so that the guilty one is known."""
    left = {unit.jobs[0].key: unit for unit in units}
    n_alone = 0
    while left:
        now = list(left.values())[: 1 if n_alone else None]
        try:
            for done in engine.run(now, device):
                del left[done.records[0].job.key]
                yield done
        except engine.died as error:
            if n_alone:
                yield lost_unit(left.pop(now[0].jobs[0].key), _in_short(error))
            else:
                n_alone = engine.n_out + 1
        n_alone = max(0, n_alone - 1)


def _in_short(error: Exception) -> str:
    """The first sentence, in one line."""
    return " ".join(str(error).split()).partition(". ")[0]


@contextmanager
def _loky(workers: int) -> Iterator[_Engine]:
    """More threads of torch than there are processors would only fight."""
    n_threads = max(1, (os.cpu_count() or 1) // workers)
    yield _Engine({"backend": "loky", "inner_max_num_threads": n_threads}, workers, 2 * workers, BrokenProcessPool)


@contextmanager
def _dask(address: str | None, workers: int) -> Iterator[_Engine]:
    from distributed import Client, KilledWorker, LocalCluster  # noqa: PLC0415  # an extra

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
        config = {"backend": "dask", "client": client, "wait_for_workers_timeout": CONNECT_SECONDS}
        yield _Engine(config, -1, 2 * sum(client.nthreads().values()), KilledWorker)
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


@contextmanager
def _ray(address: str | None, workers: int) -> Iterator[None]:
    import ray  # noqa: PLC0415  # an extra

    try:
        local: dict[str, Any] = {} if address is not None else {"num_cpus": workers, "include_dashboard": False}
        ray.init(address=address or "local", log_to_driver=False, configure_logging=False, **local)
    except (ConnectionError, ValueError, OSError, RuntimeError) as error:
        hint = " ".join(str(error).split())
        raise MachineError(f"`address` must be a Ray cluster that answers, got {address!r}; {hint}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _ray_tasks(units: Sequence[Unit], device: str) -> Iterator[Done]:
    """Not through joblib, whose backend for Ray waits for ever where a worker died."""
    import ray  # noqa: PLC0415  # an extra
    from ray.exceptions import OutOfMemoryError, RayTaskError, WorkerCrashedError  # noqa: PLC0415  # as above

    kind = "GPU" if device == "cuda" else "CPU"
    n_workers = int(ray.cluster_resources().get(kind, 0))
    if n_workers < 1:
        raise MachineError(f"`address` must be a Ray cluster with {kind}s, got {ray.cluster_resources()}")
    needs: dict[str, Any] = {"num_gpus": 1} if device == "cuda" else {}
    task = ray.remote(**needs)(do_unit) if needs else ray.remote(do_unit)
    todo, out = iter(units), dict[Any, Unit]()
    while True:
        for unit in itertools.islice(todo, 2 * n_workers - len(out)):
            out[task.remote(unit, device)] = unit
        if not out:
            return
        (ready,), _ = ray.wait(list(out))
        unit = out.pop(ready)
        try:
            yield ray.get(ready)
        except (WorkerCrashedError, OutOfMemoryError) as error:
            yield lost_unit(unit, _in_short(error))
        except RayTaskError as error:
            raise error.cause from error
