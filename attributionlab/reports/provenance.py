"""Where the numbers of a run come from: the plan, what measured it, how long it took, what failed."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

from attributionlab.experiments import Records


@dataclass(frozen=True)
class Failure:
    """A record without scores."""

    environment: str
    method: str
    measure: str
    images: str
    type: str
    message: str


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
        failures: What failed.
    """

    plan: dict[str, str]
    versions: dict[str, str]
    devices: dict[str, int]
    n_jobs: int
    n_records: int
    seconds: float
    seconds_by_method: dict[str, float]
    peak_memory: float | None
    failures: tuple[Failure, ...]


def provenance(records: Records) -> Provenance:
    """One pass over all records."""
    made_with: set[tuple[tuple[str, str], ...]] = set()
    devices: Counter[str] = Counter()
    seconds = dict.fromkeys(records.plan.methods, 0.0)
    failures, n_records, peak = [], 0, 0
    for record in records.heads():
        n_records += 1
        devices[record.device] += 1
        seconds[record.method] = seconds.get(record.method, 0.0) + record.seconds
        peak = max(peak, record.peak_memory or 0)
        made_with.add(tuple(record.versions.items()))
        if record.error is not None:
            images = f"{record.start} to {record.stop - 1}"
            at = (record.environment, record.method, record.measure, images)
            failures.append(Failure(*at, record.error.type, record.error.message))
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
        failures=tuple(sorted(failures, key=lambda one: (one.environment, one.method, one.measure, one.images))),
    )


def _text(value: Any) -> str:
    match value:
        case list() | tuple():
            return "\n".join(map(str, value))
        case dict():
            return "\n".join(f"{name}: {what}" for name, what in value.items())
    return str(value)
