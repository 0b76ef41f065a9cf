"""Jobs that hang are given up by name, wherever they are done, and leave nothing behind."""

import signal
import threading
import time
from contextlib import suppress

import pytest

from attributionlab.errors import BadOption, TookTooLong
from attributionlab.runs import Plan, load_records, run_plan
from attributionlab.runs.executors import Executor
from attributionlab.runs.time_limit import at_most

PATIENCE = 2
"""Seconds: far more than what does not hang needs on a busy machine."""

OWN = """\
import ctypes
import itertools
import sys
import time

import attributionlab as al


def hangs(model, inputs, targets):
    while True:
        time.sleep(60)


def fine(model, inputs, targets):
    return inputs


def swallows(model, inputs, targets):
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass


def native(model, inputs, targets):
    if not sys.platform.startswith("linux"):
        sum(itertools.repeat(1))  # Python does not run meanwhile, so no alarm is heard
    mutex = ctypes.create_string_buffer(64)  # zeros are a mutex that nobody holds
    for _ in range(2):  # the second time it waits for itself, without the processor
        ctypes.PyDLL(None).pthread_mutex_lock(mutex)


@al.metric(higher_is_better=True)
def endless(environment, batch, attribution):
    while True:
        time.sleep(60)
"""


def ignoring_errors():
    while True:
        with suppress(Exception):
            time.sleep(60)


def finishing_late():
    try:
        time.sleep(60)
    except BaseException:  # noqa: BLE001  # as above
        return


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN, encoding="utf-8")
    return file


@pytest.fixture
def alarms():
    """What rings, and when, must be as before."""
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.usefixtures("alarms")
@pytest.mark.parametrize("hanging", [threading.Event().wait, ignoring_errors, finishing_late])
def test_what_hangs_is_ended_whatever_it_does_about_errors(hanging):
    with pytest.raises(TookTooLong, match=r"^it took longer than 0.05 s$"), at_most(0.05, "it"):
        hanging()


@pytest.mark.usefixtures("alarms")
@pytest.mark.parametrize("seconds", [None, 60])
def test_what_ends_in_time_is_left_alone_and_so_are_its_errors(seconds):
    with at_most(seconds, "it"):
        pass
    with pytest.raises(ZeroDivisionError), at_most(seconds, "it"):
        1 / 0  # noqa: B018  # it raises


def test_an_alarm_of_others_rings_nevertheless():
    rang = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: rang.set())
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with at_most(60, "it"):
            pass
        assert rang.wait(10)
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("workers", "name"),
    [
        (1, "native"),
        pytest.param(2, "swallows", marks=pytest.mark.wide),
        pytest.param(1, "swallows", marks=pytest.mark.slow),
        pytest.param(2, "native", marks=pytest.mark.slow),
    ],
)
def test_a_method_that_hangs_is_a_record_and_the_rest_goes_on_also_where_it_ignores_the_alarm(
    tmp_path, own, workers, name
):
    """A method that hears the alarm is ended by it, any other with its process."""
    methods = ["truth", f"{own}:hangs", f"{own}:{name}", f"{own}:fine"]
    plan = Plan.of(environments=["multi-color-sum[size=16]"], methods=methods, n_samples=1)
    assert run_plan(plan, tmp_path / "run", workers=workers, timeout=PATIENCE).n_failed == 2
    errors = {record.method: record.error for record in load_records(tmp_path / "run")}
    assert errors[f"{own}:hangs"].type == errors[f"{own}:{name}"].type == "TookTooLong"
    assert errors[f"{own}:hangs"].message == f"{own}:hangs took longer than {PATIENCE} s"
    assert f"took longer than {PATIENCE} s, and ignored the time limit" in errors[f"{own}:{name}"].message
    assert errors["truth"] is errors[f"{own}:fine"] is None


def test_a_time_limit_is_kept_in_any_thread(own, tmp_path):
    outcomes = []
    plan = Plan.of(environments=["multi-color-sum[size=16]"], methods=[f"{own}:hangs"], n_samples=1)
    thread = threading.Thread(target=lambda: outcomes.append(run_plan(plan, tmp_path / "run", timeout=PATIENCE)))
    thread.start()
    thread.join()
    assert [outcome.n_failed for outcome in outcomes] == [1]


def test_a_metric_that_hangs_is_a_record_and_the_agreement_stays(tmp_path, own):
    metrics = [f"{own}:endless"]
    plan = Plan.of(environments=["multi-color-sum[size=16]"], methods=["truth"], metrics=metrics, n_samples=1)
    assert run_plan(plan, tmp_path / "run", timeout=PATIENCE).n_failed == 1
    errors = {record.measure: record.error for record in load_records(tmp_path / "run")}
    assert errors[f"{own}:endless"].message == f"{own}:endless took longer than {PATIENCE} s"
    assert errors["agreement"] is None


@pytest.mark.slow
def test_ray_ends_it_too(tmp_path, own):
    pytest.importorskip("ray")
    plan = Plan.of(environments=["multi-color-sum[size=16]"], methods=["truth", f"{own}:hangs"], n_samples=1)
    assert run_plan(plan, tmp_path / "run", backend="ray", workers=2, timeout=PATIENCE).n_failed == 1
    errors = {record.method: record.error for record in load_records(tmp_path / "run")}
    assert errors[f"{own}:hangs"].type == "TookTooLong"


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "60"])
def test_what_is_no_time_is_refused(seconds):
    with pytest.raises(BadOption, match="`timeout` must be a positive number of seconds, at most 10,000,000, got"):
        Executor(timeout=seconds)


def test_threads_cannot_be_ended():
    pytest.importorskip("distributed")
    with pytest.raises(BadOption, match="`timeout` must go with the backend loky or ray, got 60; Dask does jobs in"):
        Executor(backend="dask", timeout=60)


def test_a_system_without_alarms_is_told(monkeypatch):
    monkeypatch.delattr(signal, "setitimer")
    with pytest.raises(BadOption, match="`timeout` must be left out on a system without alarms, got 60"):
        Executor(timeout=60)
