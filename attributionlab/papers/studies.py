"""Studies: their setting, and their report of claims, tables and figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from attributionlab.papers.claims import JudgedClaim, Status
from attributionlab.papers.presets import Preset

Cell = str | float | None

Watch = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Takes a title and a number of jobs; gives a function that is told how many more of them are done."""


@contextmanager
def unwatched(_title: str, _total: int) -> Iterator[Callable[[int], None]]:
    """No-op watch."""
    yield lambda _n_done: None


@dataclass(frozen=True)
class StudySetting:
    """Place, amount and options of a measurement.

    Args:
        folder: Folder of the records.
        preset: Amount of work.
        workers: Processes.
        device: `auto`, `cpu` or `cuda`.
        options: Values of the paper's own options by name, without those that were left out.
        prepared: Result of the paper's `prepare`; None if the paper has none, or before it was called.
        watch: Shows progress.
        backend: `loky` on this machine; `dask` or `ray` on a cluster.
        address: Address of the cluster's scheduler; None to start one on this machine.
        failures: Collects messages of failed jobs that a study cannot assign to its claims, all of which then count as not measured.
    """

    folder: Path
    preset: Preset
    workers: int = 1
    device: str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)
    prepared: Any = None
    watch: Watch = unwatched
    backend: Literal["loky", "dask", "ray"] = "loky"
    address: str | None = None
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ReportTable:
    """A table of the report: numbers and text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class ReportFigure:
    """A picture of the report: a PNG file beside it, which the page also holds itself."""

    file: str
    title: str
    png: bytes


@dataclass(frozen=True)
class StudyReport:
    """The outcome of a study.

    Args:
        key: Name of the study on the command line.
        title: Heading.
        claims: Published claims with their findings.
        tables: Published and measured numbers side by side.
        notes: Points that the paper leaves open or contradicts, and how they were handled.
        figures: Pictures.
    """

    key: str
    title: str
    claims: tuple[JudgedClaim, ...]
    tables: tuple[ReportTable, ...] = ()
    notes: tuple[str, ...] = ()
    figures: tuple[ReportFigure, ...] = ()

    @property
    def counted(self) -> tuple[JudgedClaim, ...]:
        """The claims that are measured, and counted."""
        return tuple(judged for judged in self.claims if not judged.claim.is_arithmetic)

    @property
    def arithmetic(self) -> tuple[JudgedClaim, ...]:
        """The claims about printed numbers alone."""
        return tuple(judged for judged in self.claims if judged.claim.is_arithmetic)

    @property
    def measured_nothing(self) -> bool:
        """Whether claims could not be measured, and all others cannot be checked."""
        statuses = {finding.status for judged in self.counted for finding in judged.findings}
        return Status.unmeasured in statuses <= {Status.unmeasured, Status.unchecked}

    def without_measurements(self, reason: str) -> StudyReport:
        """The report where jobs failed; see `JudgedClaim.without_measurements`."""
        claims = tuple(judged.without_measurements(reason) for judged in self.claims)
        return dataclasses.replace(self, claims=claims)

    def to_dict(self) -> dict[str, Any]:
        """Entry of the JSON report."""
        return {
            "study": self.key,
            "title": self.title,
            "claims": [claim.to_dict() for claim in self.claims],
            "tables": [dataclasses.asdict(table) for table in self.tables],
            "notes": list(self.notes),
            "figures": [{"file": figure.file, "title": figure.title} for figure in self.figures],
        }
