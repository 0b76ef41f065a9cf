"""Functions that end the process: the command says that there is no result, and never exits with 0."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from warm_python import COMMAND  # a neighbor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="commands are watched on Linux")

OWN = """
import atexit
import ctypes
import os
import signal
import sys
import threading
import time

import attributionlab as al


def leaves(model, inputs, targets):
    os._exit(0)


def leaves_behind_our_back(model, inputs, targets):
    ctypes.CDLL(None)._exit(0)


def kills_itself(model, inputs, targets):
    os.kill(os.getpid(), signal.SIGKILL)


def exits(model, inputs, targets):
    sys.exit(0)


def leaves_at_the_end(model, inputs, targets):
    atexit.register(os._exit, 0)
    return inputs.new_zeros(len(inputs), *inputs.shape[2:])


def closes_every_file(model, inputs, targets):
    os.closerange(0, 1000)
    os._exit(0)


def sleeps(model, inputs, targets):
    open("started", "w").close()
    time.sleep(600)


def honest(model, inputs, targets):
    inputs = inputs.detach().requires_grad_()
    model(inputs).gather(1, targets[:, None]).sum().backward()
    return inputs.grad.sum(dim=1)


def plan():
    os._exit(0)


@al.metric(higher_is_better=True)
def leaving_metric(environment, batch, maps):
    ctypes.CDLL(None)._exit(0)
"""

NO_RESULT = "error: the command ended before it gave a result ("


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder, warm_python):
    return partial(warm_python.run, COMMAND, cwd=folder)


@pytest.mark.wide
@pytest.mark.parametrize(
    ("python", "name", "how"),
    [
        ("cold_python", "leaves_behind_our_back", "exit code 0"),
        ("warm_python", "kills_itself", "signal 9"),
        ("warm_python", "closes_every_file", "exit code "),
    ],
)
def test_a_method_that_ends_the_process_has_not_passed(request, folder, python, name, how):
    run = request.getfixturevalue(python).run
    result = run(COMMAND, "check", f"own.py:{name}", "--size", "16", "--n-samples", "4", cwd=folder)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{NO_RESULT}{how}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("leaves", "FAILED"), ("leaves_at_the_end", "BLIND"), ("exits", "FAILED")],
)
def test_a_method_that_leaves_in_other_ways_fails_with_its_verdict(run, name, verdict):
    result = run("check", f"own.py:{name}", "--size", "16", "--n-samples", "4")
    assert result.returncode == 1
    assert f"own.py:{name}: {verdict}, decided by" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "multi-color-sum", "--size", "16", "--methods", "own.py:leaves_behind_our_back", "-o", "figure.png"),
        ("audit", "--methods", "own.py:leaves_behind_our_back,truth", "--size", "16", "--n-samples", "1"),
        (
            "audit",
            "--methods",
            "random,truth",
            "--metrics",
            "own.py:leaving_metric",
            "--size",
            "16",
            "--n-samples",
            "1",
        ),
        ("run", "own.py:plan", "-o", "run"),
        ("reproduce", "section4", "--vgg16", "own.py:plan", "-o", "report"),
    ],
)
def test_no_command_exits_with_0_where_a_function_ended_it(run, arguments):
    result = run(*arguments)
    assert result.returncode == 1
    assert result.stderr.startswith(f"{NO_RESULT}exit code 0)")


def test_the_verdict_and_the_exit_code_of_an_honest_function_are_those_of_the_check(run):
    result = run("check", "own.py:honest", "--env", "single-color-sum", "--size", "16", "-n", "4", "--gamma", "0")
    assert (result.returncode, result.stderr) == (0, "")
    assert "PASSED" in result.stdout.upper()


@pytest.mark.wide
@pytest.mark.parametrize(
    ("python", "number", "code", "line", "whole_group"),
    [
        ("cold_python", signal.SIGINT, 130, "interrupted", False),
        ("warm_python", signal.SIGTERM, 143, "terminated", True),
        ("warm_python", signal.SIGINT, 130, "interrupted", True),
        ("warm_python", signal.SIGTERM, 143, "terminated", False),
    ],
)
def test_signals_reach_the_command_once(request, folder, python, number, code, line, whole_group):
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # also where it is ignored
    start = partial(request.getfixturevalue(python).start, heard + COMMAND, cwd=folder, new_session=True)
    with start("check", "own.py:sleeps", "--size", "16", "--n-samples", "4") as process:
        deadline = time.monotonic() + 120
        while not (folder / "started").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        if whole_group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (code, f"error: {line}\n")


def test_the_child_ends_with_a_command_that_is_killed(folder, warm_python):
    arguments = ["check", "own.py:sleeps", "--size", "16", "--n-samples", "4"]
    with warm_python.start(COMMAND, *arguments, cwd=folder) as process:
        deadline = time.monotonic() + 120
        while not (folder / "started").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
    while Path(f"/proc/{child}").exists() and "\nState:\tZ" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
