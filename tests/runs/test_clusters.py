"""Real clusters on this machine: the same records, also when a worker is killed in mid-run."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest

from attributionlab.errors import MachineError
from attributionlab.runs import Plan, run_plan
from attributionlab.runs.records import RECORDS_FILE, valid

VARYING = ("seconds", "peak_memory", "device", "versions")

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of sockets that distributed closes late
    pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # as above, at interpreter exit
]


def plan():
    return Plan.of(
        environments=["multi-color-sum[size=16]"],
        methods=["gradient", "random", "occlusion"],
        metrics=["insertion"],
        n_samples=12,
        images_per_job=1,
    )


def found(folder):
    return {
        stored["key"]: {name: value for name, value in stored.items() if name not in VARYING}
        for _, stored in valid(folder / RECORDS_FILE)
    }


@pytest.mark.wide
def test_a_cluster_finds_the_same_though_a_worker_is_killed(tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))
        seen, killed = [], threading.Event()

        def watch(record):
            """Kill a worker when a few jobs are done."""
            seen.append(record)
            if len(seen) == 6 and not killed.is_set():
                os.kill(victim, signal.SIGKILL)
                killed.set()

        outcome = run_plan(plan(), tmp_path / "dask", backend="dask", address=cluster.scheduler_address, watch=watch)
    assert killed.is_set()
    assert (outcome.n_run, outcome.n_failed) == (plan().n_jobs, 0)
    run_plan(plan(), tmp_path / "here")
    assert found(tmp_path / "dask") == found(tmp_path / "here")


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "module"), [("dask", "distributed"), ("ray", "ray")])
def test_a_method_that_kills_every_worker_is_lost_and_the_rest_goes_on(tmp_path, backend, module):
    """Both give a task to four workers before they give it up."""
    pytest.importorskip(module)
    file = tmp_path / "own.py"
    file.write_text(
        "import os\n\n\ndef dies(model, inputs, targets):\n    os.kill(os.getpid(), 9)\n\n\n"
        "def fine(model, inputs, targets):\n    return inputs\n",
        encoding="utf-8",
    )
    methods = ["truth", f"{file}:dies", f"{file}:fine"]
    small = Plan.of(environments=["multi-color-sum[size=16]"], methods=methods, n_samples=2)
    assert run_plan(small, tmp_path / "run", backend=backend, workers=2).n_failed == 1
    errors = {stored["method"]: stored["error"] for _, stored in valid(tmp_path / "run" / RECORDS_FILE)}
    assert errors[f"{file}:dies"]["type"] == "WorkerDied"
    assert errors["truth"] is errors[f"{file}:fine"] is None


def test_a_scheduler_that_does_not_answer_is_the_machines_fault(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("attributionlab.runs.clusters.CONNECT_SECONDS", 0.5)
    with pytest.raises(MachineError, match=r"`scheduler` must be a Dask scheduler that answers, got 'tcp:"):
        run_plan(plan(), tmp_path / "run", backend="dask", address="tcp://127.0.0.1:9")
    assert not (tmp_path / "run").exists(), "nothing that was not there"


def test_a_ray_cluster_that_is_not_there_or_does_not_answer_is_the_machines_fault(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    with pytest.raises(
        MachineError, match=r"`address` must be a Ray cluster that answers, got '127.0.0.1:9'; .*refused"
    ):
        run_plan(plan(), tmp_path / "run", backend="ray", address="127.0.0.1:9")
    answer = threading.Event()
    monkeypatch.setattr("attributionlab.runs.clusters.CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(ray, "init", lambda **_: answer.wait())
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(MachineError, match=r"`address` must be a Ray cluster that answers.*no answer within 0.2 s"),
    ):
        run_plan(plan(), tmp_path / "run", backend="ray", address=f"127.0.0.1:{silent.getsockname()[1]}")
    answer.set()
    assert not (tmp_path / "run").exists(), "nothing that was not there"


@pytest.mark.slow
def test_ray_finds_the_same(tmp_path):
    pytest.importorskip("ray")
    run_plan(plan(), tmp_path / "ray", backend="ray", workers=2)
    run_plan(plan(), tmp_path / "here")
    assert found(tmp_path / "ray") == found(tmp_path / "here")
