"""Makes `oracles.py` and its neighbors importable: `from oracles import ...`; a browser for the tests of pages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    from chromium import started  # a neighbor

    with started(tmp_path_factory.mktemp("profile")) as driver:
        yield driver
