"""What reports need to know of a run, wherever its records are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from attributionlab.experiments.check import MethodFailure
from attributionlab.experiments.intervals import Summary
from attributionlab.experiments.plan import Plan
from attributionlab.experiments.records import Record

Values = npt.NDArray[np.float64]


class MethodSummary(Protocol):
    """What a method did in an environment."""

    @property
    def environment(self) -> str:
        """Canonical spec, seeds included."""
        ...

    @property
    def method(self) -> str:
        """Canonical spec, or where the function is."""
        ...

    @property
    def truths(self) -> Mapping[str, Summary | None]:
        """Scores by kind of truth; None where the truth does not apply."""
        ...

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """Mean score by metric."""
        ...

    @property
    def deciding_truth(self) -> str:
        """The kind of truth that decides."""
        ...

    @property
    def passed(self) -> bool:
        """Whether the mean F1 on the deciding truth reaches gamma."""
        ...

    @property
    def n_images(self) -> int:
        """Images with scores."""
        ...

    @property
    def error(self) -> MethodFailure | None:
        """Why there are no scores, or None."""
        ...

    @property
    def seconds_per_image(self) -> float | None:
        """Time of the method alone."""
        ...


class Records(Protocol):
    """The records of a run and their plan."""

    @property
    def plan(self) -> Plan:
        """What was asked."""
        ...

    def __iter__(self) -> Iterator[Record]:
        """All records."""
        ...

    def scores(self, environment: str, method: str, measure: str = ..., name: str = ...) -> Values:
        """(n,) over the images of the plan; NaN where undefined or missing."""
        ...

    def curves(self, environment: str, method: str, metric: str) -> tuple[Values, Values] | None:
        """`at` (s,) and values (n, s), or None where there are none."""
        ...

    def maps(self, environment: str, method: str) -> npt.NDArray[np.float32] | None:
        """(n, h, w) of the first images, or None where none were saved."""
        ...

    def summaries(self) -> Sequence[MethodSummary]:
        """By environment and method, in the order of the plan."""
        ...
