"""Records of finished jobs: one line of JSON each, with a checksum, and read one by one.

`{"crc32":"89abcdef","record":{...}}`: a line that is cut off or changed by one bit is detected. Only whole lines are appended,
by one process; a run that is killed at any moment leaves at most one damaged line, the last.
"""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Self

import orjson

from attributionlab.errors import bad_option
from attributionlab.measuring.facts import MapFacts
from attributionlab.measuring.failure import Failure
from attributionlab.runs.jobs import Job

RECORDS_FILE = "records.jsonl"

_PREFIX = b'{"crc32":"%08x","record":'
_PREFIX_LENGTH = len(_PREFIX % 0)
_JOB_FIELDS = tuple(entry.name for entry in dataclasses.fields(Job))
_BLOCK = 1 << 20
_KEY = re.compile(rb'"key":"([0-9a-f]{32})"')


@dataclass(frozen=True)
class Record:
    """Result of a job.

    Args:
        job: The job.
        scores: Scores per image, by name: kind of truth and score for agreement (`positive.f1`), `score` for a metric; None where
            undefined. Empty if the method or the metric failed.
        curves: Curves, for metrics that have them: `at` (s,), fractions of the pixels, and `values` (images, s).
        n_zero_maps: Maps that are zero everywhere.
        facts: Counts over the maps that explain their scores, as `MapFacts` gives them; empty for metrics and failures.
        games: Largest l1 distance of the first maps to the exact values of each game, by `game@baseline`; None where all values are 0.
            Only in the record of the first images, for games whose values take no random orders.
        diagnostics: What the method recorded of its own work, per image.
        n_maps: Images whose maps are stored.
        error: Why there are no scores, or None.
        seconds: Time that the method, or the metric, took.
        peak_memory: Largest memory of the process during the job, or of its tensors on a GPU, in bytes.
        device: `cpu`, or the name of the GPU.
        versions: Versions of the software that was used.
        higher_is_better: Direction of the metric; None for agreement, and in records of earlier versions.
        quantity: Quantity that the curves of the metric show; None as for `higher_is_better`.
        bounds: Least and greatest score of the metric, None for no bound; None as for `higher_is_better`.
    """

    job: Job
    scores: dict[str, list[float | None]] = field(default_factory=dict)
    curves: dict[str, Any] | None = None
    n_zero_maps: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    games: dict[str, float | None] = field(default_factory=dict)
    diagnostics: dict[str, list[float | None]] = field(default_factory=dict)
    n_maps: int = 0
    error: Failure | None = None
    seconds: float = 0.0
    peak_memory: int = 0
    device: str = "cpu"
    versions: dict[str, str] = field(default_factory=dict)
    higher_is_better: bool | None = None
    bounds: Sequence[float | None] | None = None
    quantity: str | None = None

    @property
    def environment(self) -> str:
        """Canonical spec, seeds included."""
        return self.job.environment

    @property
    def method(self) -> str:
        """Canonical spec, or address of a function."""
        return self.job.method

    @property
    def measure(self) -> str:
        """`agreement`, or the canonical spec of a metric."""
        return self.job.measure

    @property
    def start(self) -> int:
        """Index of the first image."""
        return self.job.start

    @property
    def stop(self) -> int:
        """Index behind the last image."""
        return self.job.stop

    def to_line(self) -> bytes:
        """Stored form, with the newline."""
        return encode(self.job.key, self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Record from the contents of a line; fields that were left out are empty."""
        job = Job(**{name: stored[name] for name in _JOB_FIELDS if name in stored})
        fields = {name: stored[name] for name in _FIELDS if name in stored}
        if fields["error"] is not None:
            fields["error"] = Failure(**fields["error"])
        return cls(job, **fields)


_FIELDS = tuple(entry.name for entry in dataclasses.fields(Record) if entry.name != "job")


def encode(key: str, record: Record) -> bytes:
    """A record as a line; NaN and infinity become null."""
    fields = {name: getattr(record, name) for name in _FIELDS}
    return framed(orjson.dumps({"key": key, **record.job.definition, **fields}, option=orjson.OPT_SERIALIZE_NUMPY))


def framed(body: bytes) -> bytes:
    """JSON as a line with its checksum."""
    return _PREFIX % zlib.crc32(body) + body + b"}\n"


def unframed(line: bytes) -> bytes:
    """The JSON of a whole line."""
    return line[_PREFIX_LENGTH:-2]


def is_whole(line: bytes) -> bool:
    """Whether a line is complete and fits its checksum."""
    return line.endswith(b"}\n") and line.startswith(_PREFIX % zlib.crc32(unframed(line)))


Bulk = Literal["scores", "curves"]
_BULK: dict[Bulk, bytes] = {"scores": b',"scores":{', "curves": b',"curves":{'}
"""Marks where the bulky fields start; quotes in text are escaped, so it cannot match elsewhere."""


def decode(line: bytes, without: Bulk | None = None) -> dict[str, Any]:
    """Contents of a whole line.

    Args:
        line: The line.
        without: First bulky field that is left out, unread: `scores` leaves out both, `curves` only itself.
    """
    body = unframed(line)
    begin = -1 if without is None else body.find(_BULK[without])
    if begin >= 0:
        body = body[:begin] + body[body.index(b',"n_zero_maps":', begin) :]
    fields: dict[str, Any] = orjson.loads(body)
    return fields


@dataclass(frozen=True)
class Damage:
    """A line that is not a whole record.

    Args:
        number: Its number in the file, from 1.
        key: Key of its job, or None if unreadable.
        cut: Whether it is cut off; otherwise its contents have changed.
    """

    number: int
    key: str | None
    cut: bool

    def __str__(self) -> str:
        defect = "is cut off" if self.cut else "is damaged"
        return f"{RECORDS_FILE}:{self.number} {defect}" + ("" if self.key is None else f" (job {self.key})")


def scan(path: Path) -> Iterator[tuple[int, bytes, Damage | None]]:
    """Every line of a file of records: its offset in bytes, the line, and its damage or None."""
    for offset, line, parsed in _parsed(path, "scores"):
        yield offset, line, parsed if isinstance(parsed, Damage) else None


def _parsed(path: Path, without: Bulk | None) -> Iterator[tuple[int, bytes, dict[str, Any] | Damage]]:
    """Every line with its offset, and its contents or its damage."""
    offset = 0
    with path.open("rb", buffering=_BLOCK) as lines:
        for number, line in enumerate(lines, start=1):
            parsed = decode_checked(line, without) if is_whole(line) else None
            yield offset, line, _damage(number, line) if parsed is None else parsed
            offset += len(line)


def decode_checked(line: bytes, without: Bulk | None = None) -> dict[str, Any] | None:
    """Contents of a whole line, as `decode` gives them; None if they are not a record although the checksum fits."""
    if without == "scores" and _BULK["scores"] not in line:
        return None
    try:
        stored = decode(line, without)
    except ValueError:
        return None
    if without != "scores" and isinstance(stored, dict) and "scores" not in stored:
        return None
    return stored if isinstance(stored, dict) and _is_record(stored) else None


def _damage(number: int, line: bytes) -> Damage:
    key = _KEY.search(line)
    return Damage(number, key and key[1].decode(), cut=not line.endswith(b"\n"))


def valid(
    path: Path, damaged: list[Damage] | None = None, without: Bulk | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """One record per job with its offset: the first that did not fail, else the last.

    Args:
        path: The file; one that does not exist has no records.
        damaged: List that damage is appended to; damaged lines are left out.
        without: First bulky field that is left out of each record, as in `decode`.
    """
    if not path.exists():
        return
    succeeded: set[bytes] = set()
    failed: dict[bytes, int] = {}
    for offset, _, parsed in _parsed(path, without):
        if isinstance(parsed, Damage):
            if damaged is not None:
                damaged.append(parsed)
            continue
        key = bytes.fromhex(parsed["key"])
        if parsed["error"] is not None:
            failed[key] = offset
        elif key not in succeeded:
            succeeded.add(key)
            yield offset, parsed
    failed_offsets = [offset for key, offset in failed.items() if key not in succeeded]
    yield from zip(failed_offsets, read_at(path, failed_offsets, without), strict=True)


def read_at(path: Path, offsets: Sequence[int], without: Bulk | None = None) -> Iterator[dict[str, Any]]:
    """Read the records at these offsets, which `valid` has returned.

    Raises:
        BadOption: If a line is not a record: the file has changed since, or bulky fields, which `valid` may skip, are wrong.
    """
    if not offsets:  # of a run that has not begun, there may be no file
        return
    with path.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            line = file.readline()
            stored = decode_checked(line, without) if is_whole(line) else None
            if stored is None:
                raise bad_option("run", f"have an undamaged {RECORDS_FILE}", str(path), f"see byte {offset}")
            yield stored


def _is_record(stored: dict[str, Any]) -> bool:
    """Whether the fields have the types of a record; bulky fields may be missing.

    Types are compared as sets: a run may have a million records.
    """
    try:
        start, stop, error, curves = stored["start"], stored["stop"], stored["error"], stored.get("curves")
        counts = (start, stop, stored["n_zero_maps"], stored["n_maps"], stored["peak_memory"])
        texts = (stored["environment"], stored["method"], stored["measure"], stored["code"], stored["device"])
        return (
            _IS_KEY(stored["key"]) is not None
            and set(map(type, texts)) == {str}
            and set(map(type, counts)) == {int}
            and min(counts) >= 0
            and start < stop
            and type(stored["seconds"]) in _NUMBERS
            and _are_facts(stored.get("facts", {}))
            and _are_numbers(stored.get("games", {}).values())
            and (error is None or ({*map(type, error.values())} == {str} and error.keys() == {"type", "message"}))
            and {*map(type, stored["versions"].values())} <= {str}
            and type(stored.get("target", "")) in (str, int)
            and stored.get("higher_is_better") in (True, False, None)
            and isinstance(stored.get("quantity"), str | None)
            and ("scores" not in stored or _are_scores(stored["scores"].values(), stop - start))
            and (curves is None or _are_curves(curves, stop - start))
        )
    except (KeyError, TypeError, AttributeError):
        return False


_IS_KEY = re.compile("[0-9a-f]{32}").fullmatch
_NUMBERS = {int, float}
_NUMBERS_OR_NONE = {int, float, type(None)}
_FACTS = {*(entry.name for entry in dataclasses.fields(MapFacts)), "perfect_f1"}  # the last one of an earlier version


def _are_scores(rows: Collection[list[Any]], length: int) -> bool:
    return {*map(type, rows)} <= {list} and {*map(len, rows)} <= {length} and _are_numbers(chain.from_iterable(rows))


def _are_numbers(values: Iterable[Any]) -> bool:
    return {*map(type, values)} <= _NUMBERS_OR_NONE


def _are_facts(facts: dict[str, Any]) -> bool:
    numbers = {name: value for name, value in facts.items() if name != "zero_reason"}
    return facts.keys() <= _FACTS and _are_numbers(numbers.values()) and isinstance(facts.get("zero_reason", ""), str)


def _are_curves(curves: dict[str, Any], n_images: int) -> bool:
    at, rows = curves["at"], curves["values"]
    return _are_numbers(at) and len(rows) == n_images and _are_scores(rows, len(at))
