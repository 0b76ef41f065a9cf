"""Origin of the numbers of a run: plan, versions, devices, durations and failures."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

from attributionlab.runs import Records


@dataclass(frozen=True)
class FailureGroup:
    """Failed records of a method in an environment that share an error.

    Args:
        environment: Canonical spec, with seeds.
        method: Canonical spec, or address of the function.
        type: Type of the error.
        message: Message of the error.
        measures: Names of the measures that failed.
        images: Ranges of the images that failed, as text.
    """

    environment: str
    method: str
    type: str
    message: str
    measures: tuple[str, ...]
    images: str


@dataclass(frozen=True)
class Provenance:
    """Facts about a run that its report lists.

    Args:
        plan: Entries of the plan that are not empty, by name.
        versions: Versions by package; several, separated by commas, if records differ.
        devices: Number of records by device.
        n_jobs: Number of records that the plan requires.
        n_records: Number of records so far.
        seconds: Duration of all records together.
        seconds_by_method: Duration by method, in the order of the plan.
        peak_memory: Largest memory use of any record in MiB, or None.
        n_failed: Number of failed records.
        failures: Failures grouped by method, environment and message.
    """

    plan: dict[str, str]
    versions: dict[str, str]
    devices: dict[str, int]
    n_jobs: int
    n_records: int
    seconds: float
    seconds_by_method: dict[str, float]
    peak_memory: float | None
    n_failed: int
    failures: tuple[FailureGroup, ...]


def provenance(records: Records) -> Provenance:
    """Collect the facts in one pass over all records."""
    version_sets: set[tuple[tuple[str, str], ...]] = set()
    devices: Counter[str] = Counter()
    seconds = dict.fromkeys(records.plan.methods, 0.0)
    failed: dict[tuple[str, str, str, str], list[tuple[str, int, int]]] = {}
    n_records, peak = 0, 0
    for record in records.heads():
        n_records += 1
        devices[record.device] += 1
        seconds[record.method] = seconds.get(record.method, 0.0) + record.seconds
        peak = max(peak, record.peak_memory or 0)
        version_sets.add(tuple(record.versions.items()))
        if record.error is not None:
            group = (record.environment, record.method, record.error.type, record.error.message)
            failed.setdefault(group, []).append((record.measure, record.start, record.stop))
    versions: dict[str, set[str]] = {}
    for package, number in itertools.chain.from_iterable(sorted(version_sets)):
        versions.setdefault(package, set()).add(number)
    return Provenance(
        plan={
            name: _text(value)
            for name, value in records.plan.to_dict().items()
            if value not in ([], {}, "") and name != "facts"  # for programs; verdicts and tables show them
        },
        versions={package: ", ".join(sorted(numbers)) for package, numbers in versions.items()},
        devices=dict(sorted(devices.items())),
        n_jobs=records.plan.n_jobs,
        n_records=n_records,
        seconds=sum(seconds.values()),
        seconds_by_method=seconds,
        peak_memory=peak / 2**20 if peak else None,
        n_failed=sum(map(len, failed.values())),
        failures=tuple(
            FailureGroup(*group, tuple(sorted({measure for measure, *_ in parts})), _images(parts))
            for group, parts in sorted(failed.items())
        ),
    )


def _images(parts: list[tuple[str, int, int]]) -> str:
    """Indices of images as text, with ranges for consecutive ones."""
    ranges: list[list[int]] = []
    for start, stop in sorted({(start, stop) for _, start, stop in parts}):
        if ranges and start <= ranges[-1][1]:
            ranges[-1][1] = max(ranges[-1][1], stop)
        else:
            ranges.append([start, stop])
    return ", ".join(f"{start}" if stop == start + 1 else f"{start} to {stop - 1}" for start, stop in ranges)


def _text(value: Any) -> str:
    match value:
        case list() | tuple():
            return "\n".join(map(str, value))
        case dict():
            return "\n".join(f"{name}: {entry}" for name, entry in value.items())
    return str(value)
