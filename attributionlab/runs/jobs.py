"""What a run is cut into: one measurement each, and those that one worker does at once."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cached_property

import orjson

AGREEMENT = "agreement"
"""The measure that compares maps with the exact truth; all others are specs of metrics."""


@dataclass(frozen=True)
class Job:
    """One measurement of one method on some images of one environment: what a record answers.

    Args:
        environment: Canonical spec, seeds included.
        method: Canonical spec, or where the function is.
        measure: `agreement`, or the canonical spec of a metric.
        start: Index of the first image.
        stop: Index behind the last one.
        code: Digest of the files of functions that the spec names, so that another version of them is another job.
    """

    environment: str
    method: str
    measure: str
    start: int
    stop: int
    code: str = ""

    @cached_property
    def key(self) -> str:
        """What defines the job, digested: 32 hexadecimal digits."""
        definition = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return hashlib.sha256(orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


@dataclass(frozen=True)
class Unit:
    """Jobs that share their maps, and are done by one worker at once.

    Args:
        jobs: The same method on the same images, by measure.
        n_maps: Images from the first one on whose maps are kept.
    """

    jobs: tuple[Job, ...]
    n_maps: int = 0

    @property
    def images(self) -> tuple[str, int, int]:
        """Environment, first image, and the one behind the last."""
        job = self.jobs[0]
        return job.environment, job.start, job.stop
