"""What the testing toolkit costs: an assertion, the plugin's import, a whole quick run. Prints the table of docs/benchmarks.md.

Each figure is the best of several fresh processes.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

REPEATS = 5

FAITHFUL = """
import torch, time
begin = time.perf_counter()
from attributionlab.testing import assert_faithful
imported = time.perf_counter()
assert_faithful("gradient")
called = time.perf_counter()
assert_faithful("gradient")
print(imported - begin, called - imported, time.perf_counter() - called)
"""

EVERYTHING = """
import time
from attributionlab.testing import assert_all
begin = time.process_time()
assert_all("gradient")
called = time.process_time()
assert_all("gradient")
print(called - begin, time.process_time() - called)
"""

QUICK = """
import pytest
from attributionlab.testing import assert_all, assert_faithful

def test_everything():
    assert_all("gradient")

@pytest.mark.attributionlab
def test_matrix(attribution_environment):
    assert_faithful("gradient", attribution_environment)
"""


def main() -> None:
    """Measure and print."""
    importing, first, again = best(lambda: map(float, python("-c", FAITHFUL).split()))
    everything, everything_again = best(lambda: map(float, python("-c", EVERYTHING).split()))
    (plugin,) = best(lambda: [imported_in("attributionlab.pytest_plugin")])
    (quick,) = best(lambda: [quick_run()])
    print("| what | seconds |")
    print("|---|---|")
    print(f"| import of `attributionlab.testing`, torch being there | {importing:.2f} |")
    print(f'| `assert_faithful("gradient")` at the defaults, first call in a process | {first:.2f} |')
    print(f"| the same again | {again:.2f} |")
    print(f'| `assert_all("gradient")`, first call in a process, CPU s | {everything:.1f} |')
    print(f"| the same again | {everything_again:.1f} |")
    print(f"| import of the plugin at the start of pytest | {plugin:.4f} |")
    print(f"| a whole quick run of pytest with `assert_all` and one matrix for one method | {quick:.1f} |")


def best(measure: Callable[[], Iterable[float]]) -> list[float]:
    """The least of each figure."""
    return [min(values) for values in zip(*(tuple(measure()) for _ in range(REPEATS)), strict=True)]


def python(*arguments: str) -> str:
    """What a fresh interpreter prints, on both streams."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)  # noqa: S603  # our own
    return done.stdout + done.stderr


def imported_in(module: str) -> float:
    """Seconds of an import where pytest is there already, by -X importtime."""
    printed = python("-X", "importtime", "-c", f"import pytest, re, pathlib, {module}")
    match = re.search(rf"(\d+) \| +(\d+) \| *{re.escape(module)}$", printed, re.MULTILINE)
    assert match is not None
    return int(match[2]) / 1e6


def quick_run() -> float:
    """Wall seconds of pytest, start and end included."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_quick.py").write_text(QUICK, encoding="utf-8")
        begin = time.perf_counter()
        python("-m", "pytest", "-q", folder, "--rootdir", folder, "-p", "no:randomly")
        return time.perf_counter() - begin


if __name__ == "__main__":
    main()
