"""The harness that tries to break the package, in a short form: a few cases of each section."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

N_CASES = {"a": 4, "b": 4, "c": 4, "d": 30, "e": 3, "f": 2, "g": 3}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness forks, and reads /proc")


@pytest.fixture(scope="module")
def sections(warm_python):
    script = Path(__file__).with_name("short_break.py")
    result = warm_python.run(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("section", N_CASES)
def test_a_sample_of_every_section_has_no_violation(sections, section):
    assert sections[section] == {"cases": N_CASES[section], "violations": {}, "kinds": []}


def test_an_expectation_that_does_not_hold_is_counted(sections):
    assert sections["wrong"]["violations"] == {"exit code": 1}
