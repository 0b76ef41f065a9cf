"""How worker processes are set up."""

import os
import subprocess
import sys

import pytest

from attributionlab.runs import worker_process

PROGRAM = """
import os, warnings
from joblib.externals.loky.process_executor import _enable_faulthandler_if_needed
from attributionlab.runs.worker_process import start_worker
start_worker(os.getppid(), False)
_enable_faulthandler_if_needed()  # as loky does then
warnings.warn("\\x1b[31m" + "x" * 5_000_000)
import ctypes
ctypes.string_at(0)
"""


@pytest.mark.wide
def test_warnings_are_one_printable_line_and_a_crash_prints_nothing():
    result = subprocess.run([sys.executable, "-X", "faulthandler", "-c", PROGRAM], capture_output=True, check=False)
    assert result.returncode < 0
    assert result.stderr.startswith(rb"warning: \x1b[31mxxx")
    assert result.stderr.count(b"\n") == 1
    assert len(result.stderr) == 2_001


@pytest.mark.parametrize("closes", [False, True])
def test_a_worker_that_cannot_answer_any_more_ends_without_a_word(monkeypatch, closes):
    read, write = os.pipe()

    def units_done(*_):
        if closes:
            os.close(write)
        return ("done",)

    def ended(code):
        raise SystemExit(code)

    monkeypatch.setattr(worker_process, "_pipes", [read, write])
    monkeypatch.setattr(worker_process, "do_units", units_done)
    monkeypatch.setattr(os, "_exit", ended)
    if closes:
        with pytest.raises(SystemExit, match="1"):
            worker_process.do_in_worker((), "cpu", 0, None)
    else:
        assert worker_process.do_in_worker((), "cpu", 0, None) == ("done",)
        os.close(write)
    os.close(read)
