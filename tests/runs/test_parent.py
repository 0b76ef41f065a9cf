"""Workers end with the process that started them; SIGTERM ends a run as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from warm_python import COMMAND  # a neighbor

from attributionlab.runs import Plan, run_plan
from attributionlab.runs.clusters import sigterm_kept
from attributionlab.runs.records import RECORDS_FILE, valid

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks processes up in /proc")

PATIENCE = 60
"""Seconds that a process may take to end or to begin; none of these tests waits for them to pass."""


def runs(process):
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    return "\nState:\tZ" not in status


def wait_until(condition, explain=lambda: "in vain"):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.05)


def commands(processes):
    """What these processes run, and in which state, as far as they do."""
    folders = [Path(f"/proc/{process}") for process in processes if runs(process)]
    return {folder.name: ((folder / "cmdline").read_bytes(), (folder / "status").read_text()) for folder in folders}


CHILD = """
import os, sys, time
from attributionlab.runs import parent

{prepare}
print(os.getpid(), flush=True)
time.sleep(600)
"""

PARENT = """
import subprocess, sys, time

subprocess.Popen([sys.executable, "-c", sys.argv[1]])
time.sleep(600)
"""


@pytest.mark.parametrize(
    "prepare",
    [
        "parent.end_with_parent(os.getppid(), True)",
        "parent.end_with_parent(os.getppid(), False)",
        "parent.ask_kernel()",
        "import threading; threading.Thread(target=parent.watch_parent, args=(os.getppid(), 0.05), daemon=True).start()",
    ],
    ids=["both", "without the kernel", "only the kernel", "only the thread"],
)
def test_a_worker_ends_when_its_parent_is_killed(prepare):
    if "ask_kernel" in prepare and sys.platform != "linux":
        pytest.skip("only Linux can be asked")
    code = CHILD.format(prepare=prepare)
    with subprocess.Popen([sys.executable, "-c", PARENT, code], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.kill()
    wait_until(lambda: not runs(child))


def test_a_worker_whose_parent_has_ended_before_it_could_ask_ends_at_once():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    code = CHILD.format(prepare=f"parent.end_with_parent({gone.pid}, True)")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (70, "")


LATE = """
import os, sys, time
from attributionlab.runs import parent

started_by = os.getppid()
print(os.getpid(), flush=True)
while os.getppid() == started_by:
    time.sleep(0.01)
parent.end_with_parent(started_by, True)
time.sleep(600)
"""


def test_a_worker_ends_at_once_where_its_parent_is_a_zombie_by_then():
    parent = subprocess.Popen([sys.executable, "-c", PARENT, LATE], stdout=subprocess.PIPE, text=True)
    with parent:
        child = int(parent.stdout.readline())
        parent.kill()  # nobody waits for it before the end of this block
        wait_until(lambda: not runs(child), lambda: commands([child]))


OWN = """
import os
import time
from pathlib import Path


def first_quick_then_slow(model, inputs, targets):
    if list(Path("started").iterdir()):
        (Path("started") / str(os.getpid())).touch()
        time.sleep(600)
    (Path("started") / "quick").touch()
    return inputs
"""

PLAN = """
environments = ["multi-color-sum[size=16]"]
methods = ["own.py:first_quick_then_slow"]
n_samples = 8
images_per_job = 1
"""

BACKENDS = [
    pytest.param(("--workers", "2"), id="loky"),
    pytest.param(("--workers", "2", "--backend", "dask"), id="dask", marks=pytest.mark.slow),
    pytest.param(("--workers", "2", "--backend", "ray"), id="ray", marks=pytest.mark.slow),
]


def tree(process):
    """A process and all below it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(below for child in children for below in tree(int(child)))]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("options", BACKENDS)
def test_no_worker_survives_a_run_that_is_ended(tmp_path, warm_python, options, number):
    if "--backend" in options:
        pytest.importorskip({"dask": "distributed"}.get(options[-1], options[-1]))
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "started").mkdir()
    with warm_python.start(COMMAND, "run", "plan.toml", "-o", "run", *options, cwd=tmp_path) as process:
        records = tmp_path / "run" / RECORDS_FILE
        wait_until(
            lambda: records.exists() and records.stat().st_size and len(list((tmp_path / "started").iterdir())) > 1
        )
        everyone = [one for one in tree(process.pid) if one != process.pid]
        assert everyone
        process.send_signal(number)
        _, errors = process.communicate()
    wait_until(lambda: not any(map(runs, everyone)), lambda: commands(everyone))
    assert sum(1 for _ in valid(records)) >= 1, "what was recorded is kept"
    if number == signal.SIGTERM:
        last = errors.strip().splitlines()[-1]
        assert (process.returncode, last) == (
            143,
            "error: terminated; the recorded results are kept; run the same command again to continue",
        )
        assert "Traceback" not in errors


def test_a_cluster_does_not_keep_the_handler_of_sigterm():
    handler = signal.getsignal(signal.SIGTERM)
    with sigterm_kept():
        signal.signal(signal.SIGTERM, lambda *_: None)
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.wide
def test_workers_of_one_process_serve_its_next_run_too(tmp_path):
    """They are not started anew: starting takes seconds."""
    (tmp_path / "own.py").write_text(
        "import os\nfrom pathlib import Path\n\n\ndef leaves_its_name(model, inputs, targets):\n"
        "    (Path(__file__).parent / str(os.getpid())).touch()\n    return inputs\n"
    )
    plan = Plan.of(
        environments=["multi-color-sum[size=16]"],
        methods=[f"{tmp_path / 'own.py'}:leaves_its_name"],
        n_samples=8,
        images_per_job=1,
    )
    for folder in ("first", "second"):
        run_plan(plan, tmp_path / folder, workers=2)
    assert len([path for path in tmp_path.iterdir() if path.name.isdigit()]) <= 2


def test_the_exit_code_of_a_command_that_is_terminated_is_143_also_before_it_works():
    code = (
        "import os, signal\nfrom attributionlab.cli.output import one_line_errors\n"
        "with one_line_errors():\n    os.kill(os.getpid(), signal.SIGTERM)\n    raise SystemExit(0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (143, "error: terminated\n")
    assert os.name == "posix"
