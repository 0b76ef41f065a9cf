"""Job: one measurement. Unit: jobs that share maps."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cached_property

import orjson

AGREEMENT = "agreement"
"""The measure that compares maps with the exact truth; all others are specs of metrics."""

OF_OUTPUT = "output."
"""Prefix of scores against the truth of the environment's output, of methods that are judged by that of the logit (docs/verdict.md)."""

DIFFERENT_FOR_LOGITS = ("overall", "signed", "negative")
"""Kinds of truth that are different for a logit and for its probability."""


@dataclass(frozen=True)
class Job:
    """One measurement of one method on some images of one environment; its record holds the result.

    Args:
        environment: Canonical spec, seeds included.
        method: Canonical spec, or address of a function.
        measure: `agreement`, or the canonical spec of a metric.
        start: Index of the first image.
        stop: Index behind the last one.
        code: Digest of the files of functions that the spec names, so that another version of them is another job.
        target: The explained output: `winner`, `loser` or the index of a class.
    """

    environment: str
    method: str
    measure: str
    start: int
    stop: int
    code: str = ""
    target: str | int = "winner"

    @property
    def definition(self) -> dict[str, str | int]:
        """The fields by name; the winner, which is the only target of earlier versions, is left out."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in fields.items() if (name, value) != ("target", "winner")}

    @cached_property
    def key(self) -> str:
        """Digest of the definition of the job, 32 hexadecimal digits."""
        return hashlib.sha256(orjson.dumps(self.definition, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


@dataclass(frozen=True)
class Unit:
    """Jobs that share their maps; one worker does them together.

    Args:
        jobs: The same method on the same images, by measure.
        n_maps: Images, from the first one on, whose maps are stored.
    """

    jobs: tuple[Job, ...]
    n_maps: int = 0

    @property
    def key(self) -> str:
        """Key of the first job."""
        return self.jobs[0].key

    @property
    def images(self) -> tuple[str, int, int]:
        """Environment, index of the first image, index behind the last one."""
        job = self.jobs[0]
        return job.environment, job.start, job.stop
