"""How worker processes are set up."""

import subprocess
import sys

PROGRAM = """
import os, warnings
from attributionlab.runs.worker_process import start_worker
start_worker(os.getpid(), False)
warnings.warn("\\x1b[31m" + "x" * 5_000_000)
import ctypes
ctypes.string_at(0)
"""


def test_warnings_are_one_printable_line_and_a_crash_prints_nothing():
    result = subprocess.run([sys.executable, "-X", "faulthandler", "-c", PROGRAM], capture_output=True, check=False)
    assert result.returncode < 0
    assert result.stderr.startswith(rb"warning: \x1b[31mxxx")
    assert result.stderr.count(b"\n") == 1
    assert len(result.stderr) <= 2_020
