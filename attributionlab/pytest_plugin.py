"""The pytest plugin: fixtures, a marker that parametrizes tests, and a table at the end. Does not import torch until used.

`pytest --attributionlab-quick` (the default) or `--attributionlab-full`, `--attributionlab-device cpu|cuda|auto`,
`--attributionlab-artifacts FOLDER`, `--attributionlab-baseline FILE`.
"""

from __future__ import annotations

import hashlib
import re
import unittest
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from attributionlab.testing.session import ARTIFACTS, BASELINE, DETAILS, TABLE_ROWS, BaselineFile

if TYPE_CHECKING:
    from attributionlab.environments import Environment
    from attributionlab.truth import Batch

MARKER = "attributionlab"
COLUMNS = ("method", "environment", "decided by", "F1", "95 % CI", "networks", "s per image", "verdict")
SECONDS = "s per image"
"""Column of measured times, which do not tell rows apart."""

LEGEND = "reached, below, open: the 95 % interval of F1 is above gamma, below it, or contains it"

FIXTURES = ("attribution_environment", "attribution_batch")

QUICK: dict[str, Any] = {"environments": ["multi-color-sum"], "seeds": [0], "size": 32, "n_samples": 4}
FULL: dict[str, Any] = {
    "environments": ["multi-color-sum", "multi-color-sum[n_redundant=0,output=logit]", "single-color-sum"],
    "seeds": [0, 1, 2],
    "size": 64,
    "n_samples": 16,
}
"""Defaults of the marker's options, in full mode; `QUICK` has those of the quick mode."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("attributionlab", "attribution methods against exact truth")
    group.addoption("--attributionlab-quick", action="store_true", help="small images, one environment (the default)")
    group.addoption("--attributionlab-full", action="store_true", help="larger images, more environments and seeds")
    group.addoption("--attributionlab-device", default="auto", choices=("auto", "cpu", "cuda"), help="where it runs")
    group.addoption("--attributionlab-artifacts", metavar="FOLDER", help="where pictures of failures go")
    group.addoption(
        "--attributionlab-baseline",
        metavar="FILE",
        help="file (.npz) of maps: written by the first run, compared by later runs",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; refuse options that contradict each other, and a folder that cannot be written."""
    config.addinivalue_line(
        "markers",
        "attributionlab(environments=[...], seeds=[...], size=32, n_samples=4): run the test in every environment with "
        "every seed, through the fixtures attribution_environment and attribution_batch",
    )
    if config.getoption("--attributionlab-quick") and config.getoption("--attributionlab-full"):
        raise pytest.UsageError("give --attributionlab-quick or --attributionlab-full, not both")
    folder = config.getoption("--attributionlab-artifacts")
    if folder is not None:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            probe = Path(folder) / f".attributionlab-{id(config)}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            message = (
                f"--attributionlab-artifacts must be a folder that can be written, got {folder!r}; {error.strerror}"
            )
            raise pytest.UsageError(message) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each marked test in every environment with every seed."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        return
    options = _marker_options(marker, metafunc.config, metafunc.definition.nodeid)
    if not set(FIXTURES) & set(metafunc.fixturenames):
        if not any(own.name == MARKER for own in metafunc.definition.own_markers):
            return  # of a class or a module, in which other tests take them
        raise pytest.Collector.CollectError(
            f"{metafunc.definition.nodeid}: a marked test must take {' or '.join(FIXTURES)}"
        )
    cases = [(spec, seed, options["size"]) for spec in options["environments"] for seed in options["seeds"]]
    metafunc.parametrize(
        "attribution_environment", cases, indirect=True, ids=[f"{spec}-seed{seed}" for spec, seed, _ in cases]
    )


@pytest.fixture
def attribution_environment(request: pytest.FixtureRequest) -> Environment:
    """The environment of the marker or of an indirect parameter (a spec); by default `multi-color-sum`."""
    from attributionlab.environments import complete_environment
    from attributionlab.errors import AttributionLabError

    defaults = _defaults(request.config)
    case = getattr(request, "param", defaults["environments"][0])
    spec, seed, size = case if isinstance(case, tuple) else (case, 0, defaults["size"])
    try:
        return complete_environment(spec, size=size, seed=seed)
    except AttributionLabError as error:
        raise pytest.fail.Exception(f"attribution_environment: {error}", pytrace=False) from None


@pytest.fixture
def attribution_batch(request: pytest.FixtureRequest, attribution_environment: Environment) -> Batch:
    """Images of `attribution_environment` with their truth, on the device of the option `--attributionlab-device`."""
    from attributionlab.errors import AttributionLabError
    from attributionlab.machine import find_device

    marker = request.node.get_closest_marker(MARKER)
    config, test = request.config, request.node.nodeid
    options = _defaults(config) if marker is None else _marker_options(marker, config, test)
    try:
        device = find_device(request.config.getoption("--attributionlab-device"))
        return attribution_environment.sample(options["n_samples"]).to(device)
    except AttributionLabError as error:
        raise pytest.fail.Exception(f"attribution_batch: {error}", pytrace=False) from None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a marked test of a `unittest.TestCase`, which pytest cannot parametrize."""
    kind = getattr(item, "cls", None)
    if not (isinstance(kind, type) and issubclass(kind, unittest.TestCase)):
        return
    markers = {own.name for own in (*item.own_markers, *(item.parent.own_markers if item.parent else ()))}
    if MARKER in markers:
        pytest.fail(
            f"{item.nodeid}: the marker attributionlab has no effect on a unittest.TestCase, whose tests take no fixtures; write a "
            "function or a plain class, or loop: for seed in (0, 1): with self.subTest(seed=seed): assert_faithful(method, seed=seed)",
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Set the folder for pictures and the baseline of this test, and collect the rows of its assertions for the final table."""
    rows: list[dict[str, str]] = []
    counts = {"stored": 0, "compared": 0}
    file = item.config.getoption("--attributionlab-baseline")
    baseline = None if file is None else BaselineFile(Path(file), item.nodeid, counts)
    tokens = ARTIFACTS.set(lambda: _folder_of(item)), TABLE_ROWS.set(rows), BASELINE.set(baseline)
    try:
        return (yield)
    finally:
        ARTIFACTS.reset(tokens[0])
        TABLE_ROWS.reset(tokens[1])
        BASELINE.reset(tokens[2])
        item.user_properties.extend((f"{MARKER} {name}", count) for name, count in counts.items() if count)
        item.user_properties.extend((MARKER, row) for row in rows)  # reports carry them, also from worker processes


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the faithfulness table of the methods under test, if any."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    called = [report for report in reports if getattr(report, "when", None) == "call"]
    properties = [each for report in called for each in report.user_properties]
    _write_baseline_counts(terminalreporter, properties)
    rows = [row for name, row in properties if name == MARKER]
    if not rows:
        return
    details: dict[tuple[str, ...], str] = {}
    unique: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row in rows:  # times do not tell rows apart
        cells = tuple(str(row.get(column, "-")) for column in COLUMNS)
        line = unique.setdefault(tuple(str(row[column]) for column in COLUMNS if column != SECONDS), cells)
        details[line] = str(row.get(DETAILS, ""))
    lines = [COLUMNS, *(unique[key] for key in sorted(unique))]
    widths = [max(len(line[index]) for line in lines) for index in range(len(COLUMNS))]
    terminalreporter.section("faithfulness (attributionlab)")
    for line in lines:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        terminalreporter.write_line(
            text, green=line[-1] == "passed", red=line[-1] in {"failed", "blind", "pixels-only"}
        )
        if details.get(line):
            terminalreporter.write_line(f"    {details[line]}")
    terminalreporter.write_line(LEGEND)


def _write_baseline_counts(terminalreporter: Any, properties: list[tuple[str, Any]]) -> None:
    """Print how many maps were stored in the baseline, and how many were compared with it."""
    counts = {
        kind: sum(count for name, count in properties if name == f"{MARKER} {kind}") for kind in ("stored", "compared")
    }
    if any(counts.values()):
        file = terminalreporter.config.getoption("--attributionlab-baseline")
        terminalreporter.write_line(
            f"attributionlab baseline {file}: {counts['compared']} compared, {counts['stored']} stored for the first time"
        )


def _defaults(config: pytest.Config) -> dict[str, Any]:
    """The marker's default options in this mode."""
    return FULL if config.getoption("--attributionlab-full") else QUICK


def _marker_options(marker: pytest.Mark, config: pytest.Config, test: str) -> dict[str, Any]:
    """The marker's options, completed by defaults.

    Raises:
        pytest.Collector.CollectError: If the marker has unknown options, or a list is empty.
    """
    defaults = _defaults(config)
    if marker.args:
        raise pytest.Collector.CollectError(
            f"{test}: the marker attributionlab takes options by name, got {marker.args[0]!r}"
        )
    for name, value in marker.kwargs.items():
        if name not in defaults:
            raise pytest.Collector.CollectError(
                f"{test}: the marker attributionlab has no option {name!r}; known: {', '.join(defaults)}"
            )
        if name in ("environments", "seeds") and (not isinstance(value, (list, tuple)) or not value):
            raise pytest.Collector.CollectError(
                f"{test}: `{name}` of the marker attributionlab must be a list of at least one, got {value!r}"
            )
    return {**defaults, **marker.kwargs}


LONGEST_NAME = 120
"""Largest number of characters of a folder's name before it is shortened."""


def _folder_name(test: str) -> str:
    """Name of a folder for a test's whole identifier; a digest tells apart what a file system's signs cannot."""
    plain = test.replace("::", "-").replace("/", "-")
    name = re.sub(r"[^\w.=-]+", "-", plain).strip("-")
    if name == plain and len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME]}-{hashlib.sha256(test.encode()).hexdigest()[:8]}"


def _folder_of(test: pytest.Item) -> Path:
    """Create a folder for the pictures of a test."""
    name = _folder_name(test.nodeid)
    folder = test.config.getoption("--attributionlab-artifacts")
    if folder is None:
        factory: Any = test.config._tmp_path_factory  # type: ignore[attr-defined]  # noqa: SLF001  # the object of the fixture tmp_path_factory
        return Path(factory.mktemp(f"attributionlab-{name[:LONGEST_NAME]}"))
    path = Path(folder) / name
    path.mkdir(parents=True, exist_ok=True)
    return path
