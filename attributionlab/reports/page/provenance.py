"""Where the numbers of a run come from: the plan, what measured it, how long it took, what failed."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

from attributionlab.runs import Records


@dataclass(frozen=True)
class FailureGroup:
    """Records of a method in an environment that failed in the same way.

    Args:
        environment: Canonical spec, with seeds.
        method: Canonical spec, or where the function is.
        type: Of the error.
        message: Of the error.
        measures: What was to be measured.
        images: On which images, as text.
    """

    environment: str
    method: str
    type: str
    message: str
    measures: tuple[str, ...]
    images: str


@dataclass(frozen=True)
class Provenance:
    """What a report says of its run.

    Args:
        plan: The entries of the plan that say something, by name.
        versions: Packages and versions that records were made with; several where they differ.
        devices: Where, and how many records.
        n_jobs: Records of the whole plan.
        n_records: Records that there are.
        seconds: Seconds of all records together.
        seconds_by_method: The same by method, in the order of the plan.
        peak_memory: The most that any record took, in MiB, or None.
        n_failed: Records that say that they failed.
        failures: The same, those that are alike together.
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
    """One pass over all records."""
    made_with: set[tuple[tuple[str, str], ...]] = set()
    devices: Counter[str] = Counter()
    seconds = dict.fromkeys(records.plan.methods, 0.0)
    failed: dict[tuple[str, str, str, str], list[tuple[str, int, int]]] = {}
    n_records, peak = 0, 0
    for record in records.heads():
        n_records += 1
        devices[record.device] += 1
        seconds[record.method] = seconds.get(record.method, 0.0) + record.seconds
        peak = max(peak, record.peak_memory or 0)
        made_with.add(tuple(record.versions.items()))
        if record.error is not None:
            alike = (record.environment, record.method, record.error.type, record.error.message)
            failed.setdefault(alike, []).append((record.measure, record.start, record.stop))
    versions: dict[str, set[str]] = {}
    for package, number in itertools.chain.from_iterable(sorted(made_with)):
        versions.setdefault(package, set()).add(number)
    return Provenance(
        plan={name: _text(value) for name, value in records.plan.to_dict().items() if value not in ([], {}, "")},
        versions={package: ", ".join(sorted(numbers)) for package, numbers in versions.items()},
        devices=dict(sorted(devices.items())),
        n_jobs=records.plan.n_jobs,
        n_records=n_records,
        seconds=sum(seconds.values()),
        seconds_by_method=seconds,
        peak_memory=peak / 2**20 if peak else None,
        n_failed=sum(map(len, failed.values())),
        failures=tuple(
            FailureGroup(*alike, tuple(sorted({measure for measure, *_ in parts})), _images(parts))
            for alike, parts in sorted(failed.items())
        ),
    )


def _images(parts: list[tuple[str, int, int]]) -> str:
    """Which images these are, those in a row as one range."""
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
            return "\n".join(f"{name}: {what}" for name, what in value.items())
    return str(value)
