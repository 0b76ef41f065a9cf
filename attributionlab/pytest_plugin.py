"""The pytest plugin: fixtures, a marker that makes a matrix of one test, and a table at the end. Imports no torch until used.

`pytest --attributionlab-quick` (the default) or `--attributionlab-full`, `--attributionlab-device cpu|cuda|auto`,
`--attributionlab-artifacts FOLDER`.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from attributionlab.testing.session import ARTIFACTS, FOUND

if TYPE_CHECKING:
    from attributionlab.environments import Environment
    from attributionlab.truth import Batch

MARKER = "attributionlab"
COLUMNS = ("method", "environment", "truth", "F1", "verdict")
FIXTURES = ("attribution_environment", "attribution_batch")

QUICK: dict[str, Any] = {"environments": ["multi-color-sum"], "seeds": [0], "size": 32, "n_samples": 4}
FULL: dict[str, Any] = {
    "environments": ["multi-color-sum", "multi-color-sum[n_redundant=0,output=logit]", "single-color-sum"],
    "seeds": [0, 1, 2],
    "size": 64,
    "n_samples": 16,
}
"""What the fixtures give where the marker does not say."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("attributionlab", "attribution methods against exact truth")
    group.addoption("--attributionlab-quick", action="store_true", help="small images, one environment (the default)")
    group.addoption("--attributionlab-full", action="store_true", help="larger images, more environments and seeds")
    group.addoption("--attributionlab-device", default="auto", choices=("auto", "cpu", "cuda"), help="where it runs")
    group.addoption("--attributionlab-artifacts", metavar="FOLDER", help="where pictures of failures go")


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
    """A matrix of environments and seeds for each test that asks for one."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        return
    said = _said(marker, metafunc.config, metafunc.definition.nodeid)
    if not set(FIXTURES) & set(metafunc.fixturenames):
        raise pytest.Collector.CollectError(
            f"{metafunc.definition.nodeid}: a marked test must take {' or '.join(FIXTURES)}"
        )
    cases = [(spec, seed, said["size"]) for spec in said["environments"] for seed in said["seeds"]]
    metafunc.parametrize(
        "attribution_environment", cases, indirect=True, ids=[f"{spec}-seed{seed}" for spec, seed, _ in cases]
    )


@pytest.fixture
def attribution_environment(request: pytest.FixtureRequest) -> Environment:
    """An environment: that of the marker, of an indirect parameter (a spec), or `multi-color-sum`."""
    from attributionlab.environments import complete_environment
    from attributionlab.errors import AttributionLabError

    defaults = _defaults(request.config)
    given = getattr(request, "param", defaults["environments"][0])
    spec, seed, size = given if isinstance(given, tuple) else (given, 0, defaults["size"])
    try:
        return complete_environment(spec, size=size, seed=seed)
    except AttributionLabError as error:
        raise pytest.fail.Exception(f"attribution_environment: {error}", pytrace=False) from None


@pytest.fixture
def attribution_batch(request: pytest.FixtureRequest, attribution_environment: Environment) -> Batch:
    """Images of `attribution_environment` with their truth, on the device that was asked for."""
    from attributionlab.errors import AttributionLabError
    from attributionlab.machine import find_device

    marker = request.node.get_closest_marker(MARKER)
    said = _defaults(request.config) if marker is None else _said(marker, request.config, request.node.nodeid)
    try:
        device = find_device(request.config.getoption("--attributionlab-device"))
        return attribution_environment.sample(said["n_samples"]).to(device)
    except AttributionLabError as error:
        raise pytest.fail.Exception(f"attribution_batch: {error}", pytrace=False) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Tell assertions where pictures of this test go, and keep what they find for the end."""
    rows: list[dict[str, str]] = []
    tokens = ARTIFACTS.set(lambda: _folder_of(item)), FOUND.set(rows)
    try:
        return (yield)
    finally:
        ARTIFACTS.reset(tokens[0])
        FOUND.reset(tokens[1])
        item.user_properties.extend((MARKER, row) for row in rows)  # they travel with the report, from workers as well


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The faithfulness table of the methods under test, if there were any."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    called = [report for report in reports if getattr(report, "when", None) == "call"]
    rows = [row for report in called for name, row in report.user_properties if name == MARKER]
    if not rows:
        return
    unique = {tuple(str(row[column]) for column in COLUMNS): None for row in rows}
    lines = [COLUMNS, *sorted(unique)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(COLUMNS))]
    terminalreporter.section("faithfulness (attributionlab)")
    for line in lines:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        terminalreporter.write_line(text, green=line[-1] == "passed", red=line[-1] == "failed")


def _defaults(config: pytest.Config) -> dict[str, Any]:
    return FULL if config.getoption("--attributionlab-full") else QUICK


def _said(marker: pytest.Mark, config: pytest.Config, where: str) -> dict[str, Any]:
    """The marker's options and the defaults of those that it leaves out.

    Raises:
        pytest.Collector.CollectError: If it has other options, or a list is empty.
    """
    defaults = _defaults(config)
    if marker.args:
        raise pytest.Collector.CollectError(
            f"{where}: the marker attributionlab takes options by name, got {marker.args[0]!r}"
        )
    for name, value in marker.kwargs.items():
        if name not in defaults:
            known = ", ".join(defaults)
            raise pytest.Collector.CollectError(
                f"{where}: the marker attributionlab has no option {name!r}; known: {known}"
            )
        if name in ("environments", "seeds") and (not isinstance(value, (list, tuple)) or not value):
            raise pytest.Collector.CollectError(
                f"{where}: `{name}` of the marker attributionlab must be a list of at least one, got {value!r}"
            )
    return {**defaults, **marker.kwargs}


def _folder_of(item: pytest.Item) -> Path:
    """A folder for the pictures of a test."""
    name = re.sub(r"\W+", "-", item.name).strip("-")[:60]
    folder = item.config.getoption("--attributionlab-artifacts")
    if folder is None:
        factory: Any = item.config._tmp_path_factory  # type: ignore[attr-defined]  # noqa: SLF001  # what the fixture tmp_path_factory is
        return Path(factory.mktemp(f"attributionlab-{name}"))
    path = Path(folder) / name
    path.mkdir(parents=True, exist_ok=True)
    return path
