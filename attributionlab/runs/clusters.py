"""Clusters that do the units of a run: Dask and Ray."""

from __future__ import annotations

import itertools
import queue
import re
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from attributionlab.errors import MachineError
from attributionlab.printable import error_text
from attributionlab.runs.groups import Group, together
from attributionlab.runs.parent import reaped
from attributionlab.runs.work import Result, Work, do_units, killed_unit

CONNECT_SECONDS = 10
"""Seconds after which a cluster that does not answer is given up."""


@dataclass(frozen=True)
class Workers:
    """Workers of a cluster, without joblib: after a worker died, its Ray backend waits forever and its Dask backend loses the run.

    Args:
        number: Number of workers.
        submit: Submits a group, with its turn and the time limit, and returns a handle.
        first: Waits until a submitted group is ready, and returns its handle.
        results_of: Results of a group that is ready.
        died: Exceptions that `results_of` raises if the worker died.
    """

    number: int
    submit: Callable[[Group, int, float | None], Any]
    first: Callable[[list[Any]], Any]
    results_of: Callable[[Any], tuple[Result, ...]]
    died: tuple[type[Exception], ...]


def do_on_cluster(units: Sequence[Work], workers: Workers, timeout: float | None) -> Iterator[Result]:
    """Keep two groups per worker submitted; after a worker died, submit its units again one by one."""
    waiting, submitted, turns = deque(together(units, workers.number)), dict[Any, Group](), itertools.count()
    while True:
        while waiting and len(submitted) < 2 * workers.number:
            group = waiting.popleft()
            submitted[workers.submit(group, next(turns), timeout)] = group
        if not submitted:
            return
        ready = workers.first(list(submitted))
        group = submitted.pop(ready)
        try:
            yield from workers.results_of(ready)
        except workers.died as error:
            if len(group) > 1:
                waiting.extendleft((unit,) for unit in reversed(group))
            else:
                yield killed_unit(group[0], error)
        except ImportError as error:
            raise MachineError(f"`workers` must have what this machine has installed, got {error}") from error


@contextmanager
def dask_cluster(address: str | None, workers: int) -> Iterator[Callable[[str], Workers]]:
    """Connect to a Dask scheduler, or start a cluster with some workers on this machine; yields its workers for a device.

    Raises:
        MachineError: If no scheduler answers there.
    """
    from distributed import Client, KilledWorker, LocalCluster, wait  # noqa: PLC0415  # an extra

    with ExitStack() as stack:
        try:
            if address is None:
                cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
                address = stack.enter_context(cluster).scheduler_address
            client = stack.enter_context(Client(address, timeout=CONNECT_SECONDS))
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, TypeError) as error:
            hint = error_text(error)
            raise MachineError(f"`scheduler` must be a Dask scheduler that answers, got {address!r}; {hint}") from error
        yield lambda device: Workers(
            sum(client.nthreads().values()),
            lambda group, turn, timeout: client.submit(do_units, group, device, turn, timeout, pure=False),
            lambda futures: next(iter(wait(futures, return_when="FIRST_COMPLETED").done)),
            lambda future: future.result(),
            (KilledWorker,),
        )


@contextmanager
def ray_cluster(address: str | None, workers: int) -> Iterator[Callable[[str], Workers]]:
    """Connect to a Ray cluster, or start one with some workers on this machine; yields its workers for a device.

    Raises:
        MachineError: If no cluster answers there, or it lacks the device.
    """
    import ray  # noqa: PLC0415  # an extra
    from ray.exceptions import OutOfMemoryError, RayTaskError, WorkerCrashedError  # noqa: PLC0415  # as above

    quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    try:
        with sigterm_kept():  # Ray would handle it, and leave with another exit code
            if address is None:
                ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
            else:
                _knock(address)
                _within(CONNECT_SECONDS, lambda: ray.init(address=address, **quiet))
    except (ConnectionError, ValueError, OSError, RuntimeError) as error:
        hint = error_text(error)
        raise MachineError(f"`address` must be a Ray cluster that answers, got {address!r}; {hint}") from error

    def on(device: str) -> Workers:
        """Workers with one CPU or GPU each; a task sees only its own GPU."""
        kind = "GPU" if device == "cuda" else "CPU"
        number = int(ray.cluster_resources().get(kind, 0))
        if number < 1:
            raise MachineError(f"`address` must be a Ray cluster with {kind}s, got {ray.cluster_resources()}")
        task: Any = ray.remote(do_units).options(num_gpus=1 if device == "cuda" else 0)
        return Workers(
            number,
            lambda group, turn, timeout: task.remote(group, device, turn, timeout),
            first,
            results_of,
            (WorkerCrashedError, OutOfMemoryError),
        )

    def first(tasks: list[Any]) -> Any:
        note()
        return ray.wait(tasks)[0][0]

    def results_of(task: Any) -> tuple[Result, ...]:
        """Results of a task; its error is raised as in the worker, not as Ray wraps it."""
        try:
            results: tuple[Result, ...] = ray.get(task)
        except RayTaskError as error:
            raise error.cause from error
        return results

    with reaped() if address is None else nullcontext(lambda: None) as note:
        try:
            yield on
        finally:
            ray.shutdown()


_HOST_AND_PORT = re.compile(r"(?:ray://)?(?P<host>.+):(?P<port>\d{1,5})")


def _knock(address: str) -> None:
    """Open and close a connection to a host and port: without an answer there, Ray itself would retry for minutes."""
    match = _HOST_AND_PORT.fullmatch(address)
    if match is not None:
        socket.create_connection((match["host"].strip("[]"), int(match["port"])), CONNECT_SECONDS).close()


def _within(seconds: float, call: Callable[[], object]) -> None:
    """Call a function that may never return, in a thread that is abandoned then.

    Raises:
        TimeoutError: If the call takes longer.
    """
    outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def report() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001  # raised again below, in the thread that waits
            outcome.put(error)
        else:
            outcome.put(None)

    threading.Thread(target=report, daemon=True).start()
    try:
        error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error


@contextmanager
def sigterm_kept() -> Iterator[None]:
    """Restore the handler of SIGTERM at the end; no-op in other threads than the main one, which cannot set handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
